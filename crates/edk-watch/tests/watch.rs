//! A folder on the disk, changed as editors and other programs change one.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, fs, path::Path};

use edk_watch::{ChangeSet, Watch};

const SKIPPED: &[&str] = &["dist", ".git"];

fn world() -> (tempfile::TempDir, Watch) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("files/deep")).unwrap();
    fs::create_dir(folder.path().join("dist")).unwrap();
    fs::write(folder.path().join("files/main.py"), "one").unwrap();
    let watch = Watch::start(folder.path(), SKIPPED).unwrap();
    (folder, watch)
}

fn names(folder: &Path, set: &ChangeSet) -> BTreeSet<String> {
    let below =
        |path: &std::path::PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
    set.paths.iter().map(below).collect()
}

/// Waits until everything in `wanted` was told, whatever it was told together with. Returns all of it.
fn until(folder: &Path, watch: &mut Watch, wanted: &[&str]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    while !wanted.iter().all(|it| seen.contains(*it)) {
        seen.extend(names(folder, &watch.next().unwrap()));
    }
    seen
}

#[test]
fn a_written_file_is_told_once_and_sets_are_numbered() {
    let (folder, mut watch) = world();
    fs::write(folder.path().join("files/main.py"), "two").unwrap();
    let set = watch.next().unwrap();
    assert_eq!((set.number, set.all), (1, false));
    assert_eq!(names(folder.path(), &set), BTreeSet::from(["files/main.py".to_owned()]));
    fs::write(folder.path().join("files/deep/other.py"), "new").unwrap();
    let set = watch.next().unwrap();
    assert_eq!(set.number, 2);
    assert_eq!(names(folder.path(), &set), BTreeSet::from(["files/deep/other.py".to_owned()]));
}

#[test]
fn a_file_that_is_written_as_it_was_is_no_change() {
    let (folder, mut watch) = world();
    let main = folder.path().join("files/main.py");
    fs::write(&main, "two").unwrap();
    until(folder.path(), &mut watch, &["files/main.py"]);
    fs::write(&main, "two").unwrap();
    fs::write(folder.path().join("mark"), "").unwrap();
    let seen = until(folder.path(), &mut watch, &["mark"]);
    assert_eq!(seen, BTreeSet::from(["mark".to_owned()]));
}

#[test]
fn saving_as_editors_do_tells_the_file_alone() {
    let (folder, mut watch) = world();
    let at = |name: &str| folder.path().join("files").join(name);
    // Vim: probe, swap, backup, write anew.
    fs::write(at("4913"), "").unwrap();
    fs::remove_file(at("4913")).unwrap();
    fs::write(at(".main.py.swp"), "swap").unwrap();
    fs::rename(at("main.py"), at("main.py~")).unwrap();
    fs::write(at("main.py"), "two").unwrap();
    fs::remove_file(at("main.py~")).unwrap();
    let seen = until(folder.path(), &mut watch, &["files/main.py"]);
    assert_eq!(seen, BTreeSet::from(["files/main.py".to_owned()]));
}

#[test]
fn new_folders_are_watched_with_what_came_in_them() {
    let (folder, mut watch) = world();
    fs::create_dir_all(folder.path().join("a/b/c")).unwrap();
    fs::write(folder.path().join("a/b/c/one"), "1").unwrap();
    until(folder.path(), &mut watch, &["a/b/c/one"]);
    fs::write(folder.path().join("a/b/two"), "2").unwrap();
    until(folder.path(), &mut watch, &["a/b/two"]);
}

#[test]
fn removed_and_renamed_files_are_told() {
    let (folder, mut watch) = world();
    fs::rename(folder.path().join("files/main.py"), folder.path().join("files/app.py")).unwrap();
    until(folder.path(), &mut watch, &["files/main.py", "files/app.py"]);
    fs::remove_file(folder.path().join("files/app.py")).unwrap();
    until(folder.path(), &mut watch, &["files/app.py"]);
}

#[test]
fn a_changed_mode_is_a_change() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, mut watch) = world();
    let main = folder.path().join("files/main.py");
    fs::set_permissions(&main, fs::Permissions::from_mode(0o755)).unwrap();
    until(folder.path(), &mut watch, &["files/main.py"]);
}

#[test]
fn skipped_folders_are_none_of_its_business() {
    let (folder, mut watch) = world();
    fs::write(folder.path().join("dist/package.tgz"), "x").unwrap();
    fs::create_dir(folder.path().join("files/.git")).unwrap();
    fs::write(folder.path().join("files/.git/HEAD"), "x").unwrap();
    fs::write(folder.path().join("mark"), "").unwrap();
    let seen = until(folder.path(), &mut watch, &["mark"]);
    assert_eq!(seen, BTreeSet::from(["mark".to_owned()]));
}

#[test]
fn links_are_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let (folder, mut watch) = world();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
    until(folder.path(), &mut watch, &["link"]);
    fs::write(outside.path().join("file"), "x").unwrap();
    fs::write(folder.path().join("mark"), "").unwrap();
    let seen = until(folder.path(), &mut watch, &["mark"]);
    assert_eq!(seen, BTreeSet::from(["mark".to_owned()]));
}

#[test]
fn a_folder_may_be_named_from_here() {
    let folder = tempfile::tempdir_in(".").unwrap();
    let name = Path::new(folder.path().file_name().unwrap());
    let mut watch = Watch::start(name, SKIPPED).unwrap();
    fs::write(name.join("file"), "x").unwrap();
    let path = std::path::absolute(name).unwrap().join("file");
    assert_eq!(watch.next().unwrap().paths, BTreeSet::from([path]));
}

#[test]
fn a_stopped_watch_ends_and_stays_ended() {
    let (_folder, mut watch) = world();
    let stop = watch.stopper();
    let other = std::thread::spawn(move || (watch.next(), watch.next()));
    stop.stop();
    assert_eq!(other.join().unwrap(), (None, None));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Watch::start(&folder.path().join("none"), SKIPPED).unwrap_err();
    assert!(error.to_string().ends_with("/none can't be watched"), "{error}");
}
