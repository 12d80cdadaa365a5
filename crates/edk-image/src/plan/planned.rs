//! A plan as a value.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    Compression, Config, Image,
    beneath::Root,
    context::Source,
    dockerfile::{Look, Sharing},
    mode::Mode,
    value::Owner,
};

/// The steps of a build, ready to be carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The Dockerfile's name.
    pub(crate) file: String,
    /// The context, held open.
    pub(crate) context: Arc<Root>,
    /// What tells this Dockerfile with this target from others, for the memory of its last build.
    pub(crate) identity: String,
    /// The stages, each after those it needs; the last one is the image.
    pub(crate) stages: Vec<PlannedStage>,
    /// How layers are compressed.
    pub(crate) compression: Compression,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlannedStage {
    pub(crate) base: PlannedBase,
    pub(crate) steps: Vec<Step>,
    /// The configuration after all steps.
    pub(crate) config: Config,
    /// Its name in the file, or its number.
    pub(crate) name: String,
}

impl PlannedStage {
    /// The images that it takes files from, its base apart.
    pub(crate) fn images(&self) -> impl Iterator<Item = &Image> {
        self.steps.iter().flat_map(|step| -> Vec<&Image> {
            match &step.action {
                Action::Copy { from: Origin::Image { image, .. }, .. } => vec![image.as_ref()],
                Action::Run(run) => {
                    let mounts = run.mounts.iter().filter_map(|mount| match mount {
                        PlannedMount::Bind { from: BindFrom::Image { image, .. }, .. } => {
                            Some(image.as_ref())
                        }
                        _ => None,
                    });
                    mounts.collect()
                }
                _ => Vec::new(),
            }
        })
    }

    /// The stages it needs, by their place in the plan.
    pub(crate) fn needs(&self) -> BTreeSet<usize> {
        let mut needs = BTreeSet::new();
        if let PlannedBase::Stage(at) = self.base {
            needs.insert(at);
        }
        for step in &self.steps {
            match &step.action {
                Action::Copy { from: Origin::Stage { at, .. }, .. } => {
                    needs.insert(*at);
                }
                Action::Run(run) => {
                    needs.extend(run.mounts.iter().filter_map(|mount| match mount {
                        PlannedMount::Bind { from: BindFrom::Stage { at, .. }, .. } => Some(*at),
                        _ => None,
                    }));
                }
                _ => {}
            }
        }
        needs
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PlannedBase {
    Scratch,
    Image(Box<Image>),
    /// An earlier stage of the same plan.
    Stage(usize),
}

/// One layer to come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// The instruction as written.
    pub(crate) text: String,
    /// Where it stands, as `file:line`.
    pub(crate) place: String,
    pub(crate) action: Action,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Copy {
        from: Origin,
        to: Destination,
    },
    Run(PlannedRun),
    /// A folder that must be there; what of it is made belongs to the user.
    Folder {
        path: String,
        owner: Option<Owner>,
    },
}

/// Where copied files come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    Context(Vec<Source>),
    /// Paths in an earlier stage of the same plan.
    Stage {
        at: usize,
        name: String,
        patterns: Vec<String>,
    },
    Image {
        image: Box<Image>,
        name: String,
        patterns: Vec<String>,
    },
}

/// Where copied files go, and how they look there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// Absolute path inside.
    pub(crate) path: String,
    pub(crate) into_folder: bool,
    /// `None`: root for files of the context, the owner they have for files of an image.
    pub(crate) owner: Option<Owner>,
    pub(crate) mode: Option<Mode>,
    /// Whether the layers below are not looked at.
    pub(crate) link: bool,
    /// Whether sources keep their folders.
    pub(crate) parents: bool,
    /// What of the files of an image is left out.
    pub(crate) exclude: Vec<String>,
}

impl Destination {
    /// Whether the layer is the same whatever it lies on: names of owners would have to be looked
    /// up there.
    pub(crate) fn looks_at_nothing(&self) -> bool {
        self.link && self.owner.as_ref().is_none_or(|owner| owner.numbers().is_some())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlannedRun {
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    /// Predefined arguments, which count for nothing (Dockerfile reference, "Predefined ARGs").
    pub(crate) passing: Vec<(String, String)>,
    pub(crate) user: String,
    pub(crate) cwd: String,
    pub(crate) mounts: Vec<PlannedMount>,
    /// Scripts by their absolute path inside.
    pub(crate) scripts: Vec<(String, String)>,
    pub(crate) offline: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PlannedMount {
    Cache { id: String, target: String, read_only: bool, sharing: Sharing, look: Look },
    Bind { from: BindFrom, target: String, writable: bool },
    Tmpfs { target: String, size: Option<u64> },
    Secret { id: String, target: Option<String>, env: Option<String>, look: Look },
}

/// What a `RUN --mount=type=bind` shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BindFrom {
    Context(Source),
    Stage { at: usize, name: String, source: String },
    Image { image: Box<Image>, name: String, source: String },
}

impl Plan {
    /// Returns how many layers the build makes or reuses.
    pub fn steps(&self) -> usize {
        self.stages.iter().map(|stage| stage.steps.len()).sum()
    }
}
