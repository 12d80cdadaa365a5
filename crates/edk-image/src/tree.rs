//! What lies where in the layers of an image: enough to know whether a path is a folder, where a
//! symbolic link leads and what a new layer has to bring along.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, BufReader, Cursor, Read, Write},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use edk_archive::Kind;
use edk_model::{Digest, Monitor, Unit};
use edk_store::Store;
use serde::{Deserialize, Serialize};

use crate::{
    ImageError, Layer,
    image::Counting,
    key::KeyMaker,
    layer_tar::{Held, LayerTar, bad},
    paths::Paths,
};

/// The paths of one layer, relative, without a trailing slash.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct LayerIndex {
    pub(crate) dirs: Paths,
    pub(crate) links: BTreeMap<String, String>,
    pub(crate) files: Paths,
    /// Deleted here (whiteouts).
    pub(crate) gone: Paths,
    /// Folders that hide what is below (opaque whiteouts).
    pub(crate) opaque: Paths,
    #[serde(skip)]
    held: Held,
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Missing,
    Dir,
    File,
    Link(String),
}

/// All layers of an image, looked at together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    /// Lowest first.
    layers: Vec<Arc<LayerIndex>>,
    /// The layer that is being written on them.
    new: LayerIndex,
}

impl Tree {
    /// Returns the tree of `layers`, lowest first; an index that was made before is not made again.
    pub(crate) fn load(
        store: &Store,
        layers: &[Layer],
        monitor: &Monitor,
    ) -> Result<Self, ImageError> {
        let layers = layers.iter().map(|layer| index(store, layer, monitor).map(Arc::new));
        Ok(Self { layers: layers.collect::<Result<_, _>>()?, new: LayerIndex::default() })
    }

    /// Returns what `path` (relative, no links on the way) is.
    pub(crate) fn node(&self, path: &str) -> Node {
        if path.is_empty() {
            return Node::Dir;
        }
        for layer in std::iter::once(&self.new).chain(self.layers.iter().rev().map(Arc::as_ref)) {
            if layer.dirs.contains(path) {
                return Node::Dir;
            }
            if let Some(target) = layer.links.get(path) {
                return Node::Link(target.clone());
            }
            if layer.files.contains(path) {
                return Node::File;
            }
            if layer.hides(path) {
                return Node::Missing;
            }
        }
        Node::Missing
    }

    /// Notes that the layer being written has `path`.
    pub(crate) fn note(&mut self, path: &str, kind: &Kind) {
        self.new.dirs.remove(path);
        self.new.files.remove(path);
        self.new.links.remove(path);
        match kind {
            Kind::Directory => {
                self.new.dirs.insert(path.to_owned());
            }
            Kind::Symlink { target } => {
                let target = target.to_string_lossy().into_owned();
                self.new.links.insert(path.to_owned(), target);
            }
            Kind::File { .. } | Kind::HardLink { .. } => {
                self.new.files.insert(path.to_owned());
            }
        }
    }

    /// Says whether the layer being written made the folder `path`.
    pub(crate) fn is_new_folder(&self, path: &str) -> bool {
        self.new.dirs.contains(path)
    }

    /// Says whether `path` leads to a folder, links followed.
    pub(crate) fn is_folder(&self, path: &str) -> bool {
        self.resolve(path).is_ok_and(|path| self.node(&path) == Node::Dir)
    }

    /// Returns where `path` really lies: relative, links followed, `.` and `..` resolved. What is
    /// missing is kept as it is written.
    pub(crate) fn resolve(&self, path: &str) -> Result<String, String> {
        let split = |path: &str| -> VecDeque<String> {
            path.split('/')
                .filter(|part| !part.is_empty() && *part != ".")
                .map(str::to_owned)
                .collect()
        };
        let (mut todo, mut done, mut links) = (split(path), Vec::<String>::new(), 0);
        while let Some(part) = todo.pop_front() {
            if part == ".." {
                done.pop();
                continue;
            }
            done.push(part);
            let Node::Link(target) = self.node(&done.join("/")) else { continue };
            links += 1;
            if links > 40 {
                return Err(format!("`{path}` passes too many symbolic links"));
            }
            done.pop();
            if target.starts_with('/') {
                done.clear();
            }
            for part in split(&target).into_iter().rev() {
                todo.push_front(part);
            }
        }
        Ok(done.join("/"))
    }
}

impl LayerIndex {
    /// Says whether this layer hides `path` of the layers below without having it itself.
    fn hides(&self, path: &str) -> bool {
        let mut at = path;
        loop {
            if self.gone.contains(at) || self.files.contains(at) || self.links.contains_key(at) {
                return true;
            }
            match at.rsplit_once('/') {
                Some((parent, _)) if self.opaque.contains(parent) => return true,
                Some((parent, _)) => at = parent,
                None => return self.opaque.contains(""),
            }
        }
    }

    fn add(
        &mut self,
        path: &str,
        kind: tar::EntryType,
        link: Option<String>,
    ) -> Result<(), String> {
        self.held.add(path.len())?;
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name == ".wh..wh..opq" {
            self.opaque.insert(parent.to_owned());
        } else if let Some(hidden) = name.strip_prefix(".wh.") {
            let path =
                if parent.is_empty() { hidden.to_owned() } else { format!("{parent}/{hidden}") };
            self.gone.insert(path);
        } else if kind.is_dir() {
            self.dirs.insert(path.to_owned());
        } else if let (tar::EntryType::Symlink, Some(link)) = (kind, link) {
            self.links.insert(path.to_owned(), link);
        } else {
            self.files.insert(path.to_owned());
        }
        // A layer may leave out the entries of folders it only passes through.
        let mut at = path;
        while let Some((parent, _)) = at.rsplit_once('/') {
            if !self.links.contains_key(parent) && !self.dirs.insert(parent.to_owned()) {
                break;
            }
            self.held.add(parent.len())?;
            at = parent;
        }
        Ok(())
    }
}

fn index(store: &Store, layer: &Layer, monitor: &Monitor) -> Result<LayerIndex, ImageError> {
    let key = index_key(layer);
    if let Some(index) = store.step(&key) {
        return Ok(index);
    }
    let size = Some(layer.descriptor.size);
    let report = |read| monitor.progress("looking into a layer", read, size, Unit::Bytes, 0);
    let blob = Counting::new(store.reader(&layer.descriptor.digest)?, report);
    let blob = BufReader::with_capacity(256 << 10, blob);
    let mut tar = LayerTar::of(blob, store, layer, monitor)?;
    let index = read_index(&mut tar).and_then(|index| tar.finish().map(|()| index));
    let index = index.map_err(|error| tar.blame(bad(layer, error.to_string())))?;
    store.put_step(&key, &index)?;
    Ok(index)
}

fn index_key(layer: &Layer) -> Digest {
    let mut key = KeyMaker::new("index", &[layer.diff_id]);
    key.add("2");
    key.finish()
}

/// How many pieces of a layer may wait for the thread that makes its index.
const AHEAD: usize = 8;

/// Passes a layer on, and makes its index meanwhile: reading a large one again takes longer than most
/// steps.
pub(crate) struct Indexed<W> {
    inner: W,
    /// To the thread that reads; closed once it has seen enough.
    tar: Option<SyncSender<Vec<u8>>>,
    index: JoinHandle<io::Result<LayerIndex>>,
}

impl<W: Write> Indexed<W> {
    pub(crate) fn new(inner: W) -> Self {
        let (tar, pieces) = sync_channel(AHEAD);
        let pieces = Pieces { pieces, piece: Cursor::default() };
        let index = std::thread::spawn(move || read_index(pieces));
        Self { inner, tar: Some(tar), index }
    }

    /// Returns the inner writer, and the index if it could be made.
    pub(crate) fn finish(self) -> (W, Option<LayerIndex>) {
        drop(self.tar);
        (self.inner, self.index.join().ok().and_then(Result::ok))
    }
}

impl<W: Write> Write for Indexed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        if let Some(tar) = &mut self.tar
            && tar.send(bytes[..count].to_vec()).is_err()
        {
            // The reader stops at the end of the archive, before the last of its padding.
            self.tar = None;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// What an [`Indexed`] passes on, as one stream.
struct Pieces {
    pieces: Receiver<Vec<u8>>,
    piece: Cursor<Vec<u8>>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.piece.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.pieces.recv() {
                Ok(piece) => self.piece = Cursor::new(piece),
                Err(_) => return Ok(0),
            }
        }
    }
}

/// Keeps the index of a layer that was just written.
pub(crate) fn keep_index(
    store: &Store,
    layer: &Layer,
    index: &LayerIndex,
) -> Result<(), ImageError> {
    Ok(store.put_step(&index_key(layer), index)?)
}

pub(crate) fn read_index(tar: impl Read) -> io::Result<LayerIndex> {
    let mut index = LayerIndex::default();
    for entry in tar::Archive::new(tar).entries()? {
        let entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path: Vec<_> =
            path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if path.is_empty() {
            continue;
        }
        let link = entry.link_name_bytes().map(|link| String::from_utf8_lossy(&link).into_owned());
        let added = index.add(&path.join("/"), entry.header().entry_type(), link);
        added.map_err(std::io::Error::other)?;
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use tar::EntryType;

    use super::*;

    fn layer(entries: &[(&str, EntryType, Option<&str>)]) -> Arc<LayerIndex> {
        let mut index = LayerIndex::default();
        for (path, kind, link) in entries {
            index.add(path, *kind, link.map(str::to_owned)).unwrap();
        }
        Arc::new(index)
    }

    fn tree() -> Tree {
        use EntryType::{Directory, Regular, Symlink};
        let base = layer(&[
            ("usr/bin", Directory, None),
            ("bin", Symlink, Some("usr/bin")),
            ("opt/old/file", Regular, None),
            ("var/run", Symlink, Some("/run")),
            ("a", Symlink, Some("b")),
            ("b", Symlink, Some("a")),
            ("data/x", Regular, None),
        ]);
        let top = layer(&[
            (".wh.opt", Regular, None),
            ("data/.wh..wh..opq", Regular, None),
            ("data/y", Regular, None),
        ]);
        Tree { layers: vec![base, top], new: LayerIndex::default() }
    }

    #[test]
    fn a_path_is_what_the_topmost_layer_says() {
        let tree = tree();
        for (path, expected) in [
            ("", Node::Dir),
            ("usr", Node::Dir),
            ("bin", Node::Link("usr/bin".to_owned())),
            ("opt", Node::Missing),
            ("opt/old/file", Node::Missing),
            ("data", Node::Dir),
            ("data/x", Node::Missing),
            ("data/y", Node::File),
        ] {
            assert_eq!(tree.node(path), expected, "{path}");
        }
    }

    #[test]
    fn an_index_made_on_the_way_is_the_one_made_later() {
        let mut tar = edk_testkit::busybox_layer();
        // As some writers pad.
        tar.resize(tar.len() + (1 << 20), 0);
        let mut writer = Indexed::new(Vec::new());
        for piece in tar.chunks(10_000) {
            writer.write_all(piece).unwrap();
        }
        let (passed, index) = writer.finish();
        assert!(passed == tar);
        let index = index.unwrap();
        let text = |index: &LayerIndex| serde_json::to_string(index).unwrap();
        assert!(index.files.contains("bin/busybox"));
        assert_eq!(text(&index), text(&read_index(&*tar).unwrap()));
    }

    #[test]
    fn links_are_followed_inside_the_root_only() {
        let tree = tree();
        for (path, expected) in [
            ("/bin/sh", "usr/bin/sh"),
            ("/var/run/x/", "run/x"),
            ("/../../etc/./x", "etc/x"),
            ("usr/../bin", "usr/bin"),
            ("/", ""),
        ] {
            assert_eq!(tree.resolve(path).as_deref(), Ok(expected), "{path}");
        }
        assert!(tree.resolve("/a").is_err());
    }
}
