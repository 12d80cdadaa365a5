//! Arguments of the commands of the registry.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args as ClapArgs, Subcommand};
use edk_api::{
    Command, DEFAULT_REGISTRY_PORT, ImageCommand, ImageLoadRequest, ImageSaveRequest, LanRequest,
    MirrorOf, RegistryAccountRequest, RegistryCopyRequest, RegistryDeleteRequest,
    RegistryGcRequest, RegistryServeRequest, RegistryShowRequest, parse_size,
};
use edk_model::Reference;

/// Whom to trust beside the authorities of the system.
#[derive(Debug, ClapArgs)]
pub(crate) struct Trust {
    /// Certificate (PEM) of a registry that has one of its own.
    #[arg(long = "ca", value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
}

/// Another registry to which images are pushed.
#[derive(Debug, ClapArgs)]
pub(crate) struct Elsewhere {
    /// Send them to this registry too, below the path after its host; with the logins of `podman
    /// login` and `docker login`.
    #[arg(long, value_name = "REGISTRY[/PATH]")]
    pub(crate) registry: Option<String>,
    #[command(flatten)]
    pub(crate) trust: Trust,
    /// Build version of the platform, under which its operators ask for processing containers
    /// [default: that of the sandbox].
    #[arg(long, value_name = "VERSION")]
    pub(crate) build_version: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ServeArgs {
    /// The port; 0 takes any that is free.
    #[arg(long, default_value_t = DEFAULT_REGISTRY_PORT)]
    port: u16,
    /// Serve a network at this address, over TLS and only to accounts.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "port")]
    listen: Option<SocketAddr>,
    /// Name of this machine for its certificate; may be given several times.
    #[arg(long, value_name = "NAME", requires = "listen")]
    name: Vec<String>,
    /// Certificate (PEM) [default: one is made and kept].
    #[arg(long, value_name = "FILE", requires_all = ["listen", "key"])]
    cert: Option<PathBuf>,
    /// Key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// File of accounts [default: registry/accounts.toml in the data folder].
    #[arg(long, value_name = "FILE", requires = "listen")]
    accounts: Option<PathBuf>,
    /// Fetch what is not here from this registry and keep it: for all repositories, or for those
    /// below a prefix, as in `hub=docker.io`; may be given several times.
    #[arg(long, value_name = "[PREFIX=]REGISTRY")]
    mirror: Vec<MirrorOf>,
    /// Size up to which blobs are taken, such as `20GB`.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    blob_limit: Option<u64>,
}

impl ServeArgs {
    fn request(&self) -> RegistryServeRequest {
        let lan = self.listen.map(|listen| LanRequest {
            listen,
            names: self.name.clone(),
            certificate: self.cert.clone().zip(self.key.clone()),
            accounts: self.accounts.clone(),
        });
        let (port, mirrors) = (self.port, self.mirror.clone());
        RegistryServeRequest { port, lan, mirrors, blob_limit: self.blob_limit }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum RegistryAction {
    /// Serve it until stopped: on the loopback interface, or over TLS to those who log in.
    #[command(after_help = "Examples:
  edk registry serve
  podman run --tls-verify=false localhost:5577/my-image:0.1.0
  edk registry serve --mirror hub=docker.io       localhost:5577/hub/library/debian:12
  edk registry account node --pull '*'            then, for a network:
  edk registry serve --listen 192.168.1.5:5577")]
    Serve(Box<ServeArgs>),
    /// Make an account for those who come over a network, and show its password once.
    #[command(after_help = "Examples:
  edk registry account node --pull '*'            for the nodes of a platform
  edk registry account ci --push team/ --token    a bearer token; push includes pull")]
    Account {
        /// Its name; one of that name is replaced.
        name: String,
        /// Beginning of repositories it may pull from, or `*`; may be given several times.
        #[arg(long, value_name = "PREFIX")]
        pull: Vec<String>,
        /// Beginning of repositories it may push to, or `*`; may be given several times.
        #[arg(long, value_name = "PREFIX", required_unless_present = "pull")]
        push: Vec<String>,
        /// A bearer token rather than a password.
        #[arg(long)]
        token: bool,
        /// File of accounts [default: registry/accounts.toml in the data folder].
        #[arg(long, value_name = "FILE")]
        accounts: Option<PathBuf>,
    },
    /// List the images in it.
    #[command(after_help = "Examples:
  edk registry list
  edk registry list -o json        with every layer and its size")]
    List,
    /// Show the manifest, the configuration, the layers and the history of an image.
    #[command(after_help = "Examples:
  edk registry show my-image:0.1.0
  edk registry show docker.io/library/debian:12
  edk registry show my-image:0.1.0 -o json    with manifest and configuration as they are")]
    Show {
        /// The image; without a registry, the one of this machine.
        image: Reference,
        #[command(flatten)]
        trust: Trust,
    },
    /// Copy an image between registries; digests stay, and blobs that are there are not sent.
    #[command(after_help = "Examples:
  edk registry copy my-image:0.1.0 registry.example.org/team/my-image:0.1.0
  edk registry copy docker.io/library/debian:12 debian:12    to this machine
Logins are those of `podman login` and `docker login`.")]
    Copy {
        /// The image; without a registry, the one of this machine.
        from: Reference,
        /// Its new name, likewise; without a tag it keeps its own.
        to: Reference,
        #[command(flatten)]
        trust: Trust,
    },
    /// Write an image to an OCI archive, which skopeo, podman and containerd read: `edk image save`
    /// for one image.
    #[command(after_help = "Examples:
  edk registry export my-image:0.1.0 my-image.tar")]
    Export {
        /// The image.
        image: Reference,
        /// The archive.
        file: PathBuf,
    },
    /// Take the images of an archive, compressed with gzip or not: `edk image load`.
    #[command(after_help = "Examples:
  edk registry import my-image.tar
  edk registry import my-image.tar other:1.0    under another name")]
    Import {
        /// The archive.
        file: PathBuf,
        /// Name for its image [default: the one the archive gives it].
        name: Option<Reference>,
    },
    /// Tell where the bytes of the store are.
    #[command(after_help = "Examples:
  edk registry usage               what each tag has of its own, and what it shares")]
    Usage,
    /// Remove what no tag, no referrer and no build step needs; builds and pushes may go on.
    #[command(after_help = "Examples:
  edk registry gc --dry-run        tells what would go, and why
  edk registry gc --budget 20GB    shrinks the build cache as well, least recently used first")]
    Gc {
        /// Tell what would go, and remove nothing.
        #[arg(long)]
        dry_run: bool,
        /// Size for the store, such as `20GB`.
        #[arg(long, value_name = "SIZE", value_parser = parse_size)]
        budget: Option<u64>,
        /// What was used within so many minutes stays.
        #[arg(long, value_name = "MINUTES", default_value_t = 60)]
        grace: u64,
    },
    /// Take a tag out of it; the layers stay until `gc`, because builds use them again.
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
            Self::Serve(_) => "registry serve",
            Self::Account { .. } => "registry account",
            Self::List => "registry list",
            Self::Show { .. } => "registry show",
            Self::Copy { .. } => "registry copy",
            Self::Export { .. } => "registry export",
            Self::Import { .. } => "registry import",
            Self::Usage => "registry usage",
            Self::Gc { .. } => "registry gc",
            Self::Delete { .. } => "registry delete",
        }
    }

    pub(crate) fn command(&self) -> Command {
        match self {
            Self::Serve(args) => Command::RegistryServe(args.request()),
            Self::Account { name, pull, push, token, accounts } => {
                Command::RegistryAccount(RegistryAccountRequest {
                    name: name.clone(),
                    pull: pull.clone(),
                    push: push.clone(),
                    token: *token,
                    accounts: accounts.clone(),
                })
            }
            Self::List => Command::RegistryList,
            Self::Show { image, trust } => {
                let (image, certificate) = (image.clone(), trust.certificate.clone());
                Command::RegistryShow(RegistryShowRequest { image, certificate })
            }
            Self::Copy { from, to, trust } => Command::RegistryCopy(RegistryCopyRequest {
                from: from.clone(),
                to: to.clone(),
                certificate: trust.certificate.clone(),
            }),
            Self::Export { image, file } => {
                let (images, file) = (vec![image.clone()], file.clone());
                let request = ImageSaveRequest { images, file, registry: None, delta: Vec::new() };
                Command::Image(Box::new(ImageCommand::Save(request)))
            }
            Self::Import { file, name } => {
                let (file, name) = (file.clone(), name.clone());
                Command::Image(Box::new(ImageCommand::Load(ImageLoadRequest { file, name })))
            }
            Self::Usage => Command::RegistryUsage,
            Self::Gc { dry_run, budget, grace } => Command::RegistryGc(RegistryGcRequest {
                dry_run: *dry_run,
                budget: *budget,
                grace_minutes: *grace,
            }),
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
