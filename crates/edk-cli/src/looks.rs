//! Arguments of the commands that look at something.

use clap::Args as ClapArgs;
use edk_api::{Command, Engine, ExtCommand, Failure, FolderRequest, StatusRequest, TruthRequest};

use crate::args::{ProjectArg, TargetArg};

#[derive(Debug, ClapArgs)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    project: ProjectArg,
}

impl InspectArgs {
    pub(crate) fn command(&self) -> Command {
        Command::Inspect(FolderRequest { folder: self.project.project.clone() })
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    target: TargetArg,
    /// Everything on the target.
    #[arg(long)]
    all: bool,
    /// Tell for every chart, image and DAG whether it is what this folder makes.
    #[arg(long, conflicts_with = "all")]
    truth: bool,
}

impl StatusArgs {
    pub(crate) fn command(&self, engine: &Engine) -> Result<Command, Failure> {
        let (project, target) = (self.project.project.clone(), self.target.name(engine)?);
        Ok(match self.truth {
            true => {
                Command::Ext(ExtCommand::Truth(TruthRequest { project, target, version: None }))
            }
            false => {
                let project = (!self.all).then_some(project);
                Command::Status(StatusRequest { project, target })
            }
        })
    }
}
