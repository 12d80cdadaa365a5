//! Where on the disk the files of runs go.

use std::{fs::File, os::fd::AsRawFd as _, path::Path};

use nix::libc::{self, c_int};

/// "Top of directory hierarchies" (chattr(1), attribute `T`; `EXT4_TOPDIR_FL` in the kernel).
const TOP: c_int = 0x0002_0000;

/// Tells ext4 that the folders in `folder` have nothing to do with each other, so that each begins in
/// a part of the disk of its own. Where thousands of files were deleted lately, by whomever, making
/// others takes several times as long: their numbers are passed over, one by one, for minutes. Other
/// file systems have no need of it, and say that they don't know it.
pub(crate) fn spread(folder: &Path) {
    let Ok(folder) = File::open(folder) else { return };
    let Some(marks) = marks(&folder).filter(|marks| marks & TOP == 0) else { return };
    let marks = marks | TOP;
    // SAFETY: the folder is open, and the number outlives the call; the kernel reads an `int`
    // (ioctl_iflags(2)).
    unsafe { libc::ioctl(folder.as_raw_fd(), libc::FS_IOC_SETFLAGS, &raw const marks) };
}

/// Returns the attributes of a folder; nothing on a file system that has none.
fn marks(folder: &File) -> Option<c_int> {
    let mut marks: c_int = 0;
    // SAFETY: as above; here it writes one.
    let known = unsafe { libc::ioctl(folder.as_raw_fd(), libc::FS_IOC_GETFLAGS, &raw mut marks) };
    (known == 0).then_some(marks)
}

#[cfg(test)]
mod tests {
    use nix::sys::statfs::{EXT4_SUPER_MAGIC, statfs};

    use super::*;

    #[test]
    fn a_folder_is_marked_where_the_file_system_knows_it_and_stays_usable() {
        let folder = tempfile::tempdir().unwrap();
        let marked = || marks(&File::open(folder.path()).unwrap()).is_some_and(|it| it & TOP != 0);
        assert!(!marked());
        spread(folder.path());
        spread(folder.path());
        let ext4 = statfs(folder.path()).unwrap().filesystem_type() == EXT4_SUPER_MAGIC;
        assert!(marked() || !ext4);
        std::fs::create_dir(folder.path().join("in")).unwrap();
        spread(&folder.path().join("none"));
    }
}
