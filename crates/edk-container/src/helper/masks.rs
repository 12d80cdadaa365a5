//! What of /proc and /sys belongs to the host alone (OCI runtime specification, "Masked Paths" and
//! "Readonly Paths"; the lists are those which container engines agree on).

use std::{ffi::CString, fs, io::ErrorKind, os::unix::ffi::OsStrExt as _, path::Path};

use nix::{libc, mount::MsFlags};

use super::{
    fault::{Fault, Step as _},
    rootfs::{bind, tmpfs},
};

/// Shown as empty.
const MASKED: [&str; 11] = [
    "proc/acpi",
    "proc/asound",
    "proc/interrupts",
    "proc/kcore",
    "proc/keys",
    "proc/latency_stats",
    "proc/sched_debug",
    "proc/scsi",
    "proc/timer_list",
    "proc/timer_stats",
    "sys/firmware",
];

/// Shown, and not to be written to.
const READ_ONLY: [&str; 5] = ["proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"];

/// Masks what is the host's in the new root `merged`.
pub(crate) fn hide(merged: &Path) -> Result<(), Fault> {
    for name in MASKED {
        let path = merged.join(name);
        let step = || format!("mask /{name}");
        let metadata = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other.step(step())?,
        };
        if metadata.is_dir() {
            let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
            tmpfs(&path, flags, "size=0").step(step())?;
        } else {
            bind(Path::new("/dev/null"), &path, false).step(step())?;
        }
    }
    for name in READ_ONLY {
        let path = merged.join(name);
        if fs::symlink_metadata(&path).is_ok() {
            bind(&path, &path, true).step(format!("protect /{name}"))?;
        }
    }
    Ok(())
}

/// Makes a mount and all below it read only (mount_setattr(2)); says whether the kernel could.
pub(super) fn protect(target: &Path) -> bool {
    let Ok(path) = CString::new(target.as_os_str().as_bytes()) else { return false };
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_RDONLY,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: path and attributes outlive the call, and the size is theirs.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    result == 0
}
