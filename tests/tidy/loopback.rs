//! Servers listen on this machine only: no source knows the address that means every network.

use regex::Regex;

use crate::{expect_none, repository};

/// Files that may name such an address, and why.
const EXCEPTIONS: [(&str, &str); 1] =
    [("crates/edk-container/src/helper/process.rs", "a socket only used to raise `lo`")];

fn check(path: &str, text: &str) -> Vec<String> {
    let every = Regex::new(r"\b0\.0\.0\.0\b|\[::\]|\bUNSPECIFIED\b").unwrap();
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    let found = code.filter(|(_, line)| every.is_match(line));
    found.map(|(at, _)| format!("{path}:{}: an address on every network", at + 1)).collect()
}

#[test]
fn no_server_listens_on_every_network() {
    let excepted = |path: &str| EXCEPTIONS.iter().any(|(it, _)| *it == path);
    let sources = repository::sources().iter();
    let sources = sources.filter(|it| it.is_library() && !excepted(&it.path));
    expect_none(&sources.flat_map(|it| check(&it.path, &it.text)).collect::<Vec<_>>());
}

#[test]
fn exceptions_are_still_needed() {
    for (path, _) in EXCEPTIONS {
        assert!(!check(path, &repository::read(path)).is_empty(), "{path} needs no exception");
    }
}

#[test]
fn every_server_names_loopback() {
    let bind = Regex::new(r"\bTcpListener::bind\(([^)]*)\)").unwrap();
    let local = Regex::new(r"LOCALHOST|127\.0\.0\.1|localhost|loopback").unwrap();
    let mut complaints = Vec::new();
    for source in repository::sources().iter().filter(|it| it.is_library()) {
        for found in bind.captures_iter(&source.text) {
            if !local.is_match(&found[1]) {
                complaints.push(format!("{}: `{}` must name loopback", source.path, &found[0]));
            }
        }
    }
    expect_none(&complaints);
}

#[test]
fn addresses_of_every_network_are_found() {
    assert_eq!(check("a", "bind(\"0.0.0.0:80\")\nbind(\"[::]:80\")\nUNSPECIFIED").len(), 3);
    assert!(check("a", "// 0.0.0.0\nbind(\"127.0.0.1:80\"); \"10.0.0.0\"").is_empty());
}
