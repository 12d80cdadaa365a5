use std::path::PathBuf;

use edk_chart::Chart;
use edk_extension::{Project, Role};
use edk_image::Foreseen;
use edk_model::{Digest, Monitor};
use edk_target::{Client, Extension};
use serde::{Deserialize, Serialize};

use crate::{
    Engine, EngineError, ImageView,
    deploy::{Memory, Record, Route, there},
    engine::version_of,
    package::{ReadyChart, preflight_about},
};

/// Ask what of an extension is on a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TruthRequest {
    /// Folder of the extension.
    pub project: PathBuf,
    /// Name of the target.
    pub target: String,
    /// Version of the extension; without one, its chart's.
    pub version: Option<String>,
}

/// What of an extension is on a target.
#[derive(Debug, Clone, Serialize)]
pub struct TruthView {
    /// Name of the target.
    pub target: String,
    /// Its charts, releases, images and DAGs.
    pub lines: Vec<TruthLine>,
}

/// One thing on a target, beside what lies in the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TruthLine {
    /// `chart`, `release`, `image` or `dag`.
    pub what: &'static str,
    /// Its name, with version or tag.
    pub name: String,
    /// What it is.
    pub truth: Truth,
    /// Why this is known, one sentence without a full stop.
    pub why: String,
}

/// What something on a target is, beside what lies in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truth {
    /// What the folder makes now.
    WorkingTree,
    /// What it made earlier.
    Older,
    /// Something that was not sent from here.
    Foreign,
    /// It can't be told.
    Unknown,
    /// It is not there.
    Absent,
}

impl Engine {
    /// Tells for every chart, release, image and DAG of an extension what the target has of it.
    ///
    /// What a platform has can't be read back: charts and images are known by what was sent from
    /// here and by what the list shows. Somebody else may have replaced one since; that is told as
    /// far as the list shows it.
    ///
    /// # Errors
    /// As [`Engine::project_view`], and [`EngineError::Target`].
    pub fn truth(
        &self,
        request: &TruthRequest,
        monitor: &Monitor,
    ) -> Result<TruthView, EngineError> {
        let project = self.project(&request.project)?;
        let version = version_of(&project, request.version.as_deref())?;
        let about = preflight_about(&[])?;
        let packaging = monitor.stage("package");
        let ready = project
            .charts
            .iter()
            .map(|chart| self.ready_chart(&project, chart, &version, &about, &packaging));
        let ready: Vec<ReadyChart> = ready.collect::<Result<_, _>>()?;
        let (images, foreseen) = self.look_at_images(&project, &mut Vec::new())?;
        let monitor = monitor.stage("status");
        self.with_target(&request.target, &monitor, async |client: Client| {
            let (rows, _) = self.rows(&client, &monitor).await?;
            let target = client.target().name.clone();
            let memory = self.memory(&target);
            let record = memory.record()?;
            let mut lines = Vec::new();
            for ReadyChart { chart, packaged, .. } in &ready {
                lines.push(chart_line(
                    chart,
                    (&packaged.file_name, &packaged.digest),
                    &rows,
                    &record,
                ));
                lines.push(release_line(chart, &packaged.digest, &rows, &record));
            }
            let seen: Vec<_> = images.iter().zip(&foreseen).collect();
            if let Ok(route) = Route::choose(client.target(), None, false) {
                lines.extend(self.image_lines(&seen, &version, &route, &memory)?);
            }
            lines.extend(dag_lines(&project, &seen, &rows, &record));
            Ok(TruthView { target, lines })
        })
    }

    fn image_lines(
        &self,
        images: &[(&ImageView, &Option<Foreseen>)],
        version: &str,
        route: &Route,
        memory: &Memory,
    ) -> Result<Vec<TruthLine>, EngineError> {
        let mut lines = Vec::new();
        for (image, seen) in images {
            for tag in route.tags(image.role, version) {
                let there = there(self, route, memory, (&image.name, tag))?;
                let (truth, why) = match (there, now(seen)) {
                    (None, _) if route.way == crate::ImageWay::Shared => {
                        (Truth::Absent, "it is not in the store of this machine".to_owned())
                    }
                    (None, _) => {
                        let why = "it was never sent from here, and no call tells what is there";
                        (Truth::Unknown, why.to_owned())
                    }
                    (Some(there), Some(now)) if there == now => (Truth::WorkingTree, there.short()),
                    (Some(there), _) => (Truth::Older, format!("{} was sent", there.short())),
                };
                lines.push(TruthLine {
                    what: "image",
                    name: route.name(&image.name, tag),
                    truth,
                    why,
                });
            }
        }
        Ok(lines)
    }
}

/// The image that a build would give, when nothing has to be done for it.
fn now(seen: &Option<Foreseen>) -> Option<Digest> {
    seen.as_ref().and_then(|seen| seen.image)
}

fn chart_line(
    chart: &Chart,
    (file, digest): (&str, &Digest),
    rows: &[Extension],
    record: &Record,
) -> TruthLine {
    let (name, version) = (chart.name(), chart.version());
    let row = rows.iter().find(|row| row.name == name);
    let listed = row.filter(|row| row.versions.iter().any(|it| it == version));
    let (truth, why) = match (listed, record.charts.get(file)) {
        (None, _) => (Truth::Absent, "the target does not list it".to_owned()),
        (Some(_), None) => (Truth::Foreign, "it was not sent from here".to_owned()),
        (Some(_), Some(sent)) if !sent.confirmed => {
            (Truth::Unknown, "the answer to its upload was lost".to_owned())
        }
        (Some(row), Some(sent)) => match (is_another(chart, row), sent.digest == *digest) {
            (Some(field), true) => {
                (Truth::Foreign, format!("its {field} is another than that of what was sent"))
            }
            (_, true) => (Truth::WorkingTree, format!("sent {}", sent.at)),
            (_, false) => (Truth::Older, format!("sent {}", sent.at)),
        },
    };
    TruthLine { what: "chart", name: format!("{name} {version}"), truth, why }
}

/// Returns what the list shows to be another chart under the same name and version. The list shows
/// the newest version only.
fn is_another(chart: &Chart, row: &Extension) -> Option<&'static str> {
    if row.versions.first().is_none_or(|newest| newest != chart.version()) {
        return None;
    }
    let description = row.raw.get("description").and_then(|it| it.as_str());
    if description.is_some() && description != Some(chart.metadata.description.as_str()) {
        return Some("description");
    }
    let same = |a: &[String], b: &[String]| a.iter().all(|it| b.contains(it)) && a.len() == b.len();
    (!same(&row.keywords, &chart.metadata.keywords)).then_some("list of keywords")
}

fn release_line(chart: &Chart, digest: &Digest, rows: &[Extension], record: &Record) -> TruthLine {
    let name = chart.name();
    let there = rows.iter().find_map(|row| row.deployment(name));
    let known = record.releases.get(name);
    let known = known.filter(|known| there.is_some_and(|there| there.version == known.version));
    let (truth, why) = match (there, known) {
        (None, _) => (Truth::Absent, "it is not installed".to_owned()),
        (Some(there), None) => {
            (Truth::Foreign, format!("{} was not installed from here", there.version))
        }
        (Some(_), Some(known)) => match known.digest {
            Some(installed) if installed == *digest => {
                (Truth::WorkingTree, format!("installed {}", known.at))
            }
            Some(_) => (Truth::Older, format!("{} was installed {}", known.version, known.at)),
            None => (Truth::Unknown, "its chart was not sent from here".to_owned()),
        },
    };
    TruthLine { what: "release", name: name.to_owned(), truth, why }
}

/// A DAG is what the DAG image brought when its release was installed.
fn dag_lines(
    project: &Project,
    images: &[(&ImageView, &Option<Foreseen>)],
    rows: &[Extension],
    record: &Record,
) -> Vec<TruthLine> {
    let line = |id: String| {
        let chart = project.charts.iter().find(|chart| chart.dag_image.is_some());
        let release = chart.map(|chart| chart.name.as_str()).unwrap_or_default();
        let there = rows.iter().find_map(|row| row.deployment(release));
        let known = record.releases.get(release);
        let known = known.filter(|it| there.is_some_and(|there| there.version == it.version));
        let image = chart.and_then(|chart| chart.dag_image.as_ref());
        let of_image = |(view, _): &&(&ImageView, &Option<Foreseen>)| {
            view.role == Role::Dag && image.is_none_or(|image| *image == view.name)
        };
        let now = images.iter().find(of_image).and_then(|(_, seen)| now(seen));
        let (truth, why) = match (there, known.and_then(|known| known.dag)) {
            (None, _) => (Truth::Absent, "its release is not installed".to_owned()),
            (Some(_), None) => {
                (Truth::Foreign, "its release was not installed from here".to_owned())
            }
            (Some(_), Some(installed)) if Some(installed) == now => {
                (Truth::WorkingTree, format!("brought by image {}", installed.short()))
            }
            (Some(_), Some(installed)) => {
                (Truth::Older, format!("brought by image {}", installed.short()))
            }
        };
        TruthLine { what: "dag", name: id, truth, why }
    };
    project.dags().0.into_iter().filter_map(|dag| dag.id).map(line).collect()
}
