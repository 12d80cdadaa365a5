//! Arguments of the commands that look at something, or do one thing with a target or the registry.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use edk_api::{
    Command, DEFAULT_REGISTRY_PORT, FolderRequest, InstallRequest, RegistryDeleteRequest,
    ServeRequest, TargetRequest, UploadRequest,
};

use crate::args::{ProjectArg, TargetArg, pair};

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
    pub(crate) fn command(&self) -> Command {
        Command::Extensions(TargetRequest { target: self.target.target.clone() })
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
    pub(crate) fn command(&self) -> Command {
        let params = self.param.iter().cloned().map(|(key, text)| (key, text.into())).collect();
        Command::Install(InstallRequest {
            target: self.target.target.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            params,
        })
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct UploadArgs {
    /// The packaged chart, `<name>-<version>.tgz`, or the archive of images, `.tar`.
    file: PathBuf,
    #[command(flatten)]
    target: TargetArg,
}

impl UploadArgs {
    pub(crate) fn command(&self) -> Command {
        let (target, file) = (self.target.target.clone(), self.file.clone());
        Command::Upload(UploadRequest { target, file })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum RegistryAction {
    /// Serve it on the loopback interface until stopped.
    #[command(after_help = "Examples:
  edk registry serve
  podman run --tls-verify=false localhost:5577/my-image:0.1.0")]
    Serve {
        /// The port; 0 takes any that is free.
        #[arg(long, default_value_t = DEFAULT_REGISTRY_PORT)]
        port: u16,
    },
    /// List the images in it.
    #[command(after_help = "Examples:
  edk registry list
  edk registry list -o json        with every layer and its size")]
    List,
    /// Take a tag out of it; the layers stay, because builds use them again.
    #[command(after_help = "Examples:
  edk registry delete my-image:0.1.0")]
    Delete {
        /// The image, `repository:tag`.
        #[arg(value_name = "IMAGE", value_parser = image)]
        image: (String, String),
    },
}

impl RegistryAction {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Serve { .. } => "registry serve",
            Self::List => "registry list",
            Self::Delete { .. } => "registry delete",
        }
    }

    pub(crate) fn command(&self) -> Command {
        match self {
            Self::Serve { port } => {
                Command::RegistryServe(ServeRequest { port: *port, strict_faults: false })
            }
            Self::List => Command::RegistryList,
            Self::Delete { image: (repository, tag) } => {
                let (repository, tag) = (repository.clone(), tag.clone());
                Command::RegistryDelete(RegistryDeleteRequest { repository, tag })
            }
        }
    }
}

fn image(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once(':') {
        Some((repository, tag)) if !repository.is_empty() && !tag.is_empty() => {
            Ok((repository.to_owned(), tag.to_owned()))
        }
        _ => Err("it is not repository:tag".to_owned()),
    }
}
