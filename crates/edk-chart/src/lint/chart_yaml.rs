//! `Chart.yaml`.

use edk_model::Finding;
use serde_json::Value;

use super::{HelmVersion, LintOptions, Report, web};
use crate::{
    Metadata,
    load::text_of,
    metadata::{KEYS, canonical, line_of},
    version::Version,
    yaml,
};

const FILE: &str = "Chart.yaml";

pub(super) fn check(report: &mut Report<'_>, options: &LintOptions) {
    let text = String::from_utf8_lossy(&report.subject.chart_yaml).into_owned();
    let name = report.subject.path_of(FILE);
    let parsed = text_of(&report.subject.chart_yaml, &name).and_then(|text| read(text, &name));
    let (value, metadata) = match parsed {
        Ok(parsed) => parsed,
        Err(finding) => {
            let rule = "lint/chart-yaml".to_owned();
            return report.findings.push(Finding { rule, ..finding });
        }
    };
    let mut check = Check { report, text: &text, value: &value, metadata: &metadata };
    if options.helm == HelmVersion::Four {
        check.keys();
    }
    check.name();
    check.version(options.helm);
    check.app_version();
    check.api_version();
    check.people();
    check.addresses();
    check.kind();
}

/// Reads the file. Items of nothing in a list are told by other rules.
fn read(text: &str, name: &str) -> Result<(Value, Metadata), Finding> {
    let mut value = yaml::parse(text, name)?;
    if !matches!(value, Value::Object(_) | Value::Null) {
        let finding = Finding::error("lint/chart-yaml", "it is not a map");
        return Err(finding.in_file(name).at(1, 1));
    }
    canonical(&mut value);
    let mut filled = value.clone();
    for key in ["dependencies", "maintainers"] {
        if let Some(Value::Array(items)) = filled.get_mut(key) {
            items.retain(|item| !item.is_null());
        }
    }
    let metadata = Metadata::from_value(&filled, text, name)?;
    Ok((value, metadata))
}

struct Check<'a, 'r> {
    report: &'a mut Report<'r>,
    text: &'a str,
    value: &'a Value,
    metadata: &'a Metadata,
}

impl Check<'_, '_> {
    fn add(&mut self, rule: &str, key: &str, message: impl Into<String>) {
        self.report.add_at(rule, FILE, line_of(self.text, key), message);
    }

    /// Helm 4 warns once, of the first key that it does not know or that is there twice.
    fn keys(&mut self) {
        let mut seen: Vec<&str> = Vec::new();
        let top = self.text.lines().filter(|line| !line.starts_with([' ', '#', '-', '\t']));
        for key in top.filter_map(|line| Some(line.split_once(':')?.0.trim_matches(['"', '\'']))) {
            let wrong = match (KEYS.contains(&key), seen.contains(&key)) {
                (false, _) => format!("`{key}` is a key that Helm does not know"),
                (_, true) => format!("`{key}` is there twice"),
                _ => {
                    seen.push(key);
                    continue;
                }
            };
            return self.add("lint/chart-yaml-strict", key, wrong);
        }
    }

    fn name(&mut self) {
        let name = &self.metadata.name;
        if name.is_empty() {
            self.add("lint/name", "name", "the chart has no name");
        } else if name.contains('/') {
            self.add("lint/name", "name", format!("`{name}` can't be the name of a chart"));
        }
    }

    fn version(&mut self, helm: HelmVersion) {
        let version = self.metadata.version.clone();
        if helm == HelmVersion::Four && !is_strict(&version) {
            let message = format!("`{version}` is no strict semantic version");
            self.add("lint/version-strict", "version", message);
        }
        if version.is_empty() {
            return self.add("lint/version", "version", "the chart has no version");
        }
        if !self.value["version"].is_string() {
            let message = format!("the version {} is no text", self.value["version"]);
            self.add("lint/version", "version", message);
            return self.report.fix("put it in quotes");
        }
        match Version::lenient(&version) {
            None => {
                let message = format!("`{version}` is no semantic version");
                self.add("lint/version", "version", message);
                self.report.fix("use three numbers, such as 0.1.0");
            }
            Some(it) if (it.major, it.minor, it.patch) == (0, 0, 0) && it.pre == "0" => {
                let message = format!("the version {version} is not above 0.0.0-0");
                self.add("lint/version", "version", message);
            }
            Some(_) => {}
        }
    }

    fn app_version(&mut self) {
        let Some(value) = self.value.get("appVersion") else { return };
        if !value.is_string() {
            let message = format!("the appVersion {value} is no text");
            self.add("lint/app-version", "appVersion", message);
            self.report.fix("put it in quotes");
        }
    }

    fn api_version(&mut self) {
        let api = self.value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        if api.is_empty() {
            self.add("lint/api-version", "apiVersion", "there is no apiVersion");
            self.report.fix("add `apiVersion: v2`");
        } else if !matches!(api, "v1" | "v2") {
            let message = format!("the apiVersion is `{api}`, neither v1 nor v2");
            self.add("lint/api-version", "apiVersion", message);
        }
    }

    /// Helm tells the first maintainer that is wrong.
    fn people(&mut self) {
        let people = self.value.get("maintainers").and_then(Value::as_array);
        if people.is_some_and(|people| people.iter().any(Value::is_null)) {
            return self.add("lint/maintainer", "maintainers", "a maintainer is empty");
        }
        for person in &self.metadata.maintainers {
            let wrong = if person.name.is_empty() {
                "a maintainer has no name".to_owned()
            } else if !person.email.is_empty() && !web::is_mail(&person.email) {
                format!("`{}` of {} is no address of mail", person.email, person.name)
            } else if !person.url.is_empty() && !web::is_page(&person.url) {
                format!("`{}` of {} is no address of a page", person.url, person.name)
            } else {
                continue;
            };
            return self.add("lint/maintainer", "maintainers", wrong);
        }
    }

    fn addresses(&mut self) {
        if let Some(source) = self.metadata.sources.iter().find(|source| !web::is_uri(source)) {
            self.add("lint/source", "sources", format!("`{source}` is no address"));
        }
        let icon = self.metadata.icon.clone();
        if icon.is_empty() {
            self.add("lint/icon-missing", "icon", "the chart has no icon");
        } else if !web::is_uri(&icon) {
            self.add("lint/icon", "icon", format!("the icon `{icon}` is no address"));
        }
    }

    fn kind(&mut self) {
        if self.value["apiVersion"] == "v2" {
            return;
        }
        if !self.metadata.kind.is_empty() {
            self.add("lint/type", "type", "only charts of apiVersion v2 have a type");
        }
        if !self.metadata.dependencies.is_empty() {
            let message = "a chart of apiVersion v1 names what it needs in requirements.yaml";
            self.add("lint/dependencies-v1", "dependencies", message);
        }
    }
}

/// Says whether `version` is three numbers without zeros in front, and the rest as
/// semver.org has it.
fn is_strict(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let number = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    Version::lenient(version).is_some()
        && core.split('.').count() == 3
        && core.split('.').all(number)
}
