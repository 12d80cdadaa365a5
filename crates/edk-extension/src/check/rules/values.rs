//! Values and extension parameters.

use edk_model::Severity::{Error, Warning};
use serde_json::Value;

use super::{layout::extensions, render::templates};
use crate::check::{
    facts::{chart::ChartFacts, text::Place},
    model::Model,
    profile::Profile,
    rule::{Example, Finds, Rule, replace},
};

const VALUES: &str = "notes-chart/values.yaml";
/// Kinds of parameters that the platform's page knows.
const TYPES: [&str; 7] =
    ["string", "bool", "boolean", "list_single", "list_multi", "doc", "group_name"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "C21",
        severity: Warning,
        title: "only a launched application asks for its project",
        why: "the platform sends the project with multi-installable charts only; for others the value is empty",
        fix: "add the keyword kaapanamultiinstallable, or don't use the value",
        bad: Example::workflow(&[(
            "extension/lung-workflow/templates/note.yaml",
            "# {{ .Values.global.project_id }}\n",
        )]),
        says: "`project_id` is empty in a chart that is not multi-installable",
        good: Example::workflow(&[]),
        check: |m, f| {
            for (chart, name, text) in
                templates(m).filter(|(it, _, _)| !it.has("kaapanamultiinstallable"))
            {
                for key in ["project_id", "project_name"] {
                    let declared = chart.values()["extension_params"].get(key).is_some();
                    let place = Place::find(text, &format!("global.{key}")).filter(|_| !declared);
                    if let Some(place) = place {
                        let message =
                            format!("`{key}` is empty in a chart that is not multi-installable");
                        f.at(&chart.path(name), place, message);
                    }
                }
            }
        },
    },
    Rule {
        id: "C25",
        severity: Error,
        title: "extension parameters can be asked",
        why: "the page can't show the question or accept its default, and some mistakes take down the list of extensions for everybody",
        fix: "give it a known type, and a default that is one of the options",
        bad: Example::application(&[(
            VALUES,
            "global: {}\nextension_params:\n  colour:\n    type: list_single\n    definition: Colour\n    value: [red, blue]\n    default: green\n",
        )]),
        says: "parameter `colour`: the default `green` is none of its options",
        good: Example::application(&[(
            VALUES,
            "global: {}\nextension_params:\n  colour:\n    type: list_single\n    definition: Colour\n    value: [red, blue]\n    default: red\n",
        )]),
        check: params,
    },
    Rule {
        id: "C26",
        severity: Error,
        title: "the user's choice counts",
        why: "a text or list in `global` beats the extension parameter of the same name, whatever the user chooses",
        fix: "remove it from `global`, or make it an empty text; the parameter has a default of its own",
        bad: Example::application(&[(
            VALUES,
            "global:\n  colour: red\nextension_params:\n  colour:\n    type: string\n    definition: Colour\n    default: blue\n",
        )]),
        says: "parameter `colour` has no effect: `global.colour` beats it",
        good: Example::application(&[(
            VALUES,
            "global:\n  colour: \"\"\nextension_params:\n  colour:\n    type: string\n    definition: Colour\n    default: blue\n",
        )]),
        check: dead,
    },
    Rule {
        id: "C27",
        severity: Warning,
        title: "no parameter has the name of a value of the platform",
        why: "the answer replaces the platform's own value in the whole chart",
        fix: "rename the parameter",
        bad: Example::application(&[(
            VALUES,
            "global: {}\nextension_params:\n  hostname:\n    type: string\n    definition: Host\n    default: x\n",
        )]),
        says: "parameter `hostname` replaces a value of the platform",
        good: Example::application(&[]),
        check: |m, f| {
            for (chart, key, _) in all_params(m) {
                if Profile::has(&m.profile.globals, key) {
                    let message = format!("parameter `{key}` replaces a value of the platform");
                    f.at(&chart.path("values.yaml"), param_place(m, chart, key), message);
                }
            }
        },
    },
    Rule {
        id: "C28",
        severity: Warning,
        title: "texts in `global` survive the way to Helm",
        why: "the platform passes them on its command line: all blanks are removed, and quotes break the command",
        fix: "move the value out of `global`",
        bad: Example::application(&[(VALUES, "global:\n  greeting: \"it is a note\"\n")]),
        says: "`global.greeting` loses its blanks",
        good: Example::application(&[(VALUES, "global: {}\ngreeting: \"it is a note\"\n")]),
        check: mangled,
    },
    Rule {
        id: "C29",
        severity: Warning,
        title: "only texts and lists in `global` beat the platform's values",
        why: "numbers, truth values and maps are not sent again, so the platform's value of that name wins",
        fix: "write it as a text, or give it another name",
        bad: Example::application(&[(VALUES, "global:\n  https_port: 8443\n")]),
        says: "`global.https_port` loses against the platform's value",
        good: Example::application(&[(VALUES, "global:\n  notes_port: 8443\n")]),
        check: |m, f| {
            for chart in extensions(m) {
                for (key, value) in chart.global().into_iter().flatten() {
                    let weak = value.is_number() || value.is_boolean() || value.is_object();
                    if weak && Profile::has(&m.profile.globals, key) {
                        let message = format!("`global.{key}` loses against the platform's value");
                        f.at(&chart.path("values.yaml"), place(m, chart, key), message);
                    }
                }
            }
        },
    },
    Rule {
        id: "C30",
        severity: Warning,
        title: "a password may be any text",
        why: "answers that hold one of ; & < > \" ' arrive empty, because they are escaped and then dropped",
        fix: "ask for the password in base64, and say so in its `help`",
        bad: Example::application(&[(
            VALUES,
            "global: {}\nextension_params:\n  notes_password:\n    type: string\n    definition: Password\n    default: \"-\"\n",
        )]),
        says: "parameter `notes_password` can't hold any of ; & < > \" '",
        good: Example::application(&[(
            VALUES,
            "global: {}\nextension_params:\n  notes_password:\n    type: string\n    definition: Password, in base64\n    default: \"-\"\n",
        )]),
        check: |m, f| {
            for (chart, key, param) in all_params(m).filter(|(_, key, _)| is_secret(key)) {
                if !param.to_string().contains("base64") {
                    let message = format!("parameter `{key}` can't hold any of ; & < > \" '");
                    f.at(&chart.path("values.yaml"), param_place(m, chart, key), message);
                }
            }
        },
    },
    Rule {
        id: "C31",
        severity: Warning,
        title: "no password is written down",
        why: "everybody who has the chart knows it, and it is the same on every platform",
        fix: "ask for it with an extension parameter, or make it with `randAlphaNum`",
        bad: Example::application(&[(VALUES, "global:\n  admin_password: admin\n")]),
        says: "`admin_password` is written down",
        good: Example::application(&[(VALUES, "global:\n  admin_password: \"\"\n")]),
        check: |m, f| {
            for chart in extensions(m) {
                let mut found = Vec::new();
                passwords(chart.values(), 0, &mut found);
                for key in found {
                    f.at(
                        &chart.path("values.yaml"),
                        place(m, chart, &key),
                        format!("`{key}` is written down"),
                    );
                }
            }
        },
    },
];

/// All extension parameters that are maps.
fn all_params<'m>(m: &'m Model<'_>) -> impl Iterator<Item = (&'m ChartFacts, &'m str, &'m Value)> {
    extensions(m).flat_map(|chart| {
        let params = chart.values()["extension_params"].as_object();
        params.into_iter().flatten().map(move |(key, value)| (chart, key.as_str(), value))
    })
}

/// The line of a key of values.yaml.
fn place(m: &Model<'_>, chart: &ChartFacts, key: &str) -> Option<Place> {
    let text = m.text(&chart.path("values.yaml"));
    Place::where_line(text, |line| {
        line.trim_start().strip_prefix(key).is_some_and(|it| it.trim_start().starts_with(':'))
    })
}

/// The line of a parameter: behind `extension_params:`.
fn param_place(m: &Model<'_>, chart: &ChartFacts, key: &str) -> Option<Place> {
    let text = m.text(&chart.path("values.yaml"));
    let start = text.lines().position(|it| it.starts_with("extension_params"))?;
    let at = text.lines().skip(start).position(|line| {
        line.trim_start().strip_prefix(key).is_some_and(|it| it.trim_start().starts_with(':'))
    })?;
    Some(Place::line(text, start + at + 1))
}

fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["password", "token", "secret"].iter().any(|it| key.contains(it))
}

fn params(m: &Model<'_>, f: &mut Finds) {
    for chart in extensions(m) {
        match chart.values().get("extension_params") {
            None => {}
            Some(Value::Object(_)) => {}
            Some(_) => {
                let file = chart.path("values.yaml");
                f.at(&file, place(m, chart, "extension_params"), "`extension_params` is not a map");
            }
        }
    }
    for (chart, key, param) in all_params(m) {
        for reason in wrong_with(param) {
            let message = format!("parameter `{key}`: {reason}");
            f.at(&chart.path("values.yaml"), param_place(m, chart, key), message);
        }
    }
}

/// What is wrong with a parameter.
fn wrong_with(param: &Value) -> Vec<String> {
    let Some(map) = param.as_object() else { return vec!["it is not a map".to_owned()] };
    let Some(kind) = map.get("type").and_then(Value::as_str) else {
        return vec!["it has no type".to_owned()];
    };
    if !TYPES.contains(&kind) {
        return vec![format!("the type `{kind}` is not known")];
    }
    if matches!(kind, "doc" | "group_name") {
        return Vec::new();
    }
    let Some(default) = map.get("default") else { return vec!["it has no default".to_owned()] };
    let options = map.get("value").and_then(Value::as_array);
    let none_of = |it: &Value| options.is_some_and(|all| !all.contains(it));
    let text = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
    let not_an_option = |it: &Value| format!("the default `{}` is none of its options", text(it));
    match (kind, default) {
        ("string", Value::String(it)) if it.is_empty() => {
            vec!["the default is empty, and the page accepts no empty text".to_owned()]
        }
        ("list_single" | "list_multi", _) if options.is_none_or(Vec::is_empty) => {
            vec!["`value` has no options".to_owned()]
        }
        ("list_single", it) if none_of(it) => vec![not_an_option(it)],
        ("list_multi", Value::Array(items)) => {
            items.iter().filter(|it| none_of(it)).map(not_an_option).collect()
        }
        ("list_multi", _) => vec!["the default is not a list".to_owned()],
        ("bool" | "boolean", it) if !it.is_boolean() => {
            vec!["the default is neither true nor false".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn dead(m: &Model<'_>, f: &mut Finds) {
    for (chart, key, _) in all_params(m) {
        let strong = match chart.global().and_then(|it| it.get(key)) {
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            _ => false,
        };
        if !strong {
            continue;
        }
        let file = chart.path("values.yaml");
        let place = place(m, chart, key);
        let found =
            f.at(&file, place, format!("parameter `{key}` has no effect: `global.{key}` beats it"));
        let line = place.and_then(|it| m.text(&file).lines().nth(it.start.0 - 1));
        let plain = line.is_some_and(|it| {
            !it.contains(['#', '[', '{', '|', '>', '&'])
                && it.trim_end().len() > it.find(':').unwrap_or(0) + 1
        });
        let is_global = place
            .zip(param_place(m, chart, key))
            .is_some_and(|(one, other)| one.start.0 < other.start.0);
        if let Some(place) = place.filter(|_| plain && is_global) {
            found.edits.push(replace(&file, place, format!("{key}: \"\"")));
        }
    }
}

fn mangled(m: &Model<'_>, f: &mut Finds) {
    for chart in extensions(m) {
        for (key, value) in chart.global().into_iter().flatten() {
            let Some(text) = value.as_str() else { continue };
            // `{{ .Values.global.x }}` means the same without its blanks.
            let plain =
                text.split("{{").enumerate().map(|(at, part)| match (at, part.split_once("}}")) {
                    (0, _) | (_, None) => part.to_owned(),
                    (_, Some((inner, rest))) if !inner.trim().contains(' ') => rest.to_owned(),
                    _ => part.to_owned(),
                });
            let plain: String = plain.collect();
            let message = if plain.contains(char::is_whitespace) {
                format!("`global.{key}` loses its blanks")
            } else if text.contains('\'') {
                format!("`global.{key}` holds a quote that breaks the command")
            } else {
                continue;
            };
            f.at(&chart.path("values.yaml"), place(m, chart, key), message);
        }
    }
}

fn passwords(value: &Value, depth: usize, found: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        if key == "extension_params" && depth == 0 {
            continue;
        }
        match value {
            Value::String(text)
                if is_secret(key)
                    && !text.is_empty()
                    && !text.contains("{{")
                    && !key.ends_with("_name")
                    && !key.ends_with("Name") =>
            {
                found.push(key.clone());
            }
            Value::Object(_) if depth < 20 => passwords(value, depth + 1, found),
            _ => {}
        }
    }
}
