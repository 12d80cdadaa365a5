//! What was done on a target, kept on this machine: no call of a platform tells it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use edk_archive::{Readers, write_whole};
use edk_model::{Descriptor, Digest};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{Engine, EngineError};

/// The folder of what is remembered of one target.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    folder: PathBuf,
}

/// What was sent to a target and installed there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Charts by the name of their file.
    #[serde(default)]
    pub(crate) charts: BTreeMap<String, Sent>,
    /// Images by their full name, tag included.
    #[serde(default)]
    pub(crate) images: BTreeMap<String, Sent>,
    /// Releases by name.
    #[serde(default)]
    pub(crate) releases: BTreeMap<String, Release>,
}

/// Something that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// Its digest: of a chart's archive, of an image's manifest.
    pub(crate) digest: Digest,
    /// When (RFC 3339).
    pub(crate) at: String,
    /// Whether the target said that it has it.
    pub(crate) confirmed: bool,
}

/// A release that was installed from here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Release {
    pub(crate) chart: String,
    pub(crate) version: String,
    /// The values of its extension parameters.
    pub(crate) params: Map<String, Value>,
    /// Digest of the chart's archive.
    pub(crate) digest: Option<Digest>,
    /// Digest of the DAG image it installed, when it is a deploy's.
    #[serde(default)]
    pub(crate) dag: Option<Digest>,
    /// When (RFC 3339).
    pub(crate) at: String,
}

/// A deploy that is under way. While there is one on the disk and nobody works on it, the deploy
/// was cut off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Journal {
    pub(crate) release: String,
    /// The version that is to be there.
    pub(crate) version: String,
    pub(crate) stage: Stage,
    /// What was there before and worked.
    pub(crate) old: Option<Old>,
    /// Names in the registry of this machine, and the images they stood for.
    #[serde(default)]
    pub(crate) tags: Vec<OldTag>,
    /// When it began (RFC 3339).
    pub(crate) at: String,
}

/// How far a deploy came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// Images and chart were being sent.
    Sending,
    /// The old release was being removed.
    Removing,
    /// The new one was being installed and followed.
    Installing,
    /// The old one was being put back.
    PuttingBack,
}

impl Stage {
    /// Returns what was being done, as the end of "while ".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Sending => "images and chart were being sent",
            Self::Removing => "the old release was being removed",
            Self::Installing => "the new release was being installed",
            Self::PuttingBack => "the old release was being put back",
        }
    }
}

/// A release that worked, as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Old {
    pub(crate) version: String,
    pub(crate) keywords: Vec<String>,
    /// Its parameters; `None` when it was not installed from here.
    pub(crate) params: Option<Map<String, Value>>,
    /// Its archive in the memory, when the new chart takes its place on the target.
    pub(crate) archive: Archive,
}

/// What has to be done with the chart of the old release to put it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Archive {
    /// Nothing: it has a version, and so a file, of its own.
    Stays,
    /// It has to be sent again.
    Kept(Digest),
    /// It is replaced by the new one and nobody here has it.
    Lost,
}

/// A name in the registry of this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OldTag {
    pub(crate) repository: String,
    pub(crate) tag: String,
    pub(crate) image: Descriptor,
}

/// Held while a process deploys a release.
#[derive(Debug)]
pub(crate) struct Claim {
    _file: fs::File,
}

impl Engine {
    /// Returns what is remembered of the target `name`.
    pub(crate) fn memory(&self, name: &str) -> Memory {
        let safe = |c: char| if c.is_ascii_alphanumeric() || "-.".contains(c) { c } else { '_' };
        let plain: String = name.chars().map(safe).collect();
        // Two addresses must not share a folder because of characters that were replaced.
        let plain = match plain == name && !plain.starts_with('.') {
            true => plain,
            false => format!("{plain}-{}", &Digest::of(name.as_bytes()).hex()[..8]),
        };
        let folder = self.setup.data.join("deliveries").join(plain.trim_start_matches('.'));
        Memory { folder }
    }

    /// Returns the time as it is written into files.
    pub(crate) fn timestamp(&self) -> String {
        let now = jiff::Timestamp::try_from(self.now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        format!("{now:.0}")
    }
}

impl Memory {
    /// Returns what was sent and installed.
    ///
    /// # Errors
    /// [`EngineError::Io`], [`EngineError::Memory`] for a file that makes no sense.
    pub(crate) fn record(&self) -> Result<Record, EngineError> {
        Ok(read(&self.folder.join("record.json"))?.unwrap_or_default())
    }

    /// Changes what is remembered, while no other process does.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Record)) -> Result<(), EngineError> {
        let failed = |source| EngineError::io(&self.folder, source);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let gate = lock_file(&self.folder.join("lock")).map_err(failed)?;
        gate.lock().map_err(failed)?;
        let mut record = self.record()?;
        change(&mut record);
        write(&self.folder.join("record.json"), &record)
    }

    fn journal_file(&self, release: &str) -> PathBuf {
        self.folder.join("journal").join(format!("{release}.json"))
    }

    /// Claims a release for one deploy, as long as the claim is held; `None` when another has it.
    pub(crate) fn claim(&self, release: &str) -> Result<Option<Claim>, EngineError> {
        let path = self.folder.join("journal").join(format!("{release}.lock"));
        let failed = |source| EngineError::io(&path, source);
        fs::create_dir_all(self.folder.join("journal")).map_err(failed)?;
        let file = lock_file(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Claim { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Returns the deploy of `release` that was cut off, if one was.
    pub(crate) fn journal(&self, release: &str) -> Result<Option<Journal>, EngineError> {
        read(&self.journal_file(release))
    }

    /// Returns every deploy that was cut off: nobody works on it any more.
    pub(crate) fn cut_off(&self) -> Result<Vec<Journal>, EngineError> {
        let mut journals = Vec::new();
        for journal in self.journals()? {
            if self.claim(&journal.release)?.is_some() {
                journals.push(journal);
            }
        }
        Ok(journals)
    }

    /// Returns every deploy that is under way or was cut off.
    fn journals(&self) -> Result<Vec<Journal>, EngineError> {
        let folder = self.folder.join("journal");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(EngineError::io(&folder, source)),
        };
        let mut journals = Vec::new();
        for entry in entries {
            let path = entry.map_err(|source| EngineError::io(&folder, source))?.path();
            if path.extension().is_some_and(|it| it == "json") {
                journals.extend(read::<Journal>(&path)?);
            }
        }
        journals.sort_by(|a, b| a.release.cmp(&b.release));
        Ok(journals)
    }

    pub(crate) fn begin(&self, journal: &Journal) -> Result<(), EngineError> {
        write(&self.journal_file(&journal.release), journal)
    }

    pub(crate) fn end(&self, release: &str) -> Result<(), EngineError> {
        let path = self.journal_file(release);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(EngineError::io(&path, error))
            }
            _ => Ok(()),
        }
    }

    fn chart_file(&self, digest: &Digest) -> PathBuf {
        self.folder.join("charts").join(format!("{}.tgz", digest.hex()))
    }

    /// Keeps the archive of a chart, so that it can be sent again.
    pub(crate) fn keep_chart(&self, digest: &Digest, bytes: &[u8]) -> Result<(), EngineError> {
        let path = self.chart_file(digest);
        if path.exists() {
            return Ok(());
        }
        write_whole(&path, bytes, Readers::Owner).map_err(|source| EngineError::io(&path, source))
    }

    /// Returns the archive of a chart; `None` when it is not kept, or was damaged.
    pub(crate) fn chart(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = fs::read(self.chart_file(digest)).ok()?;
        (Digest::of(&bytes) == *digest).then_some(bytes)
    }

    /// Removes the archives of charts which no release needs any more.
    pub(crate) fn forget_charts(&self) -> Result<(), EngineError> {
        let record = self.record()?;
        let mut needed: Vec<Digest> =
            record.releases.values().filter_map(|release| release.digest).collect();
        for journal in self.journals()? {
            if let Some(Old { archive: Archive::Kept(digest), .. }) = journal.old {
                needed.push(digest);
            }
        }
        let kept: Vec<PathBuf> = needed.iter().map(|digest| self.chart_file(digest)).collect();
        for entry in fs::read_dir(self.folder.join("charts")).into_iter().flatten().flatten() {
            if !kept.contains(&entry.path()) {
                // What is left over takes a few kilobytes, and goes the next time.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// Keeps the last list of a target's extensions that was whole.
    pub(crate) fn keep_list(&self, list: &LastList) -> Result<(), EngineError> {
        write(&self.folder.join("list.json"), list)
    }

    /// Returns the last list that was whole.
    pub(crate) fn last_list(&self) -> Result<Option<LastList>, EngineError> {
        read(&self.folder.join("list.json"))
    }
}

/// The list of a target as it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LastList {
    /// When (RFC 3339).
    pub(crate) at: String,
    /// The rows.
    pub(crate) rows: Vec<Value>,
}

/// Opens a file which only ever is locked: it stays empty.
fn lock_file(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, EngineError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(EngineError::io(path, source)),
    };
    let read = serde_json::from_slice(&bytes);
    read.map(Some).map_err(|source| EngineError::Memory { path: path.to_owned(), source })
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), EngineError> {
    let bytes = serde_json::to_vec_pretty(value)
        .map_err(|source| EngineError::Memory { path: path.to_owned(), source })?;
    write_whole(path, &bytes, Readers::Owner).map_err(|source| EngineError::io(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> (tempfile::TempDir, Memory) {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory { folder: folder.path().join("ward") };
        (folder, memory)
    }

    fn release(digest: Option<Digest>) -> Release {
        let (chart, version) = ("a".to_owned(), "0.1.0".to_owned());
        Release { chart, version, params: Map::new(), digest, dag: None, at: "t".into() }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_a_broken_one_is_named() {
        let (_folder, memory) = memory();
        assert_eq!(memory.record().unwrap(), Record::default());
        memory.update(|record| drop(record.releases.insert("a".into(), release(None)))).unwrap();
        assert_eq!(memory.record().unwrap().releases["a"], release(None));
        fs::write(memory.folder.join("record.json"), "{").unwrap();
        let error = memory.record().unwrap_err().to_string();
        assert!(error.contains("record.json"), "{error}");
    }

    #[test]
    fn a_journal_stays_until_the_deploy_has_ended() {
        let (_folder, memory) = memory();
        let journal = Journal {
            release: "a".into(),
            version: "0.2.0".into(),
            stage: Stage::Removing,
            old: None,
            tags: Vec::new(),
            at: "t".into(),
        };
        assert_eq!(memory.journals().unwrap(), []);
        memory.begin(&journal).unwrap();
        assert_eq!(memory.journal("a").unwrap().as_ref(), Some(&journal));
        assert_eq!(memory.journals().unwrap(), [journal]);
        memory.end("a").unwrap();
        memory.end("a").unwrap();
        assert_eq!(memory.journal("a").unwrap(), None);
    }

    #[test]
    fn the_chart_of_a_release_is_kept_and_others_go() {
        let (_folder, memory) = memory();
        let (old, new) = (Digest::of(b"old"), Digest::of(b"new"));
        memory.keep_chart(&old, b"old").unwrap();
        memory.keep_chart(&new, b"new").unwrap();
        memory.update(|it| drop(it.releases.insert("a".into(), release(Some(new))))).unwrap();
        memory.forget_charts().unwrap();
        assert_eq!(memory.chart(&old), None);
        assert_eq!(memory.chart(&new).unwrap(), b"new");
        fs::write(memory.chart_file(&new), "damaged").unwrap();
        assert_eq!(memory.chart(&new), None, "a damaged archive must not be sent");
    }
}
