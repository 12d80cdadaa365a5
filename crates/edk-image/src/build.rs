use std::{collections::VecDeque, path::Path};

use edk_container::{Bind, ContainerError, Containers, Network, RunSpec};
use edk_model::{Descriptor, Digest, Monitor, Reference, SOURCE_DATE_EPOCH, Unit};
use edk_store::Store;

use crate::{
    Image, ImageError, Layer, Plan, PlanRequest,
    base::find_base,
    image::prepare_layers,
    key::KeyMaker,
    layer::{self, Destination, LayerWriter},
    plan::{self, Action, PlannedBase, PlannedStage, Step},
    tree::Tree,
};

/// How many lines of a failed command's output its error carries.
const LAST_LINES: usize = 15;

/// What `RUN` steps need of this machine to reach package registries: its resolver, proxies, CA
/// bundle and package indexes.
///
/// None of it is stored in an image or counts for a step's key.
#[derive(Debug, Clone, Default)]
pub struct HostSettings {
    /// Environment variables, such as `https_proxy` and `PIP_INDEX_URL`.
    pub env: Vec<(String, String)>,
    /// Files, such as the resolver's configuration and the CA bundle.
    pub binds: Vec<Bind>,
}

/// Builds images into a store.
#[derive(Debug, Clone, Copy)]
pub struct Builder<'a> {
    /// Where blobs, tags and the results of steps are kept.
    pub store: &'a Store,
    /// Where `RUN` steps run.
    pub containers: &'a Containers,
    /// What they need of this machine.
    pub host: &'a HostSettings,
}

/// An image that was built.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// The image.
    pub image: Image,
    /// How many steps it has that make a layer.
    pub steps: usize,
    /// How many of them were found done.
    pub reused: usize,
    /// Whether the very image was in the store before: nothing was written at all.
    pub unchanged: bool,
}

impl Builder<'_> {
    /// Plans a build; bases are looked up in the store, made when they are built in, and pulled
    /// when they lie in a registry.
    ///
    /// # Errors
    /// As [`plan::plan`], [`ImageError::NoBase`] and [`ImageError::Pull`].
    pub fn plan(&self, request: &PlanRequest<'_>, monitor: &Monitor) -> Result<Plan, ImageError> {
        plan::plan(request, &mut |reference: &Reference, place: &str| {
            find_base(self.store, reference, place, monitor)
        })
    }

    /// Carries a plan out.
    ///
    /// # Errors
    /// [`ImageError::CommandFailed`] when a `RUN` step does, [`ImageError::Cancelled`], and what
    /// can go wrong with the disk. Finished steps are kept, so the next build goes on from there.
    pub fn build(&self, plan: &Plan, monitor: &Monitor) -> Result<Built, ImageError> {
        let mut run = BuildRun { builder: self, plan, monitor, done: 0, reused: 0 };
        let mut stages: Vec<Vec<Layer>> = Vec::new();
        for stage in &plan.stages {
            let layers = run.stage(stage, &stages)?;
            stages.push(layers);
        }
        let (Some(stage), Some(layers)) = (plan.stages.last(), stages.pop()) else {
            return Err(ImageError::Unsupported {
                what: "a Dockerfile without a stage".to_owned(),
            });
        };
        let reused = run.reused;
        let before = self.known_manifest(&stage.config, &layers);
        let image = Image::assemble(self.store, stage.config.clone(), layers)?;
        let unchanged = before == Some(image.descriptor.digest);
        self.remember_manifest(&image)?;
        Ok(Built { image, steps: plan.steps(), reused, unchanged })
    }

    /// The manifest that was made of the same configuration and layers before.
    fn known_manifest(&self, config: &crate::Config, layers: &[Layer]) -> Option<Digest> {
        let known: Descriptor = self.store.step(&manifest_key(config, layers))?;
        self.store.size(&known.digest).map(|_| known.digest)
    }

    fn remember_manifest(&self, image: &Image) -> Result<(), ImageError> {
        let key = manifest_key(image.config(), &image.layers);
        if self.store.step::<Descriptor>(&key).as_ref() != Some(&image.descriptor) {
            self.store.put_step(&key, &image.descriptor)?;
        }
        Ok(())
    }
}

fn manifest_key(config: &crate::Config, layers: &[Layer]) -> Digest {
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| layer.diff_id).collect();
    let mut key = KeyMaker::new("manifest", &diff_ids);
    key.bytes(&config.to_json(&diff_ids));
    for layer in layers {
        key.add(&layer.descriptor.digest.to_string());
    }
    key.finish()
}

struct BuildRun<'a> {
    builder: &'a Builder<'a>,
    plan: &'a Plan,
    monitor: &'a Monitor,
    done: usize,
    reused: usize,
}

impl BuildRun<'_> {
    fn stage(
        &mut self,
        stage: &PlannedStage,
        earlier: &[Vec<Layer>],
    ) -> Result<Vec<Layer>, ImageError> {
        let mut layers = match &stage.base {
            PlannedBase::Scratch => Vec::new(),
            PlannedBase::Image(image) => image.layers.clone(),
            PlannedBase::Stage(at) => earlier[*at].clone(),
        };
        for step in &stage.steps {
            self.monitor.check()?;
            let (layer, reused) = self.step(step, &layers)?;
            layers.push(layer);
            self.done += 1;
            self.reused += usize::from(reused);
            self.monitor.progress(
                &self.plan.file,
                self.done as u64,
                Some(self.plan.steps() as u64),
                Unit::Steps,
                self.reused as u64,
            );
        }
        Ok(layers)
    }

    /// Finds the step's layer, or makes it; says whether it was found.
    fn step(&self, step: &Step, below: &[Layer]) -> Result<(Layer, bool), ImageError> {
        let store = self.builder.store;
        let key = step_key(step, below);
        if let Some(layer) = store.step::<Layer>(&key)
            && store.size(&layer.descriptor.digest) == Some(layer.descriptor.size)
        {
            return Ok((layer, true));
        }
        self.monitor.line(&step.text);
        let layer = match &step.action {
            Action::Run { argv, env, user, cwd } => self.run(step, below, argv, env, user, cwd)?,
            Action::Copy { sources, to, into_folder, owner, mode } => {
                let tree = Tree::load(store, below)?;
                let (into_folder, owner, mode) = (*into_folder, *owner, *mode);
                let destination = Destination { path: to, into_folder, owner, mode };
                let planned = layer::copied(&tree, sources, destination);
                layer::write(store, &planned.map_err(|e| self.step_error(step, &e))?, self.monitor)?
            }
            Action::Folder { path } => {
                let planned = layer::folder(&Tree::load(store, below)?, path);
                layer::write(store, &planned.map_err(|e| self.step_error(step, &e))?, self.monitor)?
            }
        };
        store.put_step(&key, &layer)?;
        Ok((layer, false))
    }

    fn run(
        &self,
        step: &Step,
        below: &[Layer],
        argv: &[String],
        env: &[(String, String)],
        user: &str,
        cwd: &str,
    ) -> Result<Layer, ImageError> {
        let Builder { store, containers, host } = self.builder;
        prepare_layers(below, store, containers, self.monitor)?;
        let mut layers: Vec<Digest> = below.iter().map(|layer| layer.diff_id).collect();
        let spec = RunSpec {
            layers: layers.clone(),
            argv: argv.to_vec(),
            env: run_environment(env, &host.env),
            cwd: cwd.to_owned(),
            user: user.to_owned(),
            binds: host.binds.clone(),
            network: Network::Host,
        };
        let mut last = VecDeque::new();
        let mut output = |line: &str| {
            self.monitor.line(line);
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(line.to_owned());
        };
        let mut writer = LayerWriter::new(store)?;
        let captured = containers.capture(&spec, &mut output, &mut writer, self.monitor);
        let captured = captured.map_err(|error| self.start_error(step, error))?;
        let code = captured.exit.code;
        if code != 0 {
            containers.forget(captured);
            let (command, place) = (step.text.clone(), step.place.clone());
            return Err(ImageError::CommandFailed { command, place, code, output: last.into() });
        }
        let layer = writer.finish()?;
        layers.push(layer.diff_id);
        containers.adopt(captured, &layers)?;
        Ok(layer)
    }

    /// A command that is not in the image is the Dockerfile's fault, not the machine's.
    fn start_error(&self, step: &Step, error: ContainerError) -> ImageError {
        match &error {
            ContainerError::Setup { step: what, reason, .. }
                if what.starts_with("start `") || what.starts_with("find user") =>
            {
                self.step_error(step, &format!("could not {what}: {reason}"))
            }
            _ => error.into(),
        }
    }

    fn step_error(&self, step: &Step, reason: &str) -> ImageError {
        let line = step.place.rsplit_once(':').and_then(|(_, line)| line.parse().ok()).unwrap_or(1);
        let message = format!("`{}`: {reason}", step.text);
        let finding = edk_model::Finding::error("dockerfile/step", message);
        let findings = vec![finding.in_file(&self.plan.file).at(line, 1)];
        ImageError::Findings { subject: self.plan.file.clone(), findings }
    }
}

/// The environment of a `RUN` step: the image's own wins over this machine's.
///
/// `SOURCE_DATE_EPOCH` makes Python write byte code that does not depend on time stamps, and other
/// tools write the same bytes each time (<https://reproducible-builds.org/docs/source-date-epoch/>).
fn run_environment(own: &[(String, String)], host: &[(String, String)]) -> Vec<(String, String)> {
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let defaults = [
        text("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        text("HOME", "/root"),
        text("SOURCE_DATE_EPOCH", &SOURCE_DATE_EPOCH.to_string()),
    ];
    let mut env = own.to_vec();
    for (name, value) in host.iter().chain(&defaults) {
        if !env.iter().any(|(key, _)| key == name) {
            env.push((name.clone(), value.clone()));
        }
    }
    env
}

/// The key of a step: the layers below, the instruction as it is executed, and its inputs.
fn step_key(step: &Step, below: &[Layer]) -> Digest {
    let below: Vec<Digest> = below.iter().map(|layer| layer.diff_id).collect();
    match &step.action {
        Action::Folder { path } => {
            let mut key = KeyMaker::new("folder", &below);
            key.add(path);
            key.finish()
        }
        Action::Run { argv, env, user, cwd } => {
            let mut key = KeyMaker::new("run", &below);
            key.add(user).add(cwd).add(&argv.len().to_string());
            argv.iter().for_each(|argument| {
                key.add(argument);
            });
            for (name, value) in env {
                key.add(name).add(value);
            }
            key.finish()
        }
        Action::Copy { sources, to, into_folder, owner, mode } => {
            let mut key = KeyMaker::new("copy", &below);
            key.add(to).add(&format!("{into_folder} {owner:?} {mode:?}"));
            for source in sources {
                key.add(&source.name).add(&format!("{} {}", source.is_dir, source.entries.len()));
                for entry in &source.entries {
                    add_entry(&mut key, &entry.relative, entry.mode, &entry.content);
                }
            }
            key.finish()
        }
    }
}

fn add_entry(key: &mut KeyMaker, path: &Path, mode: u32, content: &crate::context::Content) {
    use std::os::unix::ffi::OsStrExt as _;

    use crate::context::Content;
    key.bytes(path.as_os_str().as_bytes()).add(&mode.to_string());
    match content {
        Content::Dir => key.add("dir"),
        Content::Link(target) => key.add("link").bytes(target.as_os_str().as_bytes()),
        Content::File { digest, .. } => key.add(&digest.to_string()),
    };
}
