//! The file system of an image, from its layers, without unpacking them: which entry of which layer
//! is behind each path (OCI image specification, "Image Layer Filesystem Changeset").

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use edk_model::Monitor;
use edk_store::Store;
use tar::EntryType;

use crate::{
    ImageError, Layer,
    layer_tar::{self, Held, LayerTar},
};

/// How many paths an image may have.
const PATHS: usize = 10_000_000;

/// An entry of a layer: the layer's place among those of the image, and the entry's in it.
pub(crate) type Origin = (usize, usize);

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// Where its content is; of a hard link, that of the file.
    pub(crate) origin: Origin,
    /// The layer that put it there.
    layer: usize,
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    pub(crate) mtime: u64,
    pub(crate) xattrs: Vec<(String, Vec<u8>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    File {
        size: u64,
    },
    Folder,
    Link {
        target: Vec<u8>,
    },
    /// A device or a pipe.
    Special,
}

/// All paths of an image, relative and without a slash at the end; they need not be UTF-8.
#[derive(Debug, Default)]
pub(crate) struct Flat {
    pub(crate) nodes: BTreeMap<Vec<u8>, Node>,
    held: Held,
    /// What the layer that is being read has taken away: once is enough.
    hidden: BTreeSet<Vec<u8>>,
}

impl Flat {
    /// Reads the headers of all layers.
    pub(crate) fn of(
        store: &Store,
        layers: &[Layer],
        monitor: &Monitor,
    ) -> Result<Self, ImageError> {
        let mut flat = Self::default();
        for (at, layer) in layers.iter().enumerate() {
            flat.add_layer(store, at, layer, monitor)?;
        }
        Ok(flat)
    }

    fn add_layer(
        &mut self,
        store: &Store,
        layer: usize,
        of: &Layer,
        monitor: &Monitor,
    ) -> Result<(), ImageError> {
        let malformed = |reason: String| layer_tar::broken(of, reason, monitor);
        self.hidden.clear();
        let mut tar = tar::Archive::new(LayerTar::open(store, of, monitor)?);
        let entries = tar.entries().map_err(|error| malformed(error.to_string()))?;
        for (at, entry) in entries.enumerate() {
            monitor.check()?;
            let mut entry = entry.map_err(|error| malformed(error.to_string()))?;
            self.add(layer, at, &mut entry).map_err(malformed)?;
            if self.nodes.len() > PATHS {
                return Err(malformed(format!("it has more than {PATHS} paths")));
            }
        }
        Ok(())
    }

    fn add<R: Read>(
        &mut self,
        layer: usize,
        at: usize,
        entry: &mut tar::Entry<'_, R>,
    ) -> Result<(), String> {
        let path = normal(&entry.path_bytes())?;
        let name = path.rsplit(|it| *it == b'/').next().unwrap_or_default();
        let parent = || path[..path.len() - name.len()].to_vec();
        if name == b".wh..wh..opq" {
            self.take_away(&parent(), layer);
            return Ok(());
        }
        if let Some(hidden) = name.strip_prefix(b".wh.") {
            let path = [&parent()[..], hidden].concat();
            if self.nodes.get(&path).is_some_and(|node| node.layer < layer) {
                self.nodes.remove(&path);
            }
            self.take_away(&[&path[..], b"/"].concat(), layer);
            return Ok(());
        }
        if path.is_empty() {
            return Ok(());
        }
        let node = self.node(layer, at, entry)?;
        self.parents(&path, layer, at)?;
        if node.kind != Kind::Folder {
            self.hide(&[&path[..], b"/"].concat(), layer + 1);
        }
        self.held.add(path.len())?;
        self.nodes.insert(path, node);
        Ok(())
    }

    /// Takes away what layers below have under `prefix`.
    fn take_away(&mut self, prefix: &[u8], layer: usize) {
        if self.hidden.insert(prefix.to_vec()) {
            self.hide(prefix, layer);
        }
    }

    fn node<R: Read>(
        &self,
        layer: usize,
        at: usize,
        entry: &mut tar::Entry<'_, R>,
    ) -> Result<Node, String> {
        let link = entry.link_name_bytes().map(|link| link.into_owned()).unwrap_or_default();
        let kind = match entry.header().entry_type() {
            EntryType::Link => {
                let target = normal(&link)?;
                let found = self.nodes.get(&target).filter(|it| it.kind != Kind::Folder).cloned();
                let text = String::from_utf8_lossy(&target).into_owned();
                let found = found
                    .ok_or_else(|| format!("a hard link leads to `{text}`, which is not there"))?;
                return Ok(Node { layer, ..found });
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                Kind::File { size: entry.size() }
            }
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Link { target: link },
            _ => Kind::Special,
        };
        let header = entry.header();
        let number = |value: std::io::Result<u64>| value.map_err(|error| error.to_string());
        let (mut uid, mut gid) = (number(header.uid())?, number(header.gid())?);
        let mode = header.mode().map_err(|error| error.to_string())? & 0o7777;
        let mtime = number(header.mtime())?;
        let mut xattrs = Vec::new();
        for record in entry.pax_extensions().map_err(|e| e.to_string())?.into_iter().flatten() {
            let record = record.map_err(|error| error.to_string())?;
            let Ok(key) = record.key() else { continue };
            let number = || record.value().ok().and_then(|text| text.parse().ok());
            match (key, key.strip_prefix("SCHILY.xattr.")) {
                (_, Some(name)) => xattrs.push((name.to_owned(), record.value_bytes().to_vec())),
                ("uid", _) => uid = number().unwrap_or(uid),
                ("gid", _) => gid = number().unwrap_or(gid),
                _ => {}
            }
        }
        xattrs.sort();
        Ok(Node { origin: (layer, at), layer, kind, mode, uid, gid, mtime, xattrs })
    }

    /// A layer may leave out the entries of folders it only passes through; what is a file or a link
    /// there gives way.
    fn parents(&mut self, path: &[u8], layer: usize, at: usize) -> Result<(), String> {
        for end in path.iter().enumerate().filter(|(_, it)| **it == b'/').map(|(end, _)| end) {
            let parent = &path[..end];
            if self.nodes.get(parent).is_none_or(|node| node.kind != Kind::Folder) {
                let node = Node {
                    origin: (layer, at),
                    layer,
                    kind: Kind::Folder,
                    mode: 0o755,
                    uid: 0,
                    gid: 0,
                    mtime: edk_model::SOURCE_DATE_EPOCH,
                    xattrs: Vec::new(),
                };
                self.held.add(parent.len())?;
                self.nodes.insert(parent.to_vec(), node);
            }
        }
        Ok(())
    }

    /// Takes everything below `prefix` away that layers before `layer` have put there.
    fn hide(&mut self, prefix: &[u8], layer: usize) {
        let below = self.nodes.range(prefix.to_vec()..);
        let below = below.take_while(|(path, _)| path.starts_with(prefix));
        let gone: Vec<Vec<u8>> =
            below.filter(|(_, node)| node.layer < layer).map(|(path, _)| path.clone()).collect();
        for path in gone {
            self.nodes.remove(&path);
        }
    }
}

/// Reads the content of the entries `wanted`, in the order of the layers, each once.
pub(crate) fn contents(
    store: &Store,
    layers: &[Layer],
    wanted: &BTreeSet<Origin>,
    monitor: &Monitor,
    mut take: impl FnMut(Origin, &mut dyn Read) -> Result<(), ImageError>,
) -> Result<(), ImageError> {
    for (number, layer) in layers.iter().enumerate() {
        let last = wanted.range((number, 0)..(number + 1, 0)).next_back();
        let Some(&(_, last)) = last else { continue };
        let malformed =
            |error: std::io::Error| layer_tar::broken(layer, error.to_string(), monitor);
        let mut tar = tar::Archive::new(LayerTar::open(store, layer, monitor)?);
        for (at, entry) in tar.entries().map_err(malformed)?.enumerate().take(last + 1) {
            monitor.check()?;
            let mut entry = entry.map_err(malformed)?;
            if wanted.contains(&(number, at)) {
                let taken = take((number, at), &mut entry);
                monitor.check()?;
                taken?;
            }
        }
    }
    Ok(())
}

/// A path as it is inside: relative, without `.` and doubled slashes.
fn normal(path: &[u8]) -> Result<Vec<u8>, String> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|it| *it == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                let text = String::from_utf8_lossy(path);
                return Err(format!("its entry `{text}` leads out of it"));
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use edk_archive::{Entry, Kind as Writes, TarWriter};

    use super::*;
    use crate::{Compression, Config, Image, layer::LayerWriter};

    fn layer(store: &Store, entries: &[(&str, &str)]) -> Layer {
        let mut tar = TarWriter::new(LayerWriter::new(store, Compression::Gzip).unwrap());
        for (path, content) in entries {
            let (kind, bytes) = match (content.strip_prefix("->"), content.strip_prefix("=>")) {
                (Some(target), _) => (Writes::Symlink { target: target.into() }, ""),
                (_, Some(target)) => (Writes::HardLink { target: target.into() }, ""),
                _ if path.ends_with('/') => (Writes::Directory, ""),
                _ => (Writes::File { size: content.len() as u64 }, *content),
            };
            tar.append(&Entry::new(Path::new(path), kind, 0o644), bytes.as_bytes()).unwrap();
        }
        tar.finish().unwrap().finish().unwrap()
    }

    fn paths(layers: &[&[(&str, &str)]]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let layers = layers.iter().map(|entries| layer(&store, entries)).collect();
        let image = Image::assemble(&store, Config::default(), layers).unwrap();
        let flat = Flat::of(&store, &image.layers, &Monitor::silent()).unwrap();
        let wanted = flat.nodes.values().filter(|it| matches!(it.kind, Kind::File { .. }));
        let wanted = wanted.map(|node| node.origin).collect();
        let mut read = BTreeMap::new();
        let take = |origin, content: &mut dyn Read| {
            read.insert(origin, std::io::read_to_string(content).unwrap());
            Ok(())
        };
        contents(&store, &image.layers, &wanted, &Monitor::silent(), take).unwrap();
        let shown = flat.nodes.iter().map(|(path, node)| {
            let path = String::from_utf8_lossy(path);
            match &node.kind {
                Kind::File { .. } => format!("{path}={}", read[&node.origin]),
                Kind::Folder => format!("{path}/"),
                Kind::Link { target } => format!("{path}->{}", String::from_utf8_lossy(target)),
                Kind::Special => format!("{path}?"),
            }
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn upper_layers_add_replace_and_hide() {
        let base: &[(&str, &str)] =
            &[("a/", ""), ("a/x", "1"), ("a/y", "2"), ("b", "3"), ("c", "->a"), ("d", "=>b")];
        assert_eq!(paths(&[base]), "a/ a/x=1 a/y=2 b=3 c->a d=3");
        assert_eq!(paths(&[base, &[("a/.wh.x", ""), (".wh.c", "")]]), "a/ a/y=2 b=3 d=3");
        assert_eq!(paths(&[base, &[(".wh.a", "")]]), "b=3 c->a d=3");
        let opaque: &[(&str, &str)] = &[("a/", ""), ("a/z", "9"), ("a/.wh..wh..opq", "")];
        assert_eq!(paths(&[base, opaque]), "a/ a/z=9 b=3 c->a d=3");
        assert_eq!(paths(&[base, &[("a", "f")]]), "a=f b=3 c->a d=3");
        // A second name keeps the content when the first is replaced.
        assert_eq!(paths(&[base, &[("b", "new")]]), "a/ a/x=1 a/y=2 b=new c->a d=3");
        // A folder takes the place of a link on the way.
        assert_eq!(paths(&[base, &[("c/f", "1")]]), "a/ a/x=1 a/y=2 b=3 c/ c/f=1 d=3");
        assert_eq!(paths(&[&[("deep/er/f", "1")]]), "deep/ deep/er/ deep/er/f=1");
    }
}
