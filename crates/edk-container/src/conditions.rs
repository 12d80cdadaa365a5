//! What of this machine decides whether containers start.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use crate::Containers;

/// Settings of the kernel; those which it does not have read as nothing.
const SETTINGS: [&str; 4] = [
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/sys/user/max_user_namespaces",
    "/proc/sys/user/max_mnt_namespaces",
];
/// Who may use which ids, and the programs that map them, where distributions put them.
const FILES: [&str; 4] = ["/etc/subuid", "/etc/subgid", "/usr/bin/newuidmap", "/usr/bin/newgidmap"];

/// What was found when it was looked at; while it stays equal, a container that started will
/// start again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    settings: Vec<Option<String>>,
    files: Vec<Option<File>>,
}

/// Tells one state of a file or folder from another: where it is, its mode, and, of a file, its
/// content's length and time.
type File = (u64, u64, u32, u64, i64);

impl Containers {
    /// Looks at what decides whether containers start here. Starts nothing.
    pub fn conditions(&self) -> Conditions {
        let own = ["layers", "incoming", "work"].map(|folder| self.root().join(folder));
        let files = FILES.iter().map(Path::new).chain(own.iter().map(AsRef::as_ref));
        Conditions {
            settings: SETTINGS.iter().map(|path| fs::read_to_string(path).ok()).collect(),
            files: files.map(file).collect(),
        }
    }
}

fn file(path: &Path) -> Option<File> {
    let about = fs::metadata(path).ok()?;
    // A folder of ours changes with every run.
    let (size, changed) = if about.is_dir() { (0, 0) } else { (about.len(), about.mtime()) };
    Some((about.dev(), about.ino(), about.mode(), size, changed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_replaced_changed_or_gone_is_told_from_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("subuid");
        let mut seen = vec![file(&path)];
        fs::write(&path, "ann:1:2").unwrap();
        seen.push(file(&path));
        fs::write(&path, "ann:1:20").unwrap();
        seen.push(file(&path));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        seen.push(file(&path));
        for (at, one) in seen.iter().enumerate() {
            assert!(seen[..at].iter().all(|other| other != one), "{at}: {seen:?}");
        }
        fs::write(path.join("x"), "").unwrap();
        assert_eq!(file(&path), seen[3], "what is in a folder says nothing");
    }
}
