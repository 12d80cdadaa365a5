use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
    time::SystemTime,
};

use edk_chart::Chart;
use serde_json::{Map, Value};

use crate::disk;

/// An uploaded chart.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) chart: Chart,
    pub(crate) file_name: String,
}

/// What a chart does to the list of a real platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The list is broken until the chart is replaced.
    Breaks(String),
    /// The list is broken once, then the chart is left out.
    Hides(String),
}

impl Package {
    /// Reads an archive.
    pub(crate) fn read(path: &Path, file_name: &str) -> Result<Self, String> {
        let file = fs::File::open(path).map_err(|error| error.to_string())?;
        let chart = Chart::read(std::io::BufReader::new(file), file_name)
            .map_err(|error| error.to_string())?;
        Ok(Self { chart, file_name: file_name.to_owned() })
    }

    pub(crate) fn name(&self) -> &str {
        self.chart.name()
    }

    pub(crate) fn version(&self) -> &str {
        self.chart.version()
    }

    pub(crate) fn keywords(&self) -> &[String] {
        &self.chart.metadata.keywords
    }

    pub(crate) fn has_keyword(&self, keyword: &str) -> bool {
        self.keywords().iter().any(|it| it == keyword)
    }

    pub(crate) fn is_multi_installable(&self) -> bool {
        self.has_keyword("kaapanamultiinstallable")
    }

    /// Returns the kind under which the list shows the chart, or `None` if it does not.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        let kinds = [("kaapanaworkflow", "dag"), ("kaapanaapplication", "application")];
        kinds.into_iter().find(|(keyword, _)| self.has_keyword(keyword)).map(|(_, kind)| kind)
    }

    /// Returns the chart's own `global` values.
    pub(crate) fn global(&self) -> Option<&Map<String, Value>> {
        self.chart.values.get("global").and_then(Value::as_object)
    }

    /// Returns what the chart would do to the list of a real platform, if anything bad.
    pub(crate) fn flaw(&self) -> Option<Flaw> {
        if self.chart.metadata.description.is_empty() {
            return Some(Flaw::Breaks("the chart has no description".to_owned()));
        }
        if let Some(params) = self.chart.values.get("extension_params") {
            let good = params.as_object().is_some_and(|it| it.values().all(Value::is_object));
            if !good {
                let text = "extension_params in values.yaml is not a mapping of mappings";
                return Some(Flaw::Breaks(text.to_owned()));
            }
        }
        if self.global().is_none() {
            return Some(Flaw::Hides("values.yaml has no mapping `global`".to_owned()));
        }
        let expected = format!("{}-{}.tgz", self.name(), self.version());
        (self.file_name != expected)
            .then(|| Flaw::Hides(format!("the file is not named {expected}")))
    }
}

/// The uploaded charts, read again only when their files changed.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    read: BTreeMap<String, (Stamp, Option<Arc<Package>>)>,
}

/// Tells one state of a file from another.
type Stamp = (u64, Option<SystemTime>);

impl Shelf {
    /// Returns all charts in `folder` that can be read, by file name.
    pub(crate) fn packages(&mut self, folder: &Path) -> std::io::Result<Vec<Arc<Package>>> {
        let names = disk::names(folder, ".tgz")?;
        let kept: BTreeSet<_> = names.iter().cloned().collect();
        self.read.retain(|name, _| kept.contains(name));
        for name in names {
            let path = folder.join(&name);
            let about = fs::metadata(&path)?;
            let stamp = (about.len(), about.modified().ok());
            if self.read.get(&name).is_none_or(|(known, _)| *known != stamp) {
                let package = Package::read(&path, &name).ok().map(Arc::new);
                self.read.insert(name, (stamp, package));
            }
        }
        Ok(self.read.values().filter_map(|(_, package)| package.clone()).collect())
    }
}
