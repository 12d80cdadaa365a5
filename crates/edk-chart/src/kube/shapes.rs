//! Fields, types and values.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::{
    Misfit, names,
    table::{self, Field, Type},
};
use crate::places::{escaped, readable};

/// Checks the fields of an object against the table.
pub(super) fn check(object: &Value) -> Vec<Misfit> {
    let mut misfits = Vec::new();
    let Some(map) = object.as_object() else {
        return vec![(String::new(), "the document is no map".to_owned())];
    };
    let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
    let (api, kind) = (text("apiVersion"), text("kind"));
    for (key, value) in [("apiVersion", api), ("kind", kind)] {
        if value.is_empty() {
            misfits.push((format!("/{key}"), format!("the object has no `{key}`")));
        }
    }
    let metadata = map.get("metadata").cloned().unwrap_or_default();
    value(&metadata, &Type::Map("Meta"), "/metadata", &mut misfits);
    name(kind, &metadata, &mut misfits);
    let known = table::get().kind(api, kind).and_then(|kind| kind.fields);
    let Some(fields) = known.and_then(|name| table::get().fields(name)) else { return misfits };
    let mut rest = map.clone();
    rest.retain(|key, _| !matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "status"));
    self::fields(&rest, fields, "", &mut misfits);
    misfits
}

fn name(kind: &str, metadata: &Value, misfits: &mut Vec<Misfit>) {
    let text = |key: &str| metadata.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = text("name");
    if name.is_empty() {
        if text("generateName").is_empty() && !kind.ends_with("List") {
            misfits.push(("/metadata".to_owned(), format!("the {kind} has no name")));
        }
    } else if let Some(rule) = names::wrong_name(kind, name) {
        let message = format!("{kind} can't be called `{name}`: {rule}");
        misfits.push(("/metadata/name".to_owned(), message));
    }
}

fn fields(map: &Map<String, Value>, known: &[Field], at: &str, misfits: &mut Vec<Misfit>) {
    for (key, inner) in map {
        let pointer = format!("{at}/{}", escaped(key));
        match known.iter().find(|field| field.name == key) {
            Some(field) => value(inner, &field.kind, &pointer, misfits),
            None => {
                let near = known.iter().find(|field| field.name.eq_ignore_ascii_case(key));
                let hint =
                    near.map_or(String::new(), |it| format!("; did you mean `{}`?", it.name));
                misfits
                    .push((pointer.clone(), format!("`{}` is no field{hint}", readable(&pointer))));
            }
        }
    }
    for field in known.iter().filter(|field| field.required) {
        if map.get(field.name).is_none_or(Value::is_null) {
            let name = readable(&format!("{at}/{}", field.name));
            misfits.push((at.to_owned(), format!("`{name}` is missing")));
        }
    }
}

/// Null counts as not there.
fn value(found: &Value, kind: &Type, at: &str, misfits: &mut Vec<Misfit>) {
    if found.is_null() {
        return;
    }
    let mut wrong = |what: &str| {
        misfits
            .push((at.to_owned(), format!("`{}` is {}, not {what}", readable(at), shown(found))));
    };
    match kind {
        Type::Map(name) => match (table::get().words(name), table::get().fields(name), found) {
            (Some(words), ..) => one_of(found, words, &mut wrong),
            (_, Some(known), Value::Object(map)) => fields(map, known, at, misfits),
            _ => wrong("a map"),
        },
        Type::List(inner) => match found {
            Value::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    value(item, inner, &format!("{at}/{place}"), misfits);
                }
            }
            _ => wrong("a list"),
        },
        Type::Of(inner) => match found {
            Value::Object(map) => {
                for (key, item) in map {
                    value(item, inner, &format!("{at}/{}", escaped(key)), misfits);
                }
            }
            _ => wrong("a map"),
        },
        Type::OneOf(words) => one_of(found, words, &mut wrong),
        Type::Simple("labels" | "annotations") => match found {
            Value::Object(map) => keys(map, *kind == Type::Simple("labels"), at, misfits),
            _ => wrong("a map"),
        },
        Type::Simple(name) => {
            if let Some(what) = simple(found, name) {
                wrong(what);
            }
        }
    }
}

fn one_of(found: &Value, words: &[&str], wrong: &mut impl FnMut(&str)) {
    if !found.as_str().is_some_and(|text| words.contains(&text)) {
        let words: Vec<_> = words.iter().filter(|word| !word.is_empty()).copied().collect();
        wrong(&format!("one of {}", words.join(", ")));
    }
}

fn keys(map: &Map<String, Value>, are_labels: bool, at: &str, misfits: &mut Vec<Misfit>) {
    let what = if are_labels { "label" } else { "annotation" };
    for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
        let pointer = format!("{at}/{}", escaped(key));
        if !names::is_qualified(key) {
            misfits.push((pointer, format!("`{key}` can't be the key of a {what}")));
        } else if let Some(text) = value.as_str() {
            if are_labels && !names::is_label_value(text) {
                misfits
                    .push((pointer, format!("`{text}` can't be the value of the label `{key}`")));
            }
        } else {
            let message = format!("the {what} `{key}` is {}, not a text", shown(value));
            misfits.push((pointer, message));
        }
    }
}

/// Returns what a value should be, when it is not.
fn simple(found: &Value, name: &str) -> Option<&'static str> {
    let text = found.as_str();
    let whole = found.as_f64().is_some_and(|number| number.fract() == 0.0);
    let is_port =
        |value: &Value| value.as_f64().is_some_and(|it| whole && (1.0..=65535.0).contains(&it));
    let (fits, what) = match name {
        "text" => (text.is_some(), "a text"),
        "int" => (whole, "a whole number"),
        "bool" => (found.is_boolean(), "true or false"),
        "quantity" => {
            let fits = found.is_number() || text.is_some_and(is_quantity);
            (fits, "a quantity such as 500m, 2 or 1Gi")
        }
        "base64" => (text.is_some_and(is_base64), "a text in base64"),
        "label" => (
            text.is_some_and(names::is_label),
            "a name of at most 63 lower-case letters, digits and -",
        ),
        "subdomain" => (text.is_some_and(names::is_subdomain), "a name"),
        "portname" => (
            text.is_some_and(is_port_name),
            "a name of at most 15 lower-case letters, digits and -",
        ),
        "port" => (is_port(found), "a port from 1 to 65535"),
        "intport" => {
            let fits = is_port(found) || text.is_some_and(is_port_name);
            (fits, "a port from 1 to 65535, or the name of one")
        }
        "intstr" => (whole || text.is_some(), "a whole number or a text"),
        _ => (true, ""),
    };
    (!fits).then_some(what)
}

/// Kubernetes: "Quantity".
fn is_quantity(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, unit) = unsigned.split_at(end);
    let exponent = |unit: &str| {
        let rest = unit.strip_prefix(['e', 'E']);
        rest.is_some_and(|rest| {
            let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    number.bytes().any(|byte| byte.is_ascii_digit())
        && number.matches('.').count() <= 1
        && (matches!(
            unit,
            "" | "n"
                | "u"
                | "m"
                | "k"
                | "M"
                | "G"
                | "T"
                | "P"
                | "E"
                | "Ki"
                | "Mi"
                | "Gi"
                | "Ti"
                | "Pi"
                | "Ei"
        ) || exponent(unit))
}

fn is_base64(text: &str) -> bool {
    let bare: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    STANDARD.decode(bare).is_ok()
}

/// RFC 6335: "Service Name Syntax".
fn is_port_name(text: &str) -> bool {
    text.len() <= 15
        && names::is_label(text)
        && !text.contains("--")
        && text.contains(|c: char| c.is_ascii_lowercase())
}

/// A value in a message: what it is, and a little of it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the text `{}`", text.chars().take(40).collect::<String>()),
        Value::Number(number) => format!("the number {number}"),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        Value::Null => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_and_names_of_ports_are_told_from_other_texts() {
        for good in ["1", "500m", "1.5", ".5", "1Gi", "1e3", "-1", "0.1Ki", "1E", "2E+2"] {
            assert!(is_quantity(good), "{good}");
        }
        for bad in ["", "1GB", "Gi", "1 Gi", "1..2", "1e", "500 m", "1gi", "."] {
            assert!(!is_quantity(bad), "{bad}");
        }
        assert!(is_port_name("http") && is_port_name("a-1") && !is_port_name("80"));
        assert!(!is_port_name("a--b") && !is_port_name("a-name-much-too-long"));
    }
}
