//! Layers that a machine that lost its power may not have written.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use edk_container::Containers;
use edk_model::{Digest, Monitor};
use edk_testkit::{busybox_layer, tar};

struct World {
    _folder: tempfile::TempDir,
    root: PathBuf,
    containers: Containers,
    layers: Vec<Digest>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("containers");
        let helper = Path::new(env!("CARGO_BIN_EXE_edk-container-helper"));
        let containers = Containers::open(&root, helper).unwrap();
        let mut world = Self { _folder: folder, root, containers, layers: Vec::new() };
        world.add(&busybox_layer());
        world
    }

    fn add(&mut self, layer: &[u8]) {
        self.layers.push(Digest::of(layer));
        self.containers.unpack(&self.layers, &mut &*layer, &Monitor::silent()).unwrap();
    }
}

/// The folder of marks of this boot, and the marks in it.
fn marks(world: &World) -> (PathBuf, Vec<PathBuf>) {
    let mut boots = fs::read_dir(world.root.join("unsynced")).unwrap();
    let boot = boots.next().unwrap().unwrap().path();
    let marks = fs::read_dir(&boot).unwrap().map(|it| it.unwrap().path()).collect();
    (boot, marks)
}

#[test]
fn layers_that_an_earlier_boot_may_not_have_written_are_not_trusted() {
    let world = World::new();
    let (boot, found) = marks(&world);
    assert_eq!(found.len(), 1);
    world.containers.sweep().unwrap();
    assert!(world.containers.has_layer(&world.layers), "this boot's are all there");
    fs::rename(&boot, boot.with_file_name("an-earlier-one")).unwrap();
    world.containers.sweep().unwrap();
    assert!(!world.containers.has_layer(&world.layers));
    let names = || {
        fs::read_dir(world.root.join("unsynced"))
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    assert!(names().is_empty(), "{:?}", names());
    let layer = busybox_layer();
    world.containers.unpack(&world.layers, &mut &*layer, &Monitor::silent()).unwrap();
    world.containers.sweep().unwrap();
    assert!(world.containers.has_layer(&world.layers));
}

#[test]
fn layers_that_have_long_been_written_are_trusted_for_good() {
    let mut world = World::new();
    let (_, found) = marks(&world);
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    fs::File::open(&found[0]).unwrap().set_modified(long_ago).unwrap();
    world.add(&tar(&[]));
    let (boot, left) = marks(&world);
    assert_eq!(left.len(), 1, "the new one's only");
    fs::rename(&boot, boot.with_file_name("an-earlier-one")).unwrap();
    world.containers.sweep().unwrap();
    assert!(world.containers.has_layer(&world.layers[..1]));
    assert!(!world.containers.has_layer(&world.layers));
}
