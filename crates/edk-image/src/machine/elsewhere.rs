//! Systems other than Linux: layers are read, nothing runs.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ffi::OsString,
    fs,
    io::{self, Read, Seek as _},
    path::{Path, PathBuf},
};

use edk_archive::{Entry, Kind as Writes, TarWriter};
use edk_model::{Cancelled, Code, Explain, Glob, Monitor};

use super::Taken;
use crate::{
    Builder, ImageError, Layer,
    flat::{Flat, Kind, Node, Origin, contents},
    plan::PlannedRun,
    steps::StepRun,
};

/// How many symbolic links one path may pass, as on Linux (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Where files lie while an image is built.
#[derive(Debug)]
pub struct Containers {
    root: PathBuf,
}

/// A file of this machine that shows to commands, where there are any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Path here.
    pub source: PathBuf,
    /// Absolute path inside.
    pub target: PathBuf,
    /// Whether it may not be written to.
    pub read_only: bool,
}

/// The content of a file, which may be a secret: it does not show in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(pub Vec<u8>);

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Content(…)")
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code.
    pub code: i32,
}

/// Why something can't be done here.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// Commands run on Linux.
    #[error("commands can't be run on this system")]
    Elsewhere,
    /// A pattern that names nothing.
    #[error("could not find `{pattern}` in the image: it is not there")]
    NotThere {
        /// The pattern.
        pattern: String,
    },
    /// The disk refused.
    #[error("could not read or write `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Explain for ContainerError {
    fn code(&self) -> Code {
        match self {
            Self::Elsewhere => Code::Unsupported,
            Self::NotThere { .. } => Code::InvalidInput,
            Self::Io { source, .. } => Code::of_io(source),
            Self::Cancelled(_) => Code::Cancelled,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Elsewhere => {
                vec![
                    "choose an engine that runs them: `--engine docker`, `podman` or `buildkit`"
                        .to_owned(),
                ]
            }
            _ => Vec::new(),
        }
    }
}

impl Containers {
    /// Opens the folder `root`, making it when it is not there; no program is started.
    ///
    /// # Errors
    /// [`ContainerError::Io`] if the folder can't be made.
    pub fn open(root: &Path, _program: &Path) -> Result<Self, ContainerError> {
        let io = |source| ContainerError::Io { path: root.to_owned(), source };
        fs::create_dir_all(root).map_err(io)?;
        Ok(Self { root: root.to_owned() })
    }

    /// A file without a name, for what is on its way.
    fn aside(&self) -> io::Result<fs::File> {
        tempfile::tempfile_in(&self.root)
    }

    /// Owners are kept: nothing is unpacked.
    pub fn squashes(&self) -> bool {
        false
    }

    /// Makes a folder for one piece of work, calls `body` with it, and removes it whatever comes.
    ///
    /// # Errors
    /// Those of `body`, and [`ContainerError::Io`] if the folder can't be made.
    pub fn with_folder<T, E: From<ContainerError>>(
        &self,
        body: impl FnOnce(&Path) -> Result<T, E>,
    ) -> Result<T, E> {
        let io = |source| ContainerError::Io { path: self.root.clone(), source };
        let folder = tempfile::tempdir_in(&self.root).map_err(io)?;
        body(folder.path())
    }

    /// Runs nothing.
    ///
    /// # Errors
    /// [`ContainerError::Elsewhere`].
    pub fn run_on_host(
        &self,
        _argv: &[String],
        _env: &[(String, String)],
        _cwd: &Path,
        _output: &mut dyn FnMut(&str),
        _monitor: &Monitor,
    ) -> Result<Exit, ContainerError> {
        Err(ContainerError::Elsewhere)
    }
}

/// Says whether a program of the host could not be started because it is not there.
pub(crate) fn is_missing(_error: &ContainerError, _program: &str) -> bool {
    false
}

impl StepRun<'_> {
    /// Refuses a command, and says what runs it.
    pub(crate) fn run(&self, _run: &PlannedRun) -> Result<Layer, ImageError> {
        Err(ContainerError::Elsewhere.into())
    }

    /// A file that is not in the image is the Dockerfile's fault.
    pub(crate) fn users_error(&self, error: ContainerError) -> ImageError {
        match error {
            ContainerError::NotThere { .. } => self.step_error(&error.to_string()),
            other => other.into(),
        }
    }
}

/// Gives `body` the tar stream of what is taken: what the n-th match holds is called `<n>/d/…` for a
/// folder, `<n>/f/<name>` for a file; with parents `<n>/d/<folders>/…` for both.
///
/// # Errors
/// Those of reading the layers, [`ContainerError::NotThere`], those of `body`.
pub(crate) fn export<T>(
    builder: Builder<'_>,
    taken: Taken<'_>,
    monitor: &Monitor,
    body: impl FnOnce(&mut dyn Read) -> Result<T, ImageError>,
) -> Result<T, ImageError> {
    let flat = Flat::of(builder.store, taken.layers, monitor)?;
    let view = View { flat: &flat };
    let mut matches = Vec::new();
    for pattern in taken.patterns {
        let found = view.expand(pattern, taken.parents);
        if found.is_empty() {
            return Err(ContainerError::NotThere { pattern: pattern.clone() }.into());
        }
        matches.extend(found);
    }
    let io = |source| ImageError::io(builder.store.root(), source);
    let mut tar = TarWriter::new(builder.containers.aside().map_err(io)?);
    for (number, found) in matches.iter().enumerate() {
        let named = view.named(found, number, taken.parents);
        write(builder, taken.layers, &named, &mut tar, monitor)?;
    }
    let mut file = tar.finish()?;
    file.rewind().map_err(io)?;
    body(&mut io::BufReader::new(file))
}

/// Writes nodes under other names, in the order of these.
fn write(
    builder: Builder<'_>,
    layers: &[Layer],
    named: &BTreeMap<PathBuf, &Node>,
    tar: &mut TarWriter<fs::File>,
    monitor: &Monitor,
) -> Result<(), ImageError> {
    let io = |source| ImageError::io(builder.store.root(), source);
    let wanted = named.values().filter(|node| matches!(node.kind, Kind::File { .. }));
    let wanted: BTreeSet<Origin> = wanted.map(|node| node.origin).collect();
    // Layers have an order of their own; contents are laid aside as they come.
    let (mut aside, mut places, mut end) =
        (builder.containers.aside().map_err(io)?, BTreeMap::new(), 0);
    contents(builder.store, layers, &wanted, monitor, |origin, content| {
        places.insert(origin, end);
        end += io::copy(content, &mut aside).map_err(io)?;
        Ok(())
    })?;
    let mut first: BTreeMap<Origin, &Path> = BTreeMap::new();
    for (name, node) in named {
        let entry = |kind| Entry {
            uid: node.uid,
            gid: node.gid,
            mtime: node.mtime,
            xattrs: node.xattrs.clone(),
            ..Entry::new(name, kind, node.mode)
        };
        match (&node.kind, first.get(&node.origin)) {
            (Kind::Folder, _) => tar.append(&entry(Writes::Directory), io::empty())?,
            (Kind::Link { target }, _) => {
                let target = path_of(target);
                tar.append(&entry(Writes::Symlink { target }), io::empty())?;
            }
            (Kind::File { .. }, Some(first)) => {
                let target = (*first).to_owned();
                tar.append(&entry(Writes::HardLink { target }), io::empty())?;
            }
            (Kind::File { size }, None) => {
                let place = places.get(&node.origin).copied().unwrap_or(end);
                aside.seek(io::SeekFrom::Start(place)).map_err(io)?;
                let content = Read::take(&mut aside, *size);
                tar.append(&entry(Writes::File { size: *size }), content)?;
                first.insert(node.origin, name);
            }
            // Devices and pipes are made where they are needed.
            (Kind::Special, _) => {}
        }
    }
    Ok(())
}

/// A file or folder that a pattern names.
struct Match {
    /// Links resolved.
    path: PathBuf,
    /// The names that led to it, from the pivot `/./` on.
    shown: PathBuf,
}

/// An image's files, looked at.
struct View<'a> {
    flat: &'a Flat,
}

impl<'a> View<'a> {
    fn node(&self, path: &Path) -> Option<&'a Node> {
        self.flat.nodes.get(path.as_os_str().as_encoded_bytes())
    }

    fn is_folder(&self, path: &Path) -> bool {
        path == Path::new("") || self.node(path).is_some_and(|node| node.kind == Kind::Folder)
    }

    /// Everything below a folder, by its path there.
    fn below(&self, folder: &Path) -> impl Iterator<Item = (PathBuf, &'a Node)> + use<'a> {
        let mut prefix = folder.as_os_str().as_encoded_bytes().to_vec();
        if !prefix.is_empty() {
            prefix.push(b'/');
        }
        let length = prefix.len();
        let range = self.flat.nodes.range(prefix.clone()..);
        let inside = range.take_while(move |(path, _)| path.starts_with(&prefix));
        inside.map(move |(path, node)| (path_of(&path[length..]), node))
    }

    /// Where a path leads, every link in it followed inside the image.
    fn resolve(&self, path: &Path) -> Option<PathBuf> {
        let (mut todo, mut done, mut links) = (parts(path), PathBuf::new(), 0);
        while let Some(part) = todo.pop_front() {
            if part == ".." {
                done.pop();
                continue;
            }
            let next = done.join(&part);
            let Some(Node { kind: Kind::Link { target }, .. }) = self.node(&next) else {
                done = next;
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return None;
            }
            let target = path_of(target);
            if target.has_root() {
                done.clear();
            }
            parts(&target).into_iter().rev().for_each(|part| todo.push_front(part));
        }
        Some(done)
    }

    /// Returns what `pattern` names, sorted.
    fn expand(&self, pattern: &str, parents: bool) -> Vec<Match> {
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
                    next.extend(self.folders(folder));
                    continue;
                }
                for name in self.matching(&folder.path, &part) {
                    let Some(path) = self.resolve(&folder.path.join(&name)) else { continue };
                    if self.is_folder(&path) || self.node(&path).is_some() {
                        let keep = at >= hidden;
                        let shown = if keep { folder.shown.join(name) } else { PathBuf::new() };
                        next.push(Match { path, shown });
                    }
                }
            }
            found = next;
        }
        found
    }

    /// The folder and all folders in it.
    fn folders(&self, folder: Match) -> Vec<Match> {
        let inside = self.below(&folder.path).filter(|(_, node)| node.kind == Kind::Folder);
        let mut found: Vec<Match> = inside
            .map(|(below, _)| Match {
                path: folder.path.join(&below),
                shown: folder.shown.join(&below),
            })
            .collect();
        found.push(folder);
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    fn matching(&self, folder: &Path, part: &OsString) -> Vec<OsString> {
        let pattern = part.to_str().filter(|text| text.contains(['*', '?', '[', '\\']));
        let Some(glob) = pattern.and_then(|text| Glob::parse(text).ok()) else {
            return vec![part.clone()];
        };
        let children = self.below(folder).filter(|(below, _)| below.components().count() == 1);
        let names = children.map(|(below, _)| below.into_os_string());
        names.filter(|name| glob.matches(&name.to_string_lossy())).collect()
    }

    /// What a match holds, under the names of the stream.
    fn named(&self, found: &Match, number: usize, parents: bool) -> BTreeMap<PathBuf, &'a Node> {
        let folder = self.is_folder(&found.path);
        let top = PathBuf::from(format!("{number}/{}", if folder || parents { 'd' } else { 'f' }));
        let name = found.path.file_name().unwrap_or_default();
        let mut named = BTreeMap::new();
        let base = match (parents, folder) {
            (true, _) => top.join(&found.shown),
            (false, true) => top.clone(),
            (false, false) => top.join(name),
        };
        if parents {
            // The folders on the way look as those it lies in.
            let own = usize::from(!folder);
            let above = found.shown.ancestors().zip(found.path.ancestors()).skip(own);
            for (shown, real) in above.filter(|(shown, _)| *shown != Path::new("")) {
                named.extend(self.node(real).map(|node| (top.join(shown), node)));
            }
        }
        if folder {
            named.extend(self.below(&found.path).map(|(below, node)| (base.join(below), node)));
        } else {
            named.extend(self.node(&found.path).map(|node| (base, node)));
        }
        named
    }
}

/// The parts of a path relative to the root; `..` stays, `/` and `.` go.
fn parts(path: &Path) -> VecDeque<OsString> {
    use std::path::Component;
    let parts = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    parts.collect()
}

fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    std::ffi::OsStr::from_bytes(bytes).into()
}
