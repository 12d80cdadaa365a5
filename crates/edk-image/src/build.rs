use std::{collections::VecDeque, io, path::PathBuf};

use edk_container::{Bind, ContainerError, Containers, Network, RunSpec};
use edk_model::{Descriptor, Digest, Monitor, Reference, SOURCE_DATE_EPOCH, Unit};
use edk_store::Store;

use crate::{
    Access, DEFAULT_PATH, Image, ImageError, Layer, Plan, PlanRequest,
    base::find_base,
    context::{Content, Source},
    image::{diff_ids, prepare_layers},
    key::KeyMaker,
    layer::{self, LayerWriter, Place},
    plan::{
        self, Action, Destination, Origin, PlannedBase, PlannedMount, PlannedRun, PlannedStage,
        Step,
    },
    tree::Tree,
    value::Owner,
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
    /// How the registries of bases are reached.
    pub registries: Access,
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
            find_base(self.store, reference, place, &self.host.registries, monitor)
        })
    }

    /// Carries a plan out.
    ///
    /// # Errors
    /// [`ImageError::CommandFailed`] when a `RUN` step does, [`ImageError::Cancelled`], and what
    /// can go wrong with the disk. Finished steps are kept, so the next build goes on from there.
    pub fn build(&self, plan: &Plan, monitor: &Monitor) -> Result<Built, ImageError> {
        let _lease = self.store.lease()?;
        self.claim_bases(plan)?;
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

    /// Keeps the layers of the bases, whatever becomes of their tags meanwhile.
    fn claim_bases(&self, plan: &Plan) -> Result<(), ImageError> {
        for stage in &plan.stages {
            let PlannedBase::Image(image) = &stage.base else { continue };
            for layer in &image.layers {
                let digest = layer.descriptor.digest;
                if self.store.claim(&digest)?.is_none() {
                    return Err(edk_store::StoreError::NoBlob(digest).into());
                }
            }
        }
        Ok(())
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

pub(crate) fn manifest_key(config: &crate::Config, layers: &[Layer]) -> Digest {
    let diff_ids = diff_ids(layers);
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
            let (layer, reused) = self.step(step, &layers, earlier)?;
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
    fn step(
        &self,
        step: &Step,
        below: &[Layer],
        earlier: &[Vec<Layer>],
    ) -> Result<(Layer, bool), ImageError> {
        let store = self.builder.store;
        let key = step_key(step, below, earlier);
        if let Some(layer) = store.step::<Layer>(&key)
            && store.size(&layer.descriptor.digest) == Some(layer.descriptor.size)
        {
            return Ok((layer, true));
        }
        self.monitor.line(&step.text);
        let layer = match &step.action {
            Action::Run(run) => self.run(step, below, run)?,
            Action::Copy { from, to } => self.copy(step, below, from, to, earlier)?,
            Action::Folder { path } => {
                let planned = layer::folder(&Tree::load(store, below)?, path);
                layer::write(store, &planned.map_err(|e| self.step_error(step, &e))?, self.monitor)?
            }
        };
        store.put_step(&key, &layer)?;
        Ok((layer, false))
    }

    fn copy(
        &self,
        step: &Step,
        below: &[Layer],
        from: &Origin,
        to: &Destination,
        earlier: &[Vec<Layer>],
    ) -> Result<Layer, ImageError> {
        let Builder { store, containers, .. } = *self.builder;
        let tree = Tree::load(store, below)?;
        let owner = to.owner.as_ref().map(|owner| self.owner(step, below, owner)).transpose()?;
        let (path, into_folder, mode) = (to.path.as_str(), to.into_folder, to.mode);
        let place = Place { path, into_folder, owner, mode };
        let (layers, patterns) = match from {
            Origin::Context(sources) => {
                let planned = layer::copied(&tree, sources, place);
                let planned = planned.map_err(|e| self.step_error(step, &e))?;
                return layer::write(store, &planned, self.monitor);
            }
            Origin::Stage { at, patterns } => (&earlier[*at], patterns),
            Origin::Image { image, patterns } => (&image.layers, patterns),
        };
        prepare_layers(layers, store, containers, self.monitor)?;
        let result = containers.export(&diff_ids(layers), patterns, |tar| {
            layer::write_export(store, &tree, tar, place, self.monitor)
        });
        result.map_err(|error| match error {
            ImageError::Container(error) => self.users_error(step, error),
            other => other,
        })
    }

    /// The numbers of an owner; names are looked up in the image as it is so far.
    fn owner(&self, step: &Step, below: &[Layer], owner: &Owner) -> Result<(u64, u64), ImageError> {
        if let Some(numbers) = owner.numbers() {
            return Ok(numbers);
        }
        let Builder { store, containers, .. } = *self.builder;
        prepare_layers(below, store, containers, self.monitor)?;
        let read = |path: &str| {
            let text = containers.export(&diff_ids(below), &[path.to_owned()], |tar| {
                let mut text = String::new();
                for entry in tar::Archive::new(tar).entries().into_iter().flatten().flatten() {
                    let mut entry = entry;
                    // What can't be read names nobody.
                    let _ = io::Read::read_to_string(&mut entry, &mut text);
                }
                Ok::<_, ContainerError>(text)
            });
            text.unwrap_or_default()
        };
        let numbers = owner.look_up(&read("/etc/passwd"), &read("/etc/group"));
        numbers.map_err(|reason| self.step_error(step, &reason))
    }

    fn run(&self, step: &Step, below: &[Layer], run: &PlannedRun) -> Result<Layer, ImageError> {
        let Builder { store, containers, host } = self.builder;
        prepare_layers(below, store, containers, self.monitor)?;
        let mut layers = diff_ids(below);
        let (binds, scratch) = self.mounts(&run.mounts)?;
        let spec = RunSpec {
            layers: layers.clone(),
            argv: run.argv.clone(),
            env: run_environment(&run.env, &host.env),
            cwd: run.cwd.clone(),
            user: run.user.clone(),
            binds: host.binds.iter().cloned().chain(binds).collect(),
            scratch,
            network: if run.offline { Network::None } else { Network::Host },
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
        let captured = captured.map_err(|error| self.users_error(step, error))?;
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

    /// What a `RUN --mount` shows: binds and empty folders.
    fn mounts(&self, mounts: &[PlannedMount]) -> Result<(Vec<Bind>, Vec<PathBuf>), ImageError> {
        let (mut binds, mut scratch) = (Vec::new(), Vec::new());
        for mount in mounts {
            match mount {
                PlannedMount::Cache { id, target } => {
                    let source = self.builder.containers.cache_folder(id)?;
                    binds.push(Bind { source, target: target.into(), read_only: false });
                }
                PlannedMount::Bind { source, target, .. } => {
                    let io = |error| ImageError::io(source, error);
                    let source = source.canonicalize().map_err(io)?;
                    binds.push(Bind { source, target: target.into(), read_only: true });
                }
                PlannedMount::Tmpfs { target } => scratch.push(target.into()),
            }
        }
        Ok((binds, scratch))
    }

    /// A command or file that is not in the image is the Dockerfile's fault, not the machine's.
    fn users_error(&self, step: &Step, error: ContainerError) -> ImageError {
        match &error {
            ContainerError::Setup { step: what, reason, .. }
                if ["start `", "find user", "find `"]
                    .iter()
                    .any(|start| what.starts_with(start)) =>
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
        text("PATH", DEFAULT_PATH),
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
pub(crate) fn step_key(step: &Step, below: &[Layer], earlier: &[Vec<Layer>]) -> Digest {
    let below = diff_ids(below);
    match &step.action {
        Action::Folder { path } => {
            let mut key = KeyMaker::new("folder", &below);
            key.add(path);
            key.finish()
        }
        Action::Run(run) => run_key(run, &below),
        Action::Copy { from, to } => {
            let mut key = KeyMaker::new("copy", &below);
            key.add(&to.path).add(&format!("{} {:?}", to.into_folder, to.mode));
            key.add(&format!("{:?}", to.owner));
            match from {
                Origin::Context(sources) => add_sources(&mut key, sources),
                Origin::Stage { at, patterns } => add_files(&mut key, &earlier[*at], patterns),
                Origin::Image { image, patterns } => add_files(&mut key, &image.layers, patterns),
            }
            key.finish()
        }
    }
}

fn run_key(run: &PlannedRun, below: &[Digest]) -> Digest {
    let mut key = KeyMaker::new("run", below);
    key.add(&run.user).add(&run.cwd).add(&run.offline.to_string());
    key.add(&run.argv.len().to_string());
    for argument in &run.argv {
        key.add(argument);
    }
    for (name, value) in &run.env {
        key.add(name).add(value);
    }
    for mount in &run.mounts {
        match mount {
            // What a cache holds must not change the result, as for every builder.
            PlannedMount::Cache { id, target } => key.add("cache").add(id).add(target),
            PlannedMount::Tmpfs { target } => key.add("tmpfs").add(target),
            PlannedMount::Bind { digest, target, .. } => {
                key.add("bind").add(&digest.to_string()).add(target)
            }
        };
    }
    key.finish()
}

fn add_files(key: &mut KeyMaker, layers: &[Layer], patterns: &[String]) {
    key.add("from").add(&layers.len().to_string());
    for digest in diff_ids(layers) {
        key.add(&digest.to_string());
    }
    for pattern in patterns {
        key.add(pattern);
    }
}

fn add_sources(key: &mut KeyMaker, sources: &[Source]) {
    for source in sources {
        key.add(&source.name).add(&format!("{} {}", source.is_dir, source.entries.len()));
        for entry in &source.entries {
            key.path(&entry.relative).add(&entry.mode.to_string());
            match &entry.content {
                Content::Dir => key.add("dir"),
                Content::Link(target) => key.add("link").path(target),
                Content::File { digest, .. } | Content::Memory { digest, .. } => {
                    key.add(&digest.to_string())
                }
            };
        }
    }
}
