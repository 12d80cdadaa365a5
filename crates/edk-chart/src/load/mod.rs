//! From a folder or an archive to a [`Chart`].

mod archive;
mod folder;
mod ignore;
mod nested;

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use edk_model::Finding;
use serde_json::{Map, Value};

pub use self::ignore::Ignore;
use self::nested::Nested;
use crate::{
    Chart, Error, File, Lock, Metadata, Result,
    metadata::{canonical, line_of},
    yaml,
};

/// Helm's limit for one file of a chart, in bytes.
const MAX_FILE: u64 = 5 * 1024 * 1024;
/// How deep charts may lie in charts, and folders in folders.
const MAX_DEPTH: usize = 32;

/// What one chart may still hold, with all charts and archives in it.
#[derive(Debug)]
struct Budget {
    bytes: u64,
    entries: u64,
}

impl Budget {
    /// Helm's limit for all files of an archive.
    fn new() -> Self {
        Self { bytes: 100 * 1024 * 1024, entries: 20_000 }
    }

    /// Takes a file of `size` bytes; says whether it fitted.
    fn take(&mut self, size: u64) -> bool {
        let fits = size <= self.bytes && self.entries > 0;
        self.bytes = self.bytes.saturating_sub(size);
        self.entries = self.entries.saturating_sub(1);
        fits
    }
}

impl Chart {
    /// Loads the chart in the folder `dir`, leaving out what its `.helmignore` names.
    ///
    /// Symbolic links are followed.
    ///
    /// # Errors
    /// [`Error::NotAChart`] without a `Chart.yaml`, [`Error::Broken`] with findings for files that
    /// can't be understood or that Helm refuses, [`Error::Unusable`] for a file that is too large,
    /// of an unusual kind, or a link in a circle, [`Error::Archive`] for a broken archive in
    /// `charts/`, [`Error::Io`] if something can't be read.
    pub fn load(dir: &Path) -> Result<Self> {
        let origin = dir.display().to_string();
        let mut budget = Budget::new();
        let files = folder::files(dir, &origin, &mut budget)?;
        let mut chart = Parts::new(&origin).build(files, 0, &mut budget)?;
        chart.folder = Some(dir.to_owned());
        Ok(chart)
    }

    /// Reads a packaged chart; `origin` names it in findings.
    ///
    /// # Errors
    /// As [`Chart::load`], and [`Error::Archive`] if it is no archive, reaches out of itself, or
    /// holds more than a chart may.
    pub fn read(reader: impl Read, origin: &str) -> Result<Self> {
        let mut budget = Budget::new();
        let files = archive::files(reader, origin, &mut budget)?;
        Parts::new(origin).build(files, 0, &mut budget)
    }

    /// Loads the chart at `path`: a folder, or a packaged chart.
    ///
    /// # Errors
    /// As [`Chart::load`] and [`Chart::read`].
    pub fn open(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return Self::load(path);
        }
        let file = std::fs::File::open(path).map_err(at("read", path))?;
        Self::read(file, &path.display().to_string())
    }

    /// Returns what the `Chart.yaml` in the folder `dir` says, and reads nothing else but a
    /// `requirements.yaml`.
    ///
    /// # Errors
    /// As [`Chart::load`].
    pub fn metadata_of(dir: &Path) -> Result<Metadata> {
        let read = |name: &str| -> Result<Option<File>> {
            let path = dir.join(name);
            match std::fs::read(&path) {
                Ok(data) => Ok(Some(File { name: name.to_owned(), data: without_bom(data) })),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(at("read", &path)(error)),
            }
        };
        let origin = dir.display().to_string();
        let Some(own) = read("Chart.yaml")? else { return Err(Error::NotAChart { origin }) };
        let requirements = read("requirements.yaml")?;
        Ok(Parts::new(&origin).start(&own, requirements.as_ref())?.metadata)
    }

    /// Puts a chart together from its files; `origin` names it in findings.
    ///
    /// # Errors
    /// As [`Chart::load`].
    pub fn from_files(origin: &str, files: Vec<File>) -> Result<Self> {
        Parts::new(origin).build(files, 0, &mut Budget::new())
    }
}

struct Parts {
    origin: String,
    findings: Vec<Finding>,
}

impl Parts {
    fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), findings: Vec::new() }
    }

    fn build(mut self, files: Vec<File>, depth: usize, budget: &mut Budget) -> Result<Chart> {
        if depth > MAX_DEPTH {
            let message = format!("charts lie more than {MAX_DEPTH} deep in each other");
            return Err(self.broken(vec![Finding::error("chart/nesting", message)]));
        }
        let Some(own) = find(&files, "Chart.yaml") else {
            return Err(Error::NotAChart { origin: self.origin });
        };
        let mut chart = self.start(own, find(&files, "requirements.yaml"))?;
        let mut nested = Nested::default();
        for file in files {
            self.place(&mut chart, &mut nested, file);
        }
        if !self.findings.is_empty() {
            let findings = std::mem::take(&mut self.findings);
            return Err(self.broken(findings));
        }
        chart.subcharts = nested.charts(&self.origin, depth, budget)?;
        Ok(chart)
    }

    /// Returns the chart with nothing but its metadata. A `requirements.yaml` adds to it, or
    /// replaces what it says as well.
    fn start(&self, own: &File, requirements: Option<&File>) -> Result<Chart> {
        let (mut value, text, name) = self.map_of(own)?;
        Metadata::from_value(&value, text, &name).map_err(|finding| self.broken(vec![finding]))?;
        if let Some(requirements) = requirements {
            let (more, text, name) = self.map_of(requirements)?;
            Metadata::from_value(&more, text, &name)
                .map_err(|finding| self.broken(vec![finding]))?;
            if let (Value::Object(map), Value::Object(more)) = (&mut value, more) {
                map.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
            }
        }
        let metadata = Metadata::from_value(&value, text, &name)
            .map_err(|finding| self.broken(vec![finding]))?;
        let findings = metadata.check(text, &name);
        if !findings.is_empty() {
            return Err(self.broken(findings));
        }
        Ok(Chart {
            metadata,
            metadata_file: own.clone(),
            lock: None,
            values: Value::Object(Map::new()),
            values_file: None,
            schema: None,
            templates: Vec::new(),
            files: Vec::new(),
            subcharts: Vec::new(),
            origin: self.origin.clone(),
            folder: None,
        })
    }

    /// Returns the map that a file holds, its text and its name in findings.
    fn map_of<'a>(&self, file: &'a File) -> Result<(Value, &'a str, String)> {
        let name = format!("{}/{}", self.origin, file.name);
        let broken = |finding| self.broken(vec![finding]);
        let text = text_of(&file.data, &name).map_err(broken)?;
        let mut value = yaml::parse(text, &name).map_err(broken)?;
        if !matches!(value, Value::Object(_) | Value::Null) {
            let finding = Finding::error("chart/metadata", "the file is not a map");
            return Err(self.broken(vec![finding.in_file(name).at(1, 1)]));
        }
        canonical(&mut value);
        Ok((value, text, name))
    }

    fn place(&mut self, chart: &mut Chart, nested: &mut Nested, file: File) {
        match file.name.as_str() {
            "Chart.yaml" => {}
            "Chart.lock" => self.lock(chart, &file),
            "values.yaml" => self.values(chart, file),
            "values.schema.json" => chart.schema = Some(file.data),
            "requirements.yaml" => {
                if chart.metadata.is_v1() {
                    chart.files.push(file);
                }
            }
            "requirements.lock" => {
                self.lock(chart, &file);
                if chart.metadata.is_v1() {
                    chart.files.push(file);
                }
            }
            name if name.starts_with("templates/") => chart.templates.push(file),
            name if name.starts_with("charts/") => nested.take(chart, file),
            _ => chart.files.push(file),
        }
    }

    fn yaml(&mut self, file: &File) -> Option<Value> {
        let name = format!("{}/{}", self.origin, file.name);
        match text_of(&file.data, &name).and_then(|text| yaml::parse(text, &name)) {
            Ok(value) => Some(value),
            Err(finding) => {
                self.findings.push(finding);
                None
            }
        }
    }

    fn lock(&mut self, chart: &mut Chart, file: &File) {
        let Some(value) = self.yaml(file) else { return };
        match Lock::from_value(&value) {
            Ok(lock) => chart.lock = lock,
            Err(message) => {
                let line = line_of(&String::from_utf8_lossy(&file.data), "dependencies");
                let finding = Finding::error("chart/lock", message)
                    .in_file(format!("{}/{}", self.origin, file.name))
                    .at(line.unwrap_or(1), 1)
                    .fix("remove the file, or write it again with `edk chart deps update`");
                self.findings.push(finding);
            }
        }
    }

    fn values(&mut self, chart: &mut Chart, file: File) {
        match self.yaml(&file) {
            Some(values @ Value::Object(_)) => chart.values = values,
            Some(Value::Null) | None => {}
            Some(_) => self.findings.push(
                Finding::error("chart/values", "the values are not a map")
                    .in_file(format!("{}/values.yaml", self.origin))
                    .at(1, 1),
            ),
        }
        chart.values_file = Some(file);
    }

    fn broken(&self, findings: Vec<Finding>) -> Error {
        Error::Broken { origin: self.origin.clone(), findings }
    }
}

/// Returns the text of a file that has to be one.
pub(crate) fn text_of<'a>(data: &'a [u8], name: &str) -> std::result::Result<&'a str, Finding> {
    std::str::from_utf8(data).map_err(|error| {
        let before = &data[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Finding::error("yaml/syntax", "the text is not UTF-8").in_file(name).at(line, 1)
    })
}

fn find<'a>(files: &'a [File], name: &str) -> Option<&'a File> {
    files.iter().find(|file| file.name == name)
}

fn without_bom(mut data: Vec<u8>) -> Vec<u8> {
    if data.starts_with(b"\xef\xbb\xbf") {
        data.drain(..3);
    }
    data
}

pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path: PathBuf = path.to_owned();
    move |source| Error::Io { action, path, source }
}
