//! Looks at rendered objects.

use std::collections::BTreeSet;

use edk_chart::Manifest;
use edk_model::Severity::Warning;
use serde_json::Value;

use super::{CLUSTER, PORTS};
use crate::check::{
    facts::{
        chart::{ADMIN, BUILD_VERSION, ChartFacts, REGISTRY},
        text::Place,
    },
    model::{Model, image_name},
    profile::Profile,
    rule::{Finds, replace},
};

/// Charts that a platform installs by themselves.
pub(in crate::check::rules) fn installed<'m>(
    m: &'m Model<'_>,
) -> impl Iterator<
    Item = &'m (
        std::sync::Arc<ChartFacts>,
        std::sync::Arc<crate::check::facts::chart::RenderedFacts>,
    ),
> {
    m.charts.iter().filter(|(it, _)| it.is_extension() || it.has("kaapanaint"))
}

/// The path of the template an object comes from, when it is one of the project.
pub(in crate::check::rules) fn owner(
    m: &Model<'_>,
    chart: &ChartFacts,
    source: &str,
) -> Option<String> {
    let (_, inner) = source.split_once('/')?;
    // Charts of the platform that lie in a package are not the user's.
    let inside = inner.strip_prefix("charts/").and_then(|it| it.split('/').next());
    if inside.is_some_and(|it| Profile::has(&m.profile.charts, it) && m.chart(it).is_none()) {
        return None;
    }
    let own = chart.path(inner);
    if m.tree.get(&own).is_some() {
        return Some(own);
    }
    let rest = inner.strip_prefix("charts/")?;
    let (name, rest) = rest.split_once('/')?;
    let path = m.chart(name)?.path(rest);
    m.tree.get(&path).map(|it| it.path.clone())
}

/// All objects that come from templates of the project, each with its file.
pub(super) fn objects<'m>(m: &'m Model<'_>) -> impl Iterator<Item = (String, &'m Manifest)> {
    installed(m).flat_map(move |(chart, rendered)| {
        rendered.first.iter().filter_map(move |it| Some((owner(m, chart, &it.source)?, it)))
    })
}

pub(crate) fn templates<'m>(
    m: &'m Model<'_>,
) -> impl Iterator<Item = (&'m ChartFacts, &'m str, &'m str)> {
    installed(m).flat_map(|(chart, _)| {
        chart.template_files().map(move |(name, text)| (&**chart, name, text))
    })
}

/// The first line of a file that holds one of the words, which come by how well they fit.
pub(crate) fn near(m: &Model<'_>, file: &str, words: &[&str]) -> Option<Place> {
    words.iter().find_map(|word| Place::where_line(m.text(file), |line| line.contains(word)))
}

pub(super) fn kind_place(m: &Model<'_>, file: &str, it: &Manifest) -> Option<Place> {
    near(m, file, &[&format!("kind: {}", it.kind)])
}

/// The pod an object makes.
pub(super) fn pod_spec(object: &Value) -> Option<&Value> {
    let spec = match object["kind"].as_str()? {
        "Pod" => &object["spec"],
        "CronJob" => &object["spec"]["jobTemplate"]["spec"]["template"]["spec"],
        "Deployment" | "Job" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => {
            &object["spec"]["template"]["spec"]
        }
        _ => return None,
    };
    spec.as_object().map(|_| spec)
}

pub(super) fn containers(object: &Value) -> impl Iterator<Item = &Value> {
    let pod = pod_spec(object);
    let lists = pod.into_iter().flat_map(|it| [&it["initContainers"], &it["containers"]]);
    lists.filter_map(Value::as_array).flatten()
}

/// The images of an object's containers, by name of the container.
pub(crate) fn images(object: &Value) -> Vec<(&str, &str)> {
    let all = containers(object)
        .filter_map(|it| Some((it["name"].as_str().unwrap_or_default(), it["image"].as_str()?)));
    all.collect()
}

pub(super) fn paths(ingress: &Value) -> Vec<&str> {
    let rules = ingress["spec"]["rules"].as_array().into_iter().flatten();
    let paths = rules.flat_map(|it| it["http"]["paths"].as_array().into_iter().flatten());
    paths.filter_map(|it| it["path"].as_str()).collect()
}

pub(super) fn renders(m: &Model<'_>, f: &mut Finds) {
    for (chart, rendered) in installed(m) {
        let Some((template, line, column, message)) = &rendered.failure else { continue };
        // What nobody defines is told by C09, what nobody has by C06, what is no YAML by C11.
        let other = message.contains("no template") || message.contains("is no YAML");
        if other || rendered.missing.iter().any(|it| message.contains(it.as_str())) {
            continue;
        }
        let file = template.as_deref().and_then(|it| owner(m, chart, it));
        let file = file.unwrap_or_else(|| chart.path("Chart.yaml"));
        let short = message.lines().next().unwrap_or_default();
        let short = short.rsplit_once("error calling required: ").map_or(short, |(_, it)| it);
        let whole = m.line(&file, *line);
        let start = (*line, (*column).max(whole.start.1));
        let place = Place { start, end: whole.end.max(start) };
        f.at(&file, place, format!("the chart can't be rendered: {short}"));
    }
}

pub(super) fn valid(m: &Model<'_>, f: &mut Finds) {
    for (chart, rendered) in &m.charts {
        for found in &chart.findings {
            let file = found.file.clone().unwrap_or_default();
            let it = f.file(&file, found.message.clone());
            (it.span, it.fix) = (found.span, found.fix.clone().or(it.fix.take()));
        }
        if let Some((template, _, _, message)) =
            rendered.failure.as_ref().filter(|it| it.3.contains("is no YAML"))
        {
            let file = template.as_deref().and_then(|it| owner(m, chart, it));
            f.file(&file.unwrap_or_else(|| chart.path("Chart.yaml")), message.clone());
        }
    }
    let mut seen: BTreeSet<(String, String, String, String)> = BTreeSet::new();
    for (chart, rendered) in installed(m) {
        for it in &rendered.first {
            let Some(file) = owner(m, chart, &it.source) else { continue };
            let lacking = [("apiVersion", &it.api_version), ("kind", &it.kind), ("name", &it.name)];
            if let Some((key, _)) = lacking.iter().find(|(_, value)| value.is_empty()) {
                f.file(&file, format!("an object has no {key}"));
                continue;
            }
            let subdomain = |name: &str| {
                name.len() <= 253
                    && name.split('.').all(|it| edk_model::names::dns_label(it, 253).is_ok())
            };
            // RBAC objects may be called otherwise.
            if !subdomain(&it.name) && !it.api_version.starts_with("rbac") {
                let message =
                    format!("{} is called `{}`, which is no name for Kubernetes", it.kind, it.name);
                f.at(&file, kind_place(m, &file, it), message);
            }
            let key = (
                chart.folder.clone(),
                it.kind.clone(),
                it.namespace.clone().unwrap_or_default(),
                it.name.clone(),
            );
            if !seen.insert(key) {
                f.at(
                    &file,
                    kind_place(m, &file, it),
                    format!("{} `{}` is there twice", it.kind, it.name),
                );
            }
        }
    }
}

pub(super) fn namespaces(m: &Model<'_>, f: &mut Finds) {
    for (file, it) in objects(m) {
        if CLUSTER.contains(&it.kind.as_str()) || it.kind.is_empty() {
            continue;
        }
        let message = match it.namespace.as_deref() {
            None => format!("{} has no namespace and lands in the admin namespace", it.kind),
            Some(ADMIN | "admin") => format!("{} lies in the admin namespace", it.kind),
            Some(_) => continue,
        };
        f.at(&file, kind_place(m, &file, it), message);
    }
}

pub(super) fn literal_namespaces(m: &Model<'_>, f: &mut Finds) {
    for (chart, name, text) in templates(m) {
        for (at, line) in text.lines().enumerate() {
            let Some(value) = line
                .trim()
                .strip_prefix("namespace:")
                .map(|it| it.trim().trim_matches(['"', '\'']))
            else {
                continue;
            };
            if value.is_empty() || value.contains("{{") || value.contains('#') {
                continue;
            }
            let file = chart.path(name);
            let message = format!("the namespace `{value}` is written out");
            let found = f.at(&file, Place::line(text, at + 1), message);
            if value == "services" {
                let lead = line.chars().take_while(|it| it.is_whitespace()).count();
                let place = Place {
                    start: (at + 1, lead + 1),
                    end: (at + 1, line.trim_end().chars().count() + 1),
                };
                found.edits.push(replace(
                    &file,
                    place,
                    "namespace: {{ .Values.global.services_namespace }}",
                ));
            }
        }
    }
}

pub(super) fn image_names(m: &Model<'_>, f: &mut Finds) {
    for (chart, rendered) in installed(m) {
        // `edk push` gives images the version of the extension as well.
        let own = chart.chart.as_ref().map(|it| it.version()).unwrap_or_default();
        for it in &rendered.first {
            let Some(file) = owner(m, chart, &it.source) else { continue };
            for (container, image) in images(&it.object) {
                image_of(m, f, &file, own, (container, image));
            }
        }
    }
}

fn image_of(m: &Model<'_>, f: &mut Finds, file: &str, own: &str, (container, image): (&str, &str)) {
    let name = image_name(image).unwrap_or_default();
    let words = [format!("/{name}:"), format!("name: {container}")];
    let place = near(m, file, &[&words[0], "image:", &words[1]]);
    let Some(rest) = image.strip_prefix(REGISTRY) else {
        if !image.starts_with("edk-") && !image.is_empty() {
            let message = format!("image `{image}` is not in the platform's registry");
            f.at(file, place, message).severity = Warning;
        }
        return;
    };
    let nested = rest.trim_start_matches('/').contains('/');
    let unknown = m.tree.package.is_none() && !nested && !m.dockers.is_empty();
    let is_own = m.image(name).is_some() || m.tree.package.is_some();
    let tagged = rest.ends_with(&format!(":{BUILD_VERSION}"))
        || (is_own && rest.ends_with(&format!(":{own}")));
    if unknown && !m.knows_image(name) {
        f.at(file, place, format!("nobody makes the image `{name}`"));
    } else if !tagged {
        let message = format!("image `{name}` is not asked for under the platform's build version");
        f.at(file, place, message);
    }
}

pub(super) fn ingresses(m: &Model<'_>, f: &mut Finds) {
    for (chart, rendered) in installed(m).filter(|(it, _)| it.has("kaapanamultiinstallable")) {
        for it in rendered.first.iter().filter(|it| it.kind == "Ingress") {
            let Some(file) = owner(m, chart, &it.source) else { continue };
            let place = near(m, &file, &["path:", "kind: Ingress"]);
            if paths(&it.object).iter().any(|it| !it.starts_with("/applications/project/")) {
                f.at(&file, place, "Ingress is open to administrators only, because its path is not that of a project");
            }
            let annotations = &it.object["metadata"]["annotations"];
            for key in ["kaapana.ai/type", "kaapana.ai/display-name"] {
                if annotations[key].is_null() {
                    f.at(
                        &file,
                        kind_place(m, &file, it),
                        format!("Ingress lacks the annotation {key}"),
                    );
                }
            }
        }
    }
}

pub(super) fn node_ports(m: &Model<'_>, f: &mut Finds) {
    for (chart, rendered) in installed(m) {
        for it in rendered.first.iter().filter(|it| it.kind == "Service") {
            let Some(file) = owner(m, chart, &it.source) else { continue };
            for port in it.object["spec"]["ports"].as_array().into_iter().flatten() {
                let Some(port) = port["nodePort"].as_i64() else { continue };
                let place = near(m, &file, &["nodePort", "kind: Service"]);
                if !PORTS.contains(&port) {
                    f.at(&file, place, format!("node port {port} is outside of 80 to 32000"));
                } else if chart.has("kaapanamultiinstallable") {
                    f.at(
                        &file,
                        place,
                        format!("node port {port} is fixed, and taken at the second launch"),
                    );
                }
            }
        }
    }
}

pub(super) fn fixed_names(m: &Model<'_>, f: &mut Finds) {
    for (chart, rendered) in installed(m).filter(|(it, _)| it.has("kaapanamultiinstallable")) {
        let key = |it: &Manifest| (it.kind.clone(), it.namespace.clone(), it.name.clone());
        let second: BTreeSet<_> = rendered.second.iter().map(key).collect();
        for it in
            rendered.first.iter().filter(|it| second.contains(&key(it)) && !it.name.is_empty())
        {
            let Some(file) = owner(m, chart, &it.source) else { continue };
            let place =
                near(m, &file, &[&format!("name: {}", it.name), &format!("kind: {}", it.kind)]);
            f.at(
                &file,
                place,
                format!("{} `{}` has the same name in every launch", it.kind, it.name),
            );
        }
    }
}
