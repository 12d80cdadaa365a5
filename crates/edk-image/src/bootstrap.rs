//! Bases made from Debian packages.

use std::{collections::BTreeMap, fs, io, path::Path};

use edk_model::{Descriptor, Digest, Monitor, Outcome, Reference, SOURCE_DATE_EPOCH, Unit};

use crate::{
    Builder, Compression, Config, DEFAULT_PATH, Image, ImageError, PlanRequest,
    base::{installer_base, local_only_repository},
    key::KeyMaker,
    layer::LayerWriter,
    machine::is_missing,
    plan::{Sources, plan},
};

/// How a base is made: Debian packages, and instructions on top of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// Name of the base, as in `local-only/<name>`.
    pub name: &'static str,
    /// One sentence for a list.
    pub description: &'static str,
    /// Debian release.
    pub suite: &'static str,
    /// Debian packages beyond the essential ones.
    pub packages: &'static [&'static str],
    /// A Dockerfile without its `FROM`.
    pub instructions: &'static str,
}

/// The bases that can be made here.
pub const RECIPES: &[Recipe] = &[
    Recipe {
        name: "base-python-cpu",
        description: "Debian 12 with Python 3.11 and pip in the virtual environment /opt/venv",
        suite: "bookworm",
        packages: &["ca-certificates", "python3", "python3-pip", "python3-venv"],
        instructions: "RUN python3 -m venv /opt/venv\n\
                   ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
                   ENV PYTHONUNBUFFERED=1 LANG=C.UTF-8\n\
                   WORKDIR /kaapana/app\n\
                   CMD [\"python3\"]\n",
    },
    Recipe {
        name: "base-python-gpu",
        description: "base-python-cpu, with the settings and libraries by which NVIDIA's runtime shows a GPU",
        suite: "bookworm",
        packages: &[
            "ca-certificates",
            "libgl1",
            "libglib2.0-0",
            "python3",
            "python3-pip",
            "python3-venv",
        ],
        instructions: "RUN python3 -m venv /opt/venv\n\
                   ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
                   ENV PYTHONUNBUFFERED=1 LANG=C.UTF-8\n\
                   ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics\n\
                   LABEL com.nvidia.volumes.needed=nvidia_driver\n\
                   WORKDIR /kaapana/app\n\
                   CMD [\"python3\"]\n",
    },
    Recipe {
        name: "base-installer",
        description: "the installer of DAG images on Debian 12, for Dockerfiles that RUN something; the one built in has no shell",
        suite: "bookworm",
        packages: &["ca-certificates"],
        instructions: "COPY --from=edk/installer /installer /installer\n\
                   ENV LANG=C.UTF-8\n\
                   WORKDIR /kaapana/app\n\
                   CMD [\"/installer\"]\n",
    },
];

/// What mmdebstrap leaves out or takes away: documentation, and what it copies from this machine.
const MMDEBSTRAP_OPTIONS: [&str; 9] = [
    "--variant=minbase",
    "--format=tar",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--aptopt=Acquire::Languages \"none\"",
    "--customize-hook=rm -f \"$1/etc/resolv.conf\" \"$1/etc/hostname\"",
    "--skip=output/dev",
];

/// The image of the installer, as recipes call it.
const INSTALLER: &str = "edk/installer";

/// How a base came to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrapped {
    /// The base.
    pub image: Image,
    /// Whether it was there before.
    pub reused: bool,
}

impl Recipe {
    /// Returns the recipe for `name`.
    ///
    /// # Errors
    /// [`ImageError::NoRecipe`] with the names there are.
    pub fn find(name: &str) -> Result<&'static Self, ImageError> {
        RECIPES.iter().find(|recipe| recipe.name == name).ok_or_else(|| {
            let known = RECIPES.iter().map(|recipe| recipe.name).collect();
            ImageError::NoRecipe { name: name.to_owned(), known }
        })
    }
}

/// Makes the base of `recipe` and tags it `local-only/<name>:latest`; one that was made of the same
/// recipe and mirror before is only tagged. `mirror` is the address of a Debian mirror; without it
/// mmdebstrap's own default is taken. `fresh` makes it again from the packages of today.
///
/// # Errors
/// [`ImageError::NoProgram`] if mmdebstrap is not installed, [`ImageError::CommandFailed`] if it
/// fails, [`ImageError::Cancelled`]; then nothing is kept.
pub fn bootstrap(
    builder: &Builder<'_>,
    recipe: &Recipe,
    mirror: Option<&str>,
    fresh: bool,
    monitor: &Monitor,
) -> Result<Bootstrapped, ImageError> {
    let store = builder.store;
    let rootfs_key = rootfs_key(recipe, mirror);
    let known = if fresh { None } else { store.step::<Descriptor>(&rootfs_key) };
    let known = known.and_then(|descriptor| Image::load(store, &descriptor).ok());
    let known = known.filter(|image| {
        image.layers.iter().all(|layer| store.size(&layer.descriptor.digest).is_some())
    });
    monitor.started(recipe.name);
    let mut reused = known.is_some();
    let rootfs = match known {
        Some(image) => image,
        None => {
            let image = debian_rootfs(builder, recipe, mirror, monitor)?;
            store.put_step(&rootfs_key, &image.descriptor)?;
            image
        }
    };
    let text = format!("FROM rootfs\n{}", recipe.instructions);
    let args = BTreeMap::new();
    let request = PlanRequest::new(&text, recipe.name, store.root(), &args);
    let plan = plan(&request, &mut Given { rootfs: &rootfs, store })?;
    let built = builder.build(&plan, monitor)?;
    reused &= built.unchanged;
    store.tag(&local_only_repository(recipe.name), "latest", &built.image.descriptor)?;
    let size = built.image.size() / 1_000_000;
    let (outcome, summary) = if reused {
        (Outcome::Reused, format!("is there already ({size} MB)"))
    } else {
        (Outcome::Done, format!("made ({size} MB)"))
    };
    monitor.finished(recipe.name, outcome, &summary);
    Ok(Bootstrapped { image: built.image, reused })
}

/// Whatever is asked for is the root file system, but for the installer.
struct Given<'a> {
    rootfs: &'a Image,
    store: &'a edk_store::Store,
}

impl Sources for Given<'_> {
    fn image(&mut self, reference: &Reference, _: &str) -> Result<Image, ImageError> {
        match reference.repository.as_str() {
            INSTALLER => installer_base(self.store),
            _ => Ok(self.rootfs.clone()),
        }
    }

    fn fetch(
        &mut self,
        address: &str,
        _: Option<&Digest>,
        _: &str,
    ) -> Result<Descriptor, ImageError> {
        Err(ImageError::Unsupported { what: format!("ADD {address} in a recipe") })
    }
}

fn rootfs_key(recipe: &Recipe, mirror: Option<&str>) -> Digest {
    let mut key = KeyMaker::new("debian", &[]);
    key.add(recipe.suite).add(mirror.unwrap_or_default());
    for part in MMDEBSTRAP_OPTIONS.iter().chain(recipe.packages) {
        key.add(part);
    }
    key.finish()
}

/// Lets mmdebstrap make a root file system and keeps it as an image of one layer.
fn debian_rootfs(
    builder: &Builder<'_>,
    recipe: &Recipe,
    mirror: Option<&str>,
    monitor: &Monitor,
) -> Result<Image, ImageError> {
    let layer = builder.containers.with_folder(|folder| {
        run_mmdebstrap(builder, recipe, mirror, folder, monitor)?;
        keep_tar(builder, &folder.join("rootfs.tar"), recipe.name, monitor)
    })?;
    let mut config = Config { cmd: vec!["/bin/sh".to_owned()], ..Config::default() };
    config.record(&format!("mmdebstrap {} {}", recipe.suite, recipe.packages.join(" ")), false);
    Image::assemble(builder.store, config, vec![layer])
}

fn run_mmdebstrap(
    builder: &Builder<'_>,
    recipe: &Recipe,
    mirror: Option<&str>,
    folder: &Path,
    monitor: &Monitor,
) -> Result<(), ImageError> {
    let mut argv: Vec<String> = vec!["mmdebstrap".to_owned(), "--mode=root".to_owned()];
    argv.extend(MMDEBSTRAP_OPTIONS.map(str::to_owned));
    argv.push(format!("--include={}", recipe.packages.join(",")));
    argv.extend([recipe.suite.to_owned(), "rootfs.tar".to_owned()]);
    argv.extend(mirror.map(str::to_owned));
    let env = mmdebstrap_environment(builder, folder);
    let (mut phases, mut last) = (0, Vec::new());
    let mut output = |line: &str| {
        monitor.line(line);
        if line.starts_with("I: ") {
            phases += 1;
            monitor.progress(recipe.name, phases, Some(PHASES.max(phases)), Unit::Steps, 0);
        }
        last.push(line.to_owned());
    };
    let exit = builder.containers.run_on_host(&argv, &env, folder, &mut output, monitor);
    let exit = exit.map_err(|error| match error {
        missing if is_missing(&missing, "mmdebstrap") => {
            ImageError::NoProgram { program: "mmdebstrap" }
        }
        other => other.into(),
    })?;
    if exit.code == 0 {
        return Ok(());
    }
    let output = last.split_off(last.len().saturating_sub(15));
    let command = format!("mmdebstrap {}", recipe.suite);
    Err(ImageError::CommandFailed { command, place: String::new(), code: exit.code, output })
}

/// How many lines that begin with `I:` mmdebstrap prints on its way.
const PHASES: u64 = 14;

fn mmdebstrap_environment(builder: &Builder<'_>, folder: &Path) -> Vec<(String, String)> {
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut env = vec![
        text("PATH", DEFAULT_PATH),
        text("HOME", "/root"),
        text("LC_ALL", "C.UTF-8"),
        text("DEBIAN_FRONTEND", "noninteractive"),
        text("TMPDIR", &folder.display().to_string()),
        text("SOURCE_DATE_EPOCH", &SOURCE_DATE_EPOCH.to_string()),
    ];
    let proxy = |name: &str| name.to_ascii_lowercase().ends_with("_proxy");
    env.extend(builder.host.env.iter().filter(|(name, _)| proxy(name)).cloned());
    env
}

/// Moves a tar into the store as a layer.
fn keep_tar(
    builder: &Builder<'_>,
    path: &Path,
    subject: &str,
    monitor: &Monitor,
) -> Result<crate::Layer, ImageError> {
    let io = |source| ImageError::io(path, source);
    let mut file = fs::File::open(path).map_err(io)?;
    let total = file.metadata().map_err(io)?.len();
    let (mut writer, mut done) = (LayerWriter::new(builder.store, Compression::Gzip)?, 0);
    loop {
        monitor.check()?;
        let mut chunk = io::Read::take(&mut file, 4 << 20);
        let count = io::copy(&mut chunk, &mut writer).map_err(io)?;
        if count == 0 {
            return writer.finish();
        }
        done += count;
        monitor.progress(subject, done, Some(total), Unit::Bytes, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instructions_of_every_recipe_are_planned_and_set_what_they_say() {
        let folder = tempfile::tempdir().unwrap();
        let store = edk_store::Store::open(folder.path()).unwrap();
        let rootfs = Image::assemble(&store, Config::default(), Vec::new()).unwrap();
        let args = BTreeMap::new();
        for recipe in RECIPES {
            let text = format!("FROM rootfs\n{}", recipe.instructions);
            let request = PlanRequest::new(&text, recipe.name, store.root(), &args);
            let plan = plan(&request, &mut Given { rootfs: &rootfs, store: &store }).unwrap();
            let config = &plan.stages.last().unwrap().config;
            let variable = |name: &str| {
                config.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
            };
            assert_eq!(variable("LANG"), Some("C.UTF-8"), "{}", recipe.name);
            assert_eq!(config.working_dir, "/kaapana/app", "{}", recipe.name);
            let gpu = recipe.name == "base-python-gpu";
            assert_eq!(variable("NVIDIA_VISIBLE_DEVICES"), gpu.then_some("all"), "{}", recipe.name);
            let needed = config.labels.iter().any(|(key, _)| key == "com.nvidia.volumes.needed");
            assert_eq!(needed, gpu, "{}", recipe.name);
            let installer = config.command() == ["/installer"];
            assert_eq!(installer, recipe.name == "base-installer", "{}", recipe.name);
        }
    }
}
