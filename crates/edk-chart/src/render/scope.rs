//! What `.` is in the templates of a chart (Helm: "Built-in Objects").

use gotmpl::Value;
use serde_json::Value as Json;

use super::{
    Capabilities, Release,
    engine::{Engine, by_name},
    value::{from_json, list, map_of, string},
};
use crate::{Chart, File, version::Version};

/// A chart's templates, under their full names, and what they see.
pub(super) struct Scope {
    base: String,
    templates: Vec<File>,
    is_library: bool,
    entries: Vec<(&'static str, Value)>,
}

/// Returns the scopes of `chart` and all charts in it.
pub(super) fn all(
    engine: &Engine,
    chart: &Chart,
    release: &Release,
    values: &Json,
    capabilities: &Capabilities,
) -> Vec<Scope> {
    let shared = [("Release", of_release(release)), ("Capabilities", of_cluster(capabilities))];
    let mut scopes = Vec::new();
    collect(engine, chart, chart.name(), values, &shared, &mut scopes);
    scopes
}

/// Adds the scope of `chart` and of the charts in it; returns what a parent sees of it.
fn collect(
    engine: &Engine,
    chart: &Chart,
    path: &str,
    values: &Json,
    shared: &[(&'static str, Value); 2],
    scopes: &mut Vec<Scope>,
) -> Value {
    let empty = Json::Object(serde_json::Map::new());
    let mut subcharts = Vec::new();
    for subchart in &chart.subcharts {
        let inner = values.get(subchart.name()).unwrap_or(&empty);
        let inner_path = format!("{path}/charts/{}", subchart.name());
        let seen = collect(engine, subchart, &inner_path, inner, shared, scopes);
        subcharts.push((subchart.name().to_owned(), seen));
    }
    let entries = vec![
        ("Chart", of_chart(chart, !path.contains('/'))),
        ("Files", engine.files(by_name(&chart.files))),
        ("Values", from_json(values)),
        ("Subcharts", map_of(subcharts)),
        shared[0].clone(),
        shared[1].clone(),
    ];
    let full_name = |file: &File| File { name: format!("{path}/{}", file.name), ..file.clone() };
    let scope = Scope {
        base: format!("{path}/templates"),
        templates: chart.templates.iter().map(full_name).collect(),
        is_library: chart.metadata.is_library(),
        entries,
    };
    let seen = map_of(scope.entries.iter().cloned());
    scopes.push(scope);
    seen
}

/// Returns all templates, the deepest ones first: what is defined further up wins.
pub(super) fn in_parse_order(scopes: &[Scope]) -> Vec<&File> {
    let partial = |scope: &Scope, file: &File| !scope.is_library || is_partial(&file.name);
    let mut templates: Vec<&File> = scopes
        .iter()
        .flat_map(|scope| scope.templates.iter().filter(move |file| partial(scope, file)))
        .collect();
    let depth = |file: &File| file.name.matches('/').count();
    templates.sort_by(|one, other| {
        depth(other).cmp(&depth(one)).then_with(|| other.name.cmp(&one.name))
    });
    templates
}

fn is_partial(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|base| base.starts_with('_'))
}

impl Scope {
    /// Returns the templates that are executed, not only lent to others.
    pub(super) fn executed(&self) -> impl Iterator<Item = &File> {
        self.templates.iter().filter(|file| !self.is_library && !is_partial(&file.name))
    }

    /// Returns `.` in the template `name`.
    pub(super) fn dot(&self, name: &str) -> Value {
        let template = map_of([("Name", string(name)), ("BasePath", string(self.base.as_str()))]);
        map_of(self.entries.iter().cloned().chain([("Template", template)]))
    }
}

fn of_release(release: &Release) -> Value {
    map_of([
        ("Name", string(release.name.as_str())),
        ("Namespace", string(release.namespace.as_str())),
        ("Revision", Value::Int(i64::try_from(release.revision).unwrap_or(i64::MAX))),
        ("IsInstall", Value::Bool(release.is_install)),
        ("IsUpgrade", Value::Bool(!release.is_install)),
        ("Service", string("Helm")),
    ])
}

fn of_cluster(capabilities: &Capabilities) -> Value {
    let version = capabilities.kube_version.as_str();
    let parsed = Version::lenient(version);
    let part = |number: Option<u64>| string(number.unwrap_or_default().to_string());
    let kube = map_of([
        ("Version", string(version)),
        ("GitVersion", string(version)),
        ("Major", part(parsed.as_ref().map(|version| version.major))),
        ("Minor", part(parsed.as_ref().map(|version| version.minor))),
    ]);
    let helm = map_of([("Version", string("v3.17.3")), ("GoVersion", string(""))]);
    let apis = capabilities.api_versions.iter().map(|api| string(api.as_str()));
    map_of([("KubeVersion", kube), ("APIVersions", list(apis)), ("HelmVersion", helm)])
}

fn of_chart(chart: &Chart, is_root: bool) -> Value {
    let json = serde_json::to_value(&chart.metadata).unwrap_or_default();
    let get = |key: &str| json.get(key).map_or(Value::Nil, from_json);
    let text = |key: &str| json.get(key).map_or(string(""), from_json);
    let texts = ["name", "home", "version", "description", "icon", "condition", "tags"];
    let mut entries: Vec<(String, Value)> =
        texts.iter().map(|key| (capitalised(key), text(key))).collect();
    for key in ["sources", "keywords", "annotations", "dependencies", "maintainers"] {
        entries.push((capitalised(key), get(key)));
    }
    entries.push(("APIVersion".to_owned(), text("apiVersion")));
    entries.push(("AppVersion".to_owned(), text("appVersion")));
    entries.push(("KubeVersion".to_owned(), text("kubeVersion")));
    entries.push(("Type".to_owned(), text("type")));
    entries.push(("Deprecated".to_owned(), Value::Bool(chart.metadata.deprecated)));
    entries.push(("IsRoot".to_owned(), Value::Bool(is_root)));
    map_of(entries.iter().map(|(key, value)| (key.as_str(), value.clone())))
}

fn capitalised(key: &str) -> String {
    key[..1].to_uppercase() + &key[1..]
}
