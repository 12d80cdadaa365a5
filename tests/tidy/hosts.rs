//! No package registry is named: where packages come from is the user's setting (pip, apt and cargo
//! know it), and a host that works here may be out of reach in a hospital.

use regex::Regex;

use crate::{expect_none, repository};

/// Files written by tools, which may name them.
const EXCEPTIONS: [(&str, &str); 1] = [("Cargo.lock", "written by cargo")];

/// Returns the hosts; put together from parts so that this file may be looked at as well.
fn hosts() -> Vec<String> {
    let parts = [
        ("pypi.", "org"),
        ("pypi.python", ".org"),
        ("files.python", "hosted.org"),
        ("registry.npm", "js.org"),
        ("registry.yarn", "pkg.com"),
        ("crates.", "io/api"),
        ("index.cra", "tes.io"),
        ("static.cra", "tes.io"),
        ("proxy.gol", "ang.org"),
        ("deb.deb", "ian.org"),
        ("snapshot.deb", "ian.org"),
        ("archive.ubu", "ntu.com"),
        ("repo.ana", "conda.com"),
    ];
    parts.iter().map(|(start, end)| format!("{start}{end}")).collect()
}

fn check(path: &str, text: &str) -> Vec<String> {
    let hosts = hosts().iter().map(|host| regex::escape(host)).collect::<Vec<_>>().join("|");
    // Also what a site keeps for itself, by the names such hosts usually have.
    let own = r"https?://(pypi|npm|nexus|artifactory|mirrors?|goproxy|proxpi|devpi)[\w-]*\.";
    let forbidden = Regex::new(&format!("{hosts}|{own}[\\w.-]*")).unwrap();
    // Names that lead nowhere (RFC 2606) may stand for any host.
    let reserved = Regex::new(r"[./](example(\.(com|net|org))?|test|invalid|localhost)$").unwrap();
    let names = |line: &str| forbidden.find_iter(line).any(|it| !reserved.is_match(it.as_str()));
    let lines = text.lines().enumerate().filter(|(_, line)| names(line));
    lines.map(|(at, _)| format!("{path}:{}: names a package registry", at + 1)).collect()
}

#[test]
fn no_package_registry_is_named() {
    let files = repository::texts().iter();
    let files = files.filter(|file| EXCEPTIONS.iter().all(|(path, _)| file.path != *path));
    let complaints: Vec<_> = files.flat_map(|file| check(&file.path, &file.text)).collect();
    expect_none(&complaints);
}

#[test]
fn registries_are_found() {
    for host in hosts() {
        assert_eq!(check("a", &format!("x\nget {host}/y")).len(), 1, "{host}");
    }
    assert_eq!(check("a", &format!("https://{}.hospital.de/simple", "nexus")).len(), 1);
    assert!(check("a", "http://mirror.example/debian").is_empty());
    assert!(check("a", "https://github.com/a/b and https://example.org").is_empty());
}
