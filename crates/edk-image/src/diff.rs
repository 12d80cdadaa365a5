//! What is different in two images, file by file.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use edk_model::{Digest, Hasher, Monitor};
use edk_store::Store;

use crate::{
    Image, ImageError,
    flat::{Flat, Kind, Node, Origin, contents},
};

/// A path that is not the same in both images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path, from the root on; what is not UTF-8 is replaced.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// What differs: `type`, `content`, `mode`, `owner`, `target` or `attributes`. Times don't count.
    pub what: Vec<&'static str>,
    /// What it is in the first image.
    pub before: Option<FileFact>,
    /// What it is in the second.
    pub after: Option<FileFact>,
}

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// Only the second image has it.
    Added,
    /// Only the first image has it.
    Removed,
    /// Both have it, and it differs.
    Changed,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFact {
    /// `file`, `folder`, `link` or `special`.
    pub kind: &'static str,
    /// Length of its content in bytes, of a file.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// User and group.
    pub owner: (u64, u64),
    /// Where it leads, of a link.
    pub target: Option<String>,
}

/// Returns every path that differs between `before` and `after`, sorted.
///
/// # Errors
/// [`ImageError::Store`] for a missing layer, [`ImageError::Malformed`] for one that makes no sense,
/// [`ImageError::Cancelled`].
pub fn diff(
    store: &Store,
    before: &Image,
    after: &Image,
    monitor: &Monitor,
) -> Result<Vec<Change>, ImageError> {
    let (one, two) =
        (Flat::of(store, &before.layers, monitor)?, Flat::of(store, &after.layers, monitor)?);
    let (mut wanted_one, mut wanted_two) = (BTreeSet::new(), BTreeSet::new());
    let same = |a: Origin, b: Origin| {
        before.layers[a.0].diff_id == after.layers[b.0].diff_id && a.1 == b.1
    };
    for (path, old) in &one.nodes {
        let Some(new) = two.nodes.get(path) else { continue };
        // Only contents that may differ in spite of the same length have to be read.
        let length = matches!((&old.kind, &new.kind),
            (Kind::File { size: a }, Kind::File { size: b }) if a == b);
        if length && !same(old.origin, new.origin) {
            wanted_one.insert(old.origin);
            wanted_two.insert(new.origin);
        }
    }
    let digests_one = digests(store, before, &wanted_one, monitor)?;
    let digests_two = digests(store, after, &wanted_two, monitor)?;
    let mut changes = Vec::new();
    let paths: BTreeSet<&Vec<u8>> = one.nodes.keys().chain(two.nodes.keys()).collect();
    for path in paths {
        let (old, new) = (one.nodes.get(path), two.nodes.get(path));
        let what = match (old, new) {
            (Some(old), Some(new)) => {
                let content = digests_one.get(&old.origin) != digests_two.get(&new.origin)
                    && wanted_one.contains(&old.origin);
                differences(old, new, content)
            }
            _ => Vec::new(),
        };
        let kind = match (old, new) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            _ if what.is_empty() => continue,
            _ => ChangeKind::Changed,
        };
        let path = format!("/{}", String::from_utf8_lossy(path));
        let (before, after) = (old.map(fact), new.map(fact));
        changes.push(Change { path, kind, what, before, after });
    }
    Ok(changes)
}

fn digests(
    store: &Store,
    image: &Image,
    wanted: &BTreeSet<Origin>,
    monitor: &Monitor,
) -> Result<BTreeMap<Origin, Digest>, ImageError> {
    let mut digests = BTreeMap::new();
    contents(store, &image.layers, wanted, monitor, |origin, content| {
        let mut hasher = Hasher::new();
        io::copy(content, &mut hasher).map_err(|source| ImageError::io(store.root(), source))?;
        digests.insert(origin, hasher.finish());
        Ok(())
    })?;
    Ok(digests)
}

fn differences(old: &Node, new: &Node, content: bool) -> Vec<&'static str> {
    let kind = |node: &Node| fact(node).kind;
    let resized = match (&old.kind, &new.kind) {
        (Kind::File { size: a }, Kind::File { size: b }) => a != b,
        _ => false,
    };
    let target = match (&old.kind, &new.kind) {
        (Kind::Link { target: a }, Kind::Link { target: b }) => a != b,
        _ => false,
    };
    let all = [
        ("type", kind(old) != kind(new)),
        ("content", content || resized),
        ("target", target),
        ("mode", old.mode != new.mode),
        ("owner", (old.uid, old.gid) != (new.uid, new.gid)),
        ("attributes", old.xattrs != new.xattrs),
    ];
    all.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect()
}

fn fact(node: &Node) -> FileFact {
    let (kind, size, target) = match &node.kind {
        Kind::File { size } => ("file", *size, None),
        Kind::Folder => ("folder", 0, None),
        Kind::Link { target } => ("link", 0, Some(String::from_utf8_lossy(target).into_owned())),
        Kind::Special => ("special", 0, None),
    };
    FileFact { kind, size, mode: node.mode, owner: (node.uid, node.gid), target }
}
