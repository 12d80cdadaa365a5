use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use crate::{
    Error, Limits, Result,
    read::{Budget, broken, inside, name_of},
};

/// How many links lead from a name to its bytes at most.
const LINKS: usize = 8;

/// How many bytes are read in one place at most: a header, and what describes the entry after it.
/// A name of many gigabytes would be held in memory, and a file of holes has room for one.
const NEAR: u64 = 1 << 20;

/// Where the files of an uncompressed tar lie, so that each is read when it is needed and none is
/// held in memory.
#[derive(Debug, Clone, Default)]
pub struct Spans {
    files: BTreeMap<PathBuf, Span>,
    links: BTreeMap<PathBuf, PathBuf>,
}

/// The bytes of one file in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where they begin, in bytes.
    pub offset: u64,
    /// How many there are.
    pub size: u64,
}

impl Spans {
    /// Looks at the headers of the archive in `file` and passes over the content.
    ///
    /// # Errors
    /// [`Error::Stream`] if it is no tar, [`Error::CutOff`] if its end is missing,
    /// [`Error::Escapes`], [`Error::Twice`], [`Error::TooLarge`] and [`Error::TooMany`].
    pub fn of(file: &File, limits: &Limits) -> Result<Self> {
        let length = file.metadata().map_err(broken)?.len();
        let mut spans = Self::default();
        let mut budget = Budget::new(limits);
        let mut reader = file;
        reader.rewind().map_err(broken)?;
        let mut archive = tar::Archive::new(Near { file, left: NEAR });
        for entry in archive.entries_with_seek().map_err(broken)? {
            let entry = entry.map_err(broken)?;
            let Some(path) = name_of(&entry)? else { continue };
            budget.take(entry.size())?;
            let span = Span { offset: entry.raw_file_position(), size: entry.size() };
            if span.offset.saturating_add(span.size) > length {
                return Err(Error::CutOff { path });
            }
            spans.add(path, span, &entry)?;
        }
        Ok(spans)
    }

    fn add<R: Read>(&mut self, path: PathBuf, span: Span, entry: &tar::Entry<'_, R>) -> Result<()> {
        let kind = entry.header().entry_type();
        if self.files.contains_key(&path) || self.links.contains_key(&path) {
            return if kind.is_dir() { Ok(()) } else { Err(Error::Twice { path }) };
        }
        if kind.is_file() || kind.is_contiguous() {
            self.files.insert(path, span);
        } else if kind.is_symlink() || kind.is_hard_link() {
            let target = entry.link_name().map_err(broken)?.unwrap_or_default().into_owned();
            let from = if kind.is_symlink() { path.parent() } else { None };
            // One that leads nowhere matters only to whoever asks for it.
            if let Some(target) = followed(from.unwrap_or(Path::new("")), &target) {
                self.links.insert(path, target);
            }
        }
        Ok(())
    }

    /// Returns where the file called `path` lies, behind links if need be.
    pub fn find(&self, path: &Path) -> Option<Span> {
        let mut path = inside(path)?;
        for _ in 0..LINKS {
            match self.links.get(&path) {
                Some(target) => path.clone_from(target),
                None => return self.files.get(&path).copied(),
            }
        }
        None
    }

    /// Returns the names of all files, sorted.
    pub fn names(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }
}

impl Span {
    /// Returns the bytes, to be read from `file`, in which they lie.
    ///
    /// # Errors
    /// [`Error::Stream`] if the file can't be read there.
    pub fn reader<'a>(&self, mut file: &'a File) -> Result<impl Read + use<'a>> {
        file.seek(SeekFrom::Start(self.offset)).map_err(broken)?;
        Ok(file.take(self.size))
    }
}

/// A file whose reader may jump, but not read on and on.
struct Near<'a> {
    file: &'a File,
    left: u64,
}

impl Read for Near<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self.file.read(&mut buffer[..most])?;
        self.left -= count as u64;
        Ok(count)
    }
}

impl Seek for Near<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.left = NEAR;
        self.file.seek(to)
    }
}

/// Returns where the link `target` in the folder `from` leads, if that is inside.
fn followed(from: &Path, target: &Path) -> Option<PathBuf> {
    use std::path::Component;
    let mut path = from.to_owned();
    for part in target.components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const LIMITS: Limits = Limits { total_bytes: 1 << 20, entries: 100 };

    fn archive(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            match content.strip_prefix("->") {
                Some(target) => {
                    header.set_size(0);
                    header.set_entry_type(tar::EntryType::Symlink);
                    builder.append_link(&mut header, name, target).unwrap();
                }
                None => {
                    header.set_size(content.len() as u64);
                    builder.append_data(&mut header, name, content.as_bytes()).unwrap();
                }
            }
        }
        builder.into_inner().unwrap()
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn text(file: &File, spans: &Spans, name: &str) -> Option<String> {
        let mut text = String::new();
        spans.find(Path::new(name))?.reader(file).unwrap().read_to_string(&mut text).unwrap();
        Some(text)
    }

    #[test]
    fn a_file_is_read_where_it_lies_also_behind_links() {
        let long = format!("{}/x", "deep/".repeat(40));
        let entries = [
            ("./a", "first"),
            ("b/layer.tar", "second"),
            ("c/layer.tar", "->../b/layer.tar"),
            ("d", "->/etc/passwd"),
            ("e", "->e"),
            (long.as_str(), "third"),
        ];
        let file = file(&archive(&entries));
        let spans = Spans::of(&file, &LIMITS).unwrap();
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(text(&file, &spans, name).as_deref(), expected, "{name}");
        };
        check("a", Some("first"));
        check("c/layer.tar", Some("second"));
        check(&long, Some("third"));
        check("d", None);
        check("e", None);
        check("none", None);
        check("../a", None);
    }

    #[test]
    fn an_archive_is_told_from_half_of_one_and_from_something_else() {
        let whole = archive(&[("a", "first"), ("b", &"x".repeat(5000))]);
        let error = |bytes: &[u8]| Spans::of(&file(bytes), &LIMITS).err();
        assert!(error(&whole).is_none());
        assert!(
            matches!(error(&whole[..3000]), Some(Error::CutOff { path }) if path == Path::new("b"))
        );
        assert!(matches!(error(&[7; 2000]), Some(Error::Stream { .. })));
        // A name that would need more memory than there is, in a file that is only holes.
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(1 << 40);
        header.set_cksum();
        let huge = file(header.as_bytes());
        huge.set_len(1 << 40).unwrap();
        let limits = Limits { total_bytes: u64::MAX, ..LIMITS };
        assert!(matches!(Spans::of(&huge, &limits), Err(Error::Stream { .. })));
        let twice = archive(&[("a", "1"), ("./a", "2")]);
        assert!(matches!(error(&twice), Some(Error::Twice { .. })));
    }
}
