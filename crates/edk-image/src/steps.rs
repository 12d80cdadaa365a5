//! Carries the steps of one stage out.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use edk_model::{Digest, Monitor, Unit};

use crate::{
    BuildOptions, Builder, ImageError, Layer, Plan,
    beneath::Root,
    explain::Told,
    inputs::Inputs,
    layer::{Composer, Contents, Fault, LayerWriter, Place},
    machine::{self, Taken},
    patterns::Rules,
    plan::{Action, Destination, Origin, PlannedBase, Step},
    tree::Tree,
    value::Owner,
};

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
            let inputs = Inputs::of(self.plan, step, &layers, &earlier, squashed);
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
pub(crate) struct StepRun<'a> {
    pub(crate) builder: Builder<'a>,
    pub(crate) plan: &'a Plan,
    pub(crate) options: &'a BuildOptions,
    pub(crate) step: &'a Step,
    pub(crate) below: &'a [Layer],
    pub(crate) earlier: &'a [Vec<Layer>],
    pub(crate) monitor: &'a Monitor,
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
                let tree = Tree::load(self.builder.store, self.below, self.monitor)?;
                // The user need not be known unless there is something to own.
                let missing = !tree.is_folder(path);
                let owner = owner.as_ref().filter(|_| missing);
                let owner = owner.map(|owner| self.owner(owner)).transpose()?;
                let place = Place { path, into_folder: true, owner, mode: None };
                self.compose(tree, place, |composer| composer.make_folder())
            }
        }
    }

    pub(crate) fn contents(&self) -> Contents<'_> {
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
        let writer = LayerWriter::new(self.builder.store, self.plan.compression)?;
        let written =
            Composer::new(self.contents(), tree, place, writer).and_then(|mut composer| {
                body(&mut composer)?;
                composer.finish()
            });
        written.map_err(|fault| self.fault(fault))?.finish()
    }

    fn copy(&self, from: &Origin, to: &Destination) -> Result<Layer, ImageError> {
        let store = self.builder.store;
        let tree =
            if to.link { Tree::default() } else { Tree::load(store, self.below, self.monitor)? };
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
        let taken = Taken { layers, patterns, parents: to.parents };
        let result = machine::export(self.builder, taken, self.monitor, |tar| {
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
        let read = |path: &str| {
            let patterns = &[path.to_owned()];
            let taken = Taken { layers: self.below, patterns, parents: false };
            let text = machine::export(self.builder, taken, self.monitor, |tar| {
                let mut text = String::new();
                for entry in tar::Archive::new(tar).entries().into_iter().flatten().flatten() {
                    let mut entry = entry;
                    // What can't be read names nobody.
                    let _ = io::Read::read_to_string(&mut entry, &mut text);
                }
                Ok(text)
            });
            match text {
                // Who is in no file is told as such.
                Err(ImageError::Container(_)) => Ok(String::new()),
                other => other,
            }
        };
        let numbers = owner.look_up(&read("/etc/passwd")?, &read("/etc/group")?);
        numbers.map_err(|reason| self.step_error(&reason))
    }

    pub(crate) fn fault(&self, fault: Fault) -> ImageError {
        match fault {
            Fault::Step(reason) => self.step_error(&reason),
            Fault::Error(error) => *error,
        }
    }

    pub(crate) fn step_error(&self, reason: &str) -> ImageError {
        let place = &self.step.place;
        let line = place.rsplit_once(':').and_then(|(_, line)| line.parse().ok()).unwrap_or(1);
        let message = format!("`{}`: {reason}", self.step.text);
        let finding = edk_model::Finding::error("dockerfile/step", message);
        let findings = vec![finding.in_file(&self.plan.file).at(line, 1)];
        ImageError::Findings { subject: self.plan.file.clone(), findings }
    }
}

/// The lock of a step: in one process, nobody does what another is doing.
fn gate(key: &Digest) -> Arc<Mutex<()>> {
    static GATES: Mutex<BTreeMap<Digest, Arc<Mutex<()>>>> = Mutex::new(BTreeMap::new());
    let mut gates = GATES.lock().unwrap_or_else(PoisonError::into_inner);
    gates.retain(|_, gate| Arc::strong_count(gate) > 1);
    Arc::clone(gates.entry(*key).or_default())
}
