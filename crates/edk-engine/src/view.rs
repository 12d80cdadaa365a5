use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use edk_chart::Chart;
use edk_extension::{ChartDir, Dag, ImageDir, Project, Role, build_order};
use edk_image::{Foreseen, ImageError, PlanOptions, PlanRequest};
use edk_model::{Explain as _, Finding};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Engine, EngineError};

/// Look at the extension in a folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct FolderRequest {
    /// Folder of the extension.
    pub folder: PathBuf,
}

/// What an extension is made of, and what of it has changed since it was built.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ProjectView {
    /// Its folder, in full.
    pub folder: PathBuf,
    /// Name of its first chart, else of its folder.
    pub name: String,
    /// Its images, in the order they are built.
    pub images: Vec<ImageView>,
    /// Its charts.
    pub charts: Vec<ChartView>,
    /// Its DAGs, with the forms that a platform shows for them.
    pub dags: Vec<Dag>,
    /// What is wrong with it; while there is an error it can't be built.
    pub findings: Vec<Finding>,
}

/// An image of an extension.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ImageView {
    /// `LABEL IMAGE`.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The Dockerfile, relative to the folder.
    pub dockerfile: String,
    /// Whether a build would do something.
    pub stale: bool,
    /// Why it is stale or not, one sentence without a full stop.
    pub why: String,
    /// How many steps make a layer.
    pub steps: usize,
    /// How many of them would be found done.
    pub reused: usize,
}

/// A chart of an extension.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ChartView {
    /// Name in `Chart.yaml`.
    pub name: String,
    /// Version in `Chart.yaml`.
    pub version: String,
    /// Keywords in `Chart.yaml`.
    pub keywords: Vec<String>,
    /// Its folder.
    pub folder: PathBuf,
    /// The DAG image of a workflow.
    pub dag_image: Option<String>,
    /// `extension_params` of its values as written, `null` when there are none.
    pub params: Value,
}

impl Engine {
    /// Looks at the extension in `folder` as it lies there: nothing is built or fetched. What is
    /// wrong with its files is part of the result, and hides nothing that can be read.
    ///
    /// # Errors
    /// [`EngineError::Extension`] if there is no extension in the folder or it can't be read.
    pub fn project_view(&self, folder: &Path) -> Result<ProjectView, EngineError> {
        let folder = &folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let (project, mut findings) = Project::survey(folder)?;
        let (images, _) = self.look_at_images(&project, &mut findings)?;
        let charts = project.charts.iter().map(|chart| chart_view(chart, &mut findings)).collect();
        let name = project.charts.first().map(|chart| chart.name.clone());
        let name = name.unwrap_or_else(|| name_of(&project.root));
        let (dags, unread) = project.dags();
        findings.extend(unread);
        Ok(ProjectView { folder: project.root, name, images, charts, dags, findings })
    }

    /// Looks at all images, and says what building them would do where that can be known.
    pub(crate) fn look_at_images(
        &self,
        project: &Project,
        findings: &mut Vec<Finding>,
    ) -> Result<(Vec<ImageView>, Vec<Option<Foreseen>>), EngineError> {
        let order = match build_order(project) {
            Ok(order) => order,
            Err(error) => {
                findings.extend(error.findings());
                project.images.iter().collect()
            }
        };
        let compression = self.chosen(None, &project.root)?.compression;
        let options = PlanOptions { compression, ..PlanOptions::default() };
        let (mut views, mut foreseen) = (Vec::new(), Vec::new());
        let mut stale: BTreeSet<&str> = BTreeSet::new();
        for image in order {
            let outlook = self.outlook(image, &options)?;
            let below = image.bases.iter().find(|base| stale.contains(base.as_str()));
            let (view, seen) = image_view(image, outlook, below, findings);
            if view.stale {
                stale.insert(&image.name);
            }
            views.push(view);
            foreseen.push(seen);
        }
        Ok((views, foreseen))
    }

    fn outlook(
        &self,
        image: &ImageDir,
        options: &PlanOptions,
    ) -> Result<Result<Foreseen, ImageError>, EngineError> {
        let text = fs::read_to_string(&image.dockerfile)
            .map_err(|source| EngineError::io(&image.dockerfile, source))?;
        let args = BTreeMap::new();
        let (file, context) = (&image.display, &image.context);
        let builder = self.builder()?;
        let request = PlanRequest { options, ..PlanRequest::new(&text, file, context, &args) };
        let plan = builder.plan_offline(&request);
        Ok(plan.map(|plan| builder.foresee(&plan)))
    }
}

fn image_view(
    image: &ImageDir,
    outlook: Result<Foreseen, ImageError>,
    stale_base: Option<&String>,
    findings: &mut Vec<Finding>,
) -> (ImageView, Option<Foreseen>) {
    let view = |stale, why: String, steps, reused| ImageView {
        name: image.name.clone(),
        role: image.role,
        dockerfile: image.display.clone(),
        stale,
        why,
        steps,
        reused,
    };
    match outlook {
        Ok(seen) => {
            let (stale, why) = match (&seen, stale_base) {
                (_, Some(base)) => (true, format!("its base `{base}` is built first")),
                (Foreseen { image: Some(_), .. }, _) => (false, "unchanged".to_owned()),
                (Foreseen { next: Some(step), reused: 0, .. }, _) => {
                    (true, format!("nothing of it is built; the first step is `{step}`"))
                }
                (Foreseen { next: Some(step), .. }, _) => {
                    (true, format!("changed from `{step}` on"))
                }
                (Foreseen { next: None, .. }, _) => {
                    (true, "its configuration has changed".to_owned())
                }
            };
            let (steps, reused) = (seen.steps, seen.reused);
            (view(stale, why, steps, reused), (!stale).then_some(seen))
        }
        Err(error) => {
            let why = match &error {
                ImageError::NoBase { .. } => error.to_string(),
                _ if !error.findings().is_empty() => "its Dockerfile is wrong".to_owned(),
                _ => error.to_string(),
            };
            // A survey has told some of them already.
            let new = error.findings().into_iter().filter(|it| !findings.contains(it));
            findings.extend(new.collect::<Vec<_>>());
            (view(true, why, 0, 0), None)
        }
    }
}

fn chart_view(chart: &ChartDir, findings: &mut Vec<Finding>) -> ChartView {
    let params = match Chart::load(&chart.folder) {
        Ok(chart) => chart.values.get("extension_params").cloned().unwrap_or(Value::Null),
        Err(error) => {
            findings.extend(error.findings());
            Value::Null
        }
    };
    ChartView {
        name: chart.name.clone(),
        version: chart.version.clone(),
        keywords: chart.keywords.clone(),
        folder: chart.folder.clone(),
        dag_image: chart.dag_image.clone(),
        params,
    }
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
