use std::path::{Path, PathBuf};

use edk_archive::{Entry, GzWriter, Kind, Readers, TarWriter, gzip, write_whole};
use edk_model::{Digest, Finding};

use crate::{Chart, Error, Result, load::at, yaml};

/// A packaged chart, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packaged {
    /// Name of the file, `<name>-<version>.tgz`: the platform insists on it.
    pub file_name: String,
    /// The archive.
    pub bytes: Vec<u8>,
    /// Digest of the archive.
    pub digest: Digest,
    /// Names of the entries, in their order.
    pub entries: Vec<String>,
}

impl Packaged {
    /// Writes the archive into the folder `dir`, under its name, and returns its path.
    ///
    /// An earlier file of this name is replaced in one step.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder can't be written.
    pub fn write(&self, dir: &Path) -> Result<PathBuf> {
        let path = dir.join(&self.file_name);
        write_whole(&path, &self.bytes, Readers::Everybody).map_err(at("write", &path))?;
        Ok(path)
    }
}

impl Chart {
    /// Returns the packaged chart: the entries of `helm package`, but the same bytes each time.
    ///
    /// `Chart.yaml` is written anew (without the keys that Helm does not know), everything else is
    /// taken as it is; archives of subcharts are unpacked; subcharts are sorted by name.
    ///
    /// # Errors
    /// [`Error::Broken`] if name, version or schema are unusable or a declared dependency is missing
    /// (see [`crate::resolve`]), [`Error::Archive`] if a name can't be in an archive.
    pub fn package(&self) -> Result<Packaged> {
        let findings = self.unpackable();
        if !findings.is_empty() {
            return Err(Error::Broken { origin: self.origin.clone(), findings });
        }
        let (bytes, entries) = self.packed()?;
        Ok(Packaged {
            file_name: format!("{}-{}.tgz", self.name(), self.version()),
            digest: Digest::of(&bytes),
            bytes,
            entries,
        })
    }

    /// The bytes of the archive and the names in it, whatever may be missing.
    pub(crate) fn packed(&self) -> Result<(Vec<u8>, Vec<String>)> {
        let mut files = Vec::new();
        self.entries(self.name(), &mut files);
        let bytes = written(&files)
            .map_err(|source| Error::Archive { origin: self.origin.clone(), source })?;
        Ok((bytes, files.into_iter().map(|(name, _)| name).collect()))
    }

    /// What can't be packaged.
    fn unpackable(&self) -> Vec<Finding> {
        let file = self.path_of("Chart.yaml");
        let mut findings = self.metadata.check("", &file);
        let name = self.name();
        if name.contains('\\') || name == "." || name == ".." {
            let message = format!("`{name}` can't be the name of a chart");
            findings.push(Finding::error("chart/name", message).in_file(&file));
        }
        for name in self.missing() {
            let message = format!("the needed chart {name} is not in charts/");
            let fix = format!("run `edk chart deps update {}`", self.origin);
            findings.push(Finding::error("chart/dependency", message).in_file(&file).fix(fix));
        }
        self.unpackable_parts(&mut findings);
        findings
    }

    /// What can't be packaged of this chart as one of several.
    fn unpackable_parts(&self, findings: &mut Vec<Finding>) {
        if let Some(schema) = &self.schema
            && let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(schema)
        {
            let finding = Finding::error("chart/schema", format!("the schema is no JSON: {error}"));
            let finding = finding.in_file(self.path_of("values.schema.json"));
            findings.push(finding.at(error.line().max(1), error.column().max(1)));
        }
        let twins = self.subcharts.windows(2).filter(|two| two[0].name() == two[1].name());
        for twin in twins {
            let message = format!("charts/ holds {} twice", twin[0].name());
            let fix = "a package has one folder for both (Helm mixes them up): keep one of them";
            let finding = Finding::error("chart/twin-subcharts", message);
            findings.push(finding.in_file(self.path_of("charts")).fix(fix));
        }
        for subchart in &self.subcharts {
            subchart.unpackable_parts(findings);
        }
    }

    /// Collects names and contents in the order of `helm package`.
    fn entries(&self, prefix: &str, entries: &mut Vec<(String, Vec<u8>)>) {
        let mut add = |name: &str, data: &[u8]| {
            entries.push((format!("{prefix}/{name}"), data.to_vec()));
        };
        add("Chart.yaml", self.chart_yaml().as_bytes());
        if let (Some(lock), false) = (&self.lock, self.metadata.is_v1()) {
            add("Chart.lock", lock.to_yaml().as_bytes());
        }
        if let Some(values) = &self.values_file {
            add("values.yaml", &values.data);
        }
        if let Some(schema) = &self.schema {
            add("values.schema.json", schema);
        }
        for file in self.templates.iter().chain(&self.files) {
            add(&file.name, &file.data);
        }
        for subchart in &self.subcharts {
            subchart.entries(&format!("{prefix}/charts/{}", subchart.name()), entries);
        }
    }

    /// Returns `Chart.yaml` as Helm writes it; a v1 chart keeps its dependencies elsewhere.
    pub fn chart_yaml(&self) -> String {
        let mut metadata = self.metadata.clone();
        if metadata.is_v1() {
            metadata.dependencies.clear();
        }
        yaml::emit(&serde_json::to_value(metadata).unwrap_or_default())
    }
}

fn written(files: &[(String, Vec<u8>)]) -> edk_archive::Result<Vec<u8>> {
    let mut tar = TarWriter::new(gzip(Vec::new(), 6));
    for (name, data) in files {
        let entry = Entry::new(name, Kind::File { size: data.len() as u64 }, 0o644);
        tar.append(&entry, data.as_slice())?;
    }
    let gz: GzWriter<Vec<u8>> = tar.finish()?;
    gz.finish().map_err(|source| edk_archive::Error::Stream { action: "written", source })
}
