/// A line of releases of the platform, as far as its API differs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// 0.4.0 to 0.4.2.
    V04,
    /// 0.5.0.
    V050,
    /// 0.5.1 to 0.5.3.
    V05,
    /// 0.6.0.
    #[default]
    V06,
}

impl Profile {
    /// All of them, the oldest first.
    pub const ALL: [Self; 4] = [Self::V04, Self::V050, Self::V05, Self::V06];

    /// Returns the name by which it is chosen.
    pub fn name(self) -> &'static str {
        match self {
            Self::V04 => "0.4",
            Self::V050 => "0.5.0",
            Self::V05 => "0.5",
            Self::V06 => "0.6",
        }
    }

    /// Returns the profile called `name`, or `None`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// Returns the build version which a platform of the newest release of this line has.
    pub fn build_version(self) -> &'static str {
        match self {
            Self::V04 => "0.4.2",
            Self::V050 => "0.5.0",
            Self::V05 => "0.5.3",
            Self::V06 => "0.6.0",
        }
    }

    /// Status of the answer to an install of what is installed.
    pub(crate) fn already_installed(self) -> u16 {
        match self {
            Self::V04 => 500,
            Self::V050 => 204,
            Self::V05 | Self::V06 => 200,
        }
    }

    /// Whether the body of an error is JSON with a `detail`, instead of the plain text.
    pub(crate) fn has_details(self) -> bool {
        self >= Self::V05
    }
}
