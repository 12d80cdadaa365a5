//! The preflight itself.

use std::cell::OnceCell;

use edk_model::{Explain as _, Finding, Severity, names};
use serde_json::{Map, Value};

use super::{Platform, globals, loose, objects, parameter, passage, rules};
use crate::{Chart, File, places::Places, version::Version};
use rules::found;

const KEYWORDS: [&str; 2] = ["kaapanaworkflow", "kaapanaapplication"];

/// What is known about the platform a chart goes to.
#[derive(Debug, Clone, Default)]
pub struct Preflight {
    /// Its release.
    pub platform: Platform,
    /// The name of the file that is sent; without one, the name that packaging gives it.
    pub file_name: Option<String>,
    /// The versions of the chart that are listed already.
    pub listed: Vec<String>,
    /// Ids of rules that the user lets pass.
    pub forced: Vec<String>,
}

/// Returns what a platform would do with `chart`, which must hold the charts it needs: errors are
/// what must not be sent. What is forced is a warning.
pub fn preflight(chart: &Chart, about: &Preflight) -> Vec<Finding> {
    let mut findings = preflight_unrendered(chart, about);
    let mut objects = objects::check(chart, about.platform);
    objects.retain_mut(|finding| settle(finding, about));
    findings.extend(objects);
    findings
}

/// Returns of [`preflight`] what is told without rendering the chart, which need not hold the charts it
/// needs.
pub fn preflight_unrendered(chart: &Chart, about: &Preflight) -> Vec<Finding> {
    let mut check = Check {
        chart,
        findings: Vec::new(),
        metadata_places: OnceCell::new(),
        value_places: OnceCell::new(),
    };
    check.name_and_version(about);
    check.metadata();
    check.values(about.platform);
    let mut findings = check.findings;
    findings.retain_mut(|finding| settle(finding, about));
    findings
}

/// Returns what a platform would do with a packaged chart, which was read from `bytes`.
pub fn preflight_archive(bytes: &[u8], file_name: &str, about: &Preflight) -> Vec<Finding> {
    let about = Preflight { file_name: Some(file_name.to_owned()), ..about.clone() };
    let chart = match Chart::read(bytes, file_name) {
        Ok(chart) => chart,
        Err(error) => {
            let reasons = error.findings();
            let mut message = format!("no chart can be read from it: {error}");
            if let Some(source) = std::error::Error::source(&error) {
                message.push_str(&format!(": {source}"));
            }
            let own = found("platform/archive", message).in_file(file_name);
            return [vec![own.fix("package it again with `edk package`")], reasons].concat();
        }
    };
    let mut findings = preflight(&chart, &about);
    let requirements = format!("{}/requirements.yaml", chart.name());
    if !chart.metadata.is_v1() && has_entry(bytes, &requirements) {
        let message = "a chart of apiVersion v2 has a requirements.yaml";
        let finding = found("platform/requirements-v2", message).in_file(&requirements);
        let mut finding = finding.fix("move its dependencies to Chart.yaml");
        if settle(&mut finding, &about) {
            findings.push(finding);
        }
    }
    findings
}

fn has_entry(bytes: &[u8], name: &str) -> bool {
    let limits = edk_archive::Limits { total_bytes: 100 * 1024 * 1024, entries: 20_000 };
    let entries = edk_archive::read_files(bytes, &limits).unwrap_or_default();
    entries.iter().any(|(path, _)| path == std::path::Path::new(name))
}

/// Gives a finding its severity on the platform; says whether it matters there.
fn settle(finding: &mut Finding, about: &Preflight) -> bool {
    let Some(rule) = rules::rule(&finding.rule) else { return true };
    let Some(severity) = rule.on(about.platform) else { return false };
    finding.severity = severity;
    let forced = rule.can_be_forced && about.forced.iter().any(|id| id == rule.id);
    if forced && severity == Severity::Error {
        finding.severity = Severity::Warning;
    }
    true
}

/// Checks the name and version of a chart before it is sent or installed.
pub fn check_names(name: &str, version: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(reason) = names::dns_label(name, names::MAX_CHART_NAME) {
        let message = format!("the chart name `{name}` {reason}");
        findings.push(found("platform/chart-name", message).fix("rename the chart"));
    }
    if !is_semantic(version) {
        let message = format!("the chart version `{version}` is no semantic version");
        findings.push(found("platform/version", message).fix("use a version such as 0.1.0"));
    }
    findings
}

/// Three numbers, and the rest in signs that no shell acts on.
fn is_semantic(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    core.split('.').count() == 3 && !core.starts_with('v') && Version::lenient(version).is_some()
}

/// Checks that `file_name` is `<name>-<version>.tgz`; returns name and version when it is.
///
/// # Errors
/// The finding, when it is not.
pub fn chart_file(file_name: &str) -> Result<(&str, &str), Box<Finding>> {
    let split = || {
        let stem = file_name.strip_suffix(".tgz")?;
        // A version may hold dashes, and so may a name.
        let dashes = stem.match_indices('-').map(|(at, _)| at);
        let mut parts = dashes.map(|at| (&stem[..at], &stem[at + 1..]));
        parts.find(|(name, version)| check_names(name, version).is_empty())
    };
    split().ok_or_else(|| {
        let message = format!("`{file_name}` is not <name>-<version>.tgz");
        let fix = "package the chart again under its own name and version";
        Box::new(found("platform/file-name", message).fix(fix))
    })
}

/// Checks that `version` can be sorted among the versions already `listed`.
///
/// # Errors
/// The finding that names the first version which can't be compared.
pub fn comparable(version: &str, listed: &[String]) -> Result<(), Box<Finding>> {
    match listed.iter().find(|other| loose::compare_versions(version, other).is_none()) {
        None => Ok(()),
        Some(other) => {
            let message =
                format!("the platform can't compare version `{version}` with its `{other}`");
            let finding = found("platform/version-comparable", message);
            Err(Box::new(finding.fix("use a version of three plain numbers")))
        }
    }
}

struct Check<'a> {
    chart: &'a Chart,
    findings: Vec<Finding>,
    /// Where values stand in the two files, once somebody asks.
    metadata_places: OnceCell<Option<Places>>,
    value_places: OnceCell<Option<Places>>,
}

fn places(file: Option<&File>) -> Option<Places> {
    file.map(|file| Places::of(&String::from_utf8_lossy(&file.data)))
}

fn placed(finding: Finding, places: &Option<Places>, pointer: &str) -> Finding {
    match places.as_ref().and_then(|places| places.find(pointer)) {
        Some((line, column)) => finding.at(line, column),
        None => finding,
    }
}

impl Check<'_> {
    /// Adds a finding about the value at `pointer` of Chart.yaml.
    fn metadata_at(&mut self, pointer: &str, finding: Finding) {
        let (chart, finding) = (self.chart, finding.in_file(self.chart.path_of("Chart.yaml")));
        let places = self.metadata_places.get_or_init(|| places(Some(&chart.metadata_file)));
        self.findings.push(placed(finding, places, pointer));
    }

    /// Adds a finding about the value at `pointer` of values.yaml.
    fn value_at(&mut self, pointer: &str, finding: Finding) {
        let (chart, finding) = (self.chart, finding.in_file(self.chart.path_of("values.yaml")));
        let places = self.value_places.get_or_init(|| places(chart.values_file.as_ref()));
        self.findings.push(placed(finding, places, pointer));
    }

    fn name_and_version(&mut self, about: &Preflight) {
        let (name, version) = (self.chart.name(), self.chart.version());
        for finding in check_names(name, version) {
            let key = if finding.rule == "platform/version" { "/version" } else { "/name" };
            self.metadata_at(key, finding);
        }
        if is_semantic(version)
            && let Err(reason) = names::plain_version(version)
        {
            let message = format!("the chart version `{version}` {reason}");
            let fix = "use three numbers, such as 0.1.0";
            self.metadata_at("/version", found("platform/version-plain", message).fix(fix));
        }
        if let Err(finding) = comparable(version, &about.listed) {
            self.metadata_at("/version", *finding);
        }
        let expected = format!("{name}-{version}.tgz");
        if let Some(file) = about.file_name.as_ref().filter(|file| **file != expected) {
            let message = format!("the file is called `{file}`, not `{expected}`");
            self.metadata_at("/name", found("platform/file-name", message).fix("rename the file"));
        }
        let multi = self.chart.metadata.keywords.iter().any(|it| it == "kaapanamultiinstallable");
        if multi && name.len() > 32 {
            let message = format!("`{name}` has {} characters; a launch adds 21", name.len());
            self.metadata_at(
                "/name",
                found("platform/launch-name", message).fix("use a shorter name"),
            );
        }
    }

    fn metadata(&mut self) {
        let metadata = &self.chart.metadata;
        if metadata.description.trim().is_empty() {
            let message = "the chart has no description; the platform can't list it";
            let finding = found("platform/description", message);
            self.metadata_at("/description", finding.fix("add a description to Chart.yaml"));
        }
        if !metadata.keywords.iter().any(|keyword| KEYWORDS.contains(&keyword.as_str())) {
            let message = "the chart has neither the keyword kaapanaworkflow nor \
                           kaapanaapplication; the platform does not list it";
            let finding = found("platform/keywords", message);
            self.metadata_at(
                "/keywords",
                finding.fix("add one of the two to `keywords` in Chart.yaml"),
            );
        }
        for (at, keyword) in metadata.keywords.iter().enumerate() {
            if !crate::kube::names::is_qualified(&format!("kaapana.ai/{keyword}")) {
                let message = format!("the keyword `{keyword}` can't be the name of a label");
                let fix = "use letters, digits and `-_.`, at most 63";
                let finding = found("platform/keyword-label", message).fix(fix);
                self.metadata_at(&format!("/keywords/{at}"), finding);
            }
        }
        let experimental = metadata.keywords.iter().position(|it| it == "kaapanaexperimental");
        if let Some(at) = experimental {
            let message = "the page of extensions hides an experimental chart at first";
            self.metadata_at(&format!("/keywords/{at}"), found("platform/experimental", message));
        }
    }

    fn values(&mut self, platform: Platform) {
        let none = Map::new();
        if self.chart.values_file.is_none() {
            let message = "the chart has no values.yaml; the platform fails to list it";
            let finding = found("platform/global", message);
            self.value_at("", finding.fix("add a values.yaml with `global: {}`"));
        } else {
            match self.chart.values.get("global") {
                Some(Value::Object(_)) => {}
                Some(_) => {
                    let finding = found("platform/global", "`global` is no map");
                    self.value_at("/global", finding.fix("write `global: {}`"));
                }
                None => {
                    let message = "values.yaml has no `global`; the platform fails to list it";
                    self.value_at("", found("platform/global", message).fix("add `global: {}`"));
                }
            }
        }
        let global = self.chart.values.get("global").and_then(Value::as_object).unwrap_or(&none);
        self.global(global);
        match self.chart.values.get("extension_params") {
            None => {}
            Some(Value::Object(params)) => self.params(params, global, platform),
            Some(_) => {
                let message = "`extension_params` is no map; the platform fails to list the chart";
                let finding = found("platform/parameters-shape", message);
                self.value_at("/extension_params", finding.fix("write a map, or leave it out"));
            }
        }
    }

    /// What the chart's own texts lose when they are sent.
    fn global(&mut self, global: &Map<String, Value>) {
        for (key, value) in global {
            let text = value.as_str().unwrap_or_default();
            if text.contains([' ', '\\']) && !is_free_of_arguments(text) {
                let message = format!("`global.{key}` loses its blanks and backslashes");
                let fix = "write it without them, or move it out of `global`";
                let pointer = format!("/global/{}", crate::places::escaped(key));
                self.value_at(&pointer, found("platform/global-changed", message).fix(fix));
            }
        }
    }

    fn params(
        &mut self,
        params: &Map<String, Value>,
        global: &Map<String, Value>,
        platform: Platform,
    ) {
        let known = globals::platform_globals("", "");
        let at = |key: &str| format!("/extension_params/{}", crate::places::escaped(key));
        for (key, param) in params {
            if !param.is_object() {
                let message = format!("the parameter `{key}` is no map; the list fails");
                let finding = found("platform/parameters-shape", message);
                self.value_at(&at(key), finding.fix("give it a type and a default"));
            }
            if global.get(key).is_some_and(|value| passage::beats(value, platform)) {
                let message = format!("the parameter `{key}` is ignored: `global.{key}` wins");
                let fix = "take the value out of `global`, or make it an empty text";
                self.value_at(&at(key), found("platform/parameter-shadowed", message).fix(fix));
            }
            if known.contains_key(key) && key != "helm_namespace" {
                let message = format!("the parameter `{key}` replaces a value of the platform");
                self.value_at(&at(key), found("platform/parameter-global", message));
            }
        }
        for (key, finding) in parameter::faults(self.chart) {
            self.value_at(&at(&key), finding);
        }
        // A chart with an answer that can't be given is told by the rules above.
        let defaults = parameter::answers(self.chart, &std::collections::BTreeMap::new());
        for (key, value) in defaults.unwrap_or_default() {
            for finding in passage::sent_parameters(&Map::from_iter([(key.clone(), value)])) {
                self.value_at(&at(&key), finding);
            }
        }
    }
}

/// Says whether the blanks of a text stand only inside of the braces of plain references, which
/// mean the same without them: `{{ .Values.global.services_namespace }}`.
fn is_free_of_arguments(text: &str) -> bool {
    let mut rest = text;
    loop {
        let Some((before, after)) = rest.split_once("{{") else {
            return !rest.contains([' ', '\\']);
        };
        let Some((inside, after)) = after.split_once("}}") else { return false };
        if before.contains([' ', '\\']) || inside.trim().contains([' ', '\\']) {
            return false;
        }
        rest = after;
    }
}
