//! Charts as text files: `tests/corpus/<theme>/<name>.txt`.
//!
//! A file begins with a sentence about what it shows. Then come the files of the chart, each after
//! a line `-- path --`. Names that start with `@` are no files of the chart but settings for the
//! test: `@values.yaml` are the values of the user, `@args` are options of `helm template`, one
//! word a line, `@fails` is what Helm's message must contain when the chart is meant to fail.
//! A name after `bare:` is a file without the last line end, one after `base64:` is binary.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use edk_chart::{Chart, Error, File};

/// A chart of the corpus.
pub(crate) struct Case {
    /// Theme and name, for complaints.
    pub(crate) name: String,
    /// The files of the chart in the order of their text.
    pub(crate) files: Vec<File>,
    settings: BTreeMap<String, String>,
}

/// Returns all charts of a theme by name; there must be at least `least`.
pub(crate) fn read(theme: &str, least: usize) -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(theme);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let cases: Vec<Case> = paths.iter().map(|path| Case::read(theme, path)).collect();
    assert!(cases.len() >= least, "{theme}: only {} charts are found", cases.len());
    cases
}

impl Case {
    fn read(theme: &str, path: &Path) -> Self {
        let name = path.file_stem().unwrap().to_string_lossy();
        Self::parse(&format!("{theme}/{name}"), &fs::read_to_string(path).unwrap())
    }

    /// Returns the chart with the text `text`; without a `Chart.yaml` it gets a plain one.
    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let mut case = Self { name: name.to_owned(), files: Vec::new(), settings: BTreeMap::new() };
        let mut parts: Vec<(&str, String)> = Vec::new();
        for line in text.split_inclusive('\n') {
            let marker =
                line.strip_prefix("-- ").and_then(|rest| rest.trim_end().strip_suffix(" --"));
            match (marker, parts.last_mut()) {
                (Some(path), _) => parts.push((path, String::new())),
                (None, Some((_, content))) => content.push_str(line),
                (None, None) => {}
            }
        }
        for (path, content) in parts {
            case.add(path, content);
        }
        if !case.files.iter().any(|file| file.name == "Chart.yaml") {
            case.add("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.2.3\n".to_owned());
        }
        case
    }

    fn add(&mut self, path: &str, content: String) {
        let (path, data) = if let Some(path) = path.strip_prefix("bare:") {
            (path, content.strip_suffix('\n').unwrap_or(&content).as_bytes().to_vec())
        } else if let Some(path) = path.strip_prefix("base64:") {
            let words: String = content.split_whitespace().collect();
            (path, STANDARD.decode(words).unwrap())
        } else {
            (path, content.clone().into_bytes())
        };
        match path.strip_prefix('@') {
            Some(setting) => {
                self.settings.insert(setting.to_owned(), content);
            }
            None => self.files.push(File { name: path.to_owned(), data }),
        }
    }

    /// Returns the content of `@name`.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// Returns the lines of `@args`.
    pub(crate) fn args(&self) -> Vec<&str> {
        self.setting("args").unwrap_or_default().lines().collect()
    }

    /// Returns the chart as we read it, without a folder. The files come in the order of Helm's
    /// walk through one.
    pub(crate) fn chart(&self) -> Result<Chart, Error> {
        let mut files = self.files.clone();
        files.sort_by(|one, other| one.name.split('/').cmp(other.name.split('/')));
        Chart::from_files("c", files)
    }

    /// Writes the chart to the folder `c` in `dir`, and returns its path. Settings that are files
    /// lie beside it.
    pub(crate) fn write(&self, dir: &Path) -> PathBuf {
        let root = dir.join("c");
        for file in &self.files {
            let path = root.join(&file.name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &file.data).unwrap();
        }
        for (name, content) in &self.settings {
            fs::write(dir.join(name), content).unwrap();
        }
        root
    }
}
