//! Servers listen on this machine only, unless the user says otherwise; and then only over TLS and to
//! those who log in. No source knows the address that means every network.

use regex::Regex;

use crate::{expect_none, repository};

/// Binds addresses in the network of a container, which no other machine can reach.
const INSIDE: &str = "crates/edk-container/src/helper/gate.rs";

/// Files that may name such an address, and why.
const EXCEPTIONS: [(&str, &str); 1] =
    [("crates/edk-container/src/helper/process.rs", "a socket only used to raise `lo`")];

/// The one file that binds an address of the user's, and the one function it may serve it with: that
/// takes a certificate and accounts and knows no way without.
const NETWORK: &str = "crates/edk-engine/src/registry/lan.rs";
const GUARDED: &str = "edk_registry::serve_guarded(";

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
    let bound =
        |it: &&repository::Source| it.is_library() && it.path != NETWORK && it.path != INSIDE;
    for source in repository::sources().iter().filter(bound) {
        for found in bind.captures_iter(&source.text) {
            if !local.is_match(&found[1]) {
                complaints.push(format!("{}: `{}` must name loopback", source.path, &found[0]));
            }
        }
    }
    expect_none(&complaints);
}

/// Says what is wrong with a file that binds an address of the user's.
fn unguarded(text: &str) -> Vec<String> {
    let count = |pattern: &str| Regex::new(pattern).unwrap().find_iter(text).count();
    let binds = count(r"\bTcpListener::bind\(");
    let serves = count(r"\bserve(_\w+)?\(") - count(r"\bfn serve(_\w+)?\(");
    let guarded = text.matches(GUARDED).count();
    let mut complaints = Vec::new();
    if binds != 1 || guarded != 1 || serves != 1 {
        complaints.push(format!("{binds} binds, {serves} serves, {guarded} of them guarded"));
    }
    complaints
}

#[test]
fn what_listens_where_the_user_says_has_tls_and_accounts() {
    expect_none(&unguarded(&repository::read(NETWORK)));
    // The guard is no option: it has both, and is taken by value.
    let room = repository::read("crates/edk-registry/src/lib.rs");
    let signature = Regex::new(r"pub async fn serve_guarded\(([^)]*)\)").unwrap();
    assert!(signature.captures(&room).unwrap()[1].contains("guard: Guard,"));
    let guard = Regex::new(r"pub struct Guard \{([^}]*)\}").unwrap();
    let fields = guard.captures(&room).unwrap()[1].to_owned();
    for field in ["pub certificate: Certificate,", "pub accounts: Accounts,"] {
        assert!(fields.contains(field), "{fields}");
    }
}

#[test]
fn serving_a_network_without_a_guard_is_found() {
    let good = "TcpListener::bind(a); edk_registry::serve_guarded(b)";
    assert_eq!(unguarded(good).len(), 0);
    for bad in [
        "TcpListener::bind(a); edk_registry::serve(b)",
        "TcpListener::bind(a); edk_registry::serve_with(b); edk_registry::serve_guarded(c)",
        "TcpListener::bind(a); TcpListener::bind(b); edk_registry::serve_guarded(c)",
    ] {
        assert_eq!(unguarded(bad).len(), 1, "{bad}");
    }
}

#[test]
fn addresses_of_every_network_are_found() {
    assert_eq!(check("a", "bind(\"0.0.0.0:80\")\nbind(\"[::]:80\")\nUNSPECIFIED").len(), 3);
    assert!(check("a", "// 0.0.0.0\nbind(\"127.0.0.1:80\"); \"10.0.0.0\"").is_empty());
}
