//! The table against Kubernetes' own description of its API: the models of its Python client, which
//! are generated from it. `scripts/fetch-helm` fetches them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

use super::table::{self, Type};

/// What Kubernetes asks for beyond its description: it is empty without, and then refused, when an
/// object is made.
const REQUIRED: [&str; 17] = [
    "Claim.spec",
    "ClaimSpec.accessModes",
    "ClaimSpec.resources",
    "ClaimTemplate.spec",
    // Optional for those who bring images from elsewhere; nobody does so in a chart.
    "Container.image",
    "CronJob.spec",
    "DaemonSet.spec",
    "Deployment.spec",
    "Job.spec",
    "JobTemplate.spec",
    "Pod.spec",
    "PodTemplate.spec",
    "ReplicaSet.spec",
    "StatefulSet.spec",
    "VolumeSpec.accessModes",
    "VolumeSpec.capacity",
    "Volume_.spec",
];

/// A model: JSON name of each field, its type, and whether it has to be there.
type Model = BTreeMap<String, (String, bool)>;

fn client() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/kubernetes/client");
    assert!(path.is_dir(), "there is no target/tools/kubernetes; run scripts/fetch-helm first");
    path
}

/// The name of the file of a model: `V1HTTPGetAction` is in `v1_http_get_action.py`.
fn models() -> BTreeMap<String, Model> {
    let class = Regex::new(r"(?m)^class (\w+)\(object\)").unwrap();
    let all = fs::read_dir(client().join("models")).unwrap().map(|entry| {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        Some((class.captures(&text)?[1].to_owned(), model(&text)))
    });
    all.flatten().collect()
}

fn model(text: &str) -> Model {
    let pair = Regex::new(r"'(\w+)': '([^']+)'").unwrap();
    let section = |name: &str| -> BTreeMap<String, String> {
        let start = text.find(&format!("    {name} = {{")).unwrap();
        let end = start + text[start..].find('}').unwrap();
        // A type such as dict(str, str) has no brace in it.
        let pairs = pair.captures_iter(&text[start..end]);
        pairs.map(|it| (it[1].to_owned(), it[2].to_owned())).collect()
    };
    let names = section("attribute_map");
    let types = section("openapi_types").into_iter().map(|(attribute, kind)| {
        let required = text.contains(&format!("`{attribute}`, must not be `None`"));
        (names[&attribute].clone(), (kind, required))
    });
    types.collect()
}

/// The name of the model of a kind: `batch/v1` and `Job` give `V1Job`.
fn model_of(api_version: &str, kind: &str) -> String {
    let version = api_version.rsplit('/').next().unwrap();
    let (group, _) = api_version.split_once('/').unwrap_or(("core", ""));
    let group = if kind == "Event" { &group[..group.find('.').unwrap_or(group.len())] } else { "" };
    let capital = |text: &str| text[..1].to_uppercase() + text.get(1..).unwrap_or("");
    let group = if group.is_empty() { String::new() } else { capital(group) };
    format!("{group}{}{kind}", capital(version))
}

struct Comparison {
    models: BTreeMap<String, Model>,
    seen: BTreeSet<(String, String)>,
    complaints: Vec<String>,
}

impl Comparison {
    /// Compares the fields of a type of the table with a model, and all below.
    fn fields(&mut self, name: &'static str, model: &str, but: &[&str]) {
        if !self.seen.insert((name.to_owned(), model.to_owned())) {
            return;
        }
        let Some(theirs) = self.models.get(model).cloned() else {
            return self.complaints.push(format!("{name}: there is no model {model}"));
        };
        let ours = table::get().fields(name).unwrap();
        for field in ours {
            let place = format!("{name}.{}", field.name);
            let Some((kind, required)) = theirs.get(field.name) else {
                self.complaints.push(format!("{place}: is not in {model}"));
                continue;
            };
            let more = field.required && REQUIRED.contains(&place.as_str());
            if field.required != *required && !more {
                self.complaints.push(format!("{place}: {model} says required = {required}"));
            }
            self.kind(&place, &field.kind, kind);
        }
        for missing in theirs.keys().filter(|it| !ours.iter().any(|field| field.name == **it)) {
            if !but.contains(&missing.as_str()) {
                self.complaints.push(format!("{name}: lacks {missing} of {model}"));
            }
        }
    }

    fn kind(&mut self, place: &str, ours: &Type, theirs: &str) {
        let inner = |start: &str, end: &str| theirs.strip_prefix(start)?.strip_suffix(end);
        let fits = match ours {
            Type::Simple("any") => true,
            Type::List(ours) => match inner("list[", "]") {
                Some(theirs) => return self.kind(place, ours, theirs),
                None => false,
            },
            Type::Of(ours) => match inner("dict(str, ", ")") {
                Some(theirs) => return self.kind(place, ours, theirs),
                None => false,
            },
            Type::Simple("labels" | "annotations") => theirs == "dict(str, str)",
            Type::Simple("int" | "port") => theirs == "int",
            Type::Simple("bool") => theirs == "bool",
            // Numbers or texts are an `object` here.
            Type::Simple("intport" | "intstr") => theirs == "object",
            Type::Simple(_) | Type::OneOf(_) => theirs == "str",
            Type::Map(name) if table::get().words(name).is_some() => theirs == "str",
            Type::Map(name) => return self.fields(name, theirs, &[]),
        };
        if !fits {
            self.complaints.push(format!("{place}: is {ours:?}, Kubernetes has {theirs}"));
        }
    }
}

#[test]
fn the_table_says_what_kubernetes_says() {
    let mut all = Comparison { models: models(), seen: BTreeSet::new(), complaints: Vec::new() };
    assert!(all.models.len() > 600, "only {} models are found", all.models.len());
    let mut compared = 0;
    for ((api_version, kind), entry) in table::get().kinds() {
        let own = api_version.starts_with("traefik.") || *kind == "List";
        if own {
            continue;
        }
        compared += 1;
        let model = model_of(api_version, kind);
        match entry.fields {
            Some(fields) => {
                all.fields(fields, &model, &["apiVersion", "kind", "metadata", "status"]);
            }
            None if all.models.contains_key(&model) => {}
            None => all.complaints.push(format!("{api_version} {kind}: there is no {model}")),
        }
    }
    all.fields("Meta", "V1ObjectMeta", &[]);
    assert!(compared > 40, "only {compared} kinds are compared");
    assert!(all.complaints.is_empty(), "{}", all.complaints.join("\n"));
}

#[test]
fn kinds_are_in_namespaces_as_kubernetes_has_them() {
    let folder = client().join("api");
    let apis =
        fs::read_dir(folder).unwrap().map(|it| fs::read_to_string(it.unwrap().path()).unwrap());
    let apis: String = apis.collect();
    let method = Regex::new(r"def create_(namespaced_)?(\w+)\(self").unwrap();
    let of_namespaces: BTreeMap<String, bool> = method
        .captures_iter(&apis)
        .map(|it| (it[2].replace('_', ""), it.get(1).is_some()))
        .collect();
    let wrong = table::get().kinds().filter(|((_, kind), entry)| {
        let told = of_namespaces.get(&kind.to_lowercase());
        told.is_some_and(|told| *told != entry.in_namespace)
    });
    let wrong: Vec<_> = wrong.map(|(key, _)| key).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(of_namespaces["job"] && !of_namespaces["clusterrole"]);
}
