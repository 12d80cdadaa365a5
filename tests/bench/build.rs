//! Building against others that do the same, as whole processes, in turns: ours, theirs, ours, so
//! that what else the machine does moves both sides.

use std::{fs, path::Path, process::Command, time::Duration};

use crate::{
    peer::{Buildkit, Containers, Peer},
    table::{Row, print},
    world::{World, large_file, peak, time},
};

/// Pairs that are counted; one more comes before them and is not.
const PAIRS: usize = 11;
/// The same for what takes longer.
const FEW: usize = 5;
/// How many more steps the extension `six` has than `one`.
const STEPS: u32 = 5;
/// The ordinary user of `scripts/test`.
const USER: &str = "edk-test";

/// `megabytes` is the size of the base, `gigabytes` that of the large layer; 0 leaves it out.
pub(crate) fn run(megabytes: usize, gigabytes: usize) {
    let world = World::new(megabytes);
    for (project, _) in crate::world::PROJECTS {
        world.edk(project, &["push", "--quiet"]);
    }
    let registry = world.serve_registry();
    println!("a base of {} MB as stored\n", world.image_size() / 1_000_000);
    let mut peers: Vec<Box<dyn Peer>> = Vec::new();
    for program in ["buildah", "podman"] {
        peers.push(Box::new(Containers::new(program, &world, &registry.address)));
    }
    if let Some(buildkit) = Buildkit::new(&world, &registry.address) {
        peers.push(Box::new(buildkit));
    }
    let mut turn = 0;
    for peer in &peers {
        print(peer.name(), &rows(&world, peer.as_ref(), &mut turn));
        println!();
    }
    alone(&world, &mut turn);
    rootless(&world, &mut turn);
    delta(&world);
    if gigabytes > 0 {
        memory(&world, gigabytes);
    }
}

fn rows(world: &World, peer: &dyn Peer, turn: &mut usize) -> Vec<Row> {
    let first = *turn;
    *turn += 1000;
    let buildkit = peer.name() == "buildkit";
    let edit = Row::paired(
        "edit one .py -> pullable",
        if buildkit { "ratio <= 0.12" } else { "p50 < 30 ms, ratio <= 0.05" },
        PAIRS,
        |n| {
            world.edit("edit", first + n);
            world.edk("edit", &["push", "--quiet"])
        },
        |n| {
            peer.edit("edit", first + n);
            peer.build("edit", 0, true)
        },
    );
    let unchanged = Row::paired(
        "nothing changed: build and push",
        "< 30 ms",
        PAIRS,
        |_| world.edk("edit", &["push", "--quiet"]),
        |_| peer.build("edit", 0, true),
    );
    let cold = Row::paired(
        "cold, with RUN pip install",
        if buildkit { "ratio <= 1.0" } else { "ratio <= 0.8" },
        FEW,
        |n| world.edk("cold", &["build", "--quiet", "--build-arg", &turn_of(first + n)]),
        |n| peer.build("cold", first + n, false),
    );
    let step = Row::paired(
        "one more RUN true",
        "< 30 ms",
        FEW,
        |n| step(|project| ours(world, project, first + n)),
        |n| step(|project| peer.build(project, first + n, false)),
    );
    vec![edit, unchanged, cold, step]
}

fn turn_of(turn: usize) -> String {
    format!("TURN={turn}")
}

fn ours(world: &World, project: &str, turn: usize) -> Duration {
    world.edk(project, &["build", "--quiet", "--build-arg", &turn_of(turn)])
}

/// What one step more takes: an image with one against an image with six.
fn step(build: impl Fn(&str) -> Duration) -> Duration {
    let (one, six) = (build("one"), build("six"));
    six.saturating_sub(one) / STEPS
}

fn alone(world: &World, turn: &mut usize) {
    *turn += 1000;
    let help = Row::alone("edk --help", "< 10 ms", PAIRS, |_| {
        time(world.command().arg("--help").current_dir(world.path("projects")))
    });
    let chart = world.path("workflow").display().to_string();
    time(world.command().args(["new", "radiomics", &chart, "--yes"]));
    let package = Row::alone("package a workflow chart", "< 20 ms", PAIRS, |_| {
        time(world.command().args(["package", "--quiet", &chart]))
    });
    print("-", &[help, package]);
}

fn rootless(world: &World, turn: &mut usize) {
    let there = Command::new("id").arg(USER).output().is_ok_and(|it| it.status.success());
    if !there {
        println!("\nwithout root: there is no user {USER}; scripts/test makes one");
        return;
    }
    *turn += 1000;
    let (first, user) = (*turn, World::of_user(USER, world));
    for project in ["one", "six"] {
        ours(&user, project, first);
    }
    let row = Row::alone("one more RUN true, without root", "< 60 ms", FEW, |n| {
        step(|project| ours(&user, project, first + n))
    });
    println!();
    print("-", &[row]);
}

/// What an archive for a one-file change has, against the layer that changed.
fn delta(world: &World) {
    let file = world.path("delta.tar");
    let save = |version: &str, more: &[&str]| {
        let image = format!("bench-edit:{version}");
        let name = file.display().to_string();
        let args = ["image", "save", &image, "--file", &name];
        let taken = time(world.command().args([&args[..], more].concat()));
        (fs::metadata(&file).unwrap().len(), taken)
    };
    world.edk("edit", &["push", "--quiet", "--version", "1.0.0"]);
    world.edit("edit", 999_999);
    world.edk("edit", &["push", "--quiet", "--version", "1.0.1"]);
    let (full, full_time) = save("1.0.0", &[]);
    let (size, delta_time) = save("1.0.1", &["--delta-against", "bench-edit:1.0.0"]);
    let layer = last_layer(world);
    println!(
        "\narchive: {full} bytes in {} ms; delta for one file: {size} bytes in {} ms, \
         {} more than the layer of {layer} (bar: 16384)",
        full_time.as_millis(),
        delta_time.as_millis(),
        size - layer
    );
}

/// Size of the layer that changed, in bytes.
fn last_layer(world: &World) -> u64 {
    let mut command = world.command();
    let output = command.args(["image", "history", "bench-edit:1.0.1", "-o", "json"]).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let sizes = text.split("\"size\":").skip(1);
    let sizes = sizes.filter_map(|it| it.split(['}', ',']).next()?.trim().parse::<u64>().ok());
    sizes.filter(|size| *size > 0).last().unwrap()
}

fn memory(world: &World, gigabytes: usize) {
    let image = world.project("large").join("image");
    fs::create_dir_all(&image).unwrap();
    let dockerfile = "FROM scratch\nLABEL IMAGE=\"bench-large\"\nCOPY large /large\n";
    fs::write(image.join("Dockerfile"), dockerfile).unwrap();
    large_file(&image.join("large"), gigabytes);
    let folder = world.project("large");
    let (build, build_time) = peak(world.command().args(["push"]).current_dir(&folder));
    fs::remove_file(image.join("large")).unwrap();
    let file = world.path("large.tar").display().to_string();
    let save = ["image", "save", "bench-large:0.1.0", "--file", &file];
    let (save, save_time) = peak(world.command().args(save));
    fs::remove_file(Path::new(&file)).unwrap();
    println!(
        "\na layer of {gigabytes} GB: peak {build} MiB in {:.1} s to build, {save} MiB in {:.1} s to \
         save (bar: 128)",
        build_time.as_secs_f64(),
        save_time.as_secs_f64()
    );
}
