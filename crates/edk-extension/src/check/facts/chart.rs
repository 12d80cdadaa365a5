//! What a chart says, and what it renders to on a platform.

use std::collections::BTreeMap;

use edk_chart::{
    Capabilities, Chart, File as ChartFile, Ignore, LintOptions, LintSubject, Manifest, Refused,
    Release, Sources, check_values, lint,
    platform::{Preflight, preflight_unrendered},
    refused, render, resolve, yaml,
};
use edk_model::{Explain as _, Finding};
use serde_json::{Map, Value, json};

use crate::check::{profile::Profile, tree::Tree};

/// What a platform's namespaces are called while we look: names that nobody writes by hand.
pub(crate) const ADMIN: &str = "edk-admin-namespace";
pub(crate) const SERVICES: &str = "edk-services-namespace";
pub(crate) const REGISTRY: &str = "registry.example/platform";
pub(crate) const BUILD_VERSION: &str = "0.0.0-edk";

/// A chart of the project.
#[derive(Debug)]
pub struct ChartFacts {
    /// Its folder.
    pub folder: String,
    /// `Chart.yaml` as a value, null when it can't be read.
    pub metadata: Value,
    /// The chart, when it could be loaded.
    pub chart: Option<Chart>,
    /// What is wrong with its files.
    pub findings: Vec<Finding>,
    /// Its files by name below the folder, without what `.helmignore` names, and their sizes.
    pub files: BTreeMap<String, u64>,
}

/// What a chart renders to, and what those say who would take it.
#[derive(Debug, Default)]
pub struct RenderedFacts {
    /// Objects with two releases each: their names tell what depends on the release.
    pub first: Vec<Manifest>,
    /// The same of another release.
    pub second: Vec<Manifest>,
    /// Why it can't be rendered: template, line, column and message.
    pub failure: Option<(Option<String>, usize, usize, String)>,
    /// Dependencies nobody has.
    pub missing: Vec<String>,
    /// What Helm's linter says, in files of the tree.
    pub lint: Vec<Finding>,
    /// What the schemas of the chart and the charts in it refuse of their values.
    pub schema: Vec<Finding>,
    /// What Kubernetes refuses of the objects, each with the template it comes from.
    pub refused: Vec<(String, Refused)>,
    /// What the preflight of a delivery says without rendering.
    pub preflight: Vec<Finding>,
}

impl ChartFacts {
    /// Reads the chart in `folder`.
    pub fn read(tree: &Tree, folder: &str) -> Self {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let ignore = tree.text(&format!("{prefix}.helmignore")).unwrap_or_default();
        let mut findings = Vec::new();
        let ignore = match Ignore::parse(ignore, &format!("{prefix}.helmignore")) {
            Ok(ignore) => ignore,
            Err(found) => {
                findings.extend(found);
                Ignore::default()
            }
        };
        let mut files = BTreeMap::new();
        let mut data = Vec::new();
        for file in tree.below(folder) {
            let name = &file.path[prefix.len()..];
            if file.link || hidden(&ignore, name) {
                continue;
            }
            files.insert(name.to_owned(), file.size);
            if file.size == file.data.len() as u64 {
                data.push(ChartFile { name: name.to_owned(), data: file.data.to_vec() });
            }
        }
        let text = tree.text(&format!("{prefix}Chart.yaml")).unwrap_or_default();
        let metadata = yaml::parse(text, "Chart.yaml").unwrap_or(Value::Null);
        let origin = if folder.is_empty() { "." } else { folder };
        let chart = match Chart::from_files(origin, data) {
            Ok(chart) => Some(chart),
            Err(error) => {
                let found = error.findings();
                let alone = Finding::error("C11", error.to_string());
                let alone = alone.in_file(format!("{prefix}Chart.yaml"));
                findings.extend(if found.is_empty() { vec![alone] } else { found });
                None
            }
        };
        for finding in &mut findings {
            finding.rule = "C11".to_owned();
            below_root(finding);
        }
        Self { folder: folder.to_owned(), metadata, chart, findings, files }
    }

    /// Returns the path of a file of the chart.
    pub fn path(&self, name: &str) -> String {
        if self.folder.is_empty() { name.to_owned() } else { format!("{}/{name}", self.folder) }
    }

    /// Returns the keywords.
    pub fn keywords(&self) -> Vec<&str> {
        strings(&self.metadata["keywords"])
    }

    /// Says whether it has a keyword.
    pub fn has(&self, keyword: &str) -> bool {
        self.keywords().contains(&keyword)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        self.metadata["name"].as_str().unwrap_or_default()
    }

    /// Returns the values.
    pub fn values(&self) -> &Value {
        self.chart.as_ref().map_or(&Value::Null, |chart| &chart.values)
    }

    /// Returns `global` of the values.
    pub fn global(&self) -> Option<&Map<String, Value>> {
        self.values()["global"].as_object()
    }

    /// Says whether it is one that a platform lists: it has a keyword of an extension.
    pub fn is_extension(&self) -> bool {
        let known = ["kaapanaworkflow", "kaapanaapplication", "kaapanaworkflow-v2"];
        self.keywords().iter().any(|it| known.contains(it))
    }

    /// Says whether it is a part of a platform or only lends templates.
    pub fn is_internal(&self) -> bool {
        self.metadata["type"] == "library" || !self.metadata["kaapana_type"].is_null()
    }

    /// Returns names of the dependencies and their repositories, from either file.
    pub fn dependencies(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.chart.iter().flat_map(|chart| &chart.metadata.dependencies);
        all.map(|it| (it.name.as_str(), it.repository.as_str()))
    }

    /// Returns the text of a template or another file of the chart.
    pub fn template_files(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.chart.iter().flat_map(|chart| &chart.templates);
        files.filter_map(|it| Some((it.name.as_str(), std::str::from_utf8(&it.data).ok()?)))
    }
}

/// Returns the texts in a list.
pub(crate) fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn hidden(ignore: &Ignore, name: &str) -> bool {
    let folders = name.match_indices('/').map(|(at, _)| &name[..at]);
    folders.into_iter().any(|folder| ignore.ignores(folder, true)) || ignore.ignores(name, false)
}

/// Returns a chart with the charts it needs in it, from the project or those we bring, and the names
/// of those that nobody has. What is missing is stood in for by a chart that defines what it is known
/// to define, so that the rest can be looked at.
fn completed(
    chart: &Chart,
    project: &BTreeMap<&str, &Chart>,
    depth: usize,
) -> (Chart, Vec<String>) {
    let (mut whole, mut missing) = (chart.clone(), Vec::new());
    for dependency in &chart.metadata.dependencies {
        if whole.subchart(&dependency.name).is_some() {
            continue;
        }
        if let Some(own) = project.get(dependency.name.as_str()).filter(|_| depth < 8) {
            let (own, more) = completed(own, project, depth + 1);
            whole.subcharts.push(own);
            missing.extend(more);
        } else {
            let mut alone = chart.clone();
            alone.folder = None;
            alone.subcharts.clear();
            alone.metadata.dependencies.retain(|it| it.name == dependency.name);
            match resolve(&alone, &Sources::default()) {
                Ok(mut with) if !with.subcharts.is_empty() => {
                    whole.subcharts.append(&mut with.subcharts);
                }
                _ => {
                    missing.push(dependency.name.clone());
                    whole.subcharts.extend(stand_in(&dependency.name));
                }
            }
        }
    }
    (whole, missing)
}

fn stand_in(name: &str) -> Option<Chart> {
    let defines: String = Profile::get()
        .helpers
        .iter()
        .map(|helper| format!("{{{{ define \"{helper}\" }}}}{{{{ end }}}}\n"))
        .collect();
    let metadata = format!("apiVersion: v1\nname: {name}\nversion: 0.0.0\n");
    let file = |name: &str, text: String| ChartFile { name: name.to_owned(), data: text.into() };
    let files = vec![file("Chart.yaml", metadata), file("templates/_helpers.tpl", defines)];
    Chart::from_files(name, files).ok()
}

/// What the platform puts under `global` when it tries a chart; no extension parameters.
fn platform_values(chart: &Chart) -> Value {
    let mut global = Map::new();
    for name in &Profile::get().globals {
        global.insert(name.clone(), Value::String(format!("edk-{}", name.replace('_', "-"))));
    }
    let known = json!({
        "registry_url": REGISTRY, "kaapana_build_version": BUILD_VERSION,
        "admin_namespace": ADMIN, "helm_namespace": ADMIN, "services_namespace": SERVICES,
        "pull_policy_images": "IfNotPresent", "https_port": "443", "storage_class_slow": "edk-slow",
        "gpu_support": true, "offline_mode": false, "dev_mode": false, "http_proxy": "", "https_proxy": "",
        "main_node_name": "edk-node",
    });
    global.extend(known.as_object().cloned().unwrap_or_default());
    if chart.metadata.keywords.iter().any(|it| it == "kaapanamultiinstallable") {
        global.insert("project_id".to_owned(), json!("5f3b8c1e-0000-4000-8000-000000000001"));
        global.insert("project_name".to_owned(), json!("project"));
        global.insert("project_namespace".to_owned(), json!("project-project"));
    }
    // The chart's own texts and lists beat what the platform sends.
    for (key, value) in chart.values["global"].as_object().into_iter().flatten() {
        let strong = match value {
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => false,
        };
        if strong || !global.contains_key(key) {
            global.insert(key.clone(), value.clone());
        }
    }
    json!({ "global": global })
}

impl RenderedFacts {
    /// Renders a chart as the platform's check of an upload does.
    pub fn of(chart: &Chart, project: &BTreeMap<&str, &Chart>) -> Self {
        let (mut whole, missing) = completed(chart, project, 0);
        // What is missing is told by a rule of its own; the rest is of interest all the same.
        let held: Vec<String> = whole.subcharts.iter().map(|it| it.name().to_owned()).collect();
        whole.metadata.dependencies.retain(|it| held.contains(&it.name));
        let values = platform_values(chart);
        let once = |name: &str| {
            let release = Release {
                name: name.to_owned(),
                namespace: ADMIN.to_owned(),
                revision: 1,
                is_install: true,
            };
            render(&whole, &release, &values, &Capabilities::default())
        };
        let mut facts = Self { missing, ..Self::default() };
        facts.judge(chart, &whole, &values);
        match once(&format!("{}-first", chart.name())) {
            Ok(rendered) => facts.first = rendered.manifests,
            // These are `schema`.
            Err(edk_chart::Error::Values { .. }) => return facts,
            Err(error) => facts.failure = Some(told(&error)),
        }
        if facts.failure.is_none()
            && chart.metadata.keywords.iter().any(|it| it == "kaapanamultiinstallable")
        {
            let second = once(&format!("{}-second", chart.name()));
            facts.second = second.map(|it| it.manifests).unwrap_or_default();
        }
        // An object that a stand-in had a part in may be whole on a platform.
        if facts.missing.is_empty() {
            let one = |it: &Manifest| {
                let source = it.source.clone();
                refused(&whole, it).into_iter().map(move |found| (source.clone(), found))
            };
            facts.refused = facts.first.iter().flat_map(one).collect();
        }
        facts
    }

    /// Asks those who would take the chart. What is told of `whole` is told of the files it is from.
    fn judge(&mut self, chart: &Chart, whole: &Chart, values: &Value) {
        let options = LintOptions {
            values: values.clone(),
            namespace: ADMIN.to_owned(),
            ..LintOptions::default()
        };
        self.lint = lint(&LintSubject::of(whole.clone()), &options);
        if has_schema(whole) {
            self.schema = check_values(whole, values, &[]).unwrap_or_default();
        }
        self.preflight = preflight_unrendered(chart, &Preflight::default());
        for finding in self.lint.iter_mut().chain(&mut self.schema).chain(&mut self.preflight) {
            below_root(finding);
        }
    }
}

fn has_schema(chart: &Chart) -> bool {
    chart.schema.is_some() || chart.subcharts.iter().any(has_schema)
}

/// Names the file of a finding as the tree does: a chart in its root has the origin `.`.
fn below_root(finding: &mut Finding) {
    if let Some(file) = &mut finding.file
        && let Some(inner) = file.strip_prefix("./")
    {
        *file = inner.to_owned();
    }
}

fn told(error: &edk_chart::Error) -> (Option<String>, usize, usize, String) {
    match error {
        edk_chart::Error::Template { template, line, column, message, .. } => {
            (Some(template.clone()), *line, *column, message.clone())
        }
        edk_chart::Error::Output { template, finding } => (
            Some(template.clone()),
            0,
            0,
            format!("what it renders to is no YAML: {}", finding.message),
        ),
        other => (None, 0, 0, other.to_string()),
    }
}
