//! Arguments of `edk demo`.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use edk_api::{Command, DemoRequest, Failure};
use edk_model::{Code, Reference};

#[derive(Debug, ClapArgs)]
pub(crate) struct DemoArgs {
    /// Folder for the demo's files [default: a new one in the temporary folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Take this registry image as base, instead of making it from Debian packages.
    #[arg(long, value_name = "IMAGE")]
    base: Option<Reference>,
    /// Address of a Debian mirror.
    #[arg(long, value_name = "URL", env = "EDK_DEBIAN_MIRROR", hide_env_values = true)]
    mirror: Option<String>,
}

impl DemoArgs {
    pub(crate) fn command(&self) -> Result<Command, Failure> {
        Ok(Command::Demo(DemoRequest {
            folder: demo_folder(self.dir.clone())?,
            base: self.base.clone(),
            mirror: self.mirror.clone(),
        }))
    }
}

fn demo_folder(wanted: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(folder) = wanted {
        return Ok(folder);
    }
    let folder = tempfile::Builder::new().prefix("edk-demo-").tempdir();
    match folder {
        Ok(folder) => Ok(folder.keep()),
        Err(error) => Err(Failure::new(Code::of_io(&error), "could not make a temporary folder")
            .because(error)
            .hint("name one: `--dir DIR`")),
    }
}
