//! Arguments of the commands for bases.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use edk_api::{BasePullRequest, BaseRebaseRequest, BaseRequest, Command, ImageCommand};
use edk_model::Reference;

use crate::registry::Trust;

#[derive(Debug, ClapArgs)]
pub(crate) struct BaseArgs {
    #[command(subcommand)]
    action: Option<BaseAction>,
    /// Name of the base.
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    #[command(flatten)]
    make: MakeArgs,
    /// List the bases that can be made from Debian packages.
    #[arg(long)]
    list: bool,
}

/// Of what a base is made.
#[derive(Debug, ClapArgs)]
struct MakeArgs {
    /// Take this registry image as the base.
    #[arg(long, value_name = "IMAGE", conflicts_with_all = ["mirror", "refresh", "checkout"])]
    from: Option<Reference>,
    /// Make it, and the bases it stands on, from the Dockerfiles below this folder, such as that of
    /// a Kaapana checkout.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["mirror", "refresh"])]
    checkout: Option<PathBuf>,
    /// Address of a Debian mirror.
    #[arg(long, value_name = "URL", env = "EDK_DEBIAN_MIRROR", hide_env_values = true)]
    mirror: Option<String>,
    /// Make it again from the packages of today.
    #[arg(long)]
    refresh: bool,
}

impl MakeArgs {
    fn command(&self, name: &str) -> Command {
        // A mirror of the environment is for packages only.
        let packages = self.checkout.is_none() && self.from.is_none();
        Command::Base(BaseRequest {
            name: name.to_owned(),
            from: self.from.clone(),
            mirror: self.mirror.clone().filter(|_| packages),
            checkout: self.checkout.clone(),
            refresh: self.refresh,
        })
    }
}

#[derive(Debug, ClapArgs)]
struct BuildArgs {
    /// Name of the base.
    name: String,
    #[command(flatten)]
    make: MakeArgs,
}

#[derive(Debug, ClapArgs)]
struct RebaseArgs {
    /// The image of this machine.
    image: Reference,
    /// The base it stands on.
    #[arg(long, value_name = "IMAGE")]
    from: Reference,
    /// The base it is to stand on.
    #[arg(long, value_name = "IMAGE")]
    onto: Reference,
    /// Name of the result [default: the image's own].
    #[arg(long, value_name = "IMAGE")]
    name: Option<Reference>,
}

#[derive(Debug, Subcommand)]
enum BaseAction {
    /// List the bases that can be made, and those that are there.
    #[command(after_help = "Examples:
  edk base list
  edk base list -o json")]
    List,
    /// Pull an image to build on, by tag or digest; what was cut goes on from there.
    #[command(after_help = "Examples:
  edk base pull docker.io/library/debian:12
  edk base pull registry.example.org/team/python@sha256:...
  edk base pull docker.io/library/python:3.12-slim --as base-python-cpu
Logins are those of `podman login` and `docker login`. Without a network, what was pulled counts.")]
    Pull {
        /// The image.
        image: Reference,
        /// Make it the base local-only/<NAME> as well.
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        trust: Trust,
    },
    /// Make a base from Debian packages, from a registry image, or from a checkout.
    #[command(after_help = "Examples:
  edk base build base-python-gpu
  edk base build base-python-cpu --checkout ~/kaapana/data-processing/base-images")]
    Build(BuildArgs),
    /// Put an image on a newer base without building it, where its instructions allow that.
    #[command(after_help = "Examples:
  edk base rebase my-image:0.1.0 --from debian:12.7 --onto debian:12.8
  edk base rebase my-image:0.1.0 --from old:1 --onto new:1 --name my-image:0.1.1")]
    Rebase(Box<RebaseArgs>),
}

impl BaseArgs {
    pub(crate) fn name(&self) -> &'static str {
        match self.action {
            None => "base",
            Some(BaseAction::List) => "base list",
            Some(BaseAction::Pull { .. }) => "base pull",
            Some(BaseAction::Build(_)) => "base build",
            Some(BaseAction::Rebase(_)) => "base rebase",
        }
    }

    pub(crate) fn command(&self) -> Command {
        match &self.action {
            None if self.list => Command::Bases,
            None => self.make.command(self.name.as_deref().unwrap_or_default()),
            Some(BaseAction::List) => command(ImageCommand::BaseList),
            Some(BaseAction::Pull { image, name, trust }) => {
                command(ImageCommand::BasePull(BasePullRequest {
                    image: image.clone(),
                    name: name.clone(),
                    certificate: trust.certificate.clone(),
                }))
            }
            Some(BaseAction::Build(args)) => args.make.command(&args.name),
            Some(BaseAction::Rebase(args)) => {
                let RebaseArgs { image, from, onto, name } = args.as_ref();
                let (image, from, onto) = (image.clone(), from.clone(), onto.clone());
                let request = BaseRebaseRequest { image, from, onto, name: name.clone() };
                command(ImageCommand::BaseRebase(Box::new(request)))
            }
        }
    }
}

fn command(wanted: ImageCommand) -> Command {
    Command::Image(Box::new(wanted))
}
