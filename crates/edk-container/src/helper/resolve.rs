//! Paths inside a root file system, symbolic links followed without ever leaving it.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs, io,
    path::{Component, Path, PathBuf},
};

/// How many symbolic links one path may pass, as in the kernel (path_resolution(7)).
pub(crate) const MAX_LINKS: usize = 40;

/// The parts of a path relative to the root; `..` stays, `/` and `.` go.
pub(crate) fn parts(path: &Path) -> VecDeque<OsString> {
    let parts = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    parts.collect()
}

/// Returns `path` relative to `root` with every symbolic link resolved as if `root` were `/`.
/// What does not exist is kept as it is written.
pub(crate) fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut todo = parts(path);
    let (mut done, mut links) = (PathBuf::new(), 0);
    while let Some(part) = todo.pop_front() {
        if part == ".." {
            done.pop();
            continue;
        }
        let Ok(target) = fs::read_link(root.join(&done).join(&part)) else {
            done.push(part);
            continue;
        };
        links += 1;
        if links > MAX_LINKS {
            return Err(io::Error::other("too many symbolic links"));
        }
        if target.is_absolute() {
            done.clear();
        }
        for part in parts(&target).into_iter().rev() {
            todo.push_front(part);
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_never_leads_out_of_the_root() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        symlink("usr/bin", root.join("bin")).unwrap();
        symlink("/etc/real", root.join("abs")).unwrap();
        symlink("../../../../x", root.join("usr/up")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let check = |path: &str, expected: &str| {
            assert_eq!(resolve(root, Path::new(path)).unwrap(), Path::new(expected), "{path}");
        };
        check("/bin/sh", "usr/bin/sh");
        check("abs", "etc/real");
        check("/usr/up/y", "x/y");
        check("../../etc", "etc");
        assert!(resolve(root, Path::new("loop")).is_err());
    }
}
