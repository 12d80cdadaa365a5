//! Reads what files of the Task API say.

use std::collections::{BTreeMap, BTreeSet};

use edk_model::names;
use serde_json::Value;

use super::MOST;
use crate::check::{
    facts::{
        chart::{ChartFacts, strings},
        expr::{Call, Kind},
        python::Python,
        text::Place,
    },
    model::{Model, image_name},
    rule::Finds,
    tree::join,
};

/// Charts of the Task API.
pub(super) fn charts<'m>(m: &'m Model<'_>) -> impl Iterator<Item = &'m ChartFacts> {
    m.charts
        .iter()
        .map(|(chart, _)| &**chart)
        .filter(|it| it.has("kaapanaworkflow-v2") && it.chart.is_some())
}

/// Their `workflow.json`, those that can be read.
pub(super) fn workflows<'m>(
    m: &'m Model<'_>,
) -> impl Iterator<Item = (&'m ChartFacts, String, Value)> {
    charts(m).filter_map(|chart| {
        let file = chart.path("files/workflow.json");
        let json = serde_json::from_str(m.tree.text(&file)?).ok()?;
        Some((chart, file, json))
    })
}

/// Python files of definitions.
pub(super) fn definitions<'m>(m: &'m Model<'_>) -> impl Iterator<Item = &'m Python> {
    charts(m).flat_map(|chart| {
        let folder = chart.path("files/");
        m.python.iter().filter(move |it| it.path.starts_with(&folder)).map(|it| &**it)
    })
}

pub(super) type Broken = (Option<Place>, String);

/// Every `processing-container.json`, read or not.
pub(super) fn containers(m: &Model<'_>) -> Vec<(String, Result<Value, Broken>)> {
    let files = m.tree.files().filter(|it| it.name() == "processing-container.json");
    let read = files.filter_map(|file| {
        let text = file.text()?;
        let json = serde_json::from_str(text).map_err(|error| {
            (Some(Place::line(text, error.line())), format!("this is no JSON: {error}"))
        });
        // Such a file is a template itself; one that only reads after it was filled in is left.
        (!text.contains("{{") && !text.contains("{%")).then(|| (file.path.clone(), json))
    });
    read.collect()
}

pub(super) fn readable(m: &Model<'_>) -> impl Iterator<Item = (String, Value)> {
    containers(m).into_iter().filter_map(|(file, json)| Some((file, json.ok()?)))
}

pub(super) fn quoted(m: &Model<'_>, file: &str, word: &str) -> Option<Place> {
    Place::find(m.text(file), &format!("\"{word}\""))
}

pub(super) fn templates(json: &Value) -> impl Iterator<Item = &Value> {
    json["templates"].as_array().into_iter().flatten()
}

pub(super) fn channels<'v>(template: &'v Value, side: &str) -> impl Iterator<Item = &'v Value> {
    template[side].as_array().into_iter().flatten()
}

/// Keys that are missing or unknown; each with the key to look for.
pub(super) fn keys(
    what: &str,
    value: &Value,
    needed: &[&str],
    more: &[&str],
) -> Vec<(String, String)> {
    let Some(map) = value.as_object() else {
        return vec![(String::new(), format!("{what} is not a map"))];
    };
    let unknown =
        map.keys().filter(|it| !needed.contains(&it.as_str()) && !more.contains(&it.as_str()));
    let unknown = unknown.map(|key| (key.clone(), format!("{what} has the unknown key `{key}`")));
    let missing = needed.iter().filter(|it| map.get(**it).is_none());
    let missing = missing.map(|key| ("name".to_owned(), format!("{what} lacks `{key}`")));
    unknown.chain(missing).collect()
}

pub(super) fn container_keys(json: &Value) -> Vec<(String, String)> {
    let mut found =
        keys("the container", json, &["name", "description", "templates"], &["api_version"]);
    for template in templates(json) {
        let name = format!("template `{}`", template["identifier"].as_str().unwrap_or_default());
        let needed = ["identifier", "description", "inputs", "outputs", "env"];
        found.extend(keys(&name, template, &needed, &["command", "resources"]));
        for channel in channels(template, "inputs").chain(channels(template, "outputs")) {
            let what = format!("channel `{}`", channel["name"].as_str().unwrap_or_default());
            found.extend(keys(
                &what,
                channel,
                &["name", "mounted_path"],
                &["description", "scale_rule"],
            ));
            let rule = &channel["scale_rule"];
            if !rule.is_null() {
                let more = ["target_dir", "target_regex", "target_glob"];
                found.extend(keys(
                    "the scale rule",
                    rule,
                    &["scale_factor", "type", "mode"],
                    &more,
                ));
            }
        }
        for it in channels(template, "env") {
            let what = format!("variable `{}`", it["name"].as_str().unwrap_or_default());
            found.extend(keys(&what, it, &["name", "value"], &["choices", "description"]));
        }
        if !template["resources"].is_null() {
            found.extend(keys("resources", &template["resources"], &[], &["limits", "requests"]));
        }
    }
    found
}

pub(super) fn names_of(json: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut tell = |key: &str, message: String| found.push((key.to_owned(), message));
    if !json["api_version"].is_null() && json["api_version"] != 1 {
        tell("api_version", "`api_version` is not 1".to_owned());
    }
    let mut identifiers = BTreeSet::new();
    for template in templates(json) {
        let identifier = template["identifier"].as_str().unwrap_or_default();
        if !identifiers.insert(identifier) {
            tell(identifier, format!("two templates are called `{identifier}`"));
        }
        for it in channels(template, "env") {
            let name = it["name"].as_str().unwrap_or_default();
            if !it["value"].is_null() && !it["value"].is_string() {
                tell(name, format!("the value of `{name}` is no text"));
            }
        }
        let mut paths = BTreeSet::new();
        for channel in channels(template, "inputs").chain(channels(template, "outputs")) {
            let name = channel["name"].as_str().unwrap_or_default();
            // A volume is called `vol-<channel>`.
            if let Err(reason) = names::dns_label(name, 59) {
                tell(name, format!("channel `{name}` {reason}"));
            }
            let Some(path) = channel["mounted_path"].as_str() else { continue };
            if !path.starts_with('/') {
                tell(path, format!("path `{path}` of `{name}` does not begin with /"));
            }
            if !paths.insert(path) {
                tell(path, format!("path `{path}` is mounted twice"));
            }
        }
    }
    found
}

pub(super) fn resources_of(json: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for template in templates(json).filter(|it| !it["resources"].is_null()) {
        let name = template["identifier"].as_str().unwrap_or_default();
        for side in ["limits", "requests"] {
            let part = &template["resources"][side];
            if part.is_null() {
                found.push((
                    "resources".to_owned(),
                    format!("the resources of `{name}` have no {side}"),
                ));
                continue;
            }
            let memory = match &part["memory"] {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let number = ["Ki", "Mi", "Gi", "Ti"].iter().find_map(|it| memory.strip_suffix(it));
            if number.is_none_or(|it| it.parse::<f64>().is_err()) {
                found.push((
                    memory.clone(),
                    format!("the memory `{memory}` of `{name}` is not a number with Ki, Mi or Gi"),
                ));
            }
        }
    }
    found
}

pub(super) fn workflow_json(m: &Model<'_>, f: &mut Finds) {
    for chart in charts(m) {
        let file = chart.path("files/workflow.json");
        match m.tree.text(&file).map(serde_json::from_str::<Value>) {
            None => _ = f.file(&chart.path("Chart.yaml"), "there is no files/workflow.json"),
            Some(Err(error)) => {
                let place = Place::line(m.text(&file), error.line());
                f.at(&file, place, format!("this is no JSON: {error}"));
            }
            Some(Ok(json)) => {
                for (key, message) in workflow_problems(&json) {
                    f.at(&file, quoted(m, &file, &key), message);
                }
            }
        }
    }
}

pub(super) fn workflow_problems(json: &Value) -> Vec<(String, String)> {
    let known = ["title", "workflow_engine", "labels", "workflow_parameters"];
    let mut found = keys("the workflow", json, &["title", "workflow_engine", "labels"], &known);
    let mut tell = |key: &str, message: String| found.push((key.to_owned(), message));
    let title = json["title"].as_str().unwrap_or_default();
    if let Err(reason) = names::dns_label(title, 40) {
        tell("title", format!("title `{title}` {reason}"));
    }
    let engine = json["workflow_engine"].as_str().unwrap_or_default();
    if !matches!(engine, "airflow" | "dummy") {
        tell("workflow_engine", format!("the engine `{engine}` is neither airflow nor dummy"));
    }
    let mut pairs = BTreeSet::new();
    let labels: Vec<&Value> = json["labels"].as_array().into_iter().flatten().collect();
    for label in &labels {
        let pair = (label["key"].to_string(), label["value"].to_string());
        if !pairs.insert(pair) {
            tell("labels", format!("the label {} is there twice", label["key"]));
        }
    }
    for wanted in ["category", "provider"] {
        let has = |it: &&&Value| {
            it["key"].as_str().is_some_and(|it| it == wanted || it.ends_with(&format!(".{wanted}")))
        };
        if labels.iter().find(has).is_none() {
            tell("labels", format!("there is no label `{wanted}`"));
        }
    }
    for it in json["workflow_parameters"].as_array().into_iter().flatten() {
        let name = it["env_variable_name"].as_str().unwrap_or_default().to_owned();
        for (_, message) in
            keys("a parameter", it, &["task_title", "env_variable_name", "ui_form"], &[])
        {
            tell(&name, message);
        }
        for message in form_problems(&it["ui_form"]) {
            tell(&name, format!("`{name}`: {message}"));
        }
    }
    found
}

pub(super) fn form_problems(form: &Value) -> Vec<String> {
    let kind = form["type"].as_str().unwrap_or_default();
    let needed: &[&str] = match kind {
        "bool" | "int" | "float" | "list" | "dataset" | "file" => &[],
        "str" => &["regex_pattern"],
        "data_entity" => &["query", "limit", "pagination"],
        "terms" => &["terms_text"],
        other => return vec![format!("the type `{other}` is not known")],
    };
    let missing =
        ["title", "description"].iter().chain(needed).filter(|it| form.get(**it).is_none());
    missing.map(|it| format!("the form lacks `{it}`")).collect()
}

/// Templates of a chart's images, by image and identifier.
pub(super) fn known_templates(m: &Model<'_>) -> BTreeMap<String, Value> {
    let own = m.dockers.iter().filter_map(|docker| {
        let context = docker.context();
        let paths = ["processing-container.json", "files/processing-container.json"];
        let text = paths.iter().find_map(|it| m.tree.text(&join(context, it)?))?;
        Some((docker.name.clone()?, serde_json::from_str(text).ok()?))
    });
    own.collect()
}

/// The tasks of a chart: id, image, template, and the call with its file.
pub(super) struct Task<'m> {
    id: String,
    image: String,
    template: String,
    target: Option<&'m str>,
    call: &'m Call,
    file: &'m Python,
}

pub(super) fn tasks<'m>(m: &'m Model<'_>, chart: Option<&ChartFacts>) -> Vec<Task<'m>> {
    let folder = chart.map(|it| it.path("files/")).unwrap_or_default();
    let files = definitions(m).filter(|it| it.path.starts_with(&folder));
    let made = files.flat_map(|file| file.calls.iter().map(move |it| (file, it)));
    let made = made.filter(|(_, it)| it.call.name() == "KaapanaTaskOperator");
    made.filter_map(|(file, it)| {
        let text = |name: &str| it.call.arg(name).and_then(|it| file.text(it)).map(str::to_owned);
        let image: String = it
            .call
            .arg("image")
            .and_then(|it| file.followed(it).pieces())?
            .into_iter()
            .map(|it| match it {
                crate::check::facts::expr::Piece::Text(text) => text,
                crate::check::facts::expr::Piece::Name(_) => String::new(),
            })
            .collect();
        let image = image_name(&image)?.to_owned();
        let (id, template) = (text("task_id")?, text("taskTemplate").unwrap_or_default());
        Some(Task { id, image, template, target: it.target.as_deref(), call: &it.call, file })
    })
    .collect()
}

/// The template of a task, when its image is one of the project.
pub(super) fn template_of<'t>(
    known: &'t BTreeMap<String, Value>,
    task: &Task<'_>,
) -> Option<&'t Value> {
    templates(known.get(&task.image)?).find(|it| it["identifier"] == *task.template)
}

pub(super) fn parameters(m: &Model<'_>, f: &mut Finds) {
    let known = known_templates(m);
    for (chart, file, json) in workflows(m) {
        let tasks = tasks(m, Some(chart));
        for it in json["workflow_parameters"].as_array().into_iter().flatten() {
            let title = it["task_title"].as_str().unwrap_or_default();
            let variable = it["env_variable_name"].as_str().unwrap_or_default();
            match tasks.iter().find(|task| task.id == title) {
                None if !tasks.is_empty() => {
                    f.at(
                        &file,
                        quoted(m, &file, title),
                        format!("the definition has no task `{title}`"),
                    );
                }
                Some(task) => {
                    let Some(template) = template_of(&known, task) else { continue };
                    if !channels(template, "env").any(|it| it["name"] == variable) {
                        let message = format!(
                            "the template `{}` has no variable `{variable}`",
                            task.template
                        );
                        f.at(&file, quoted(m, &file, variable), message);
                    }
                }
                None => {}
            }
        }
    }
}

pub(super) fn files(m: &Model<'_>, f: &mut Finds) {
    for chart in charts(m) {
        let folder = chart.path("files");
        let mut seen = BTreeSet::new();
        let mut size = 0;
        for file in m.tree.below(&folder) {
            size += file.size;
            let name = file.name();
            if !seen.insert(name) {
                f.file(&file.path, format!("`{name}` is there twice, and one replaces the other"));
            }
            if name != "workflow.json" && !name.ends_with(".py") {
                f.file(&file.path, format!("`{name}` is joined into the definition"));
            }
        }
        if size > MOST {
            f.file(
                &chart.path("Chart.yaml"),
                format!("files/ has {} kB, more than a ConfigMap holds", size / 1000),
            );
        }
    }
}

pub(super) fn listed(m: &Model<'_>, f: &mut Finds) {
    for chart in charts(m) {
        let file = chart.path("values.yaml");
        let listed = strings(&chart.values()["processingContainers"]);
        let used: BTreeSet<String> = tasks(m, Some(chart)).into_iter().map(|it| it.image).collect();
        let place = Place::where_line(m.text(&file), |it| it.starts_with("processingContainers"));
        for image in
            used.iter().filter(|it| m.image(it).is_some() && !listed.contains(&it.as_str()))
        {
            f.at(
                &file,
                place,
                format!("`{image}` is used, but not listed in processingContainers"),
            );
        }
        for image in &listed {
            if m.image(image).is_none() && m.tree.package.is_none() {
                f.at(&file, place, format!("`{image}` is listed, but nobody makes it"));
            } else if !used.is_empty() && !used.contains(*image) {
                f.at(&file, place, format!("`{image}` is listed, but no task uses it"));
            }
        }
        for image in used.iter().filter(|it| !m.knows_image(it) && m.tree.package.is_none()) {
            f.file(&file, format!("nobody makes the image `{image}` of a task"));
        }
    }
}

pub(super) fn joined(m: &Model<'_>, f: &mut Finds) {
    let known = known_templates(m);
    let tasks = tasks(m, None);
    for task in &tasks {
        let Some(maps) = task.call.arg("iochannel_maps") else { continue };
        let Kind::List(items) = &task.file.followed(maps).kind else { continue };
        for item in items {
            let Kind::Call(mapping) = &item.kind else { continue };
            let text = |name: &str| mapping.arg(name).and_then(|it| task.file.text(it));
            let upstream = mapping.arg("upstream_operator").and_then(|it| match &it.kind {
                Kind::Name(name) => tasks
                    .iter()
                    .find(|it| it.target == Some(name) && it.file.path == task.file.path),
                _ => None,
            });
            let ends = [
                (Some(task), "inputs", "input", text("input_channel")),
                (upstream, "outputs", "output", text("upstream_output_channel")),
            ];
            for (task, side, word, name) in ends {
                let (Some(task), Some(name)) = (task, name) else { continue };
                let Some(template) = template_of(&known, task) else { continue };
                if !channels(template, side).any(|it| it["name"] == name) {
                    let message = format!("`{}` has no {word} `{name}`", task.template);
                    f.at(&task.file.path, item.place, message);
                }
            }
        }
    }
}
