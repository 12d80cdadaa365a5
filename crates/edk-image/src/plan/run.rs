//! `RUN` -> the process that is run.

use edk_model::Finding;

use super::{Action, BindFrom, PlannedMount, PlannedRun, Planner, State, copy::unknown_origin};
use crate::{
    dockerfile::{Mount, Run},
    patterns::Rules,
};

/// Arguments that reach commands without `ARG` and are kept nowhere (Dockerfile reference,
/// "Predefined ARGs").
const PREDEFINED: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

impl Planner<'_> {
    pub(super) fn run(&self, number: usize, state: &State, run: &Run) -> Result<Action, Finding> {
        let mut env = state.config.env.clone();
        for (name, value) in &state.args {
            if !env.iter().any(|(key, _)| key == name) {
                env.push((name.clone(), value.clone()));
            }
        }
        let passing = self.request.args.iter().filter(|(name, _)| {
            PREDEFINED.contains(&name.as_str()) && !env.iter().any(|(key, _)| key == *name)
        });
        let passing = passing.map(|(name, value)| (name.clone(), value.clone())).collect();
        let cwd = if state.config.working_dir.is_empty() { "/" } else { &state.config.working_dir };
        let mut mounts = Vec::new();
        for mount in &run.mounts {
            mounts.extend(self.mount(number, state, mount)?);
        }
        let scripts = run.scripts.iter().map(|file| (file.name.clone(), file.content.clone()));
        Ok(Action::Run(PlannedRun {
            argv: state.shell(&run.command),
            env,
            passing,
            user: state.config.user.clone(),
            cwd: cwd.to_owned(),
            mounts,
            scripts: scripts.collect(),
            offline: run.offline,
        }))
    }

    fn mount(
        &self,
        number: usize,
        state: &State,
        mount: &Mount,
    ) -> Result<Option<PlannedMount>, Finding> {
        let word = |text: &str| state.expand(text);
        let absolute = |text: &str| word(text).map(|path| state.absolute(&path));
        Ok(Some(match mount {
            Mount::Cache { target, id, read_only, sharing, look } => PlannedMount::Cache {
                id: word(id)?,
                target: absolute(target)?,
                read_only: *read_only,
                sharing: *sharing,
                look: *look,
            },
            Mount::Tmpfs { target, size } => {
                PlannedMount::Tmpfs { target: absolute(target)?, size: *size }
            }
            Mount::Bind { target, source, from, writable } => {
                let from = self.bind(number, from.as_deref(), word(source)?)?;
                PlannedMount::Bind { from, target: absolute(target)?, writable: *writable }
            }
            Mount::Secret { id, target, env, required, look } => {
                let id = word(id)?;
                if !self.request.options.secrets.contains(&id) {
                    return if *required { Err(missing_secret(&id)) } else { Ok(None) };
                }
                let target = target.as_deref().map(absolute).transpose()?;
                PlannedMount::Secret { id, target, env: env.clone(), look: *look }
            }
        }))
    }

    fn bind(&self, number: usize, from: Option<&str>, source: String) -> Result<BindFrom, Finding> {
        let Some(name) = from else {
            let mut found = self
                .context
                .sources(&source, &Rules::default())
                .map_err(|problem| self.source_finding(&source, problem))?;
            return match (found.pop(), found.pop()) {
                (Some(only), None) => Ok(BindFrom::Context(only)),
                _ => {
                    let message =
                        format!("`source={source}` is a pattern that several files match");
                    Err(Finding::error("dockerfile/malformed", message)
                        .fix("name one file or folder"))
                }
            };
        };
        let (at, name) = (self.planned_stage(number, name, true), name.to_owned());
        match (at, self.images.get(&name)) {
            (Some(at), _) => Ok(BindFrom::Stage { at, name, source }),
            (None, Some(image)) => {
                Ok(BindFrom::Image { image: Box::new(image.clone()), name, source })
            }
            (None, None) => Err(unknown_origin(&name)),
        }
    }
}

fn missing_secret(id: &str) -> Finding {
    let message = format!("the secret `{id}` is required and was not given");
    Finding::error("dockerfile/missing-secret", message).fix(format!(
        "give it: `edk build --secret id={id},src=FILE` or `--secret id={id},env=VARIABLE`"
    ))
}
