//! Files of an image -> a tar stream, as they look with all layers stacked.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use globset::GlobBuilder;
use nix::sched::{CloneFlags, unshare};

use super::{
    diff,
    fault::{Fault, Step as _},
    resolve::{parts, resolve},
    rootfs,
    run::Root,
};
use crate::wire::{Answer, write_frame};

/// Sends everything the patterns name. What the n-th of all matches holds is called `<n>/d/…` when
/// it is a folder, and `<n>/f/<its name>` when it is not.
pub(crate) fn export(root: &Root, patterns: &[String], stdout: &mut File) -> Result<(), Fault> {
    unshare(CloneFlags::CLONE_NEWNS).step("make namespaces")?;
    let merged = rootfs::stack(root)?;
    let mut found = Vec::new();
    for pattern in patterns {
        let step = || format!("find `{pattern}` in the image");
        let matches = expand(&merged, Path::new(pattern)).step(step())?;
        if matches.is_empty() {
            return Err(Fault::new(step(), "it is not there"));
        }
        found.extend(matches);
    }
    write_frame(&mut *stdout, &Answer::Done).step("answer")?;
    let mut to = diff::Exporter::new(BufWriter::with_capacity(256 << 10, stdout), root.rootless);
    for (number, path) in found.iter().enumerate() {
        to.add(&merged.join(path), number).step("read the image")?;
    }
    to.finish().step("send the files")
}

/// Returns the paths that `pattern` names, relative, links resolved, sorted.
fn expand(merged: &Path, pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::new()];
    for part in parts(pattern) {
        let mut next = Vec::new();
        for folder in found {
            for name in matching(&merged.join(&folder), &part)? {
                let path = resolve(merged, &folder.join(name))?;
                if fs::symlink_metadata(merged.join(&path)).is_ok() {
                    next.push(path);
                }
            }
        }
        found = next;
    }
    Ok(found)
}

fn matching(folder: &Path, part: &OsString) -> io::Result<Vec<OsString>> {
    let Some(text) = part.to_str().filter(|text| text.contains(['*', '?', '['])) else {
        return Ok(vec![part.clone()]);
    };
    let glob = GlobBuilder::new(text).literal_separator(true).build().map_err(io::Error::other)?;
    let glob = glob.compile_matcher();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if glob.is_match(&name) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
