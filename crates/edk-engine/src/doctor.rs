use std::sync::PoisonError;

use edk_container::{Network, RunSpec};
use edk_image::installer_base;
use edk_model::{Explain, Failure, Monitor};
use edk_target::Client;
use nix::sys::statvfs::statvfs;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Engine, EngineError, target::SANDBOX};

/// What a first build with its base takes, in bytes.
const SPACE_WANTED: u64 = 5_000_000_000;
/// With less than this nothing can be built, in bytes.
const SPACE_NEEDED: u64 = 500_000_000;

/// Look at this machine.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct DoctorRequest {
    /// Whether to start a container even if one has started and nothing has changed since.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub again: bool,
}

/// One thing that was looked at on this machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Diagnosis {
    /// Stable id of the check, such as `disk-space`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Health,
    /// What was found, a few words.
    pub title: String,
    /// What it means, one or two sentences.
    pub detail: String,
    /// What to do about it, when we know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Remedy>,
}

/// How bad a [`Diagnosis`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Health {
    /// Nothing is wrong.
    Ok,
    /// Worth knowing.
    Hint,
    /// Something will not work.
    Warning,
    /// Nothing will work.
    Error,
}

/// What to do about a [`Diagnosis`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Remedy {
    /// What is done, in the imperative.
    pub label: String,
    /// The job that does it, when we can: the input of `start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<RemedyJob>,
    /// What to type in a terminal instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cli: Option<String>,
}

/// A job that mends something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct RemedyJob {
    /// Name of the command.
    pub command: String,
    /// Its input.
    pub input: Value,
}

impl Diagnosis {
    pub(crate) fn ok(id: &'static str, title: &str, detail: impl Into<String>) -> Self {
        let (title, detail) = (title.to_owned(), detail.into());
        Self { id, severity: Health::Ok, title, detail, fix: None }
    }

    pub(crate) fn failed(id: &'static str, title: &str, error: &dyn Explain) -> Self {
        let Failure { what, why, hints, .. } = Failure::explain(error);
        let detail = [vec![what], why].concat().join(": ");
        let fix = hints.into_iter().next().map(Remedy::advice);
        Self { id, severity: Health::Error, title: title.to_owned(), detail, fix }
    }

    pub(crate) fn severity(self, severity: Health) -> Self {
        Self { severity, ..self }
    }

    pub(crate) fn fix(self, fix: Remedy) -> Self {
        Self { fix: Some(fix), ..self }
    }
}

impl Remedy {
    pub(crate) fn advice(label: String) -> Self {
        Self { label, command: None, cli: None }
    }

    /// What to type in a terminal.
    pub(crate) fn cli(label: &str, cli: String) -> Self {
        Self { label: label.to_owned(), command: None, cli: Some(cli) }
    }
}

impl Engine {
    /// Looks at what the work needs of this machine, each thing in the way the work uses it. A
    /// container that started is not started again while nothing it depends on has changed, unless
    /// the request says so.
    pub fn doctor(&self, request: DoctorRequest, monitor: &Monitor) -> Vec<Diagnosis> {
        let data = self.check_data_folder();
        let usable = data.severity == Health::Ok;
        let mut all = vec![data];
        // Without a place to work in there is nothing more to learn.
        if usable {
            all.push(self.check_space());
            all.push(self.check_containers(request.again, monitor));
            all.push(self.check_bases());
            all.push(self.check_sandbox(monitor));
        }
        all
    }

    fn check_data_folder(&self) -> Diagnosis {
        let (id, folder) = ("data-folder", &self.setup.data);
        let try_it = || -> Result<(), EngineError> {
            let io = |source| EngineError::io(folder, source);
            std::fs::create_dir_all(folder).map_err(io)?;
            tempfile::NamedTempFile::new_in(folder).map_err(io)?;
            self.store().map(drop)
        };
        match try_it() {
            Ok(()) => {
                Diagnosis::ok(id, "The data folder can be written", folder.display().to_string())
            }
            Err(error) => Diagnosis::failed(id, "The data folder can't be used", &error),
        }
    }

    fn check_space(&self) -> Diagnosis {
        let id = "disk-space";
        let free = match statvfs(&self.setup.data) {
            Ok(disk) => disk.blocks_available() * disk.fragment_size(),
            Err(error) => {
                let detail = format!("the disk does not tell: {error}");
                return Diagnosis::ok(id, "Free space is not known", detail).severity(Health::Hint);
            }
        };
        judge_space(id, free)
    }

    /// Runs the smallest container there is: nothing else tells for sure.
    fn check_containers(&self, again: bool, monitor: &Monitor) -> Diagnosis {
        let (id, title) = ("containers", "Containers run");
        let conditions = self.containers().ok().map(|containers| containers.conditions());
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        if !again && conditions.is_some() && *started == conditions {
            let detail = "a small one was started, and nothing it depends on has changed since";
            return Diagnosis::ok(id, title, detail);
        }
        *started = None;
        let try_it = || -> Result<(), EngineError> {
            let (store, containers) = (self.store()?, self.containers()?);
            let image = installer_base(store)?;
            let spec = RunSpec {
                layers: image.prepare(store, containers, monitor)?,
                argv: vec!["/installer".to_owned()],
                env: Vec::new(),
                cwd: "/".to_owned(),
                user: String::new(),
                binds: Vec::new(),
                mounts: Vec::new(),
                network: Network::None,
            };
            // That it starts is what counts; it has nothing to install.
            containers.run(&spec, &mut |_| {}, monitor)?;
            Ok(())
        };
        match try_it() {
            Ok(()) => {
                *started = conditions;
                Diagnosis::ok(id, title, "a small one was started just now")
            }
            Err(error) => Diagnosis::failed(id, "Containers don't run on this machine", &error),
        }
    }

    fn check_bases(&self) -> Diagnosis {
        let id = "base-images";
        let bases = match self.base_list() {
            Ok(bases) => bases,
            Err(error) => return Diagnosis::failed(id, "Base images can't be looked up", &error),
        };
        // The first is the one which templates stand on; the others are for those who want them.
        let Some(missing) = bases.iter().take(1).find(|base| !base.present) else {
            let there = bases.iter().filter(|base| base.present);
            let names: Vec<&str> = there.map(|base| base.name).collect();
            return Diagnosis::ok(id, "Base images are there", names.join(", "));
        };
        let detail = "templates stand on it; it is made once, of Debian packages";
        let fix = Remedy {
            label: format!("Make {}", missing.name),
            command: Some(RemedyJob {
                command: "base".to_owned(),
                input: json!({ "name": missing.name }),
            }),
            cli: Some(format!("edk base {}", missing.name)),
        };
        let title = format!("The base image {} is missing", missing.name);
        Diagnosis::ok(id, &title, detail).severity(Health::Hint).fix(fix)
    }

    fn check_sandbox(&self, monitor: &Monitor) -> Diagnosis {
        let id = "sandbox";
        let up = self.with_target(SANDBOX, monitor, async |client: Client| {
            client.health(monitor).await?;
            Ok(client.extensions(monitor).await?.len())
        });
        match up {
            Ok(count) => {
                let detail = match count {
                    0 => "nothing is on it yet".to_owned(),
                    1 => "one extension is on it".to_owned(),
                    count => format!("{count} extensions are on it"),
                };
                Diagnosis::ok(id, "The sandbox is up", detail)
            }
            Err(error) => Diagnosis::failed(id, "The sandbox does not start", &error),
        }
    }
}

fn judge_space(id: &'static str, free: u64) -> Diagnosis {
    let detail = format!("{:.1} GB are free", free as f64 / 1e9);
    let advice = || Remedy::advice("free some space on the disk of the data folder".to_owned());
    if free < SPACE_NEEDED {
        Diagnosis::ok(id, "The disk is full", detail).severity(Health::Error).fix(advice())
    } else if free < SPACE_WANTED {
        let title = "The disk may become full";
        Diagnosis::ok(id, title, detail).severity(Health::Warning).fix(advice())
    } else {
        Diagnosis::ok(id, "There is space on the disk", detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_space_is_told_before_it_is_gone() {
        for (free, severity) in
            [(0, Health::Error), (SPACE_NEEDED, Health::Warning), (SPACE_WANTED, Health::Ok)]
        {
            let found = judge_space("disk-space", free);
            assert_eq!(found.severity, severity, "{free}");
            assert_eq!(found.fix.is_some(), severity != Health::Ok);
        }
    }
}
