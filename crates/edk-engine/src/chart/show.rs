use std::collections::BTreeMap;

use edk_chart::{
    Chart, File, Metadata,
    platform::{Parameter, answers, parameters, pass},
};
use edk_model::Finding;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ChartArg, preflight::platform};
use crate::{Engine, EngineError};

/// Look into a chart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChartShowRequest {
    /// The chart.
    pub chart: ChartArg,
    /// What to show; without any, everything.
    #[serde(default)]
    pub parts: Vec<ChartPart>,
    /// Answers to its extension parameters; without one, the default.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Version of the platform that gets the answers, such as `0.6`; without one, the newest.
    #[serde(default)]
    pub platform: Option<String>,
}

/// A part of a chart that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChartPart {
    /// What `Chart.yaml` says.
    Metadata,
    /// What `values.yaml` says.
    Values,
    /// The charts it needs.
    Dependencies,
    /// Its templates.
    Templates,
    /// Its extension parameters.
    Parameters,
    /// Its NOTES.txt, not rendered.
    Notes,
}

/// What is in a chart; what was not asked for is left out.
#[derive(Debug, Clone, Serialize)]
pub struct ChartShown {
    /// Name of the chart.
    pub chart: String,
    /// Its version.
    pub version: String,
    /// What `Chart.yaml` says, as it is packaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// What `values.yaml` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Value>,
    /// `values.yaml` as it is, with its comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values_text: Option<String>,
    /// The charts it needs, and those that lie in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<Vec<DependencyView>>,
    /// Its templates, those of the charts in it after its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates: Option<Vec<ChartFileView>>,
    /// Its extension parameters, and what becomes of the answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<ParameterView>>,
    /// What does not arrive as it is sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Finding>,
    /// Its NOTES.txt, not rendered; null when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<Option<String>>,
}

/// An extension parameter, and what becomes of its answer.
#[derive(Debug, Clone, Serialize)]
pub struct ParameterView {
    /// What the chart declares.
    #[serde(flatten)]
    pub parameter: Parameter,
    /// The value that is sent; none for headings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<Value>,
    /// The value that the chart gets; none if it is lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrives: Option<Value>,
}

/// A chart that another one needs or holds.
#[derive(Debug, Clone, Serialize)]
pub struct DependencyView {
    /// Its name.
    pub name: String,
    /// The name of its values and objects, when it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The versions that were asked for; empty for any.
    pub wanted: String,
    /// The version that is in the chart.
    pub version: Option<String>,
    /// Where it was found.
    pub origin: Option<String>,
    /// The repository that `Chart.yaml` names.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repository: String,
    /// Values that switch it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Tags that switch it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// A file of a chart.
#[derive(Debug, Clone, Serialize)]
pub struct ChartFileView {
    /// Its name, from the folder of the chart.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Engine {
    /// Looks into a chart.
    ///
    /// # Errors
    /// [`EngineError::Chart`] if it can't be read or a chart it needs is not found.
    pub fn chart_show(&self, request: &ChartShowRequest) -> Result<ChartShown, EngineError> {
        let chart = self.open_chart(&request.chart)?;
        let wants = |part| request.parts.is_empty() || request.parts.contains(&part);
        let (views, effects) = match wants(ChartPart::Parameters) {
            true => answered(&chart, request)?,
            false => (Vec::new(), Vec::new()),
        };
        let text = |file: &File| String::from_utf8_lossy(&file.data).into_owned();
        Ok(ChartShown {
            chart: chart.name().to_owned(),
            version: chart.version().to_owned(),
            metadata: wants(ChartPart::Metadata).then(|| chart.metadata.clone()),
            values: wants(ChartPart::Values).then(|| chart.values.clone()),
            values_text: chart.values_file.as_ref().filter(|_| wants(ChartPart::Values)).map(text),
            dependencies: wants(ChartPart::Dependencies).then(|| dependencies(&chart)),
            templates: wants(ChartPart::Templates).then(|| {
                let mut all = Vec::new();
                templates(&chart, "", &mut all);
                all
            }),
            parameters: wants(ChartPart::Parameters).then_some(views),
            effects,
            notes: wants(ChartPart::Notes).then(|| {
                chart.templates.iter().find(|file| file.name == "templates/NOTES.txt").map(text)
            }),
        })
    }
}

/// The parameters of `chart` with the answers of the request, and what does not arrive of them.
fn answered(
    chart: &Chart,
    request: &ChartShowRequest,
) -> Result<(Vec<ParameterView>, Vec<Finding>), EngineError> {
    let release = platform(request.platform.as_deref())?;
    let sent = answers(chart, &request.params)
        .map_err(|(name, reason)| EngineError::Parameter { name, reason })?;
    let global = chart.values.get("global").and_then(Value::as_object);
    let arrival = pass(&Map::new(), &sent, global, release);
    let view = |parameter: Parameter| ParameterView {
        sent: sent.get(&parameter.key).cloned(),
        arrives: arrival.values.pointer("/global").and_then(|it| it.get(&parameter.key)).cloned(),
        parameter,
    };
    Ok((parameters(chart).into_iter().map(view).collect(), arrival.effects))
}

fn dependencies(chart: &Chart) -> Vec<DependencyView> {
    let declared = chart.metadata.dependencies.iter().map(|it| {
        let found = chart.subchart(&it.name);
        DependencyView {
            name: it.name.clone(),
            alias: (!it.alias.is_empty()).then(|| it.alias.clone()),
            wanted: it.version.clone(),
            version: found.map(|chart| chart.version().to_owned()),
            origin: found.map(|chart| chart.origin.clone()),
            repository: it.repository.clone(),
            condition: it.condition.clone(),
            tags: it.tags.clone(),
        }
    });
    let is_declared =
        |sub: &&Chart| chart.metadata.dependencies.iter().any(|it| it.name == sub.name());
    let others = chart.subcharts.iter().filter(|sub| !is_declared(sub)).map(|sub| DependencyView {
        name: sub.name().to_owned(),
        alias: None,
        wanted: String::new(),
        version: Some(sub.version().to_owned()),
        origin: Some(sub.origin.clone()),
        repository: String::new(),
        condition: String::new(),
        tags: Vec::new(),
    });
    declared.chain(others).collect()
}

fn templates(chart: &Chart, prefix: &str, all: &mut Vec<ChartFileView>) {
    let view = |file: &File| ChartFileView {
        name: format!("{prefix}{}", file.name),
        size: file.data.len() as u64,
    };
    all.extend(chart.templates.iter().map(view));
    for subchart in &chart.subcharts {
        templates(subchart, &format!("{prefix}charts/{}/", subchart.name()), all);
    }
}
