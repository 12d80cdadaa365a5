//! What lies in `charts/`.

use std::collections::BTreeMap;

use edk_model::Finding;

use super::{Budget, MAX_DEPTH, Parts, archive};
use crate::{Chart, Error, File, Result};

/// The folder `charts/`, sorted into charts by the first part of names.
#[derive(Default)]
pub(super) struct Nested {
    folders: BTreeMap<String, Vec<File>>,
    archives: Vec<File>,
    strays: Vec<String>,
}

impl Nested {
    /// Takes a file below `charts/`. Names that start with `_` or `.` are no charts; signatures stay
    /// with the chart.
    pub(super) fn take(&mut self, chart: &mut Chart, file: File) {
        let inner = file.name.trim_start_matches("charts/").to_owned();
        let first = inner.split('/').next().unwrap_or_default();
        if inner.ends_with(".prov") && first == inner {
            chart.files.push(file);
        } else if inner.starts_with(['_', '.']) {
        } else if first.ends_with(".tgz") && first == inner {
            self.archives.push(file);
        } else if let Some((folder, name)) = inner.split_once('/')
            && !first.ends_with(".tgz")
        {
            let file = File { name: name.to_owned(), data: file.data };
            self.folders.entry(folder.to_owned()).or_default().push(file);
        } else {
            self.strays.push(file.name);
        }
    }

    /// Returns the charts, sorted by name.
    pub(super) fn charts(
        self,
        origin: &str,
        depth: usize,
        budget: &mut Budget,
    ) -> Result<Vec<Chart>> {
        if !self.strays.is_empty() {
            let findings = self.strays.iter().map(|name| stray(origin, name)).collect();
            return Err(Error::Broken { origin: origin.to_owned(), findings });
        }
        let mut charts = Vec::new();
        for (name, files) in self.folders {
            let origin = format!("{origin}/charts/{name}");
            charts.push(Parts::new(&origin).build(files, depth + 1, budget)?);
        }
        for file in self.archives {
            let origin = format!("{origin}/{}", file.name);
            if depth >= MAX_DEPTH {
                let message = format!("charts lie more than {MAX_DEPTH} deep in each other");
                let findings = vec![Finding::error("chart/nesting", message).in_file(&origin)];
                return Err(Error::Broken { origin, findings });
            }
            let files = archive::files(file.data.as_slice(), &origin, budget)?;
            charts.push(Parts::new(&origin).build(files, depth + 1, budget)?);
        }
        charts.sort_by(|one, other| one.name().cmp(other.name()));
        Ok(charts)
    }
}

fn stray(origin: &str, name: &str) -> Finding {
    let message = "only folders and archives (.tgz) of charts may lie in charts/";
    let fix = "move it elsewhere, name it in .helmignore, or let its name start with _";
    Finding::error("chart/stray-file", message).in_file(format!("{origin}/{name}")).fix(fix)
}
