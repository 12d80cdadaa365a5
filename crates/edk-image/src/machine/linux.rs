//! Linux: containers of our own, in which commands run and layers lie unpacked.

use std::{
    collections::VecDeque,
    io::{BufWriter, Read, Write as _},
};

pub use edk_container::{Bind, ContainerError, Containers, Content};
use edk_container::{Cache, CacheSharing, Mount, Network, RunSpec};
use edk_model::{Digest, Monitor, SOURCE_DATE_EPOCH, Unit};
use edk_store::Store;

use super::Taken;
use crate::{
    Builder, DEFAULT_PATH, Image, ImageError, Layer,
    context::Source,
    dockerfile::Sharing,
    image::{Counting, diff_ids},
    key::KeyMaker,
    layer::{Composer, LayerWriter, Place},
    layer_tar::LayerTar,
    plan::{BindFrom, PlannedMount, PlannedRun},
    steps::StepRun,
    tree::{Indexed, Tree, keep_index},
};

/// How many lines of a failed command's output its error carries.
const LAST_LINES: usize = 15;

impl Image {
    /// Unpacks the layers that are not unpacked yet, and returns the diff ids of all.
    ///
    /// # Errors
    /// [`ImageError::Store`] for a missing blob, [`ImageError::BadLayer`] for a layer that
    /// holds too much or whose content is not that of its diff id, [`ImageError::Container`] if it can't be unpacked.
    pub fn prepare(
        &self,
        store: &Store,
        containers: &Containers,
        monitor: &Monitor,
    ) -> Result<Vec<Digest>, ImageError> {
        prepare_layers(&self.layers, store, containers, monitor)?;
        Ok(self.diff_ids())
    }
}

/// Unpacks those of `layers` (lowest first) that are not unpacked yet.
fn prepare_layers(
    layers: &[Layer],
    store: &Store,
    containers: &Containers,
    monitor: &Monitor,
) -> Result<(), ImageError> {
    let diff_ids = diff_ids(layers);
    let missing = (0..layers.len()).find(|&at| !containers.has_layer(&diff_ids[..=at]));
    let Some(first) = missing else { return Ok(()) };
    let total = layers[first..].iter().map(|layer| layer.descriptor.size).sum();
    let mut done = 0;
    for at in first..layers.len() {
        let before = done;
        let report = |read| {
            monitor.progress("unpacking layers", before + read, Some(total), Unit::Bytes, 0);
        };
        let blob = Counting::new(store.reader(&layers[at].descriptor.digest)?, report);
        let mut tar = LayerTar::of(blob, store, &layers[at], monitor)?;
        let unpacked = containers.unpack(&diff_ids[..=at], &mut tar, monitor);
        unpacked.map_err(|error| tar.blame(error.into()))?;
        done += layers[at].descriptor.size;
    }
    Ok(())
}

/// Gives `body` the tar stream of what is taken, as [`Containers::export`] makes it.
///
/// # Errors
/// Those of unpacking the layers, [`ImageError::Container`] if nothing is there, those of `body`.
pub(crate) fn export<T>(
    builder: Builder<'_>,
    taken: Taken<'_>,
    monitor: &Monitor,
    body: impl FnOnce(&mut dyn Read) -> Result<T, ImageError>,
) -> Result<T, ImageError> {
    let Taken { layers, patterns, parents } = taken;
    prepare_layers(layers, builder.store, builder.containers, monitor)?;
    builder.containers.export(&diff_ids(layers), patterns, parents, body)
}

/// Says whether a program of the host could not be started because it is not there.
pub(crate) fn is_missing(error: &ContainerError, program: &str) -> bool {
    matches!(error, ContainerError::Setup { step, .. } if *step == format!("start `{program}`"))
}

impl StepRun<'_> {
    pub(crate) fn run(&self, run: &PlannedRun) -> Result<Layer, ImageError> {
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
        let mut writer = Indexed::new(LayerWriter::new(store, self.plan.compression)?);
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
            let (target, content) = (target.into(), Content(content.clone().into_bytes()));
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
            key.bytes(entry.relative.as_os_str().as_encoded_bytes())
                .add(&format!("{:o}", entry.mode));
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

    /// A command or file that is not in the image is the Dockerfile's fault, not the machine's.
    pub(crate) fn users_error(&self, error: ContainerError) -> ImageError {
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
}

/// What shows to one command, and what has to be held while it runs.
#[derive(Default)]
struct Shown {
    mounts: Vec<Mount>,
    env: Vec<(String, String)>,
    caches: Vec<Cache>,
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
