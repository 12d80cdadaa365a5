//! Carries the steps of one stage out.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, BufWriter, Write as _},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use edk_container::{
    Cache, CacheSharing, ContainerError, Containers, Content as Bytes, Mount, Network, RunSpec,
};
use edk_model::{Digest, Monitor, SOURCE_DATE_EPOCH, Unit};

use crate::{
    BuildOptions, Builder, DEFAULT_PATH, ImageError, Layer, Plan,
    beneath::Root,
    context::Source,
    dockerfile::Sharing,
    explain::Told,
    image::{diff_ids, prepare_layers},
    inputs::Inputs,
    key::KeyMaker,
    layer::{Composer, Contents, Fault, LayerWriter, Place},
    patterns::Rules,
    plan::{Action, BindFrom, Destination, Origin, PlannedBase, PlannedMount, PlannedRun, Step},
    tree::{Indexed, Tree, keep_index},
    value::Owner,
};

/// How many lines of a failed command's output its error carries.
const LAST_LINES: usize = 15;

/// How often somebody who waits for another's step looks whether it was cancelled.
const WAIT: Duration = Duration::from_millis(20);

/// What has been done of a plan, by several stages at the same time.
pub(crate) struct StageRun<'a> {
    builder: Builder<'a>,
    plan: &'a Plan,
    options: &'a BuildOptions,
    done: AtomicUsize,
    reused: AtomicUsize,
}

/// The layers of a stage, and what was done.
pub(crate) type Stage = (Vec<Layer>, Vec<Told>);

impl<'a> StageRun<'a> {
    pub(crate) fn new(builder: Builder<'a>, plan: &'a Plan, options: &'a BuildOptions) -> Self {
        let (done, reused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { builder, plan, options, done, reused }
    }

    /// Carries out the steps of the stage `at`; `done` are the stages there are.
    pub(crate) fn stage(
        &self,
        at: usize,
        done: &[Option<Stage>],
        monitor: &Monitor,
    ) -> Result<Stage, ImageError> {
        let stage = &self.plan.stages[at];
        let layers = |stage: &Option<Stage>| {
            stage.as_ref().map(|(layers, _)| layers.clone()).unwrap_or_default()
        };
        let earlier: Vec<Vec<Layer>> = done.iter().map(layers).collect();
        let mut layers = match &stage.base {
            PlannedBase::Scratch => Vec::new(),
            PlannedBase::Image(image) => image.layers.clone(),
            PlannedBase::Stage(at) => earlier.get(*at).cloned().unwrap_or_default(),
        };
        let mut all = Vec::new();
        for step in &stage.steps {
            monitor.check()?;
            let squashed = self.builder.containers.squashes();
            let inputs = Inputs::of(step, &layers, &earlier, squashed);
            let run = StepRun {
                builder: self.builder,
                plan: self.plan,
                options: self.options,
                step,
                below: &layers,
                earlier: &earlier,
                monitor,
            };
            let (layer, reused) = run.find_or_make(&inputs.key())?;
            layers.push(layer);
            all.push(Told { stage: stage.name.clone(), step: step.clone(), inputs, reused });
            self.progress(reused, monitor);
        }
        Ok((layers, all))
    }

    fn progress(&self, reused: bool, monitor: &Monitor) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let more = usize::from(reused);
        let reused = self.reused.fetch_add(more, Ordering::Relaxed) + more;
        let total = self.plan.steps() as u64;
        monitor.progress(&self.plan.file, done as u64, Some(total), Unit::Steps, reused as u64);
    }
}

/// One step on what lies below it.
struct StepRun<'a> {
    builder: Builder<'a>,
    plan: &'a Plan,
    options: &'a BuildOptions,
    step: &'a Step,
    below: &'a [Layer],
    earlier: &'a [Vec<Layer>],
    monitor: &'a Monitor,
}

impl StepRun<'_> {
    /// Finds the step's layer, or makes it; says whether it was found. Of several that want the
    /// same at the same time one makes it, and the others find it.
    fn find_or_make(&self, key: &Digest) -> Result<(Layer, bool), ImageError> {
        if let Some(layer) = self.find(key) {
            return Ok((layer, true));
        }
        let gate = gate(key);
        let _held = loop {
            match gate.try_lock() {
                Ok(held) => break held,
                Err(std::sync::TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
                Err(std::sync::TryLockError::WouldBlock) => {
                    self.monitor.check()?;
                    std::thread::sleep(WAIT);
                }
            }
        };
        if let Some(layer) = self.find(key) {
            return Ok((layer, true));
        }
        self.monitor.line(&self.step.text);
        let layer = self.make()?;
        self.builder.store.put_step(key, &layer)?;
        Ok((layer, false))
    }

    fn find(&self, key: &Digest) -> Option<Layer> {
        let store = self.builder.store;
        let layer: Layer = store.step(key).filter(|_| !self.options.fresh)?;
        let whole = store.claim(&layer.descriptor.digest).ok()? == Some(layer.descriptor.size);
        whole.then_some(layer)
    }

    fn make(&self) -> Result<Layer, ImageError> {
        match &self.step.action {
            Action::Run(run) => self.run(run),
            Action::Copy { from, to } => self.copy(from, to),
            Action::Folder { path, owner } => {
                let tree = Tree::load(self.builder.store, self.below)?;
                // The user need not be known unless there is something to own.
                let missing = !tree.is_folder(path);
                let owner = owner.as_ref().filter(|_| missing);
                let owner = owner.map(|owner| self.owner(owner)).transpose()?;
                let place = Place { path, into_folder: true, owner, mode: None };
                self.compose(tree, place, |composer| composer.make_folder())
            }
        }
    }

    fn contents(&self) -> Contents<'_> {
        let context: &Root = &self.plan.context;
        Contents { store: self.builder.store, context, monitor: self.monitor }
    }

    /// Writes a layer on `tree`.
    fn compose(
        &self,
        tree: Tree,
        place: Place<'_>,
        body: impl FnOnce(&mut Composer<'_, LayerWriter>) -> Result<(), Fault>,
    ) -> Result<Layer, ImageError> {
        let writer = LayerWriter::new(self.builder.store)?;
        let written =
            Composer::new(self.contents(), tree, place, writer).and_then(|mut composer| {
                body(&mut composer)?;
                composer.finish()
            });
        written.map_err(|fault| self.fault(fault))?.finish()
    }

    fn copy(&self, from: &Origin, to: &Destination) -> Result<Layer, ImageError> {
        let Builder { store, containers, .. } = self.builder;
        let tree = if to.link { Tree::default() } else { Tree::load(store, self.below)? };
        let owner = to.owner.as_ref().map(|owner| self.owner(owner)).transpose()?;
        let (path, into_folder, mode) = (to.path.as_str(), to.into_folder, to.mode.as_ref());
        let place = Place { path, into_folder, owner, mode };
        let (layers, patterns) = match from {
            Origin::Context(sources) => {
                return self.compose(tree, place, |composer| composer.sources(sources));
            }
            Origin::Stage { at, patterns, .. } => (&self.earlier[*at], patterns),
            Origin::Image { image, patterns, .. } => (&image.layers, patterns),
        };
        let exclude = Rules::of(&to.exclude).map_err(|(pattern, reason)| {
            self.step_error(&format!("`--exclude={pattern}`: {reason}"))
        })?;
        prepare_layers(layers, store, containers, self.monitor)?;
        let result = containers.export(&diff_ids(layers), patterns, to.parents, |tar| {
            self.compose(tree, place, |composer| composer.export(tar, &exclude))
        });
        result.map_err(|error| match error {
            ImageError::Container(error) => self.users_error(error),
            other => other,
        })
    }

    /// The numbers of an owner; names are looked up in the image as it is so far.
    fn owner(&self, owner: &Owner) -> Result<(u64, u64), ImageError> {
        if let Some(numbers) = owner.numbers() {
            return Ok(numbers);
        }
        let Builder { store, containers, .. } = self.builder;
        prepare_layers(self.below, store, containers, self.monitor)?;
        let read = |path: &str| {
            let patterns = [path.to_owned()];
            let text = containers.export(&diff_ids(self.below), &patterns, false, |tar| {
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
        numbers.map_err(|reason| self.step_error(&reason))
    }

    fn run(&self, run: &PlannedRun) -> Result<Layer, ImageError> {
        let Builder { store, containers, host } = self.builder;
        prepare_layers(self.below, store, containers, self.monitor)?;
        let mut layers = diff_ids(self.below);
        let shown = self.mounts(run)?;
        let passing = run.passing.iter().chain(&host.env);
        let own: Vec<_> = run.env.iter().chain(&shown.env).cloned().collect();
        let spec = RunSpec {
            layers: layers.clone(),
            argv: run.argv.clone(),
            env: run_environment(&own, passing),
            cwd: run.cwd.clone(),
            user: run.user.clone(),
            binds: host.binds.clone(),
            mounts: shown.mounts,
            network: if run.offline { Network::None } else { Network::Host },
        };
        let mut last = VecDeque::new();
        let several = self.plan.stages.len() > 1;
        let mut output = |line: &str| {
            // Stages are built at the same time.
            match several {
                true => self.monitor.line(&format!("{} | {line}", self.step.place)),
                false => self.monitor.line(line),
            }
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(line.to_owned());
        };
        let mut writer = Indexed::new(LayerWriter::new(store)?)
            .map_err(|source| ImageError::io("a pipe".as_ref(), source))?;
        let captured = containers.capture(&spec, &mut output, &mut writer, self.monitor);
        let captured = captured.map_err(|error| self.users_error(error))?;
        drop(shown.caches);
        let code = captured.exit.code;
        if code != 0 {
            containers.forget(captured);
            let (command, place) = (self.step.text.clone(), self.step.place.clone());
            return Err(ImageError::CommandFailed { command, place, code, output: last.into() });
        }
        let (writer, index) = writer.finish();
        let layer = writer.finish()?;
        if let Some(index) = index {
            keep_index(store, &layer, &index)?;
        }
        layers.push(layer.diff_id);
        containers.adopt(captured, &layers)?;
        Ok(layer)
    }

    /// What a `RUN --mount` shows.
    fn mounts(&self, run: &PlannedRun) -> Result<Shown, ImageError> {
        let mut shown = Shown::default();
        for (target, content) in &run.scripts {
            let (target, content) = (target.into(), Bytes(content.clone().into_bytes()));
            shown.mounts.push(Mount::File { target, content, mode: 0o755, uid: 0, gid: 0 });
        }
        for mount in &run.mounts {
            match mount {
                PlannedMount::Cache { id, target, read_only, sharing, look } => {
                    let sharing = match sharing {
                        Sharing::Shared => CacheSharing::Shared,
                        Sharing::Private => CacheSharing::Private,
                        Sharing::Locked => CacheSharing::Locked,
                    };
                    let cache = self.builder.containers.cache(id, sharing, self.monitor)?;
                    shown.mounts.push(Mount::Folder {
                        source: cache.path().to_owned(),
                        target: target.into(),
                        read_only: *read_only,
                        mode: look.mode.unwrap_or(0o755),
                        uid: look.uid,
                        gid: look.gid,
                    });
                    shown.caches.push(cache);
                }
                PlannedMount::Bind { from, target, writable } => {
                    let (layers, source) = self.bound(from)?;
                    let (target, read_only) = (target.into(), !writable);
                    let source = source.into();
                    shown.mounts.push(Mount::Tree { layers, source, target, read_only });
                }
                PlannedMount::Tmpfs { target, size } => {
                    shown.mounts.push(Mount::Scratch { target: target.into(), size: *size });
                }
                PlannedMount::Secret { id, target, env, look } => {
                    self.secret(&mut shown, id, target.as_deref(), env.as_deref(), *look)?;
                }
            }
        }
        Ok(shown)
    }

    fn secret(
        &self,
        shown: &mut Shown,
        id: &str,
        target: Option<&str>,
        env: Option<&str>,
        look: crate::dockerfile::Look,
    ) -> Result<(), ImageError> {
        let Some(content) = self.options.secrets.get(id) else {
            return Err(self.step_error(&format!("the secret `{id}` is not there any more")));
        };
        if let Some(target) = target {
            let (mode, uid, gid) = (look.mode.unwrap_or(0o400), look.uid, look.gid);
            let (target, content) = (target.into(), content.clone());
            shown.mounts.push(Mount::File { target, content, mode, uid, gid });
        }
        if let Some(name) = env {
            let text = String::from_utf8(content.0.clone());
            let text = text.map_err(|_| self.step_error(&format!("secret `{id}` is no text")))?;
            shown.env.push((name.to_owned(), text));
        }
        Ok(())
    }

    /// The layers of what is bound, unpacked, and where it lies in them.
    fn bound(&self, from: &BindFrom) -> Result<(Vec<Digest>, String), ImageError> {
        let Builder { store, containers, .. } = self.builder;
        let (layers, source) = match from {
            BindFrom::Context(source) => return self.bound_context(source),
            BindFrom::Stage { at, source, .. } => (&self.earlier[*at], source),
            BindFrom::Image { image, source, .. } => (&image.layers, source),
        };
        prepare_layers(layers, store, containers, self.monitor)?;
        Ok((diff_ids(layers), source.clone()))
    }

    /// Files of the context as they would be copied: root's, and without what is ignored.
    fn bound_context(&self, source: &Source) -> Result<(Vec<Digest>, String), ImageError> {
        const NAME: &str = "/bound";
        let containers: &Containers = self.builder.containers;
        let mut key = KeyMaker::new("bind", &[]);
        key.add(&format!("{} {:o}", source.is_dir, source.mode));
        for entry in &source.entries {
            key.path(&entry.relative).add(&format!("{:o}", entry.mode));
            key.add(&entry.content.identity());
            for (name, value) in &entry.xattrs {
                key.add(name).bytes(value);
            }
        }
        let layers = vec![key.finish()];
        if containers.has_layer(&layers) {
            return Ok((layers, NAME.to_owned()));
        }
        containers.with_folder(|folder| {
            let path = folder.join("bound.tar");
            let io = |source| ImageError::io(&path, source);
            let file = std::fs::File::create_new(&path).map_err(io)?;
            let place = Place { path: NAME, into_folder: false, owner: None, mode: None };
            let out = BufWriter::new(file);
            let written = Composer::new(self.contents(), Tree::default(), place, out);
            let written = written.and_then(|mut composer| {
                composer.sources(std::slice::from_ref(source))?;
                composer.finish()
            });
            written.map_err(|fault| self.fault(fault))?.flush().map_err(io)?;
            let mut file = std::fs::File::open(&path).map_err(io)?;
            containers.unpack(&layers, &mut file, self.monitor)?;
            Ok::<_, ImageError>(())
        })?;
        Ok((layers, NAME.to_owned()))
    }

    fn fault(&self, fault: Fault) -> ImageError {
        match fault {
            Fault::Step(reason) => self.step_error(&reason),
            Fault::Error(error) => *error,
        }
    }

    /// A command or file that is not in the image is the Dockerfile's fault, not the machine's.
    fn users_error(&self, error: ContainerError) -> ImageError {
        match &error {
            ContainerError::Setup { step: what, reason, .. }
                if ["start `", "find user", "find `"]
                    .iter()
                    .any(|start| what.starts_with(start)) =>
            {
                self.step_error(&format!("could not {what}: {reason}"))
            }
            _ => error.into(),
        }
    }

    fn step_error(&self, reason: &str) -> ImageError {
        let place = &self.step.place;
        let line = place.rsplit_once(':').and_then(|(_, line)| line.parse().ok()).unwrap_or(1);
        let message = format!("`{}`: {reason}", self.step.text);
        let finding = edk_model::Finding::error("dockerfile/step", message);
        let findings = vec![finding.in_file(&self.plan.file).at(line, 1)];
        ImageError::Findings { subject: self.plan.file.clone(), findings }
    }
}

/// What shows to one command, and what has to be held while it runs.
#[derive(Default)]
struct Shown {
    mounts: Vec<Mount>,
    env: Vec<(String, String)>,
    caches: Vec<Cache>,
}

/// The lock of a step: in one process, nobody does what another is doing.
fn gate(key: &Digest) -> Arc<Mutex<()>> {
    static GATES: Mutex<BTreeMap<Digest, Arc<Mutex<()>>>> = Mutex::new(BTreeMap::new());
    let mut gates = GATES.lock().unwrap_or_else(PoisonError::into_inner);
    gates.retain(|_, gate| Arc::strong_count(gate) > 1);
    Arc::clone(gates.entry(*key).or_default())
}

/// The environment of a `RUN` step: the image's own wins over this machine's.
///
/// `SOURCE_DATE_EPOCH` makes Python write byte code that does not depend on time stamps, and other
/// tools write the same bytes each time (<https://reproducible-builds.org/docs/source-date-epoch/>).
fn run_environment<'a>(
    own: &[(String, String)],
    host: impl Iterator<Item = &'a (String, String)>,
) -> Vec<(String, String)> {
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let defaults =
        [text("PATH", DEFAULT_PATH), text("SOURCE_DATE_EPOCH", &SOURCE_DATE_EPOCH.to_string())];
    let mut env = own.to_vec();
    for (name, value) in host.cloned().chain(defaults) {
        if !env.iter().any(|(key, _)| *key == name) {
            env.push((name, value));
        }
    }
    env
}
