use std::{fs, io, path::Path};

use edk_archive::Limits;
use edk_model::{Explain as _, Finding};

use crate::{Chart, Error, File, Metadata, Result, Sources, load::at, resolve, version::Version};

/// A chart to be linted: it may be one that can't be loaded.
#[derive(Debug)]
pub struct LintSubject {
    origin: String,
    pub(super) chart_yaml: Vec<u8>,
    pub(super) values_yaml: Option<Vec<u8>>,
    pub(super) schema: Option<Vec<u8>>,
    pub(super) has_templates: bool,
    loaded: Result<Chart>,
}

impl LintSubject {
    /// Takes the chart in the folder `dir`.
    ///
    /// # Errors
    /// [`Error::NotAChart`] without a `Chart.yaml`, [`Error::Io`] if something can't be read.
    pub fn folder(dir: &Path) -> Result<Self> {
        let origin = dir.display().to_string();
        let read = |name: &str| match fs::read(dir.join(name)) {
            Ok(data) => Ok(Some(data)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at("read", &dir.join(name))(error)),
        };
        let Some(chart_yaml) = read("Chart.yaml")? else { return Err(Error::NotAChart { origin }) };
        Ok(Self {
            chart_yaml,
            values_yaml: read("values.yaml")?,
            schema: read("values.schema.json")?,
            has_templates: dir.join("templates").is_dir(),
            loaded: Chart::load(dir),
            origin,
        })
    }

    /// Takes a chart that could be loaded, with the charts in it.
    pub fn of(chart: Chart) -> Self {
        Self {
            origin: chart.origin.clone(),
            chart_yaml: chart.metadata_file.data.clone(),
            values_yaml: chart.values_file.as_ref().map(|file| file.data.clone()),
            schema: chart.schema.clone(),
            has_templates: !chart.templates.is_empty(),
            loaded: Ok(chart),
        }
    }

    /// Takes a packaged chart; `origin` names it in findings.
    ///
    /// # Errors
    /// As [`LintSubject::folder`], and [`Error::Archive`] if it is no archive.
    pub fn archive(bytes: &[u8], origin: &str) -> Result<Self> {
        let limits = Limits { total_bytes: 100 * 1024 * 1024, entries: 20_000 };
        let origin = origin.to_owned();
        let entries = edk_archive::read_files(bytes, &limits)
            .map_err(|source| Error::Archive { origin: origin.clone(), source })?;
        let inner = |path: &Path| Some(path.to_str()?.split_once('/')?.1.to_owned());
        let files: Vec<File> = entries
            .into_iter()
            .filter_map(|(path, data)| Some(File { name: inner(&path)?, data }))
            .collect();
        let read = |name: &str| files.iter().find(|it| it.name == name).map(|it| it.data.clone());
        let Some(chart_yaml) = read("Chart.yaml") else { return Err(Error::NotAChart { origin }) };
        Ok(Self {
            chart_yaml,
            values_yaml: read("values.yaml"),
            schema: read("values.schema.json"),
            has_templates: files.iter().any(|file| file.name.starts_with("templates/")),
            loaded: Chart::read(bytes, &origin),
            origin,
        })
    }

    /// Returns the chart with the charts that `sources` have of those it needs, as it will be
    /// packaged.
    #[must_use]
    pub fn with(mut self, sources: &Sources) -> Self {
        if let Ok(chart) = &self.loaded
            && let Ok(whole) = resolve(chart, sources)
        {
            self.loaded = Ok(whole);
        }
        self
    }

    /// Returns the name of `file` for a finding.
    pub(super) fn path_of(&self, file: &str) -> String {
        if file.is_empty() { self.origin.clone() } else { format!("{}/{file}", self.origin) }
    }

    /// Returns the chart, if Helm would load it.
    ///
    /// # Errors
    /// Why it would not.
    pub(super) fn chart(&self) -> std::result::Result<&Chart, Vec<Finding>> {
        let chart = self.loaded.as_ref().map_err(|error| match error.findings() {
            findings if findings.is_empty() => {
                vec![Finding::error("lint/load", error.to_string()).in_file(&self.origin)]
            }
            findings => findings,
        })?;
        match refused(chart) {
            None => Ok(chart),
            Some((origin, reason)) => Err(vec![
                Finding::error("lint/load", reason).in_file(format!("{origin}/Chart.yaml")),
            ]),
        }
    }
}

/// What Helm refuses to load: of which chart, and why.
fn refused(chart: &Chart) -> Option<(&str, String)> {
    let own = metadata(&chart.metadata).map(|reason| (chart.origin.as_str(), reason));
    own.or_else(|| chart.subcharts.iter().find_map(refused))
}

fn metadata(metadata: &Metadata) -> Option<String> {
    let Metadata { name, version, kind, .. } = metadata;
    if name.is_empty() {
        return Some("the chart has no name".to_owned());
    }
    if name.contains('/') {
        return Some(format!("`{name}` can't be the name of a chart"));
    }
    if Version::lenient(version).is_none() {
        return Some(format!("`{version}` is no version"));
    }
    if !matches!(kind.as_str(), "" | "application" | "library") {
        return Some(format!("the type is `{kind}`, neither application nor library"));
    }
    let mut seen = Vec::new();
    for dependency in &metadata.dependencies {
        let name = dependency.effective_name();
        if name.is_empty() {
            return Some("a dependency is empty".to_owned());
        }
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !dependency.alias.chars().all(word) {
            return Some(format!("the alias `{name}` holds other signs than A-Z a-z 0-9 _ -"));
        }
        if seen.contains(&name) {
            return Some(format!("two dependencies are called `{name}`"));
        }
        seen.push(name);
    }
    None
}
