use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use edk_archive::Limits;
use edk_model::Finding;
use serde_json::{Map, Value};

use crate::{
    Chart, Dependency, Error, File, Metadata, Result,
    ignore::Ignore,
    metadata::{drop_nulls, scalars_to_text, typed},
    yaml,
};

/// Helm's limits: one file of a chart, and all files of an archive.
const MAX_FILE: u64 = 5 * 1024 * 1024;
const MAX_ARCHIVE: Limits = Limits { total_bytes: 100 * 1024 * 1024, entries: 20_000 };
/// How deep charts may lie in charts, and folders in folders.
const MAX_DEPTH: usize = 32;

impl Chart {
    /// Loads the chart in the folder `dir`, leaving out what its `.helmignore` names.
    ///
    /// Symbolic links are followed.
    ///
    /// # Errors
    /// [`Error::NotAChart`] without a `Chart.yaml`, [`Error::Broken`] with findings for files that
    /// can't be understood, [`Error::Io`] if something can't be read.
    pub fn load(dir: &Path) -> Result<Self> {
        let origin = dir.display().to_string();
        let files = walk(dir, &origin)?;
        let mut chart = Self::from_files(&origin, files)?;
        chart.folder = Some(dir.to_owned());
        Ok(chart)
    }

    /// Reads a packaged chart; `origin` names it in findings.
    ///
    /// # Errors
    /// As [`Chart::load`], and [`Error::Archive`] if it is no archive or reaches out of itself.
    pub fn read(reader: impl Read, origin: &str) -> Result<Self> {
        let archive = edk_archive::read_files(reader, &MAX_ARCHIVE)
            .map_err(|source| Error::Archive { origin: origin.to_owned(), source })?;
        let mut files = Vec::new();
        for (path, data) in archive {
            let Some(name) = path.to_str().map(|name| name.replace('\\', "/")) else { continue };
            // All files lie in one folder, whatever it is called.
            if let Some((_, name)) = name.split_once('/') {
                files.push(File { name: name.to_owned(), data: without_bom(data) });
            }
        }
        Self::from_files(origin, files)
    }

    /// Puts a chart together from its files; `origin` names it in findings.
    ///
    /// # Errors
    /// As [`Chart::load`].
    pub fn from_files(origin: &str, files: Vec<File>) -> Result<Self> {
        Parts::new(origin).build(files, 0)
    }
}

/// The folder `charts/`, sorted into charts by their first part.
#[derive(Default)]
struct Nested {
    folders: BTreeMap<String, Vec<File>>,
    archives: Vec<File>,
}

struct Parts {
    origin: String,
    findings: Vec<Finding>,
}

impl Parts {
    fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), findings: Vec::new() }
    }

    fn build(mut self, files: Vec<File>, depth: usize) -> Result<Chart> {
        if depth > MAX_DEPTH {
            let message = format!("charts lie more than {MAX_DEPTH} deep in each other");
            return Err(self.broken(Finding::error("chart/nesting", message)));
        }
        let Some(text) = find(&files, "Chart.yaml") else {
            return Err(Error::NotAChart { origin: self.origin });
        };
        let mut chart = self.start(text)?;
        let mut nested = Nested::default();
        for file in files {
            self.place(&mut chart, &mut nested, file);
        }
        if !self.findings.is_empty() {
            return Err(Error::Broken { origin: self.origin, findings: self.findings });
        }
        chart.subcharts = self.subcharts(nested, depth)?;
        Ok(chart)
    }

    /// Returns the chart with nothing but its metadata.
    fn start(&self, chart_yaml: &[u8]) -> Result<Chart> {
        let name = format!("{}/Chart.yaml", self.origin);
        let text = String::from_utf8_lossy(chart_yaml);
        let value = yaml::parse(&text, &name).map_err(|finding| self.broken(finding))?;
        let metadata =
            Metadata::from_value(&value, &text, &name).map_err(|finding| self.broken(finding))?;
        Ok(Chart {
            metadata,
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

    fn place(&mut self, chart: &mut Chart, nested: &mut Nested, file: File) {
        match file.name.as_str() {
            "Chart.yaml" => {}
            "Chart.lock" => chart.lock = self.yaml(&file),
            "values.yaml" => self.values(chart, file),
            "values.schema.json" => chart.schema = Some(file.data),
            "requirements.yaml" => {
                self.requirements(chart, &file);
                if chart.metadata.is_v1() {
                    chart.files.push(file);
                }
            }
            "requirements.lock" => {
                chart.lock = self.yaml(&file);
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
        match yaml::parse(&String::from_utf8_lossy(&file.data), &name) {
            Ok(value) => Some(value),
            Err(finding) => {
                self.findings.push(finding);
                None
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

    fn requirements(&mut self, chart: &mut Chart, file: &File) {
        let Some(mut value) = self.yaml(file) else { return };
        drop_nulls(&mut value);
        scalars_to_text(&mut value);
        let list = value.get("dependencies").cloned().unwrap_or_default();
        match typed::<Vec<Dependency>>(list) {
            Ok(dependencies) if !dependencies.is_empty() => {
                chart.metadata.dependencies = dependencies;
            }
            Ok(_) => {}
            Err(message) => self.findings.push(
                Finding::error("chart/metadata", message)
                    .in_file(format!("{}/requirements.yaml", self.origin)),
            ),
        }
    }

    fn subcharts(&self, nested: Nested, depth: usize) -> Result<Vec<Chart>> {
        let mut charts = Vec::new();
        for (name, files) in nested.folders {
            let origin = format!("{}/charts/{name}", self.origin);
            charts.push(Parts::new(&origin).build(files, depth + 1)?);
        }
        for file in nested.archives {
            let origin = format!("{}/{}", self.origin, file.name);
            charts.push(Chart::read(file.data.as_slice(), &origin)?);
        }
        charts.sort_by(|one, other| one.name().cmp(other.name()));
        Ok(charts)
    }

    fn broken(&self, finding: Finding) -> Error {
        Error::Broken { origin: self.origin.clone(), findings: vec![finding] }
    }
}

impl Nested {
    /// Takes a file below `charts/`. Names that start with `_` or `.` are no charts, and neither
    /// are plain files; signatures stay with the chart.
    fn take(&mut self, chart: &mut Chart, file: File) {
        let inner = file.name.trim_start_matches("charts/").to_owned();
        if inner.ends_with(".prov") && !inner.contains('/') {
            chart.files.push(file);
        } else if inner.starts_with(['_', '.']) {
        } else if let Some((folder, name)) = inner.split_once('/') {
            let file = File { name: name.to_owned(), data: file.data };
            self.folders.entry(folder.to_owned()).or_default().push(file);
        } else if inner.ends_with(".tgz") {
            self.archives.push(file);
        }
    }
}

fn find<'a>(files: &'a [File], name: &str) -> Option<&'a [u8]> {
    files.iter().find(|file| file.name == name).map(|file| file.data.as_slice())
}

fn without_bom(mut data: Vec<u8>) -> Vec<u8> {
    if data.starts_with(b"\xef\xbb\xbf") {
        data.drain(..3);
    }
    data
}

/// Returns the files of the chart in `dir` in the order of Helm's walk.
fn walk(dir: &Path, origin: &str) -> Result<Vec<File>> {
    let ignore_file = dir.join(".helmignore");
    let text = match fs::read(&ignore_file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(at("read", &ignore_file)(error)),
    };
    let ignore = Ignore::parse(&text, &ignore_file.display().to_string())
        .map_err(|findings| Error::Broken { origin: origin.to_owned(), findings })?;
    let mut files = Vec::new();
    enter(dir, "", &ignore, 0, &mut files)?;
    Ok(files)
}

fn enter(
    dir: &Path,
    prefix: &str,
    ignore: &Ignore,
    depth: usize,
    files: &mut Vec<File>,
) -> Result<()> {
    if depth > MAX_DEPTH {
        let source = io::Error::other("folders lie too deep in each other");
        return Err(at("read", dir)(source));
    }
    for name in names(dir)? {
        let (path, relative) = (dir.join(&name), format!("{prefix}{name}"));
        let found = fs::metadata(&path).map_err(at("read", &path))?;
        if ignore.ignores(&relative, found.is_dir()) {
            continue;
        }
        if found.is_dir() {
            enter(&path, &format!("{relative}/"), ignore, depth + 1, files)?;
        } else {
            files.push(File { name: relative, data: content(&path, &found)? });
        }
    }
    Ok(())
}

fn names(dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(at("read", dir))? {
        let entry = entry.map_err(at("read", dir))?;
        let name = entry.file_name().into_string();
        let unreadable = || io::Error::other("its name is not UTF-8");
        names.push(name.map_err(|_| at("read", &entry.path())(unreadable()))?);
    }
    names.sort();
    Ok(names)
}

fn content(path: &Path, found: &fs::Metadata) -> Result<Vec<u8>> {
    let refuse = |what: &str| at("read", path)(io::Error::other(what.to_owned()));
    if !found.is_file() {
        return Err(refuse("it is neither a file nor a folder"));
    }
    if found.len() > MAX_FILE {
        return Err(refuse("a file in a chart may have at most 5 MiB"));
    }
    fs::read(path).map(without_bom).map_err(at("read", path))
}

pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path: PathBuf = path.to_owned();
    move |source| Error::Io { action, path, source }
}
