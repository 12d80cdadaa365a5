//! What the result of a step depends on. The key of a step is made of this and of nothing else, so
//! that what is told about a rebuilt step is why it was rebuilt.

use std::fmt::Write as _;

use edk_model::{Digest, Hasher};
use serde::{Deserialize, Serialize};

use crate::{
    Layer, Plan,
    context::{Content, Source},
    image::diff_ids,
    key::KeyMaker,
    plan::{Action, BindFrom, Destination, Origin, PlannedMount, PlannedRun, Step},
};

/// Names of inputs that are told in a sentence of their own.
pub(crate) const BELOW: &str = "the layers below";
pub(crate) const INSTRUCTION: &str = "the instruction";

/// The inputs of one step: each with a name that users know and what tells its states apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inputs(pub(crate) Vec<(String, String)>);

impl Inputs {
    /// Returns the inputs of `step` of `plan` on the layers `below`; `earlier` are the layers of the
    /// stages built before, and `squashed` says whether all files belong to one id.
    pub(crate) fn of(
        plan: &Plan,
        step: &Step,
        below: &[Layer],
        earlier: &[Vec<Layer>],
        squashed: bool,
    ) -> Self {
        let mut inputs = Self(Vec::new());
        inputs.add("the compression", format!("{:?}", plan.compression));
        match &step.action {
            Action::Folder { path, owner } => {
                inputs.add(INSTRUCTION, format!("folder {path:?} {owner:?}"));
            }
            Action::Run(run) => {
                inputs.run(run, earlier);
                // What was made without owners is not what would be made with them.
                inputs.add("the ids of the user", squashed.to_string());
            }
            Action::Copy { from, to } => inputs.copy(from, to, earlier),
        }
        // A linked copy says that it does not look at them.
        let linked = matches!(&step.action, Action::Copy { to, .. } if to.looks_at_nothing());
        if !linked {
            inputs.add(BELOW, chain(below));
        }
        inputs
    }

    /// Returns the key under which the step's result is kept.
    pub(crate) fn key(&self) -> Digest {
        let mut key = KeyMaker::new("step", &[]);
        for (name, value) in &self.0 {
            key.add(name).add(value);
        }
        key.finish()
    }

    /// Returns them with short digests for values, to be remembered.
    pub(crate) fn shortened(&self) -> Self {
        let short = |value: &String| Digest::of(value.as_bytes()).hex()[..16].to_owned();
        Self(self.0.iter().map(|(name, value)| (name.clone(), short(value))).collect())
    }

    fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    fn copy(&mut self, from: &Origin, to: &Destination, earlier: &[Vec<Layer>]) {
        let Destination { path, into_folder, owner, mode, link, parents, exclude } = to;
        let mode = mode.as_ref().map(|mode| mode.canonical());
        let mut text = format!("copy {path:?} {into_folder} {owner:?} {mode:?} {link} {parents}");
        let _ = write!(text, " {exclude:?}");
        match from {
            Origin::Context(sources) => {
                for source in sources {
                    let Source { name, is_dir, mode, unpack, .. } = source;
                    let _ = write!(text, " {name:?} {is_dir} {mode:o} {unpack}");
                }
                self.add(INSTRUCTION, text);
                sources.iter().for_each(|source| self.source(source));
            }
            Origin::Stage { at, name, patterns } => {
                self.add(INSTRUCTION, format!("{text} {patterns:?}"));
                self.add(format!("stage `{name}`"), chain(earlier.get(*at).map_or(&[], |it| it)));
            }
            Origin::Image { image, name, patterns } => {
                self.add(INSTRUCTION, format!("{text} {patterns:?}"));
                self.add(format!("image `{name}`"), chain(&image.layers));
            }
        }
    }

    fn source(&mut self, source: &Source) {
        for entry in &source.entries {
            let kind = match &entry.content {
                Content::Memory { .. } => "here-document",
                Content::Blob { .. } => "address",
                Content::Dir => "folder",
                _ => "file",
            };
            let name = format!("{kind} `{}`", entry.path.display());
            let mut value = format!("{:?} {:o} ", entry.relative, entry.mode);
            value.push_str(&entry.content.identity());
            for (name, bytes) in &entry.xattrs {
                let _ = write!(value, " {name:?}={}", Digest::of(bytes));
            }
            self.add(name, value);
        }
    }

    fn run(&mut self, run: &PlannedRun, earlier: &[Vec<Layer>]) {
        let PlannedRun { argv, env, passing: _, user, cwd, mounts, scripts, offline } = run;
        self.add(INSTRUCTION, format!("run {argv:?} {scripts:?} {offline}"));
        self.add("USER", user);
        self.add("WORKDIR", cwd);
        for (name, value) in env {
            self.add(format!("variable {name}"), value);
        }
        for mount in mounts {
            match mount {
                // What a cache holds must not change the result, as for every builder; nor must
                // what a secret is.
                PlannedMount::Cache { id, target, read_only, sharing, look } => {
                    self.add(
                        "a cache",
                        format!("{id:?} {target:?} {read_only} {sharing:?} {look:?}"),
                    );
                }
                PlannedMount::Tmpfs { target, size } => {
                    self.add("a tmpfs", format!("{target:?} {size:?}"));
                }
                PlannedMount::Secret { id, target, env, look } => {
                    self.add("a secret", format!("{id:?} {target:?} {env:?} {look:?}"));
                }
                PlannedMount::Bind { from, target, writable } => {
                    let text = format!("{target:?} {writable}");
                    match from {
                        BindFrom::Context(source) => {
                            self.add(
                                "a bind",
                                format!("{text} {} {:o}", source.is_dir, source.mode),
                            );
                            self.source(source);
                        }
                        BindFrom::Stage { at, name, source } => {
                            self.add("a bind", format!("{text} {source:?}"));
                            let layers = earlier.get(*at).map_or(&[][..], |it| it);
                            self.add(format!("stage `{name}`"), chain(layers));
                        }
                        BindFrom::Image { image, name, source } => {
                            self.add("a bind", format!("{text} {source:?}"));
                            self.add(format!("image `{name}`"), chain(&image.layers));
                        }
                    }
                }
            }
        }
    }
}

/// One digest for layers in their order.
fn chain(layers: &[Layer]) -> String {
    let mut hasher = Hasher::new();
    for digest in diff_ids(layers) {
        hasher.update(digest.to_string().as_bytes());
        hasher.update(b" ");
    }
    hasher.finish().to_string()
}
