//! What we link may be given on with us: every dependency has a licence which `deny.toml` allows,
//! and comes from the one registry it names.

use std::collections::BTreeSet;

use cargo_metadata::{CargoOpt, MetadataCommand, Package};

use crate::{expect_none, repository};

/// Words of the licence MIT, for crates that bring its text instead of its name.
const MIT: &str = "Permission is hereby granted, free of charge";

fn allowed() -> (BTreeSet<String>, BTreeSet<String>) {
    let rules: toml::Table = repository::read("deny.toml").parse().unwrap();
    let list = |table: &str, key: &str| {
        let values = rules[table][key].as_array().unwrap().iter();
        values.map(|value| value.as_str().unwrap().to_owned()).collect()
    };
    (list("licenses", "allow"), list("sources", "allow-registry"))
}

/// Says whether an SPDX expression (or one of the older form `A/B`) can be met by `allowed`.
fn met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let words = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = words.split_whitespace().peekable();
    any(&mut words, allowed) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut result = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        result |= all(words, allowed);
    }
    result
}

fn all(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut result = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        result &= one(words, allowed);
    }
    result
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut name = words.next().unwrap_or_default().to_owned();
    if name == "(" {
        let result = any(words, allowed);
        return words.next() == Some(")") && result;
    }
    if words.next_if_eq(&"WITH").is_some() {
        name = format!("{name} WITH {}", words.next().unwrap_or_default());
    }
    allowed.contains(&name)
}

fn licence(package: &Package) -> String {
    let text = || package.license_file().and_then(|path| std::fs::read_to_string(path).ok());
    let joined = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let from_text = || text().map(joined).filter(|it| it.contains(MIT)).map(|_| "MIT".to_owned());
    package.license.clone().or_else(from_text).unwrap_or_else(|| "none".to_owned())
}

#[test]
fn dependencies_are_licensed_for_us_and_come_from_one_registry() {
    let (licences, registries) = allowed();
    // What the product is built of on the system it is for.
    let platform = ["--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned).to_vec();
    let manifest = repository::root().join("Cargo.toml");
    let mut command = MetadataCommand::new();
    command.manifest_path(manifest).features(CargoOpt::AllFeatures).other_options(platform);
    let metadata = command.exec().unwrap();
    let used: BTreeSet<_> = metadata.resolve.unwrap().nodes.into_iter().map(|it| it.id).collect();
    assert!(used.len() > 100, "only {} packages are seen", used.len());
    let mut complaints = Vec::new();
    for package in metadata.packages.iter().filter(|it| used.contains(&it.id)) {
        let licence = licence(package);
        if !met(&licence, &licences) {
            complaints.push(format!("{}: deny.toml does not allow {licence}", package.name));
        }
        let source = package.source.as_ref().map(|it| it.repr.trim_start_matches("registry+"));
        if source.is_some_and(|source| !registries.contains(source)) {
            complaints.push(format!("{}: comes from {source:?}", package.name));
        }
    }
    expect_none(&complaints);
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = ["MIT", "Apache-2.0", "A WITH B"].map(str::to_owned).into();
    let check = |expression: &str, expected| {
        assert_eq!(met(expression, &allowed), expected, "{expression}");
    };
    check("MIT", true);
    check("GPL-3.0", false);
    check("GPL-3.0 OR MIT", true);
    check("GPL-3.0/MIT", true);
    check("GPL-3.0 AND MIT", false);
    check("(MIT OR GPL-3.0) AND Apache-2.0", true);
    check("MIT OR GPL-3.0 AND BSD", true);
    check("A WITH B", true);
    check("A", false);
    check("none", false);
}
