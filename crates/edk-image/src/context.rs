//! The build context: the files a Dockerfile may copy.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use edk_model::{Digest, Glob, Hasher};
use walkdir::WalkDir;

use crate::{
    beneath::{About, Kind, Root},
    patterns::{Rules, clean, is_pattern},
};

/// A folder with the patterns of its `.dockerignore`.
#[derive(Debug)]
pub(crate) struct Context {
    root: Arc<Root>,
    rules: Rules,
}

/// One source of a `COPY`, after its pattern was expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its last name, which it keeps when it is copied into a folder.
    pub(crate) name: String,
    /// What is copied: the file itself with an empty relative path, or what is in the folder.
    pub(crate) entries: Vec<Entry>,
    pub(crate) is_dir: bool,
    /// Mode of the folder itself.
    pub(crate) mode: u32,
    /// Whether it is an archive whose content is copied instead.
    pub(crate) unpack: bool,
}

/// A file, folder or symbolic link of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Path below the source.
    pub(crate) relative: PathBuf,
    /// Where it lies below the context.
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
    /// Extended attributes that belong to an image, sorted.
    pub(crate) xattrs: Vec<(String, Vec<u8>)>,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    File {
        size: u64,
        digest: Digest,
    },
    /// A file that lies nowhere: a here-document.
    Memory {
        bytes: Arc<[u8]>,
        digest: Digest,
    },
    /// A blob of the store: what was fetched from an address.
    Blob {
        size: u64,
        digest: Digest,
    },
    Dir,
    Link(PathBuf),
    /// Another name of an earlier entry of the same source, by its relative path.
    HardLink(PathBuf),
}

/// Why a source can't be copied.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Nothing is there.
    Missing,
    /// It is there, but `.dockerignore` hides it.
    Ignored,
    /// It lies outside the context.
    Outside,
    /// It is neither file nor folder nor link.
    Special(PathBuf),
    /// The pattern is malformed.
    Pattern(String),
    /// A line of a `.dockerignore` is malformed.
    Rule(String, usize, String),
    /// It can't be read.
    Io(PathBuf, io::Error),
}

impl Content {
    /// What tells two contents apart.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::Dir => "dir".to_owned(),
            Self::Link(target) => format!("link {}", target.display()),
            Self::HardLink(first) => format!("hard {}", first.display()),
            Self::File { digest, .. } | Self::Memory { digest, .. } | Self::Blob { digest, .. } => {
                digest.to_string()
            }
        }
    }
}

impl Context {
    /// Opens the context in `root`; `dockerfile` is the Dockerfile's file name, whose own
    /// `<name>.dockerignore` wins over `.dockerignore`.
    pub(crate) fn open(root: &Path, dockerfile: &str) -> Result<Self, Problem> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| Problem::Io(path, error)
        };
        let handle = Arc::new(Root::open(root).map_err(io(root))?);
        for name in [format!("{dockerfile}.dockerignore"), ".dockerignore".to_owned()] {
            let path = root.join(&name);
            match fs::read_to_string(&path) {
                Ok(text) => {
                    let rules = Rules::parse(&text);
                    let rules =
                        rules.map_err(|(line, reason)| Problem::Rule(name, line, reason))?;
                    return Ok(Self { root: handle, rules });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Problem::Io(path, error)),
            }
        }
        Ok(Self { root: handle, rules: Rules::default() })
    }

    /// Returns the folder.
    pub(crate) fn root(&self) -> &Arc<Root> {
        &self.root
    }

    /// Expands one source of a `COPY`: a path, or a pattern with `*`, `?` and `[ ]`, in which no
    /// wildcard crosses a `/`. What `exclude` matches below a source is left out.
    pub(crate) fn sources(&self, pattern: &str, exclude: &Rules) -> Result<Vec<Source>, Problem> {
        let pattern = clean(pattern);
        if !is_pattern(&pattern) {
            return Ok(vec![self.source(Path::new(&pattern), exclude)?]);
        }
        let matcher = Glob::parse(&pattern.replace("**", "*")).map_err(Problem::Pattern)?;
        let depth = pattern.split('/').count();
        let mut found = Vec::new();
        for relative in self.walk(depth, depth)? {
            if matcher.matches(&relative.to_string_lossy()) && !self.rules.ignores(&relative) {
                let source = self.source(&relative, exclude)?;
                // A file that is left out is as good as one that does not match.
                if source.is_dir || !source.entries.is_empty() {
                    found.push(source);
                }
            }
        }
        if found.is_empty() { Err(Problem::Missing) } else { Ok(found) }
    }

    /// Expands one source of a `COPY --parents`: each match keeps the folders it lies in, those
    /// before `/./` left out; `**` matches any number of folders.
    pub(crate) fn sources_with_parents(
        &self,
        pattern: &str,
        exclude: &Rules,
    ) -> Result<Vec<Source>, Problem> {
        let pivot = pattern.find("/./").map_or(0, |at| clean(&pattern[..at]).len());
        let pivot = if pivot == 0 { 0 } else { pivot + 1 };
        let pattern = clean(pattern);
        let matches = if is_pattern(&pattern) {
            let matcher = Glob::parse(&pattern).map_err(Problem::Pattern)?;
            let depth = pattern.split('/').count();
            let deepest = if pattern.contains("**") { usize::MAX } else { depth };
            let paths = self.walk(1, deepest)?.into_iter();
            paths
                .filter(|path| {
                    matcher.matches(&path.to_string_lossy()) && !self.rules.ignores(path)
                })
                .collect()
        } else {
            vec![PathBuf::from(&pattern)]
        };
        let kept = pattern[..pivot.min(pattern.len())].matches('/').count();
        let mut found = Vec::new();
        for path in matches {
            let source = self.source(&path, exclude)?;
            let shown: PathBuf = path.components().skip(kept).collect();
            found.push(self.below(source, &path, &shown)?);
        }
        if found.is_empty() { Err(Problem::Missing) } else { Ok(found) }
    }

    /// The source under its folders `shown`, which are entries of their own.
    fn below(&self, source: Source, path: &Path, shown: &Path) -> Result<Source, Problem> {
        let mut entries = Vec::new();
        let own = usize::from(!source.is_dir);
        let folders: Vec<&Path> = shown.ancestors().skip(own).collect();
        for folder in folders.into_iter().rev().filter(|folder| *folder != Path::new("")) {
            let up = shown.components().count() - folder.components().count();
            let real = path.ancestors().nth(up).unwrap_or(path);
            let about = self.about(real)?;
            entries.push(Entry {
                relative: folder.to_owned(),
                path: real.to_owned(),
                mode: about.mode,
                xattrs: Vec::new(),
                content: Content::Dir,
            });
        }
        for mut entry in source.entries {
            entry.relative = match entry.relative == Path::new("") {
                true => shown.to_owned(),
                false => shown.join(&entry.relative),
            };
            if let Content::HardLink(first) = &mut entry.content {
                *first = shown.join(&*first);
            }
            entries.push(entry);
        }
        Ok(Source { name: String::new(), entries, is_dir: true, mode: 0o755, unpack: false })
    }

    /// All paths between two depths, sorted.
    fn walk(&self, shallowest: usize, deepest: usize) -> Result<Vec<PathBuf>, Problem> {
        let root = self.root.path();
        let walk = WalkDir::new(root).min_depth(shallowest).max_depth(deepest).sort_by_file_name();
        let path = |entry: walkdir::Result<walkdir::DirEntry>| match entry {
            Ok(entry) => Ok(entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned()),
            Err(error) => Err(self.walk_error(error)),
        };
        walk.into_iter().map(path).collect()
    }

    fn source(&self, relative: &Path, exclude: &Rules) -> Result<Source, Problem> {
        let path = self.root.path().join(relative);
        let io = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Problem::Missing,
            _ => Problem::Io(path.clone(), error),
        };
        // A source that is itself a link is followed, but never out of the context.
        let real = path.canonicalize().map_err(io)?;
        let Ok(real) = real.strip_prefix(self.root.path()) else { return Err(Problem::Outside) };
        let name = relative.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let about = self.about(real)?;
        let (mode, unpack) = (about.mode, false);
        if about.kind == Kind::Dir {
            let entries = self.folder(real, relative, exclude)?;
            if entries.is_empty() && self.rules.ignores(relative) {
                return Err(Problem::Ignored);
            }
            return Ok(Source { name, entries, is_dir: true, mode, unpack });
        }
        if self.rules.ignores(relative) {
            return Err(Problem::Ignored);
        }
        let mut entries = vec![self.entry(real, PathBuf::new(), &about)?];
        entries.retain(|_| !exclude.ignores(Path::new(&name)));
        Ok(Source { name, entries, is_dir: false, mode, unpack })
    }

    fn folder(&self, real: &Path, relative: &Path, exclude: &Rules) -> Result<Vec<Entry>, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut first: HashMap<(u64, u64), PathBuf> = HashMap::new();
        let root = self.root.path().join(real);
        let mut look = self.root.look();
        let hidden =
            |below: &Path| self.rules.ignores(&relative.join(below)) || exclude.ignores(below);
        for found in WalkDir::new(&root).min_depth(1).sort_by_file_name() {
            let found = found.map_err(|error| self.walk_error(error))?;
            let below = found.path().strip_prefix(&root).unwrap_or(found.path()).to_owned();
            if !found.file_type().is_dir() && hidden(&below) {
                continue;
            }
            let path = real.join(&below);
            let about = look.about(&path).map_err(|error| self.io_error(&path, error))?;
            let twin = about.twin.and_then(|key| match first.get(&key) {
                Some(first) => Some(first.clone()),
                None => {
                    first.insert(key, below.clone());
                    None
                }
            });
            let entry = match twin {
                Some(first) => {
                    let (mode, xattrs) = (about.mode, Vec::new());
                    Entry { relative: below, path, mode, xattrs, content: Content::HardLink(first) }
                }
                None => self.entry(&path, below, &about)?,
            };
            // An ignored folder stays only while something in it may be wanted after all.
            while entries
                .last()
                .is_some_and(|last| is_void(last, &entry.relative) && hidden(&last.relative))
            {
                entries.pop();
            }
            entries.push(entry);
        }
        while entries
            .last()
            .is_some_and(|last| last.content == Content::Dir && hidden(&last.relative))
        {
            entries.pop();
        }
        Ok(entries)
    }

    fn about(&self, path: &Path) -> Result<About, Problem> {
        self.root.look().about(path).map_err(|error| self.io_error(path, error))
    }

    fn io_error(&self, path: &Path, error: io::Error) -> Problem {
        Problem::Io(self.root.path().join(path), error)
    }

    fn entry(&self, path: &Path, relative: PathBuf, about: &About) -> Result<Entry, Problem> {
        let full = self.root.path().join(path);
        let io = |error| Problem::Io(full.clone(), error);
        let mut xattrs = Vec::new();
        let content = match &about.kind {
            Kind::Dir => Content::Dir,
            Kind::Link(target) => Content::Link(target.clone()),
            Kind::Special => return Err(Problem::Special(full)),
            Kind::File => {
                let mut file = self.root.file(path).map_err(io)?;
                xattrs = crate::beneath::attributes(&file).map_err(io)?;
                let mut hasher = Hasher::new();
                let size = io::copy(&mut file, &mut hasher).map_err(io)?;
                Content::File { size, digest: hasher.finish() }
            }
        };
        Ok(Entry { relative, path: path.to_owned(), mode: about.mode, xattrs, content })
    }

    fn walk_error(&self, error: walkdir::Error) -> Problem {
        let path = error.path().unwrap_or(self.root.path()).to_owned();
        Problem::Io(path, error.into())
    }
}

/// Says whether `last` is a folder in which nothing was found before `next` came.
fn is_void(last: &Entry, next: &Path) -> bool {
    last.content == Content::Dir && !next.starts_with(&last.relative)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(files: &[&str], ignore: &str) -> (tempfile::TempDir, Context) {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        fs::write(folder.path().join(".dockerignore"), ignore).unwrap();
        let context = Context::open(folder.path(), "Dockerfile").unwrap();
        (folder, context)
    }

    fn names(sources: &[Source]) -> Vec<String> {
        let entries = sources.iter().flat_map(|source| {
            source.entries.iter().map(|entry| match entry.relative.to_str().unwrap() {
                "" => source.name.clone(),
                relative => relative.to_owned(),
            })
        });
        entries.collect()
    }

    fn listed(context: &Context, pattern: &str) -> Vec<String> {
        names(&context.sources(pattern, &Rules::default()).unwrap())
    }

    #[test]
    fn a_folder_gives_what_is_in_it_sorted_and_without_what_is_ignored() {
        let files =
            ["a/2.py", "a/1.py", "a/x.pyc", "a/sub/y.pyc", "a/sub/keep.pyc", "a/void/z.pyc"];
        let (_folder, context) = context(&files, "# c\n**/*.pyc\n!a/sub/keep.pyc\na/void\n");
        assert_eq!(listed(&context, "a/"), ["1.py", "2.py", "sub", "sub/keep.pyc"]);
        assert_eq!(listed(&context, "./a/*.py"), ["1.py", "2.py"]);
        let exclude = Rules::of(&["1*".to_owned(), "sub".to_owned()]).unwrap();
        assert_eq!(names(&context.sources("a", &exclude).unwrap()), ["2.py"]);
        assert_eq!(names(&context.sources("a/*.py", &exclude).unwrap()), ["2.py"]);
    }

    #[test]
    fn parents_are_kept_from_the_pivot_on() {
        let (_folder, context) = context(&["a/b/1.txt", "a/b/c/2.txt", "a/3.py"], "");
        let listed = |pattern: &str| {
            names(&context.sources_with_parents(pattern, &Rules::default()).unwrap())
        };
        assert_eq!(listed("a/b/1.txt"), ["a", "a/b", "a/b/1.txt"]);
        assert_eq!(listed("a/./b/1.txt"), ["b", "b/1.txt"]);
        assert_eq!(listed("a/b/./c"), ["c", "c/2.txt"]);
        assert_eq!(listed("a/./**/*.txt"), ["b", "b/1.txt", "b", "b/c", "b/c/2.txt"]);
    }

    #[test]
    fn missing_ignored_and_outside_sources_are_told_apart() {
        let (folder, context) = context(&["a", "b", "c/d"], "b\nc\n");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("out")).unwrap();
        let sources = |pattern| context.sources(pattern, &Rules::default());
        assert!(matches!(sources("nope"), Err(Problem::Missing)));
        assert!(matches!(sources("a/b"), Err(Problem::Missing)));
        assert!(matches!(sources("*.nope"), Err(Problem::Missing)));
        assert!(matches!(sources("b"), Err(Problem::Ignored)));
        assert!(matches!(sources("c"), Err(Problem::Ignored)));
        assert_eq!(listed(&context, "../a"), ["a"]);
        assert!(matches!(sources("out"), Err(Problem::Outside)));
        assert!(matches!(sources("[a"), Err(Problem::Pattern(_))));
    }

    #[test]
    fn pipes_and_sockets_are_told_by_name_unless_ignored() {
        let (folder, context) = context(&["a/f"], "ignored\n");
        for name in ["a/pipe", "ignored"] {
            let path = folder.path().join(name);
            std::mem::forget(std::os::unix::net::UnixListener::bind(path).unwrap());
        }
        let sources = |pattern| context.sources(pattern, &Rules::default());
        assert!(matches!(sources("a"), Err(Problem::Special(path)) if path.ends_with("a/pipe")));
        assert!(matches!(sources("."), Err(Problem::Special(path)) if path.ends_with("a/pipe")));
        fs::remove_file(folder.path().join("a/pipe")).unwrap();
        assert_eq!(listed(&context, "."), [".dockerignore", "a", "a/f"]);
    }
}
