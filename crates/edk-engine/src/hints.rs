//! What to do next about an error of the engine, where it is not told beside the error's code.

use edk_model::{Code, Explain};

use crate::EngineError;

impl EngineError {
    /// About what is sent to a target, and what is there.
    pub(crate) fn hints_on_targets(&self) -> Vec<String> {
        let hint = |text: &str| vec![text.to_owned()];
        match self {
            Self::Launch { multi: true, .. } => hint("launch it: `edk ext launch`"),
            Self::Launch { multi: false, .. } => hint("install it: `edk ext install`"),
            Self::NotOnTarget { what: "DAG", .. } => {
                hint("install its extension, then allow it in the project: `edk ext allow`")
            }
            Self::NotOnTarget { known, .. } if known.is_empty() => hint("there is none at all"),
            Self::NotOnTarget { known, .. } => vec![format!("there are {}", known.join(", "))],
            Self::NoDag { .. } => hint("name the DAG: `edk ext allow DAG`"),
            Self::NoRegistry { .. } => hint(
                "name it: `edk target add` with `--registry`; an administrator knows it, no call of \
                 the platform tells it",
            ),
            Self::Busy { .. } => hint("wait until it has ended, or stop it"),
            Self::Memory { .. } => hint(
                "remove the file: then nothing is known of what was sent from here, and nothing \
                 else is lost",
            ),
            Self::NoArchive { .. } => hint(
                "package that version of the chart again (`edk package`), then `edk ext upload` and \
                 `edk ext install`",
            ),
            Self::PutBack { source, .. } => source.hints(),
            Self::NotPutBack { source, second, .. } => {
                let mut hints = [source.hints(), second.hints()].concat();
                hints.push("nothing works there now; `edk deploy` goes on from here".to_owned());
                hints.dedup();
                hints
            }
            _ => self.hints_on_this_machine(),
        }
    }

    /// Hints of what goes wrong with servers, files and rooms on this machine.
    fn hints_on_this_machine(&self) -> Vec<String> {
        let hint = |text: &str| vec![text.to_owned()];
        match self {
            Self::SandboxStart { log, .. } => vec![format!("all it said is in {}", log.display())],
            Self::SandboxDiffers { .. } | Self::SandboxRuns => {
                hint("stop it first: `edk sandbox stop`")
            }
            Self::SandboxHosted { .. } => hint("it ends with that process"),
            Self::SandboxStuck { process } => vec![format!("end it: `kill -9 {process}`")],
            Self::Listen { .. } => hint(
                "name an address of this machine and a free port, such as `--listen 192.168.1.5:5577`",
            ),
            Self::PortTaken { .. } => hint("name another port, or `--port 0` for any that is free"),
            Self::RegistryServed { .. } => {
                hint("pull from there: it is the same registry; `--port 0` serves it once more")
            }
            Self::RegistryPort { port } => vec![
                format!("stop that program (`ss -ltnp sport = :{port}` names it), then try again"),
                "or serve the registry at a port of its own: `edk registry serve --port 0`"
                    .to_owned(),
            ],
            Self::Io { source, .. } if Code::of_io(source) == Code::DiskFull => {
                hint("free some space on the disk, then run the command again")
            }
            _ => match self.room().map_or_else(Vec::new, Explain::hints) {
                hints if hints.is_empty() && self.code() == Code::DiskFull => {
                    hint("free some space on the disk, then run the command again")
                }
                hints => hints,
            },
        }
    }
}
