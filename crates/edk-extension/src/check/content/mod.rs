//! What the bytes of a file are that gets into an image or a chart: patient data, keys, tokens.
//!
//! A file is read from its beginning to its end, whatever its size, and an archive member by member.
//! Neither is ever whole in memory, and what an archive unpacks to is bounded: what can't be looked
//! into is told as well.

mod archive;
mod kinds;
mod scan;
#[cfg(test)]
mod tests;

use std::io::{self, Cursor, Read, Seek};

use edk_archive::Stoppable;
use edk_model::{Cancelled, Monitor};

use self::archive::Look;
use super::tree::{File, Tree};

/// Model weights up to this size may lie in an image.
const WEIGHTS: u64 = 50_000_000;
const WEIGHT_ENDINGS: [&str; 9] =
    [".pt", ".pth", ".onnx", ".h5", ".ckpt", ".safetensors", ".pb", ".tflite", ".joblib"];
/// How many keys and how many tokens of one file are told.
const MOST: usize = 100;

/// What something is that must not be given away unseen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A DICOM file.
    Dicom,
    /// A NIfTI file.
    Nifti,
    /// Model weights of so many bytes.
    Weights(u64),
    /// A private key.
    Key,
    /// A token, by who gives it out.
    Token(&'static str),
    /// Something that can't be looked into, and why.
    Unseen(&'static str),
}

impl What {
    /// The rule that is about it.
    pub(crate) fn rule(&self) -> &'static str {
        match self {
            Self::Dicom => "G01",
            Self::Nifti => "G02",
            Self::Weights(_) => "G03",
            Self::Key => "G04",
            Self::Token(_) => "G05",
            Self::Unseen(_) => "G06",
        }
    }

    /// How many of a kind are told one by one; of the others, the first and how many there are.
    fn most(&self) -> usize {
        match self {
            Self::Key | Self::Token(_) => MOST,
            _ => 1,
        }
    }
}

/// Where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// It is the whole of the file or member.
    Whole,
    /// Line and column of a text, both from 1.
    Line(usize, usize),
    /// Byte of what is no text, from 0.
    Byte(u64),
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// What it is.
    pub(crate) what: What,
    /// Where it is.
    pub(crate) at: At,
    /// The member of the archive that the file is, and the member of that; empty for the file itself.
    pub(crate) member: Vec<String>,
    /// How many more of its kind there are which are not told by themselves.
    pub(crate) more: usize,
}

/// What a file holds that must not be given away.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Secrets {
    /// All of it; of files that are patient data, only the first of each kind.
    pub(crate) found: Vec<Found>,
}

impl Secrets {
    /// Looks into a file; what of it is not in memory is read.
    ///
    /// # Errors
    /// [`Cancelled`]; what was found until then is half the truth, and lost.
    pub(crate) fn of(tree: &Tree, file: &File, monitor: &Monitor) -> Result<Self, Cancelled> {
        if file.link {
            return Ok(Self::default());
        }
        let secrets = match tree.large(file) {
            None => Self::read(&file.path, file.size, Cursor::new(&*file.data), monitor),
            Some(Ok(large)) => Self::read(&file.path, file.size, large, monitor),
            Some(Err(_)) => {
                let mut secrets = Self::default();
                secrets.add(What::Unseen("it can't be read"), At::Whole, &[]);
                secrets
            }
        };
        monitor.check()?;
        Ok(secrets)
    }

    fn read(path: &str, size: u64, content: impl Source, monitor: &Monitor) -> Self {
        let mut secrets = Self::default();
        secrets.weights(path, size, &[]);
        let mut content = Stoppable::new(content, monitor);
        Look::new(&mut secrets, archive::LIMITS.of(size)).whole(&mut content, path);
        secrets
    }

    fn weights(&mut self, name: &str, size: u64, member: &[String]) {
        if size > WEIGHTS && WEIGHT_ENDINGS.iter().any(|it| name.ends_with(it)) {
            self.add(What::Weights(size), At::Whole, member);
        }
    }

    fn add(&mut self, what: What, at: At, member: &[String]) {
        let rule = what.rule();
        let mut same = self.found.iter_mut().filter(|it| it.what.rule() == rule);
        match same.nth(what.most() - 1) {
            Some(last) => last.more += 1,
            None => self.found.push(Found { what, at, member: member.to_vec(), more: 0 }),
        }
    }
}

/// What can be read, and read again from its beginning.
trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// Reads until the buffer has `most` bytes or there are no more; says whether that is the end.
fn fill(reader: &mut dyn Read, buffer: &mut Vec<u8>, most: usize) -> io::Result<bool> {
    let wanted = most.saturating_sub(buffer.len()) as u64;
    let got = reader.take(wanted).read_to_end(buffer)?;
    Ok((got as u64) < wanted)
}
