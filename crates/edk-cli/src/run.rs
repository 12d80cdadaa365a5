//! `edk run` and `edk demo`.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use edk_api::{Command, DemoRequest, Failure, RunRequest};
use edk_model::{Code, Reference};

use crate::args::{ProjectArg, map, pair};

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    project: ProjectArg,
    /// Folder with DICOM, NIfTI or NRRD files.
    #[arg(long, short, value_name = "DIR")]
    input: PathBuf,
    /// Folder for the run's own folder [default: runs in the data folder].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Name of the processing container, when the extension has several.
    #[arg(long)]
    container: Option<String>,
    /// A value of the workflow's form, else its default; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

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

impl RunArgs {
    pub(crate) fn command(&self) -> Command {
        Command::Run(RunRequest {
            project: self.project.project.clone(),
            container: self.container.clone(),
            input: self.input.clone(),
            output: self.out.clone(),
            form: map(&self.set),
        })
    }
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
