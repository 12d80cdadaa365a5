//! `RUN` -> the process that is run.

use std::path::Path;

use edk_model::Finding;

use super::{Action, PlannedMount, PlannedRun, Planner, State};
use crate::{
    context::Content,
    dockerfile::{Mount, Run},
    key::KeyMaker,
};

impl Planner<'_> {
    pub(super) fn run(&self, state: &State, run: &Run) -> Result<Action, Finding> {
        let mut env = state.config.env.clone();
        for (name, value) in &state.args {
            if !env.iter().any(|(key, _)| key == name) {
                env.push((name.clone(), value.clone()));
            }
        }
        let cwd = if state.config.working_dir.is_empty() { "/" } else { &state.config.working_dir };
        let mounts = run.mounts.iter().map(|mount| self.mount(state, mount));
        Ok(Action::Run(PlannedRun {
            argv: state.shell(&run.command),
            env,
            user: state.config.user.clone(),
            cwd: cwd.to_owned(),
            mounts: mounts.collect::<Result<_, _>>()?,
            offline: run.offline,
        }))
    }

    fn mount(&self, state: &State, mount: &Mount) -> Result<PlannedMount, Finding> {
        let word = |text: &str| state.expand(text);
        let absolute = |text: &str| word(text).map(|path| state.absolute(&path));
        Ok(match mount {
            Mount::Cache { target, id } => {
                PlannedMount::Cache { id: word(id)?, target: absolute(target)? }
            }
            Mount::Tmpfs { target } => PlannedMount::Tmpfs { target: absolute(target)? },
            Mount::Bind { target, source } => {
                let (target, source) = (absolute(target)?, word(source)?);
                let found = self.context.sources(&source);
                let found = found.map_err(|problem| self.source_finding(&source, problem))?;
                let mut key = KeyMaker::new("bind", &[]);
                for entry in found.iter().flat_map(|source| &source.entries) {
                    key.path(&entry.relative).add(&entry.mode.to_string());
                    match &entry.content {
                        Content::Dir => key.add("dir"),
                        Content::Link(target) => key.path(target),
                        Content::File { digest, .. } | Content::Memory { digest, .. } => {
                            key.add(&digest.to_string())
                        }
                    };
                }
                let source = self.request.context.join(Path::new(&source));
                PlannedMount::Bind { source, digest: key.finish(), target }
            }
        })
    }
}
