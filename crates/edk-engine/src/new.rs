use std::{collections::BTreeMap, path::PathBuf};

use edk_model::{Monitor, Outcome};
use edk_template::{Answer, Catalog, Hardware, Kind, Overwrite, Parameter};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

/// Make an extension from a template.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct NewRequest {
    /// Name of the template.
    pub template: String,
    /// Folder of the new extension; without one, the answer to `name`.
    pub folder: Option<PathBuf>,
    /// Answers by parameter.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub answers: BTreeMap<String, String>,
    /// Whether files that are there may be replaced.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub overwrite: bool,
    /// Whether to only tell what would be written.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub dry_run: bool,
}

/// What was made, or would be.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct NewOutcome {
    /// Name of the template.
    pub template: String,
    /// Folder of the extension.
    pub folder: PathBuf,
    /// Whether nothing was written on purpose.
    pub dry_run: bool,
    /// The files, sorted.
    pub files: Vec<FileOutcome>,
}

/// A file of a new extension.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct FileOutcome {
    /// Path relative to the extension.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// `new`, `unchanged`, or `replaced` (in a dry run: `in the way`).
    pub state: &'static str,
}

/// A template, for a list.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct TemplateSummary {
    /// Name.
    pub name: String,
    /// Title.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// What kind of extension it makes.
    pub kind: Kind,
    /// What its containers run on.
    pub hardware: Hardware,
    /// What it makes.
    pub makes: Vec<String>,
    /// What it asks.
    pub parameters: Vec<Parameter>,
}

impl Engine {
    /// Returns the templates that come with this program.
    ///
    /// # Errors
    /// [`EngineError::Template`] if one of them is broken.
    pub fn templates(&self) -> Result<Vec<TemplateSummary>, EngineError> {
        let catalog = Catalog::shipped()?;
        let summary = |template: &edk_template::Template| TemplateSummary {
            name: template.name().to_owned(),
            title: template.title().to_owned(),
            description: template.description().to_owned(),
            kind: template.kind(),
            hardware: template.hardware(),
            makes: template.makes().to_vec(),
            parameters: template.parameters().to_vec(),
        };
        Ok(catalog.templates().iter().map(summary).collect())
    }

    /// Makes an extension from a template.
    ///
    /// # Errors
    /// [`EngineError::Template`] for an unknown template, refused answers and files in the way;
    /// nothing was written then.
    pub fn create(
        &self,
        request: &NewRequest,
        monitor: &Monitor,
    ) -> Result<NewOutcome, EngineError> {
        let monitor = monitor.stage("new");
        let catalog = Catalog::shipped()?;
        let template = catalog.find(&request.template)?;
        let answers = template.answer(&request.answers)?;
        let plan = template.plan(&answers)?;
        let name = answers.get("name").and_then(|answer| match answer {
            Answer::Text(text) => Some(text.clone()),
            _ => None,
        });
        let folder = request.folder.clone().or(name.map(PathBuf::from));
        let folder = folder.unwrap_or_else(|| PathBuf::from(template.name()));
        let in_the_way: Vec<_> = plan.compare(&folder).into_iter().map(|c| c.path).collect();
        let mut files: Vec<FileOutcome> = plan
            .files
            .iter()
            .map(|file| {
                let taken = in_the_way.contains(&file.path);
                let state = if taken { "in the way" } else { "new" };
                let path = file.path.clone();
                FileOutcome { path, size: file.bytes.len() as u64, state }
            })
            .collect();
        if !request.dry_run {
            let overwrite = if request.overwrite { Overwrite::Always } else { Overwrite::Never };
            let applied = plan.apply(&folder, overwrite, &monitor)?;
            for file in &mut files {
                file.state = if applied.unchanged.contains(&file.path) {
                    "unchanged"
                } else if applied.replaced.contains(&file.path) {
                    "replaced"
                } else {
                    "new"
                };
            }
            let summary = format!("{} files in {}", files.len(), folder.display());
            monitor.finished(template.name(), Outcome::Done, &summary);
        }
        let template = template.name().to_owned();
        Ok(NewOutcome { template, folder, dry_run: request.dry_run, files })
    }
}
