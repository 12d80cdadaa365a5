//! The root file system of a run: layers stacked, the kernel's own file systems and the host's
//! files mounted.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    unistd::{chdir, pivot_root},
};

use super::{
    fault::{Fault, Step as _},
    masks,
    resolve::resolve,
    run::Root,
};
use crate::{Mount, RunSpec, chain::folders, identity::Privilege};

/// Devices of the host that every container gets (OCI runtime specification, "Default Devices").
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Where something of the host or the kernel will be mounted, below the merged root.
pub(crate) struct MountPoints {
    binds: Vec<PathBuf>,
    mounts: Vec<Point>,
    /// What had to be made for the mounts, relative to the root: no part of the image.
    pub(crate) made: Vec<PathBuf>,
}

/// Where a [`Mount`] shows.
enum Point {
    /// In the new /dev, which does not exist yet.
    Device(PathBuf),
    /// At this path; what is shown there lies at the other, if anything does yet.
    At(PathBuf, Option<PathBuf>),
}

/// Makes this mount namespace private and stacks the layers at `<work>/merged`.
pub(crate) fn stack(root: &Root) -> Result<PathBuf, Fault> {
    make_private()?;
    stack_at(root, &root.work)
}

/// Stacks the layers at `<work>/merged`.
fn stack_at(root: &Root, own: &Path) -> Result<PathBuf, Fault> {
    let [upper, work, merged] = ["upper", "work", "merged"].map(|name| own.join(name));
    let lower = own.join("lower");
    for folder in [&upper, &work, &merged, &lower] {
        fs::create_dir(folder).step("make the folders of the run")?;
    }
    fs::set_permissions(&upper, fs::Permissions::from_mode(root.mode()))
        .step("make the folders of the run")?;
    // Numbers for names, because all options must fit into one page of memory.
    let mut numbers = Vec::new();
    for (number, layer) in root.layers.iter().enumerate() {
        symlink(root.layers_root.join(layer), lower.join(number.to_string()))
            .step("make the folders of the run")?;
        numbers.push(number.to_string());
    }
    if numbers.is_empty() {
        fs::create_dir(lower.join("0")).step("make the folders of the run")?;
        numbers.push("0".to_owned());
    }
    chdir(&lower).step("enter the layers")?;
    let options = format!(
        "lowerdir={},upperdir={},workdir={},index=off,{}",
        numbers.join(":"),
        upper.display(),
        work.display(),
        // Marks other than whiteouts and opaque folders would be lost in a layer. An ordinary
        // user's overlayfs has none of them and refuses the words.
        if root.privilege.is_rootless() { "userxattr" } else { "metacopy=off,redirect_dir=off" }
    );
    mount_overlay(&merged, &options)
        .step(format!("mount the layers ({} of them)", root.layers.len()))?;
    chdir("/").step("enter the root")?;
    Ok(merged)
}

/// Mounts an overlay whose changes are nobody's who would miss them after a crash: `volatile` keeps
/// it from writing out all that the disk has to write whenever it is unmounted. Kernels before 5.10
/// don't know the word.
fn mount_overlay(merged: &Path, options: &str) -> nix::Result<()> {
    let overlay = |options: &str| {
        // A device of an image would be one of this machine; the container's own are in its /dev.
        mount(Some("overlay"), merged, Some("overlay"), MsFlags::MS_NODEV, Some(options))
    };
    match overlay(&format!("{options},volatile")) {
        Err(nix::errno::Errno::EINVAL) => overlay(options),
        result => result,
    }
}

/// Keeps mounts made from here on from showing anywhere else.
pub(crate) fn make_private() -> Result<(), Fault> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).step("make mounts private")
}

/// Makes the mount points of a run in the merged root, and remembers which were not there.
pub(crate) fn mount_points(
    merged: &Path,
    spec: &RunSpec,
    root: &Root,
) -> Result<MountPoints, Fault> {
    let mut points = MountPoints { binds: Vec::new(), mounts: Vec::new(), made: Vec::new() };
    for folder in ["proc", "dev", "sys"] {
        points.make(merged, Path::new(folder), true).step(format!("make /{folder}"))?;
    }
    for bind in &spec.binds {
        let is_dir = fs::metadata(&bind.source)
            .step(format!("find `{}` for {}", bind.source.display(), bind.target.display()))?
            .is_dir();
        let point = points.point(merged, &bind.target, is_dir)?;
        points.binds.push(point);
    }
    for (number, wanted) in spec.mounts.iter().enumerate() {
        let own = root.work.join(format!("mount-{number}"));
        let point = points.prepare(merged, wanted, root, &own)?;
        points.mounts.push(point);
    }
    Ok(points)
}

impl MountPoints {
    /// Makes the mount point `target`.
    fn point(&mut self, merged: &Path, target: &Path, is_dir: bool) -> Result<PathBuf, Fault> {
        let step = || format!("make the mount point {}", target.display());
        let relative = resolve(merged, target).step(step())?;
        self.make(merged, &relative, is_dir).step(step())?;
        Ok(merged.join(relative))
    }

    /// Makes what will be shown, in the folder `own`, and the point where it will be.
    fn prepare(
        &mut self,
        merged: &Path,
        wanted: &Mount,
        root: &Root,
        own: &Path,
    ) -> Result<Point, Fault> {
        let target = wanted.target();
        let step = || format!("prepare {}", target.display());
        match wanted {
            Mount::Folder { source, mode, uid, gid, .. } => {
                if fs::read_dir(source).step(step())?.next().is_none() {
                    give(source, *mode, (*uid, *gid), root.privilege).step(step())?;
                }
                Ok(Point::At(self.point(merged, target, true)?, Some(source.clone())))
            }
            Mount::Scratch { .. } => Ok(Point::At(self.point(merged, target, true)?, None)),
            Mount::File { .. } if target.starts_with("/dev") => {
                Ok(Point::Device(merged.join(target.strip_prefix("/").unwrap_or(target))))
            }
            Mount::File { .. } => {
                fs::create_dir(own).step(step())?;
                // In memory: a secret never reaches a disk.
                tmpfs(own, MsFlags::MS_NOSUID | MsFlags::MS_NODEV, "mode=700").step(step())?;
                let file = own.join("file");
                write_file(&file, wanted, root.privilege).step(step())?;
                Ok(Point::At(self.point(merged, target, false)?, Some(file)))
            }
            Mount::Tree { layers, source, .. } => {
                fs::create_dir(own).step(step())?;
                let (layers_root, work) = (root.layers_root.clone(), own.to_owned());
                let (layers, privilege) = (folders(layers), root.privilege);
                let tree = stack_at(&Root { layers_root, layers, work, privilege }, own)?;
                let find = || format!("find `{}` for {}", source.display(), target.display());
                let path = tree.join(resolve(&tree, source).step(find())?);
                let is_dir = fs::symlink_metadata(&path).step(find())?.is_dir();
                Ok(Point::At(self.point(merged, target, is_dir)?, Some(path)))
            }
        }
    }

    fn make(&mut self, merged: &Path, relative: &Path, is_dir: bool) -> io::Result<()> {
        let mut folder = PathBuf::new();
        let parents = if is_dir { Some(relative) } else { relative.parent() };
        for part in parents.unwrap_or(Path::new("")) {
            folder.push(part);
            let path = merged.join(&folder);
            if !path.is_dir() {
                fs::create_dir(&path)?;
                self.made.push(folder.clone());
            }
        }
        let path = merged.join(relative);
        if !is_dir && fs::symlink_metadata(&path).is_err() {
            File::create_new(&path)?;
            self.made.push(relative.to_owned());
        }
        Ok(())
    }

    /// Takes away from `upper` what was only made to be mounted on, unless something is in it now.
    pub(crate) fn unmake(&self, upper: &Path) {
        for relative in self.made.iter().rev() {
            let path = upper.join(relative);
            let empty_file = fs::symlink_metadata(&path).is_ok_and(|m| m.is_file() && m.len() == 0);
            // A folder that is not empty was put to use, so it stays and belongs to the image.
            let _ = if empty_file { fs::remove_file(&path) } else { fs::remove_dir(&path) };
        }
    }
}

/// Mounts everything and makes `merged` the root of this process.
pub(crate) fn enter(
    merged: &Path,
    spec: &RunSpec,
    points: &MountPoints,
    privilege: Privilege,
) -> Result<(), Fault> {
    make_private()?;
    mount_proc(&merged.join("proc"))?;
    mount_dev(&merged.join("dev"))?;
    bind(Path::new("/sys"), &merged.join("sys"), true).step("show /sys")?;
    masks::hide(merged)?;
    for (wanted, point) in spec.binds.iter().zip(&points.binds) {
        bind(&wanted.source, point, wanted.read_only)
            .step(format!("show `{}`", wanted.source.display()))?;
    }
    for (wanted, point) in spec.mounts.iter().zip(&points.mounts) {
        show(wanted, point, privilege).step(format!("show {}", wanted.target().display()))?;
    }
    // pivot_root(".", ".") stacks the old root on the new one, from where it is detached
    // (pivot_root(2), "NOTES").
    chdir(merged).step("enter the root file system")?;
    pivot_root(".", ".").step("change the root")?;
    umount2(".", MntFlags::MNT_DETACH).step("leave the host's root")?;
    chdir("/").step("enter the root file system")
}

fn show(wanted: &Mount, point: &Point, privilege: Privilege) -> io::Result<()> {
    match (wanted, point) {
        (Mount::File { .. }, Point::Device(path)) => {
            fs::create_dir_all(path.parent().unwrap_or(path))?;
            write_file(path, wanted, privilege)
        }
        (Mount::Scratch { size, .. }, Point::At(path, _)) => {
            let size = size.map(|size| format!(",size={size}")).unwrap_or_default();
            let options = format!("mode=1777{size}");
            Ok(tmpfs(path, MsFlags::MS_NOSUID | MsFlags::MS_NODEV, &options)?)
        }
        (
            Mount::Tree { read_only, .. } | Mount::Folder { read_only, .. },
            Point::At(path, Some(source)),
        ) => Ok(bind(source, path, *read_only)?),
        (Mount::File { .. }, Point::At(path, Some(source))) => Ok(bind(source, path, true)?),
        _ => Err(io::Error::other("there is nothing to show")),
    }
}

/// Writes a [`Mount::File`].
fn write_file(path: &Path, wanted: &Mount, privilege: Privilege) -> io::Result<()> {
    let Mount::File { content, mode, uid, gid, .. } = wanted else { return Ok(()) };
    fs::write(path, &content.0)?;
    give(path, *mode, (*uid, *gid), privilege)
}

/// Gives a file or folder its mode and owner.
fn give(path: &Path, mode: u32, (uid, gid): (u32, u32), privilege: Privilege) -> io::Result<()> {
    if privilege != Privilege::Single {
        std::os::unix::fs::chown(path, Some(uid), Some(gid))?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Shows a program of the host the processes of its own namespace.
pub(crate) fn fresh_proc() -> Result<(), Fault> {
    mount_proc(Path::new("/proc"))
}

fn mount_proc(target: &Path) -> Result<(), Fault> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    match mount(Some("proc"), target, Some("proc"), flags, None::<&str>) {
        // Inside a container whose own /proc is masked, a new one is refused.
        Err(nix::errno::Errno::EPERM) => mount(
            Some("/proc"),
            target,
            None::<&str>,
            MsFlags::MS_BIND | MsFlags::MS_REC,
            None::<&str>,
        )
        .step("show /proc"),
        result => result.step("mount /proc"),
    }
}

fn mount_dev(dev: &Path) -> Result<(), Fault> {
    let step = "make /dev";
    tmpfs(dev, MsFlags::MS_NOSUID, "mode=755,size=64k").step(step)?;
    for device in DEVICES {
        let target = dev.join(device);
        File::create_new(&target).step(step)?;
        bind(&Path::new("/dev").join(device), &target, false)
            .step(format!("show /dev/{device}"))?;
    }
    let links = [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ];
    for (name, target) in links {
        symlink(target, dev.join(name)).step(step)?;
    }
    for folder in ["pts", "shm"] {
        fs::create_dir(dev.join(folder)).step(step)?;
    }
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let options = Some("newinstance,ptmxmode=0666,mode=0620");
    mount(Some("devpts"), &dev.join("pts"), Some("devpts"), flags, options).step(step)?;
    tmpfs(&dev.join("shm"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, "mode=1777").step(step)
}

pub(super) fn tmpfs(target: &Path, flags: MsFlags, options: &str) -> nix::Result<()> {
    mount(Some("tmpfs"), target, Some("tmpfs"), flags, Some(options))
}

/// Shows `source` at `target`.
pub(super) fn bind(source: &Path, target: &Path, read_only: bool) -> nix::Result<()> {
    let none = None::<&str>;
    mount(Some(source), target, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)?;
    if !read_only {
        return Ok(());
    }
    if masks::protect(target) {
        return Ok(());
    }
    // In a user namespace the flags which the host's mount carries can't be taken off, so they are
    // asked for again.
    let kept = nix::sys::statvfs::statvfs(target).map(|stat| locked_flags(stat.flags()))?;
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | kept;
    mount(none, target, none, flags, none)
}

fn locked_flags(flags: nix::sys::statvfs::FsFlags) -> MsFlags {
    use nix::sys::statvfs::FsFlags;
    let table = [
        (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ];
    let kept = table.into_iter().filter(|(flag, _)| flags.contains(*flag));
    kept.fold(MsFlags::empty(), |all, (_, flag)| all | flag)
}
