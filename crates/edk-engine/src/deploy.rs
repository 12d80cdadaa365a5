use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use edk_chart::Chart;
use edk_extension::ChartDir;
use edk_image::EngineChoice;
use edk_model::{Digest, Monitor, Outcome};
use edk_target::{Client, InstallOutcome, Pod, preflight::join_choices};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    BuildOutcome, Engine, EngineError, Pushed,
    engine::version_of,
    package::ReadyChart,
    target::{SANDBOX, SANDBOX_BUILD_VERSION},
};

/// How long a release may take to become ready, or to go.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Build, push, package, upload and install an extension, and follow it until it is ready.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct DeployRequest {
    /// Folder of the extension.
    pub project: PathBuf,
    /// Name of the target.
    pub target: String,
    /// Version of the extension; without one, its chart's.
    pub version: Option<String>,
    /// Values of extension parameters.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub params: BTreeMap<String, String>,
    /// Values for `ARG`s.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub args: BTreeMap<String, String>,
    /// Who builds; without one, as the settings of the extension or the machine say.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub engine: Option<EngineChoice>,
    /// Name of the chart to deploy, when the extension has several.
    pub chart: Option<String>,
    /// Rules of the guard (such as `G02`) whose findings may go into images and charts.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub allow: Vec<String>,
}

/// A release that is ready.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct DeployOutcome {
    /// Name of the release.
    pub release: String,
    /// Name of the chart.
    pub chart: String,
    /// Version of chart and images.
    pub version: String,
    /// Name of the target.
    pub target: String,
    /// Helm's status of the release.
    pub helm_status: String,
    /// Status of its pods by name.
    pub pods: BTreeMap<String, String>,
    /// Whether a release of the same name was removed first.
    pub replaced: bool,
    /// Digest of the chart's archive.
    pub chart_digest: Digest,
    /// How the images were built.
    pub build: BuildOutcome,
    /// The names they have in the registry.
    pub pushed: Vec<Pushed>,
    /// Wall time of each stage, in seconds, in order.
    pub stages: Vec<(&'static str, f64)>,
    /// In the sandbox: the folder in which the DAG files are now.
    pub dags: Option<PathBuf>,
}

/// Times the stages of a job.
struct Clock {
    started: Instant,
    stages: Vec<(&'static str, f64)>,
}

impl Clock {
    fn lap(&mut self, stage: &'static str) {
        self.stages.push((stage, self.started.elapsed().as_secs_f64()));
        self.started = Instant::now();
    }
}

impl Engine {
    /// Deploys an extension.
    ///
    /// # Errors
    /// Those of every stage. Everything that can be checked is checked before the first image is
    /// built, and the target is asked whether it is there.
    pub fn deploy(
        &self,
        request: &DeployRequest,
        monitor: &Monitor,
    ) -> Result<DeployOutcome, EngineError> {
        let project = self.project(&request.project)?;
        self.hold_back(&project.root, &request.allow, monitor)?;
        let version = version_of(&project, request.version.as_deref())?;
        let chart_dir = project.chart(request.chart.as_deref())?;
        let ready = self.ready_chart(&project, chart_dir, &version, &monitor.stage("package"))?;
        let params = parameters(&ready.chart, &request.params)?;
        let chosen = self.chosen(request.engine.as_ref(), &project.root)?;
        let mut clock = Clock { started: Instant::now(), stages: Vec::new() };
        self.with_target(&request.target, monitor, async |client: Client| {
            client.health(&monitor.stage("upload")).await?;
            clock.lap("check");
            let (build, pushed) = tokio::task::block_in_place(|| {
                let built = self.build_images(&project, &request.args, &chosen, monitor)?;
                clock.lap("build");
                let pushed = self.push_images(&built, &version, SANDBOX_BUILD_VERSION, monitor)?;
                clock.lap("push");
                Ok::<_, EngineError>((built.outcome, pushed))
            })?;
            let delivered =
                self.deliver(&client, chart_dir, &ready, &params, &mut clock, monitor).await?;
            Ok(DeployOutcome {
                release: delivered.release,
                chart: ready.chart.name().to_owned(),
                version: version.clone(),
                target: client.target().name.clone(),
                helm_status: delivered.helm_status,
                pods: pods(&delivered.pods),
                replaced: delivered.replaced,
                chart_digest: ready.packaged.digest,
                build,
                pushed,
                stages: std::mem::take(&mut clock.stages),
                dags: (request.target == SANDBOX)
                    .then(|| self.sandbox_folder().join("workflows/dags")),
            })
        })
    }

    async fn deliver(
        &self,
        client: &Client,
        chart_dir: &ChartDir,
        ready: &ReadyChart,
        params: &Map<String, Value>,
        clock: &mut Clock,
        monitor: &Monitor,
    ) -> Result<Delivered, EngineError> {
        let (name, version) = (ready.chart.name(), ready.chart.version());
        let upload = monitor.stage("upload");
        upload.started(name);
        client
            .upload_chart(&ready.packaged.file_name, ready.packaged.bytes.clone(), &upload)
            .await?;
        client.wait_listed(name, version, PATIENCE, &upload).await?;
        upload.finished(name, Outcome::Done, &format!("{} is listed", ready.packaged.file_name));
        clock.lap("upload");
        let install = monitor.stage("install");
        install.started(name);
        let keywords = &chart_dir.keywords;
        let mut outcome = client.install(name, version, keywords, params, &install).await?;
        let replaced = matches!(outcome, InstallOutcome::AlreadyInstalled { .. });
        if replaced {
            // A platform knows no update: the old release has to go first.
            install.line(&format!("{} is installed already; it is replaced", outcome.release()));
            client.uninstall(outcome.release(), version, false, &install).await?;
            client.wait_gone(outcome.release(), PATIENCE, &install).await?;
            outcome = client.install(name, version, keywords, params, &install).await?;
        }
        let release = outcome.release().to_owned();
        install.finished(name, Outcome::Done, &format!("release {release}"));
        clock.lap("install");
        let follow = monitor.stage("follow");
        follow.started(&release);
        let followed = client.follow(&release, PATIENCE, &follow).await?;
        follow.finished(&release, Outcome::Done, &format!("{}, pods ready", followed.helm_status));
        clock.lap("follow");
        Ok(Delivered { release, helm_status: followed.helm_status, pods: followed.pods, replaced })
    }
}

struct Delivered {
    release: String,
    helm_status: String,
    pods: Vec<Pod>,
    replaced: bool,
}

pub(crate) fn pods(pods: &[Pod]) -> BTreeMap<String, String> {
    pods.iter().map(|pod| (pod.name.clone(), pod.status.clone())).collect()
}

/// The values of all extension parameters of a chart: what the user gave, else the default.
///
/// Types are those of the platform's form: `string`, `bool` or `boolean`, `list_single`,
/// `list_multi` (values with commas between them); `doc` and `group_name` take no value.
fn parameters(
    chart: &Chart,
    given: &BTreeMap<String, String>,
) -> Result<Map<String, Value>, EngineError> {
    let none = Map::new();
    let declared = chart.values["extension_params"].as_object().unwrap_or(&none);
    let error =
        |name: &str, reason: String| EngineError::Parameter { name: name.to_owned(), reason };
    for name in given.keys() {
        if !declared.contains_key(name) {
            let known: Vec<&str> = declared.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "it has none".to_owned() } else { known.join(", ") };
            return Err(error(name, format!("is none of chart `{}`: {known}", chart.name())));
        }
    }
    let mut values = Map::new();
    for (name, parameter) in declared {
        let default = parameter.get("default").cloned().unwrap_or(Value::Null);
        let kind = parameter["type"].as_str().unwrap_or("string");
        if matches!(kind, "doc" | "group_name") {
            continue;
        }
        let value = match given.get(name) {
            None => default,
            Some(text) => {
                read_value(parameter, kind, text).map_err(|reason| error(name, reason))?
            }
        };
        let value = match value {
            Value::Array(items) => {
                let items: Vec<String> =
                    items.iter().filter_map(|i| i.as_str().map(str::to_owned)).collect();
                join_choices(&items)
            }
            other => other,
        };
        if !value.is_null() {
            values.insert(name.clone(), value);
        }
    }
    Ok(values)
}

fn read_value(parameter: &Value, kind: &str, text: &str) -> Result<Value, String> {
    let choices: Vec<&str> =
        parameter["value"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let check = |text: &str| match choices.contains(&text) {
        true => Ok(Value::from(text)),
        false => Err(format!("can't be `{text}`; choose from {}", choices.join(", "))),
    };
    match kind {
        "bool" | "boolean" => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(format!("can't be `{text}`; it is true or false")),
        },
        "list_single" => check(text),
        "list_multi" => text
            .split(',')
            .map(|item| check(item.trim()))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        _ if text.is_empty() => Err("can't be empty".to_owned()),
        _ => Ok(Value::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        let file =
            |name: &str, text: &str| edk_chart::File { name: name.to_owned(), data: text.into() };
        let values = "global: {}\nextension_params:\n  s: {type: string, default: x}\n  b: {type: bool, default: false}\n  \
                      m: {type: list_multi, default: [a], value: [a, b, c]}\n  d: {type: doc, title: t}\n";
        let files =
            vec![file("Chart.yaml", "name: x\nversion: 0.1.0\n"), file("values.yaml", values)];
        Chart::from_files("x", files).unwrap()
    }

    fn values(given: &[(&str, &str)]) -> Result<String, String> {
        let given = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        parameters(&chart(), &given)
            .map(|map| Value::Object(map).to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn parameters_have_their_defaults_and_types() {
        assert_eq!(values(&[]).unwrap(), r#"{"s":"x","b":false,"m":"a"}"#);
        let given = [("s", "y"), ("b", "true"), ("m", "a, c")];
        assert_eq!(values(&given).unwrap(), r#"{"s":"y","b":true,"m":"a,c"}"#);
    }

    #[test]
    fn a_refused_value_says_which_parameter_and_why() {
        for (name, value, expected) in [
            ("x", "1", "parameter `x` is none of chart `x`: s, b, m, d"),
            ("b", "yes", "parameter `b` can't be `yes`; it is true or false"),
            ("m", "a,z", "parameter `m` can't be `z`; choose from a, b, c"),
            ("s", "", "parameter `s` can't be empty"),
        ] {
            assert_eq!(values(&[(name, value)]).unwrap_err(), expected);
        }
    }
}
