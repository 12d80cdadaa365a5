//! The smallest root file system that runs a shell: one static program.

use std::{fs, io, path::Path};

/// An entry of [`tar`]: path, mode, and what it is.
#[derive(Debug, Clone, Copy)]
pub enum TarEntry<'a> {
    /// A folder.
    Dir(&'a str, u32),
    /// A file with its content.
    File(&'a str, u32, &'a [u8]),
    /// A symbolic link and where it leads.
    Link(&'a str, &'a str),
}

/// Returns an uncompressed tar of `entries`, owned by root, time 0.
///
/// # Panics
/// If an entry has a name that does not fit.
pub fn tar(entries: &[TarEntry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        match *entry {
            TarEntry::Dir(path, mode) => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_mode(mode);
                builder.append_data(&mut header, format!("{path}/"), io::empty())
            }
            TarEntry::File(path, mode, content) => {
                header.set_mode(mode);
                header.set_size(content.len() as u64);
                builder.append_data(&mut header, path, content)
            }
            TarEntry::Link(path, target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                builder.append_link(&mut header, path, target)
            }
        }
        .expect("a tar entry fits");
    }
    builder.into_inner().expect("memory takes everything")
}

/// Returns the uncompressed tar of a root file system with `/bin/sh` and the usual small programs.
///
/// # Panics
/// If Debian's package `busybox-static` is not installed.
pub fn busybox_layer() -> Vec<u8> {
    const PROGRAMS: [&str; 34] = [
        "sh", "true", "false", "cat", "echo", "rm", "mkdir", "ls", "id", "ln", "mv", "chmod",
        "chown", "stat", "sleep", "touch", "cp", "env", "hostname", "wget", "test", "pwd", "sort",
        "readlink", "grep", "head", "mkfifo", "mknod", "mount", "printf", "tr", "unshare", "wc",
        "date",
    ];
    let program = program();
    let links: Vec<String> = PROGRAMS.iter().map(|name| format!("bin/{name}")).collect();
    let mut entries = vec![
        TarEntry::Dir("bin", 0o755),
        TarEntry::File("bin/busybox", 0o755, &program),
        TarEntry::Dir("etc", 0o755),
        TarEntry::File(
            "etc/passwd",
            0o644,
            b"root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/:/bin/sh\n",
        ),
        TarEntry::File("etc/group", 0o644, b"root:x:0:\nann:x:1000:\n"),
        TarEntry::Dir("tmp", 0o1777),
    ];
    entries.extend(links.iter().map(|link| TarEntry::Link(link, "busybox")));
    tar(&entries)
}

/// Returns the static program.
pub(crate) fn program() -> Vec<u8> {
    let path =
        ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
    let program = path.and_then(|path| fs::read(path).ok());
    program.expect("a test needs Debian's package `busybox-static`")
}
