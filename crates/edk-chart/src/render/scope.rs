//! What `.` is in the templates of a chart (Helm: "Built-in Objects").

use std::rc::Rc;

use super::{
    Capabilities, Release,
    thing::Thing,
    value::{ANY_MAP, Entries, Map, TEXT_MAP, VALUES, Value, from_json},
};
use crate::{Chart, Dependency, Metadata, version::Version};

/// A template under its full name, and what it sees.
pub(super) struct Template {
    pub(super) name: String,
    pub(super) text: String,
    base: String,
    dot: Rc<Map>,
}

/// Returns all templates of `chart` and the charts in it, the deepest ones first: what is defined
/// further up wins.
pub(super) fn templates(
    chart: &Chart,
    release: &Release,
    values: &serde_json::Value,
    capabilities: &Capabilities,
) -> Vec<Template> {
    let shared = [("Release", of_release(release)), ("Capabilities", of_cluster(capabilities))];
    let mut templates = Vec::new();
    let values = match from_json(values) {
        Value::Map(map) => map,
        _ => Rc::new(Map::new(ANY_MAP, Entries::new())),
    };
    collect(chart, chart.name(), &values, &shared, &mut templates);
    let depth = |template: &Template| template.name.matches('/').count();
    templates.sort_by(|one, other| {
        depth(other).cmp(&depth(one)).then_with(|| other.name.cmp(&one.name))
    });
    templates
}

/// Adds the templates of `chart` and of the charts in it; returns what a parent sees of it.
fn collect(
    chart: &Chart,
    path: &str,
    values: &Map,
    shared: &[(&'static str, Value); 2],
    templates: &mut Vec<Template>,
) -> Value {
    let mut subcharts = Vec::new();
    for subchart in &chart.subcharts {
        let inner = match values.get(subchart.name().as_bytes()) {
            Some(Value::Map(inner)) => inner,
            _ => Rc::new(Map::new(ANY_MAP, Entries::new())),
        };
        let inner_path = format!("{path}/charts/{}", subchart.name());
        let seen = collect(subchart, &inner_path, &inner, shared, templates);
        subcharts.push((subchart.name(), seen));
    }
    let files = chart.files.iter().map(|file| (file.name.clone(), file.data.clone())).collect();
    let entries = [
        ("Chart", of_chart(&chart.metadata, !path.contains('/'))),
        ("Files", thing(Thing::Files(Rc::new(files)))),
        ("Values", Value::Map(Rc::new(values.typed(VALUES)))),
        ("Subcharts", Value::map_of(subcharts)),
    ];
    let entries = entries.into_iter().chain(shared.iter().cloned());
    let entries: Entries = entries.map(|(key, value)| (key.as_bytes().into(), value)).collect();
    let dot = Rc::new(Map::new(VALUES, entries));
    for file in &chart.templates {
        let name = format!("{path}/{}", file.name);
        if chart.metadata.is_library() && !is_partial(&name) {
            continue;
        }
        let text = String::from_utf8_lossy(&file.data).into_owned();
        let base = format!("{path}/templates");
        templates.push(Template { name, text, base, dot: dot.clone() });
    }
    Value::Map(dot)
}

fn is_partial(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|base| base.starts_with('_'))
}

impl Template {
    /// Says whether it only lends parts to others.
    pub(super) fn is_partial(&self) -> bool {
        is_partial(&self.name)
    }

    /// Returns `.` in the template.
    pub(super) fn dot(&self) -> Value {
        let entries = [("Name", &self.name), ("BasePath", &self.base)];
        let entries = entries.map(|(key, text)| (key.as_bytes().into(), Value::text(text)));
        let template = Map::new(VALUES, entries.into_iter().collect());
        self.dot.put(b"Template", Value::Map(Rc::new(template)));
        Value::Map(self.dot.clone())
    }

    /// Returns `.` as it is kept, to take it apart when nothing needs it any more.
    pub(super) fn root(&self) -> &Rc<Map> {
        &self.dot
    }
}

fn thing(thing: Thing) -> Value {
    Value::Thing(Rc::new(thing))
}

fn structure(go: &'static str, pointer: bool, fields: Vec<(&'static str, Value)>) -> Value {
    thing(Thing::Struct { go, pointer, fields })
}

fn of_release(release: &Release) -> Value {
    Value::map_of([
        ("Name", Value::text(&release.name)),
        ("Namespace", Value::text(&release.namespace)),
        ("Revision", Value::int(i64::try_from(release.revision).unwrap_or(i64::MAX))),
        ("IsInstall", Value::Bool(release.is_install)),
        ("IsUpgrade", Value::Bool(!release.is_install)),
        ("Service", Value::text("Helm")),
    ])
}

fn of_cluster(capabilities: &Capabilities) -> Value {
    let parsed = Version::lenient(&capabilities.kube_version);
    let part = |number: Option<u64>| number.unwrap_or_default().to_string();
    let kube = Thing::KubeVersion {
        version: capabilities.kube_version.clone(),
        major: part(parsed.as_ref().map(|version| version.major)),
        minor: part(parsed.as_ref().map(|version| version.minor)),
    };
    let helm = vec![
        ("Version", Value::text("v3.17.3")),
        ("GitCommit", Value::text("")),
        ("GitTreeState", Value::text("clean")),
        ("GoVersion", Value::text("")),
    ];
    let fields = vec![
        ("KubeVersion", thing(kube)),
        ("APIVersions", thing(Thing::Apis(capabilities.api_versions.clone()))),
        ("HelmVersion", structure("version.BuildInfo", false, helm)),
    ];
    structure("*chartutil.Capabilities", true, fields)
}

fn list_of(go: &'static str, items: Vec<Value>) -> Value {
    match items.is_empty() {
        true => Value::nil_list(go),
        false => Value::List(Rc::new(super::value::List::new(go, items))),
    }
}

fn texts(items: &[String]) -> Value {
    list_of("[]string", items.iter().map(Value::text).collect())
}

fn of_chart(metadata: &Metadata, is_root: bool) -> Value {
    let annotations: Entries = metadata
        .annotations
        .iter()
        .map(|(key, text)| (key.as_bytes().into(), Value::text(text)))
        .collect();
    let annotations = match annotations.is_empty() {
        true => Value::nil_map(TEXT_MAP),
        false => Value::Map(Rc::new(Map::new(TEXT_MAP, annotations))),
    };
    let maintainers = metadata.maintainers.iter().map(|person| {
        let fields = vec![
            ("Name", Value::text(&person.name)),
            ("Email", Value::text(&person.email)),
            ("URL", Value::text(&person.url)),
        ];
        structure("*chart.Maintainer", true, fields)
    });
    let dependencies = metadata.dependencies.iter().map(of_dependency);
    let fields = vec![
        ("Name", Value::text(&metadata.name)),
        ("Home", Value::text(&metadata.home)),
        ("Sources", texts(&metadata.sources)),
        ("Version", Value::text(&metadata.version)),
        ("Description", Value::text(&metadata.description)),
        ("Keywords", texts(&metadata.keywords)),
        ("Maintainers", list_of("[]*chart.Maintainer", maintainers.collect())),
        ("Icon", Value::text(&metadata.icon)),
        ("APIVersion", Value::text(&metadata.api_version)),
        ("Condition", Value::text(&metadata.condition)),
        ("Tags", Value::text(&metadata.tags)),
        ("AppVersion", Value::text(&metadata.app_version)),
        ("Deprecated", Value::Bool(metadata.deprecated)),
        ("Annotations", annotations),
        ("KubeVersion", Value::text(&metadata.kube_version)),
        ("Dependencies", list_of("[]*chart.Dependency", dependencies.collect())),
        ("Type", Value::text(&metadata.kind)),
        ("IsRoot", Value::Bool(is_root)),
    ];
    structure("struct { chart.Metadata; IsRoot bool }", false, fields)
}

fn of_dependency(dependency: &Dependency) -> Value {
    let fields = vec![
        ("Name", Value::text(dependency.effective_name())),
        ("Version", Value::text(&dependency.version)),
        ("Repository", Value::text(&dependency.repository)),
        ("Condition", Value::text(&dependency.condition)),
        ("Tags", texts(&dependency.tags)),
        ("Enabled", Value::Bool(true)),
        (
            "ImportValues",
            list_of("[]interface {}", dependency.import_values.iter().map(from_json).collect()),
        ),
        ("Alias", Value::text(&dependency.alias)),
    ];
    structure("*chart.Dependency", true, fields)
}
