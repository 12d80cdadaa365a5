//! The table of kinds and types.

use std::{collections::HashMap, sync::OnceLock};

const TEXT: &str = include_str!("kinds.txt");

/// A type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// A map with known fields, by the name of its type.
    Map(&'static str),
    /// A list of one type.
    List(Box<Type>),
    /// A map of names to one type.
    Of(Box<Type>),
    /// One of several texts.
    OneOf(Vec<&'static str>),
    /// A simple type, by its name.
    Simple(&'static str),
}

/// A field of a map.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    pub(super) required: bool,
}

/// A kind of objects.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) in_namespace: bool,
    /// The fields beside `apiVersion`, `kind`, `metadata` and `status`; none where anything goes.
    pub(super) fields: Option<&'static str>,
}

/// All kinds and types.
#[derive(Debug, Default)]
pub(super) struct Table {
    kinds: HashMap<(&'static str, &'static str), Kind>,
    types: HashMap<&'static str, Vec<Field>>,
    /// Names for texts that are one of several.
    words: HashMap<&'static str, Vec<&'static str>>,
}

const SIMPLE: [&str; 14] = [
    "text",
    "int",
    "bool",
    "any",
    "quantity",
    "base64",
    "label",
    "subdomain",
    "portname",
    "port",
    "intport",
    "intstr",
    "labels",
    "annotations",
];

/// Returns the table, which is read once.
pub(super) fn get() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| read(TEXT))
}

impl Table {
    pub(super) fn kind(&self, api_version: &str, kind: &str) -> Option<&Kind> {
        self.kinds.iter().find(|((a, k), _)| *a == api_version && *k == kind).map(|(_, it)| it)
    }

    /// Returns all kinds, each with its API version.
    #[cfg(test)]
    pub(super) fn kinds(&self) -> impl Iterator<Item = (&(&'static str, &'static str), &Kind)> {
        self.kinds.iter()
    }

    pub(super) fn fields(&self, name: &str) -> Option<&[Field]> {
        self.types.get(name).map(Vec::as_slice)
    }

    /// Returns the texts behind a name for one of several.
    pub(super) fn words(&self, name: &str) -> Option<&[&'static str]> {
        self.words.get(name).map(Vec::as_slice)
    }
}

fn read(text: &'static str) -> Table {
    let mut table = Table::default();
    let mut open: Option<&'static str> = None;
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let words: Vec<&'static str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["kind", api, kind, scope, fields] => {
                let fields = (*fields != "any").then_some(*fields);
                let kind_of = Kind { in_namespace: *scope == "in", fields };
                table.kinds.insert((*api, *kind), kind_of);
            }
            [name, "=", only] if only.contains('|') && !only.contains(':') => {
                table.words.insert(*name, only.split('|').collect());
            }
            [name, "=", fields @ ..] => {
                open = Some(*name);
                table.types.insert(*name, fields.iter().filter_map(|it| field(it)).collect());
            }
            more => {
                let fields = open.and_then(|name| table.types.get_mut(name));
                fields.into_iter().for_each(|it| it.extend(more.iter().filter_map(|it| field(it))));
            }
        }
    }
    table
}

fn field(text: &'static str) -> Option<Field> {
    let (name, kind) = text.split_once(':')?;
    let (kind, required) = match kind.strip_suffix('!') {
        Some(kind) => (kind, true),
        None => (kind, false),
    };
    Some(Field { name, kind: type_of(kind), required })
}

fn type_of(text: &'static str) -> Type {
    if let Some(inner) = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Type::List(Box::new(type_of(inner)))
    } else if let Some(inner) = text.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
        Type::Of(Box::new(type_of(inner)))
    } else if text.contains('|') {
        Type::OneOf(text.split('|').collect())
    } else if SIMPLE.contains(&text) {
        Type::Simple(text)
    } else {
        Type::Map(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of types in `kind`.
    fn named(kind: &Type) -> Option<&'static str> {
        match kind {
            Type::Map(name) => Some(name),
            Type::List(inner) | Type::Of(inner) => named(inner),
            _ => None,
        }
    }

    #[test]
    fn every_type_that_is_named_is_there() {
        let table = get();
        let of_kinds = table.kinds.values().filter_map(|kind| kind.fields);
        let of_fields = table.types.values().flatten().filter_map(|field| named(&field.kind));
        let known =
            |name: &&str| table.types.contains_key(*name) || table.words.contains_key(*name);
        let missing: Vec<_> = of_kinds.chain(of_fields).filter(|name| !known(name)).collect();
        assert_eq!(missing, Vec::<&str>::new());
        assert!(table.kinds.len() > 50 && table.types.len() > 60);
    }

    #[test]
    fn lines_go_on_and_types_nest() {
        let table = get();
        let fields = table.fields("Container").unwrap();
        let field = |name: &str| fields.iter().find(|field| field.name == name).unwrap();
        assert!(field("name").required && !field("tty").required);
        assert_eq!(field("env").kind, Type::List(Box::new(Type::Map("Env"))));
        assert_eq!(
            field("imagePullPolicy").kind,
            Type::OneOf(vec!["Always", "Never", "IfNotPresent"])
        );
        assert_eq!(table.words("AccessMode").unwrap().len(), 4);
    }
}
