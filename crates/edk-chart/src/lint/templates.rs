//! Templates and what they render to.

use serde_json::Value;

use super::{HelmVersion, LintOptions, Report, deprecated};
use crate::{Chart, Error, Options, Release, kube::names, render, yaml};

/// The annotation that does nothing in a list.
const POLICY: &str = "helm.sh/resource-policy";
/// Kinds that need a selector.
const SELECTING: [&str; 4] = ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"];

pub(super) fn check(report: &mut Report<'_>, options: &LintOptions) {
    // Helm 3 goes on without the folder, to values and what can't be loaded.
    if !report.subject.has_templates && options.helm == HelmVersion::Four {
        report.add("lint/templates-missing", "templates", "there is no folder of templates");
        return;
    }
    let chart = match report.subject.chart() {
        Ok(chart) => chart,
        Err(findings) => {
            let own = findings
                .into_iter()
                .map(|finding| edk_model::Finding { rule: "lint/load".to_owned(), ..finding });
            return report.findings.extend(own);
        }
    };
    let misfits = match render::check_values(chart, &options.values, &options.texts) {
        Ok(misfits) => misfits,
        // Values that can't be put together are no matter of Helm's linter; rendering tells them.
        Err(_) => return,
    };
    if !misfits.is_empty() {
        // What the chart's own schema refuses was told with the values.
        let known =
            |it: &edk_model::Finding| report.findings.iter().any(|f| f.message == it.message);
        let new: Vec<_> = misfits.into_iter().filter(|it| !known(it)).collect();
        let own = new.into_iter().map(|it| edk_model::Finding { rule: "lint/schema".into(), ..it });
        return report.findings.extend(own);
    }
    let release = Release {
        name: "test-release".to_owned(),
        namespace: options.namespace.clone(),
        revision: 1,
        is_install: true,
    };
    let mut rendering = Options::new(release);
    rendering.capabilities.kube_version.clone_from(&options.kube_version);
    let texts = match render::forgiving(chart, &rendering, &options.values) {
        Ok(texts) => texts,
        Err(error) => return report.findings.push(of(chart, &error)),
    };
    for template in &chart.templates {
        let source = String::from_utf8_lossy(&template.data);
        extension(report, &template.name);
        if options.helm == HelmVersion::Three {
            gone(report, &template.name, &source);
        }
        let is_yaml = template.name.ends_with(".yaml") || template.name.ends_with(".yml");
        let text = texts.get(&format!("{}/{}", chart.name(), template.name));
        if let (true, Some(text)) = (is_yaml, text)
            && !text.trim().is_empty()
            && !documents(report, &template.name, text, options)
        {
            return;
        }
    }
}

/// A rendering that failed, as a finding in the user's file.
fn of(chart: &Chart, error: &Error) -> edk_model::Finding {
    match error {
        Error::Template { template, line, column, message, .. } => {
            let file = match template.split_once('/') {
                Some((name, file)) if name == chart.name() => chart.path_of(file),
                _ => template.clone(),
            };
            super::found("lint/render", message).in_file(file).at(*line, *column)
        }
        other => super::found("lint/render", other.to_string()).in_file(chart.path_of("templates")),
    }
}

fn extension(report: &mut Report<'_>, name: &str) {
    let base = name.rsplit('/').next().unwrap_or_default();
    let extension = base.rsplit_once('.').map_or("", |(_, extension)| extension);
    if !matches!(extension, "yaml" | "yml" | "tpl" | "txt") {
        let message = format!("a template can't end in `.{extension}`");
        report.add("lint/template-extension", name, message);
        report.fix("name it .yaml, .yml, .tpl or .txt, or move it out of templates/");
    }
}

/// What Helm 2 had and Helm 3 has not; comments count as well.
fn gone(report: &mut Report<'_>, name: &str, source: &str) {
    let is_hook = |line: &str| {
        let Some((_, rest)) = line.split_once("hook:") else { return false };
        rest.trim_start().starts_with("crd-install") && line.contains("helm.sh/hook:")
    };
    if let Some(at) = source.lines().position(is_hook) {
        let message = "crd-install is no hook since Helm 3";
        report.add_at("lint/crd-hook", name, Some(at + 1), message);
        report.fix("put the definition into crds/");
    }
    if let Some(at) = source.lines().position(|line| line.contains(".Release.Time")) {
        let message = ".Release.Time is gone since Helm 3";
        report.add_at("lint/release-time", name, Some(at + 1), message);
        report.fix("use the function `now`");
    }
}

/// Looks at the documents a template rendered to; says whether all could be read.
fn documents(report: &mut Report<'_>, name: &str, text: &str, options: &LintOptions) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if first.starts_with([' ', '\t']) {
        let message = format!("the first document starts with blanks: `{first}`");
        report.add("lint/indent", name, message);
    }
    for document in split(text) {
        let parsed = document
            .and_then(|document| yaml::parse(document, name).map_err(|finding| finding.message));
        let object = match parsed.and_then(|object| shape(&object).map(|()| object)) {
            Ok(object) => object,
            Err(message) => {
                report.add("lint/yaml", name, format!("what it renders to is wrong: {message}"));
                return false;
            }
        };
        if !object.is_null() {
            self::object(report, name, &object, text, options);
        }
    }
    true
}

/// Splits a text at the lines that start with `---`, and keeps the blanks around the documents. Where
/// more stands behind the dashes than a comment, the document before it can't be read.
fn split(text: &str) -> Vec<Result<&str, String>> {
    let (mut documents, mut start, mut at) = (Vec::new(), 0, 0);
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if let Some(rest) = line.strip_prefix("---").map(str::trim) {
            if !rest.is_empty() && !rest.starts_with('#') {
                documents.push(Err(format!("`{rest}` stands behind dashes between documents")));
                return documents;
            }
            documents.push(Ok(&text[start..at]));
            start = end;
        }
        at = end;
    }
    documents.push(Ok(&text[start..]));
    documents.retain(|it| it.as_ref().is_ok_and(|document| !document.trim().is_empty()));
    documents
}

/// What Helm needs of a document to look at it.
fn shape(object: &Value) -> Result<(), String> {
    let text = |value: Option<&Value>, what: &str| match value {
        Some(Value::Array(_) | Value::Object(_)) => Err(format!("{what} is no text")),
        _ => Ok(()),
    };
    match object {
        Value::Null => Ok(()),
        Value::Object(map) => {
            text(map.get("apiVersion"), "`apiVersion`")?;
            text(map.get("kind"), "`kind`")?;
            match map.get("metadata") {
                None | Some(Value::Null) => Ok(()),
                Some(Value::Object(metadata)) => {
                    text(metadata.get("name"), "`metadata.name`")?;
                    text(metadata.get("namespace"), "`metadata.namespace`")
                }
                Some(_) => Err("`metadata` is no map".to_owned()),
            }
        }
        _ => Err("it is no map".to_owned()),
    }
}

fn object(report: &mut Report<'_>, file: &str, object: &Value, text: &str, options: &LintOptions) {
    let word = |pointer: &str| match object.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let (api, kind, name) = (word("/apiVersion"), word("/kind"), word("/metadata/name"));
    if let Some(rule) = names::wrong_name(&kind, &name) {
        let message = format!("{kind} can't be called `{name}`: {rule}");
        report.add("lint/object-name", file, message);
    }
    if let Some(notice) = deprecated::notice(&api, &kind, options) {
        report.add("lint/deprecated-api", file, notice);
    }
    // Helm looks at the whole text of the template.
    let selects = text.contains("matchLabels") || text.contains("matchExpressions");
    if SELECTING.contains(&kind.as_str()) && !selects {
        let message = format!("{kind} `{name}` has neither matchLabels nor matchExpressions");
        report.add("lint/selector", file, message);
        report.fix("add `spec.selector.matchLabels` with the labels of the pod template");
    }
    let items = object.get("items").and_then(Value::as_array).filter(|_| kind == "List");
    let keeps = |item: &Value| {
        item.pointer("/metadata/annotations").is_some_and(|it| it.get(POLICY).is_some())
    };
    if items.is_some_and(|items| items.iter().any(keeps)) {
        let message = format!("the annotation {POLICY} does nothing on objects in a List");
        report.add("lint/list-annotation", file, message);
        report.fix("write the objects as documents of their own");
    }
}
