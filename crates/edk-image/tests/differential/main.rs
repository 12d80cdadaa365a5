//! Each case is built by us and by buildah; what comes out must look the same.
//!
//! Compared are the configuration, field by field, and the whole file tree as it looks with all
//! layers applied: kind, mode, owner, link, content. Times are not: ours are fixed on purpose.
//! A difference that is meant stands in the case, with the sentence of the Dockerfile reference
//! that decides for us.
#![allow(clippy::unwrap_used, clippy::panic)]

mod buildah;
mod config;
mod copy;
mod flatten;
mod ours;
mod run;
mod stages;

use std::{fs, path::Path};

use buildah::Buildah;
use ours::Ours;

/// A Dockerfile with its build context.
struct Case {
    name: &'static str,
    /// Without `FROM localhost/busybox` at the start, which is put before it unless it has a FROM.
    dockerfile: &'static str,
    /// Path, mode and content; a content `-> x` makes a symbolic link.
    files: &'static [(&'static str, u32, &'static str)],
    /// What differs on purpose: fields of the configuration, absolute paths, or `refused` for what
    /// only we refuse.
    except: &'static [&'static str],
}

const fn case(name: &'static str, dockerfile: &'static str) -> Case {
    Case { name, dockerfile, files: FILES, except: &[] }
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
        let from = if self.dockerfile.contains("FROM ") { "" } else { "FROM localhost/busybox\n" };
        fs::write(folder.join("Dockerfile"), format!("{from}{}\n", self.dockerfile)).unwrap();
    }
}

/// Builds the cases both ways and tells every difference of every case.
fn compare(cases: &[Case]) {
    let folder = tempfile::tempdir().unwrap();
    let ours = Ours::new(&folder.path().join("ours"));
    let buildah = Buildah::new(&folder.path().join("buildah"), &ours);
    let mut complaints = Vec::new();
    for case in cases {
        let context = folder.path().join("context").join(case.name);
        fs::create_dir_all(&context).unwrap();
        case.write(&context);
        let (one, two) = match (ours.build(&context), buildah.build(&context, case.name)) {
            (Ok(one), Ok(two)) => (one, two),
            // Both refuse: that is the same verdict.
            (Err(_), Err(_)) => continue,
            (Ok(_), Err(error)) => {
                complaints.push(format!("{}: only buildah refuses: {error}", case.name));
                continue;
            }
            (Err(_), Ok(_)) if case.except.contains(&"refused") => continue,
            (Err(error), Ok(_)) => {
                complaints.push(format!("{}: only we refuse: {error}", case.name));
                continue;
            }
        };
        for difference in one.differences(&two, case.except) {
            complaints.push(format!("{}: {difference}", case.name));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
