//! A room leans only on rooms of lower floors. The table is the list of members in `Cargo.toml`.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use regex::Regex;

use crate::{expect_none, repository};

/// A line of the table.
struct Room {
    /// Folder of the crate.
    folder: String,
    /// `None` for what stands beside the floors: tests, fixtures, the installer.
    floor: Option<u8>,
    /// What the room is for.
    caption: String,
}

/// Crates that may be a development dependency of every room.
const FIXTURES: &str = "edk-testkit";

/// Returns the table in the list of members.
fn table(manifest: &str) -> Vec<Room> {
    let line = Regex::new(r#"(?m)^\s*"([^"]+)",\s*#\s*(\d|-)\s+(\S.*)$"#).unwrap();
    let rooms = line.captures_iter(manifest).map(|found| Room {
        folder: found[1].to_owned(),
        floor: found[2].parse().ok(),
        caption: found[3].to_owned(),
    });
    rooms.collect()
}

fn metadata() -> Metadata {
    let manifest = repository::root().join("Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap()
}

/// Returns a complaint when `from` must not lean on `to`.
fn judge(from: &Room, to: &Room, name: &str, kind: DependencyKind) -> Option<String> {
    // Nothing leans on tests and fuzz targets, so they may lean on everything.
    if matches!(from.folder.as_str(), "tests" | "fuzz") {
        return None;
    }
    let fixture = name == FIXTURES && kind == DependencyKind::Development;
    let allowed = match (from.floor, to.floor) {
        (Some(from), Some(to)) => to < from,
        (Some(_), None) => fixture,
        // The fixtures serve every room, so they may lean on the ground floor only.
        (None, Some(to)) => to == 0 || kind == DependencyKind::Development,
        (None, None) => kind == DependencyKind::Development,
    };
    let floor = |room: &Room| room.floor.map_or("-".to_owned(), |floor| floor.to_string());
    (!allowed).then(|| {
        format!(
            "{} (floor {}) must not lean on {name} (floor {})",
            from.folder,
            floor(from),
            floor(to)
        )
    })
}

fn folder_of(package: &Package) -> String {
    let folder = package.manifest_path.parent().unwrap();
    folder.strip_prefix(repository::root().to_str().unwrap()).unwrap().to_string()
}

#[test]
fn rooms_lean_only_on_lower_floors() {
    let manifest = repository::read("Cargo.toml");
    let rooms: BTreeMap<String, Room> =
        table(&manifest).into_iter().map(|room| (room.folder.clone(), room)).collect();
    let metadata = metadata();
    let folders: BTreeMap<&str, String> =
        metadata.packages.iter().map(|it| (it.name.as_str(), folder_of(it))).collect();
    let mut complaints = Vec::new();
    for package in &metadata.packages {
        let Some(from) = rooms.get(&folder_of(package)) else { continue };
        for dependency in &package.dependencies {
            let to = folders.get(dependency.name.as_str()).and_then(|folder| rooms.get(folder));
            let Some(to) = to else { continue };
            complaints.extend(judge(from, to, &dependency.name, dependency.kind));
        }
    }
    expect_none(&complaints);
}

#[test]
fn every_member_has_a_floor_and_a_caption() {
    let rooms = table(&repository::read("Cargo.toml"));
    let mut complaints = Vec::new();
    for package in &metadata().packages {
        let folder = folder_of(package);
        match rooms.iter().find(|room| room.folder == folder) {
            None => complaints.push(format!("Cargo.toml gives {folder} no floor and no caption")),
            Some(room) if room.caption.split(' ').count() < 3 => {
                complaints.push(format!("Cargo.toml says too little about {folder}"));
            }
            Some(_) => {}
        }
    }
    expect_none(&complaints);
}

#[test]
fn dependencies_sideways_and_upwards_are_found() {
    let rooms = table(
        "\"a\", # 1  a low room\n  \"b\",   # 2  a high room\n\"c\", # 2  another\n\"t\", # -  t\n",
    );
    let [a, b, c, t] = &rooms[..] else { panic!("{} rooms", rooms.len()) };
    let check = |from, to, name, kind, allowed| {
        assert_eq!(judge(from, to, name, kind).is_none(), allowed, "{name}");
    };
    use DependencyKind::{Build, Development, Normal};
    check(b, a, "a", Normal, true);
    check(b, a, "a", Development, true);
    check(a, b, "b", Normal, false);
    check(a, b, "b", Development, false);
    check(c, b, "b", Build, false);
    check(b, t, FIXTURES, Development, true);
    check(b, t, FIXTURES, Normal, false);
    check(b, t, "t", Development, false);
    check(t, b, "b", Development, true);
    check(t, b, "b", Normal, false);
}
