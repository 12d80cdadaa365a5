//! Arguments of the commands that look at something, or do one thing with a target.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use edk_api::{
    Command, Engine, Failure, FolderRequest, InstallRequest, TargetRequest, UploadRequest,
};

use crate::{
    args::{ProjectArg, TargetArg, pair},
    chart::ForceArg,
};

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
pub(crate) struct ExtensionsArgs {
    #[command(flatten)]
    target: TargetArg,
}

impl ExtensionsArgs {
    pub(crate) fn command(&self, engine: &Engine) -> Result<Command, Failure> {
        Ok(Command::Extensions(TargetRequest { target: self.target.name(engine)? }))
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InstallArgs {
    /// Name of the chart.
    name: String,
    #[command(flatten)]
    target: TargetArg,
    /// Version of the chart.
    #[arg(long)]
    version: String,
    /// A value for an extension parameter; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
}

impl InstallArgs {
    pub(crate) fn command(&self, engine: &Engine) -> Result<Command, Failure> {
        let params = self.param.iter().cloned().map(|(key, text)| (key, text.into())).collect();
        Ok(Command::Install(InstallRequest {
            target: self.target.name(engine)?,
            name: self.name.clone(),
            version: self.version.clone(),
            params,
        }))
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct UploadArgs {
    /// The packaged chart, `<name>-<version>.tgz`, or the archive of images, `.tar`.
    file: PathBuf,
    #[command(flatten)]
    target: TargetArg,
    #[command(flatten)]
    force: ForceArg,
}

impl UploadArgs {
    pub(crate) fn command(&self, engine: &Engine) -> Result<Command, Failure> {
        let (target, file) = (self.target.name(engine)?, self.file.clone());
        Ok(Command::Upload(UploadRequest { target, file, force: self.force.rules.clone() }))
    }
}
