//! Files of an image -> a tar stream, as they look with all layers stacked.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use edk_model::Glob;
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
/// it is a folder, and `<n>/f/<its name>` when it is not; with `parents`, `<n>/d/<its folders>/…`.
pub(crate) fn export(
    root: &Root,
    patterns: &[String],
    parents: bool,
    stdout: &mut File,
) -> Result<(), Fault> {
    unshare(CloneFlags::CLONE_NEWNS).step("make namespaces")?;
    let merged = rootfs::stack(root)?;
    let mut found = Vec::new();
    for pattern in patterns {
        let step = || format!("find `{pattern}` in the image");
        let matches = expand(&merged, pattern, parents).step(step())?;
        if matches.is_empty() {
            return Err(Fault::new(step(), "it is not there"));
        }
        found.extend(matches);
    }
    write_frame(&mut *stdout, &Answer::Done).step("answer")?;
    let rootless = root.privilege.is_rootless();
    let mut to = diff::Exporter::new(BufWriter::with_capacity(256 << 10, stdout), rootless);
    for (number, Match { path, shown }) in found.iter().enumerate() {
        let full = merged.join(path);
        match parents {
            false => to.add(&full, number).step("read the image")?,
            true => to.add_below(&full, number, shown).step("read the image")?,
        }
    }
    to.finish().step("send the files")
}

/// A file or folder that a pattern names.
struct Match {
    /// Relative, links resolved.
    path: PathBuf,
    /// The names that led to it, from the pivot `/./` on.
    shown: PathBuf,
}

/// Returns what `pattern` names, sorted.
fn expand(merged: &Path, pattern: &str, parents: bool) -> io::Result<Vec<Match>> {
    let (before, pattern) = match pattern.split_once("/./").filter(|_| parents) {
        Some((before, after)) => (parts(Path::new(before)), after),
        None => (VecDeque::new(), pattern),
    };
    let hidden = before.len();
    let all = before.into_iter().chain(parts(Path::new(pattern)));
    let mut found = vec![Match { path: PathBuf::new(), shown: PathBuf::new() }];
    for (at, part) in all.enumerate() {
        let mut next = Vec::new();
        for folder in found {
            if parents && part == "**" {
                next.extend(folders_below(merged, folder)?);
                continue;
            }
            for name in matching(&merged.join(&folder.path), &part)? {
                let path = resolve(merged, &folder.path.join(&name))?;
                if fs::symlink_metadata(merged.join(&path)).is_ok() {
                    let shown = if at < hidden { PathBuf::new() } else { folder.shown.join(name) };
                    next.push(Match { path, shown });
                }
            }
        }
        found = next;
    }
    Ok(found)
}

/// The folder and all folders in it, links not followed.
fn folders_below(merged: &Path, folder: Match) -> io::Result<Vec<Match>> {
    let (mut todo, mut found) = (vec![folder], Vec::new());
    while let Some(folder) = todo.pop() {
        for name in matching(&merged.join(&folder.path), &"*".into())? {
            let path = folder.path.join(&name);
            if fs::symlink_metadata(merged.join(&path))?.is_dir() {
                todo.push(Match { path, shown: folder.shown.join(name) });
            }
        }
        found.push(folder);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn matching(folder: &Path, part: &OsString) -> io::Result<Vec<OsString>> {
    let Some(text) = part.to_str().filter(|text| text.contains(['*', '?', '[', '\\'])) else {
        return Ok(vec![part.clone()]);
    };
    let glob = Glob::parse(text).map_err(io::Error::other)?;
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if glob.matches(&name.to_string_lossy()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
