//! The build context: the files a Dockerfile may copy.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Component, Path, PathBuf},
    rc::Rc,
};

use edk_model::{Digest, Hasher};
use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

/// A folder with the patterns of its `.dockerignore`.
#[derive(Debug)]
pub(crate) struct Context {
    root: PathBuf,
    rules: Vec<Rule>,
}

/// One line of a `.dockerignore`.
#[derive(Debug)]
struct Rule {
    matcher: GlobMatcher,
    keep: bool,
}

/// One source of a `COPY`, after its pattern was expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its last name, which it keeps when it is copied into a folder.
    pub(crate) name: String,
    /// What is copied: the file itself with an empty relative path, or what is in the folder.
    pub(crate) entries: Vec<Entry>,
    pub(crate) is_dir: bool,
}

/// A file, folder or symbolic link of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Path below the source.
    pub(crate) relative: PathBuf,
    /// Where it lies on this machine.
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
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
        bytes: Rc<[u8]>,
        digest: Digest,
    },
    Dir,
    Link(PathBuf),
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
    /// The pattern is malformed.
    Pattern(String),
    /// It can't be read.
    Io(PathBuf, io::Error),
}

impl Context {
    /// Opens the context in `root`; `dockerfile` is the Dockerfile's file name, whose own
    /// `<name>.dockerignore` wins over `.dockerignore`.
    pub(crate) fn open(root: &Path, dockerfile: &str) -> Result<Self, Problem> {
        let names = [format!("{dockerfile}.dockerignore"), ".dockerignore".to_owned()];
        for name in names {
            let path = root.join(name);
            match fs::read_to_string(&path) {
                Ok(text) => return Ok(Self { root: root.to_owned(), rules: rules(&text)? }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Problem::Io(path, error)),
            }
        }
        Ok(Self { root: root.to_owned(), rules: Vec::new() })
    }

    /// Expands one source of a `COPY`: a path, or a pattern with `*`, `?` and `[ ]`, in which no
    /// wildcard crosses a `/`.
    pub(crate) fn sources(&self, pattern: &str) -> Result<Vec<Source>, Problem> {
        let pattern = clean(pattern);
        if !pattern.contains(['*', '?', '[']) {
            return Ok(vec![self.source(Path::new(&pattern))?]);
        }
        let matcher = glob(&pattern)?;
        let depth = pattern.split('/').count();
        let walk = WalkDir::new(&self.root).min_depth(depth).max_depth(depth).sort_by_file_name();
        let mut found = Vec::new();
        for entry in walk {
            let entry = entry.map_err(|error| self.walk_error(error))?;
            let relative = entry.path().strip_prefix(&self.root).unwrap_or(entry.path());
            if matcher.is_match(relative) && !self.ignores(relative) {
                found.push(self.source(relative)?);
            }
        }
        if found.is_empty() { Err(Problem::Missing) } else { Ok(found) }
    }

    fn source(&self, relative: &Path) -> Result<Source, Problem> {
        let path = self.root.join(relative);
        let io = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Problem::Missing,
            _ => Problem::Io(path.clone(), error),
        };
        // A source that is itself a link is followed, but never out of the context.
        let real = path.canonicalize().map_err(io)?;
        let root = self.root.canonicalize().map_err(io)?;
        if !real.starts_with(&root) {
            return Err(Problem::Outside);
        }
        let name = relative.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if real.is_dir() {
            let entries = self.folder(&real, relative)?;
            return Ok(Source { name, entries, is_dir: true });
        }
        if self.ignores(relative) {
            return Err(Problem::Ignored);
        }
        let entry = read_entry(&real, PathBuf::new()).map_err(io)?;
        Ok(Source { name, entries: vec![entry], is_dir: false })
    }

    fn folder(&self, real: &Path, relative: &Path) -> Result<Vec<Entry>, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        for found in WalkDir::new(real).min_depth(1).sort_by_file_name() {
            let found = found.map_err(|error| self.walk_error(error))?;
            let below = found.path().strip_prefix(real).unwrap_or(found.path()).to_owned();
            let ignored = self.ignores(&relative.join(&below));
            if ignored && !found.file_type().is_dir() {
                continue;
            }
            let entry = read_entry(found.path(), below)
                .map_err(|error| Problem::Io(found.path().to_owned(), error))?;
            // An ignored folder stays only while something in it may be wanted after all.
            while entries.last().is_some_and(|last| self.is_void(last, &entry, relative)) {
                entries.pop();
            }
            entries.push(entry);
        }
        while entries.last().is_some_and(|last| {
            last.content == Content::Dir && self.ignores(&relative.join(&last.relative))
        }) {
            entries.pop();
        }
        Ok(entries)
    }

    /// Says whether `last` is an ignored folder in which nothing was found before `next` came.
    fn is_void(&self, last: &Entry, next: &Entry, relative: &Path) -> bool {
        last.content == Content::Dir
            && !next.relative.starts_with(&last.relative)
            && self.ignores(&relative.join(&last.relative))
    }

    /// The last rule that matches the path or a folder above it decides.
    fn ignores(&self, relative: &Path) -> bool {
        let matching = self.rules.iter().rev().find(|rule| {
            relative.ancestors().any(|at| at != Path::new("") && rule.matcher.is_match(at))
        });
        matching.is_some_and(|rule| !rule.keep)
    }

    fn walk_error(&self, error: walkdir::Error) -> Problem {
        let path = error.path().unwrap_or(&self.root).to_owned();
        Problem::Io(path, error.into())
    }
}

fn read_entry(path: &Path, relative: PathBuf) -> io::Result<Entry> {
    let metadata = fs::symlink_metadata(path)?;
    let content = if metadata.is_dir() {
        Content::Dir
    } else if metadata.is_symlink() {
        Content::Link(fs::read_link(path)?)
    } else if metadata.is_file() {
        let mut hasher = Hasher::new();
        let size = io::copy(&mut fs::File::open(path)?, &mut hasher)?;
        Content::File { size, digest: hasher.finish() }
    } else {
        return Err(io::Error::other("it is neither a file nor a folder nor a link"));
    };
    let mode = metadata.permissions().mode() & 0o7777;
    Ok(Entry { relative, path: path.to_owned(), mode, content })
}

fn rules(text: &str) -> Result<Vec<Rule>, Problem> {
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rule = |line: &str| {
        let (keep, pattern) = match line.strip_prefix('!') {
            Some(pattern) => (true, pattern.trim()),
            None => (false, line),
        };
        let pattern = clean(pattern);
        Ok(Rule { matcher: glob(&pattern)?, keep })
    };
    lines.map(rule).collect()
}

/// A path relative to the context, without `.`, leading and trailing slashes.
fn clean(pattern: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in Path::new(pattern).components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            // "Paths that navigate outside the build context … automatically" lose what leads out
            // (Dockerfile reference, COPY).
            Component::ParentDir => {
                parts.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    parts.join("/")
}

fn glob(pattern: &str) -> Result<GlobMatcher, Problem> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| Problem::Pattern(error.to_string()))
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

    fn listed(context: &Context, pattern: &str) -> Vec<String> {
        let sources = context.sources(pattern).unwrap();
        let entries = sources.iter().flat_map(|source| {
            source.entries.iter().map(|entry| match entry.relative.to_str().unwrap() {
                "" => source.name.clone(),
                relative => relative.to_owned(),
            })
        });
        entries.collect()
    }

    #[test]
    fn a_folder_gives_what_is_in_it_sorted_and_without_what_is_ignored() {
        let files =
            ["a/2.py", "a/1.py", "a/x.pyc", "a/sub/y.pyc", "a/sub/keep.pyc", "a/void/z.pyc"];
        let (_folder, context) = context(&files, "# c\n**/*.pyc\n!a/sub/keep.pyc\na/void\n");
        assert_eq!(listed(&context, "a/"), ["1.py", "2.py", "sub", "sub/keep.pyc"]);
        assert_eq!(listed(&context, "./a/*.py"), ["1.py", "2.py"]);
    }

    #[test]
    fn missing_ignored_and_outside_sources_are_told_apart() {
        let (folder, context) = context(&["a", "b"], "b");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("out")).unwrap();
        assert!(matches!(context.sources("nope"), Err(Problem::Missing)));
        assert!(matches!(context.sources("a/b"), Err(Problem::Missing)));
        assert!(matches!(context.sources("*.nope"), Err(Problem::Missing)));
        assert!(matches!(context.sources("b"), Err(Problem::Ignored)));
        assert_eq!(listed(&context, "../a"), ["a"]);
        assert!(matches!(context.sources("out"), Err(Problem::Outside)));
        assert!(matches!(context.sources("[a"), Err(Problem::Pattern(_))));
    }
}
