//! What Helm refuses of a `Chart.yaml` that can be read.

use std::collections::BTreeSet;

use edk_model::Finding;

use super::{Metadata, line_of};
use crate::version::Version;

impl Metadata {
    /// Returns all that Helm refuses; `text` is the content of `file`, for places.
    pub(crate) fn check(&self, text: &str, file: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut add = |key: &str, rule: &str, message: String, fix: &str| {
            let finding = Finding::error(rule, message).in_file(file).fix(fix);
            findings.push(finding.at(line_of(text, key).unwrap_or(1), 1));
        };
        if self.name.is_empty() {
            add("name", "chart/name", "the chart has no name".into(), "add a line `name: …`");
        } else if self.name.contains('/') {
            let message = format!("`{}` can't be the name of a chart", self.name);
            add("name", "chart/name", message, "use letters, digits and - only");
        }
        if self.version.is_empty() {
            let message = "the chart has no version".into();
            add("version", "chart/version", message, "add a line such as `version: 0.1.0`");
        } else if Version::lenient(&self.version).is_none() {
            let message = format!("`{}` is not a version", self.version);
            add("version", "chart/version", message, "write it as in `1.2.3` or `1.2.3-rc.1`");
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            let message = format!("`{}` is no type of a chart", self.kind);
            add("type", "chart/type", message, "write `application` or `library`");
        }
        self.check_dependencies(&mut add);
        findings
    }

    fn check_dependencies(&self, add: &mut impl FnMut(&str, &str, String, &str)) {
        let mut names = BTreeSet::new();
        for dependency in &self.dependencies {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            if !dependency.alias.bytes().all(fits) {
                let message = format!(
                    "the alias `{}` of the dependency {} has forbidden characters",
                    dependency.alias, dependency.name
                );
                add("dependencies", "chart/alias", message, "use letters, digits, _ and - only");
            }
            let name = dependency.effective_name();
            if !names.insert(name) {
                let message = format!("there is more than one dependency called {name}");
                add("dependencies", "chart/dependency", message, "give one of them an `alias`");
            }
        }
    }
}
