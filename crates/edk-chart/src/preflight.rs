use edk_model::{Finding, names};
use serde_json::{Map, Value};

use crate::{Chart, metadata::line_of};

const KEYWORDS: [&str; 2] = ["kaapanaworkflow", "kaapanaapplication"];

impl Chart {
    /// Returns what makes a platform refuse, hide or break on this chart, as far as it can be told
    /// without rendering.
    pub fn preflight(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.check_name(&mut findings);
        self.check_metadata(&mut findings);
        self.check_values(&mut findings);
        self.check_requirements(&mut findings);
        findings
    }

    fn finding(&self, rule: &str, file: &str, key: &str, message: impl Into<String>) -> Finding {
        let finding = Finding::error(rule, message).in_file(self.path_of(file));
        let text = match file {
            "values.yaml" => self.values_file.as_ref().map(|file| file.data.clone()),
            _ => None,
        };
        let text = text.unwrap_or_default();
        match line_of(&String::from_utf8_lossy(&text), key) {
            Some(line) => finding.at(line, 1),
            None => finding,
        }
    }

    fn check_name(&self, findings: &mut Vec<Finding>) {
        let name = self.name();
        if let Err(reason) = names::dns_label(name, names::MAX_CHART_NAME) {
            let message = format!("the name `{name}` of the chart {reason}");
            findings.push(self.finding("chart/name", "Chart.yaml", "name", message));
        }
        let version = self.version();
        if let Err(reason) = names::plain_version(version) {
            let message = format!("the version `{version}` of the chart {reason}");
            let finding = self.finding("chart/version", "Chart.yaml", "version", message);
            findings.push(finding.fix("use three numbers, such as 0.1.0"));
        }
    }

    fn check_metadata(&self, findings: &mut Vec<Finding>) {
        let metadata = &self.metadata;
        if metadata.description.trim().is_empty() {
            let message = "the chart has no description; the platform can't list it";
            let finding = self.finding("chart/description", "Chart.yaml", "description", message);
            findings.push(finding.fix("add a description to Chart.yaml"));
        }
        if !metadata.keywords.iter().any(|keyword| KEYWORDS.contains(&keyword.as_str())) {
            let message = "the chart has neither the keyword kaapanaworkflow nor \
                           kaapanaapplication; the platform does not list it";
            let finding = self.finding("chart/keywords", "Chart.yaml", "keywords", message);
            findings.push(finding.fix("add one of the two to `keywords` in Chart.yaml"));
        }
    }

    fn check_values(&self, findings: &mut Vec<Finding>) {
        let values =
            |key: &str, message: &str| self.finding("chart/values", "values.yaml", key, message);
        if self.values_file.is_none() {
            let message = "the chart has no values.yaml; the platform fails to list it";
            findings.push(values("", message).fix("add a values.yaml with `global: {}`"));
            return;
        }
        let global = match self.values.get("global") {
            Some(Value::Object(global)) => global,
            Some(_) => {
                findings.push(values("global", "`global` is not a map"));
                return;
            }
            None => {
                let message = "values.yaml has no `global`; the platform fails to list the chart";
                findings.push(values("", message).fix("add `global: {}`"));
                return;
            }
        };
        match self.values.get("extension_params") {
            None | Some(Value::Null) => {}
            Some(Value::Object(params)) => self.check_params(params, global, findings),
            Some(_) => findings.push(values("extension_params", "`extension_params` is not a map")),
        }
    }

    fn check_params(
        &self,
        params: &Map<String, Value>,
        global: &Map<String, Value>,
        findings: &mut Vec<Finding>,
    ) {
        let mut add = |message: String, fix: &str| {
            let finding =
                self.finding("chart/extension-params", "values.yaml", "extension_params", message);
            findings.push(finding.fix(fix));
        };
        for (key, param) in params {
            let Value::Object(param) = param else {
                add(format!("the parameter `{key}` is not a map"), "give it a type and a default");
                continue;
            };
            for field in ["type", "default"] {
                if !param.contains_key(field) {
                    add(format!("the parameter `{key}` has no `{field}`"), "add it");
                }
            }
            if global.get(key).is_some_and(is_filled) {
                let message = format!("the parameter `{key}` is ignored: `global.{key}` wins");
                add(message, "remove the value from `global`, or make it an empty text");
            }
        }
    }

    fn check_requirements(&self, findings: &mut Vec<Finding>) {
        if self.metadata.is_v1() || self.file("requirements.yaml").is_none() {
            return;
        }
        let message = "a chart with apiVersion v2 has a requirements.yaml";
        findings.push(
            self.finding("chart/requirements", "requirements.yaml", "", message)
                .fix("move its dependencies to Chart.yaml"),
        );
    }
}

/// Says whether a value in `global` is sent at installation, and so wins over a parameter.
fn is_filled(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Chart, File};

    const GOOD: &str =
        "apiVersion: v1\nname: a\nversion: 0.1.0\ndescription: A.\nkeywords: [kaapanaworkflow]\n";

    #[track_caller]
    fn check(chart: &str, values: Option<&str>, rules: &[&str]) {
        let file = |name: &str, text: &str| File { name: name.into(), data: text.into() };
        let mut files = vec![file("Chart.yaml", chart)];
        files.extend(values.map(|values| file("values.yaml", values)));
        let findings = Chart::from_files("a", files).unwrap().preflight();
        let found: Vec<_> = findings.iter().map(|finding| finding.rule.as_str()).collect();
        assert_eq!(found, rules, "{chart} {values:?}");
    }

    #[test]
    fn a_good_chart_has_no_findings() {
        check(GOOD, Some("global: {}\n"), &[]);
        let params = "global: {k: ''}\nextension_params: {k: {type: string, default: x}}\n";
        check(GOOD, Some(params), &[]);
    }

    #[test]
    fn what_the_platform_trips_over_is_found() {
        check(
            "version: 0.1.0-rc1\nname: A\n",
            Some("global: {}"),
            &["chart/name", "chart/version", "chart/description", "chart/keywords"],
        );
        check(GOOD, None, &["chart/values"]);
        check(GOOD, Some(""), &["chart/values"]);
        check(GOOD, Some("global: []"), &["chart/values"]);
        check(GOOD, Some("global: {}\nextension_params: []"), &["chart/values"]);
        let param = |text: &str| format!("global: {{k: v}}\nextension_params:\n  {text}\n");
        check(GOOD, Some(&param("a: b")), &["chart/extension-params"]);
        check(GOOD, Some(&param("a: {type: string}")), &["chart/extension-params"]);
        check(GOOD, Some(&param("k: {type: string, default: x}")), &["chart/extension-params"]);
    }
}
