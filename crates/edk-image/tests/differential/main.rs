//! Each case is built by us and by buildah; what comes out must look the same.
//!
//! Compared are the configuration, field by field, and the whole file tree as it looks with all
//! layers applied: kind, mode, owner, link, content. Times are not: ours are fixed on purpose.
//! A difference that is meant stands in the case, with the sentence of the Dockerfile reference
//! that decides for us.
#![allow(clippy::unwrap_used, clippy::panic)]

mod add;
mod buildah;
mod config;
mod context;
mod copy;
mod flatten;
mod ours;
mod run;
mod server;
mod stages;

use std::{fs, path::Path};

use buildah::Buildah;
use edk_model::Digest;
use flatten::Flat;
use ours::Ours;

/// A Dockerfile with its build context.
struct Case {
    name: &'static str,
    /// Without `FROM localhost/busybox` at the start, which is put before it unless it has a FROM.
    dockerfile: &'static str,
    /// Path, mode and content; a content `-> x` makes a symbolic link.
    files: &'static [(&'static str, u32, &'static str)],
    /// What differs on purpose: fields of the configuration, absolute paths, or `refused` for what
    /// only we refuse, `taken` for what only buildah refuses, `both` for what has to fail.
    except: &'static [&'static str],
    /// Flags of the build, as both programs have them.
    flags: &'static [&'static str],
    /// Text of the `.dockerignore`; none when it is empty.
    ignore: &'static str,
    /// Does to the context what `files` can't say.
    prepare: fn(&Path),
}

const fn case(name: &'static str, dockerfile: &'static str) -> Case {
    Case { name, dockerfile, files: FILES, except: &[], flags: &[], ignore: "", prepare: |_| {} }
}

/// A case which both refuse.
const fn fails(name: &'static str, dockerfile: &'static str) -> Case {
    Case { except: &["both"], ..case(name, dockerfile) }
}

const fn flags(
    name: &'static str,
    flags: &'static [&'static str],
    dockerfile: &'static str,
) -> Case {
    Case { flags, ..case(name, dockerfile) }
}

/// The context of most cases.
const FILES: &[(&str, u32, &str)] = &[
    ("a.txt", 0o644, "a"),
    ("b.txt", 0o600, "b"),
    ("run.sh", 0o755, "echo run"),
    ("dir/one.py", 0o644, "1"),
    ("dir/two.py", 0o640, "2"),
    ("dir/sub/three.py", 0o755, "3"),
    ("dir/link", 0, "-> one.py"),
    ("dir/dangling", 0, "-> nowhere"),
    ("other/one.py", 0o644, "other"),
    ("with space/f.txt", 0o644, "s"),
];

impl Case {
    fn write(&self, folder: &Path) {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        for (path, mode, content) in self.files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if let Some(target) = content.strip_prefix("-> ") {
                symlink(target, &path).unwrap();
                continue;
            }
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        if !self.ignore.is_empty() {
            fs::write(folder.join(".dockerignore"), self.ignore).unwrap();
        }
        (self.prepare)(folder);
        let from = if self.dockerfile.contains("FROM ") { "" } else { "FROM localhost/busybox\n" };
        let text = self.dockerfile.replace("SERVER", server::address());
        fs::write(folder.join("Dockerfile"), format!("{from}{text}\n")).unwrap();
    }
}

/// Builds the cases both ways and tells every difference of every case.
///
/// Root leaves the digests of ours behind. An ordinary user, who comes after, has to get the same,
/// and has only some of the cases built by buildah too.
fn compare(cases: &[Case]) {
    let folder = tempfile::tempdir().unwrap();
    let ours = Ours::new(&folder.path().join("ours"));
    let buildah = Buildah::new(&folder.path().join("buildah"), &ours);
    let mut complaints = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let context = folder.path().join("context").join(case.name);
        fs::create_dir_all(&context).unwrap();
        case.write(&context);
        let place = context.display().to_string();
        let flags = case.flags.iter().map(|flag| flag.replace("CONTEXT", &place));
        let flags: Vec<String> = flags.collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let one = ours.image(&context, &flags);
        let digest =
            one.as_ref().map_or("refused".to_owned(), |it| it.descriptor.digest.to_string());
        let compared = same_as_root(case, &digest, &mut complaints);
        if compared && number % 6 != 0 {
            continue;
        }
        let one = one.map(|image| ours.flatten(&image));
        let two = buildah.build(&context, case.name, &flags);
        complaints.extend(judge(case, one, two));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn judge(case: &Case, one: Result<Flat, String>, two: Result<Flat, String>) -> Vec<String> {
    let named = |what: String| vec![format!("{}: {what}", case.name)];
    let meant = |how: &str| case.except.contains(&how);
    match (one, two) {
        (Ok(one), Ok(two)) => {
            let found = one.differences(&two, case.except);
            found.iter().map(|it| format!("{}: {it}", case.name)).collect()
        }
        // That is the same verdict, but no case is there for it by accident.
        (Err(_), Err(_)) if meant("both") => Vec::new(),
        (Err(_), Ok(_)) if meant("refused") => Vec::new(),
        (Ok(_), Err(_)) if meant("taken") => Vec::new(),
        (Err(error), Err(_)) => named(format!("both refuse: {error}")),
        (Ok(_), Err(error)) => named(format!("only buildah refuses: {error}")),
        (Err(error), Ok(_)) => named(format!("only we refuse: {error}")),
    }
}

/// Says whether this is an ordinary user, and root's digest of the case was there to compare with.
fn same_as_root(case: &Case, digest: &str, complaints: &mut Vec<String>) -> bool {
    let name = format!("{}-{}", case.name, Digest::of(case.dockerfile.as_bytes()).hex());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential").join(name);
    if edk_testkit::is_root() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, digest).unwrap();
        return false;
    }
    let time = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    // Only what this very program left.
    let program = std::env::current_exe().unwrap();
    let Some(_) = time(&path).filter(|left| Some(*left) > time(&program)) else { return false };
    let of_root = fs::read_to_string(&path).unwrap();
    // The address of the server is part of some histories.
    if of_root != digest && !case.dockerfile.contains("SERVER") {
        complaints.push(format!("{}: {digest}, and root gets {of_root}", case.name));
    }
    true
}
