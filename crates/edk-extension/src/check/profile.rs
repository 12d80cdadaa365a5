//! What a platform brings along: lists of names, as data.

use std::sync::OnceLock;

use serde::Deserialize;

/// Lists of a platform, versioned by the time they were gathered. They know less than a platform
/// has: a name that is missing makes a rule silent.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Profile {
    /// When the lists were gathered.
    pub version: String,
    /// Versions of the platform they hold for.
    pub covers: Vec<String>,
    /// Bases `local-only/<name>`.
    pub bases: Vec<String>,
    /// Bases that bring what a GPU needs.
    pub gpu_bases: Vec<String>,
    /// Bases that bring Python and the code server.
    pub python_bases: Vec<String>,
    /// Images in every platform's registry.
    pub images: Vec<String>,
    /// Charts of a platform.
    pub charts: Vec<String>,
    /// Ids of DAGs.
    pub dags: Vec<String>,
    /// Folders of operators.
    pub packages: Vec<String>,
    /// Classes of operators.
    pub operators: Vec<String>,
    /// Environment variables which the platform sets.
    pub reserved_env: Vec<String>,
    /// Values under `global` which the platform sends.
    pub globals: Vec<String>,
    /// Named templates of library charts.
    pub helpers: Vec<String>,
    /// The charts that define them.
    pub library_charts: Vec<String>,
    /// Paths the platform answers itself.
    pub paths: Vec<String>,
}

impl Profile {
    /// Returns the lists this program comes with.
    pub fn get() -> &'static Self {
        static PROFILE: OnceLock<Profile> = OnceLock::new();
        // A test holds that the file can be read.
        PROFILE.get_or_init(|| {
            toml::from_str(include_str!("../../profiles/kaapana.toml")).unwrap_or_default()
        })
    }

    /// Says whether one of the lists has a name.
    pub fn has(list: &[String], name: &str) -> bool {
        list.iter().any(|it| it == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_can_be_read_and_fit_together() {
        let profile = Profile::get();
        assert!(profile.images.len() > 30, "{}", profile.images.len());
        let within = |some: &[String], all: &[String]| some.iter().all(|it| all.contains(it));
        assert!(within(&profile.gpu_bases, &profile.bases));
        assert!(within(&profile.python_bases, &profile.bases));
        assert!(within(&profile.library_charts, &profile.charts));
    }
}
