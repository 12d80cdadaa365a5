use std::sync::Arc;

use edk_container::{Bind, ContainerError, Containers, Network, RunSpec};
use edk_image::{DEFAULT_PATH, Image};
use edk_model::{Explain, Failure, Monitor, Reference, ReferenceError};
use edk_store::Store;

use crate::{ContainerPlan, Fault, Runtime, Settings, import};

/// Runs containers on this machine, from images of the store.
pub(crate) struct Machine {
    store: Store,
    containers: Arc<Containers>,
    settings: Settings,
}

impl Machine {
    pub(crate) fn new(store: Store, containers: Arc<Containers>, settings: Settings) -> Self {
        Self { store, containers, settings }
    }

    /// Returns the image of the store which `image` names.
    fn image(&self, image: &str) -> Result<Image, Fault> {
        let reference: Reference =
            image.parse().map_err(|error: ReferenceError| Fault::Image(error.to_string()))?;
        let registry = &self.settings.registry_url;
        let repository = import::repository(&reference, registry);
        let tag = reference.tag_or_latest().unwrap_or("latest");
        let found = match &reference.digest {
            Some(digest) => self.store.manifest(&repository, digest),
            None => self.store.resolve(&repository, tag),
        };
        let manifest = found.map_err(|error| Fault::Image(why(&error)))?;
        let manifest = manifest.ok_or_else(|| Fault::Image(absent(&reference, registry)))?;
        Image::load(&self.store, &manifest).map_err(|error| Fault::Image(why(&error)))
    }
}

impl Runtime for Machine {
    fn run(
        &self,
        container: &ContainerPlan,
        output: &mut dyn FnMut(&str),
        monitor: &Monitor,
    ) -> Result<i32, Fault> {
        let image = match self.image(&container.image) {
            // The charts of the platform let an init container wait until the platform is up, which
            // the sandbox is.
            Err(Fault::Image(_)) if container.init && is_service_checker(&container.image) => {
                output("service-checker: the sandbox is up");
                return Ok(0);
            }
            image => image?,
        };
        let layers = image.prepare(&self.store, &self.containers, monitor).map_err(|error| {
            if monitor.check().is_err() { Fault::Cancelled } else { Fault::Image(why(&error)) }
        })?;
        let spec = spec(container, layers, &image, &self.settings);
        match self.containers.run(&spec, output, monitor) {
            Ok(exit) => Ok(exit.code),
            Err(ContainerError::Cancelled(_)) => Err(Fault::Cancelled),
            Err(error) => Err(Fault::Setup(why(&error))),
        }
    }
}

fn spec(
    container: &ContainerPlan,
    layers: Vec<edk_model::Digest>,
    image: &Image,
    settings: &Settings,
) -> RunSpec {
    let config = image.config();
    let mut env = config.env.clone();
    // Installer containers report to the platform. Its service names lead nowhere here, so the
    // addresses are given; a manifest that names its own wins.
    let own = [("KUBE_HELM_URL", settings.url.as_str()), ("AIRFLOW_URL", "")];
    let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
    for (key, value) in own.iter().chain(&container.env) {
        env.retain(|(known, _)| known != key);
        env.push((key.clone(), value.clone()));
    }
    if !env.iter().any(|(key, _)| key == "PATH") {
        env.push(("PATH".to_owned(), DEFAULT_PATH.to_owned()));
    }
    let cwd = container.cwd.clone().unwrap_or_else(|| config.working_dir.clone());
    RunSpec {
        layers,
        argv: argv(container, &config.entrypoint, &config.cmd),
        env,
        cwd: if cwd.is_empty() { "/".to_owned() } else { cwd },
        user: container.user.clone().unwrap_or_else(|| config.user.clone()),
        binds: container
            .mounts
            .iter()
            .map(|mount| Bind {
                source: mount.source.clone(),
                target: mount.target.clone(),
                read_only: mount.read_only,
            })
            .collect(),
        mounts: Vec::new(),
        network: container.gate.clone().map_or(Network::Host, Network::Gate),
    }
}

/// Joins program and arguments: a manifest's `command` also takes the image's arguments away.
fn argv(container: &ContainerPlan, entrypoint: &[String], cmd: &[String]) -> Vec<String> {
    let (program, arguments) = match (container.command.is_empty(), container.args.is_empty()) {
        (true, true) => (entrypoint, cmd),
        (true, false) => (entrypoint, container.args.as_slice()),
        (false, _) => (container.command.as_slice(), container.args.as_slice()),
    };
    [program, arguments].concat()
}

/// Says why an image is not there, and what to do.
fn absent(image: &Reference, registry_url: &str) -> String {
    if import::is_own(image, registry_url) {
        return format!("the sandbox's registry has no image `{image}`; push it first");
    }
    format!(
        "`{image}` is not an image of the sandbox's registry {registry_url}; the sandbox pulls from no other, so upload it as an archive"
    )
}

fn is_service_checker(image: &str) -> bool {
    image.rsplit('/').next().is_some_and(|name| name.starts_with("service-checker:"))
}

fn why(error: &dyn Explain) -> String {
    let failure = Failure::explain(error);
    std::iter::once(failure.what).chain(failure.why).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(command: &[&str], args: &[&str]) -> ContainerPlan {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        ContainerPlan {
            name: "c".into(),
            init: false,
            image: "i".into(),
            command: words(command),
            args: words(args),
            env: Vec::new(),
            cwd: None,
            user: None,
            mounts: Vec::new(),
            gate: None,
        }
    }

    #[test]
    fn a_command_takes_the_images_arguments_away_and_arguments_alone_do_not() {
        let check = |command: &[&str], args: &[&str], expected: &[&str]| {
            let (entrypoint, cmd) = (["run".to_owned()], ["default".to_owned()]);
            assert_eq!(argv(&container(command, args), &entrypoint, &cmd), expected);
        };
        check(&[], &[], &["run", "default"]);
        check(&[], &["a"], &["run", "a"]);
        check(&["sh"], &[], &["sh"]);
        check(&["sh"], &["-c"], &["sh", "-c"]);
    }

    #[test]
    fn an_image_that_is_not_there_is_told_with_the_way_to_bring_it() {
        let words = |image: &str| absent(&image.parse().unwrap(), "127.0.0.1:5000/k");
        assert!(words("127.0.0.1:5000/k/dag-x:0.1.0").contains("push it first"));
        for other in ["docker.io/x:1", "127.0.0.1:5000/kaapana/x:1", "x"] {
            assert!(words(other).contains("pulls from no other"), "{other}");
        }
    }
}
