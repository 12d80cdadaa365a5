//! How registries are reached: the credentials which Docker and Podman keep, and who is trusted.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use edk_model::Secret;
use serde_json::Value;

/// How registries are reached.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Files with credentials as Docker's `config.json` and Podman's `auth.json` have them, the
    /// first that knows a registry wins. Those that are not there or can't be read count as empty.
    pub credentials: Vec<PathBuf>,
    /// A certificate (PEM) to trust beside those of the system: of a registry with a certificate of
    /// its own.
    pub certificate: Option<PathBuf>,
}

/// A user of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Name of the user.
    pub user: String,
    /// The password.
    pub password: Secret,
    /// Whether the password is an identity token, which is traded for others and never sent along.
    pub identity: bool,
}

impl Login {
    fn new(user: &str, password: &str) -> Self {
        // How credential helpers and Docker mark an identity token.
        let identity = user == IDENTITY;
        Self { user: user.to_owned(), password: Secret::new(password), identity }
    }

    /// The value of the header that logs in with each request (RFC 7617).
    pub(crate) fn basic(&self) -> String {
        let text = format!("{}:{}", self.user, self.password.reveal());
        format!("Basic {}", BASE64_STANDARD.encode(text))
    }
}

/// The user name of an identity token (docker/docker-credential-helpers).
const IDENTITY: &str = "<token>";

/// Where a file of credentials has the login.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Here(Login),
    /// A program `docker-credential-<name>` knows it.
    Helper(String),
}

impl Access {
    /// Returns the login for `registry`, if there is one.
    pub fn login(&self, registry: &str, repository: &str) -> Option<Login> {
        self.credentials.iter().find_map(|path| {
            let file: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
            match find(&file, registry, repository)? {
                Found::Here(login) => Some(login),
                Found::Helper(name) => ask(&name, registry),
            }
        })
    }
}

/// The names under which credentials for a registry are kept, the most special first: Podman also
/// keeps them for namespaces (containers-auth.json(5)), and Docker those of its own registry under
/// an address.
fn keys(registry: &str, repository: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut path = repository;
    loop {
        keys.push(format!("{registry}/{path}"));
        match path.rsplit_once('/') {
            Some((parent, _)) => path = parent,
            None => break,
        }
    }
    keys.push(registry.to_owned());
    keys.push(format!("https://{registry}"));
    keys.push(format!("https://{registry}/v1/"));
    if registry == "docker.io" {
        keys.push("https://index.docker.io/v1/".to_owned());
    }
    keys
}

fn find(file: &Value, registry: &str, repository: &str) -> Option<Found> {
    for key in keys(registry, repository) {
        if let Some(helper) = file["credHelpers"][&key].as_str() {
            return Some(Found::Helper(helper.to_owned()));
        }
        if let Some(login) = file["auths"].get(&key).and_then(login) {
            return Some(Found::Here(login));
        }
    }
    file["credsStore"].as_str().map(|helper| Found::Helper(helper.to_owned()))
}

fn login(entry: &Value) -> Option<Login> {
    if let Some(token) = entry["identitytoken"].as_str().filter(|it| !it.is_empty()) {
        return Some(Login::new(IDENTITY, token));
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(entry["auth"].as_str()?).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    // Docker ends a password with zero bytes in some versions.
    Some(Login::new(user, password.trim_end_matches('\0')))
}

/// Asks a credential helper (docker/docker-credential-helpers: `get`, the server on its input).
fn ask(name: &str, registry: &str) -> Option<Login> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !name.bytes().all(plain) {
        return None;
    }
    let mut command = Command::new(format!("docker-credential-{name}"));
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    // Docker keeps the login of its own registry under an address.
    let server = match registry {
        "docker.io" => "https://index.docker.io/v1/",
        other => other,
    };
    child.stdin.take()?.write_all(server.as_bytes()).ok()?;
    let output = child.wait_with_output().ok().filter(|output| output.status.success())?;
    let answer: Value = serde_json::from_slice(&output.stdout).ok()?;
    let (user, password) = (answer["Username"].as_str()?, answer["Secret"].as_str()?);
    Some(Login::new(user, password))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_most_special_entry_wins_and_a_helper_comes_last() {
        let auth = |text: &str| json!({ "auth": BASE64_STANDARD.encode(text) });
        let file = json!({
            "auths": {
                "r.example": auth("all:p:w"), "r.example/team": auth("team:x"),
                "https://index.docker.io/v1/": auth("hub:y"), "empty.example": {},
                "broken.example": { "auth": "%%" },
                "token.example": { "auth": BASE64_STANDARD.encode("x:"), "identitytoken": "t" },
            },
            "credHelpers": { "h.example": "pass" },
        });
        let here = |user: &str, password: &str| Some(Found::Here(Login::new(user, password)));
        for (registry, repository, expected) in [
            ("r.example", "app", here("all", "p:w")),
            ("r.example", "team/app", here("team", "x")),
            ("docker.io", "library/debian", here("hub", "y")),
            ("h.example", "app", Some(Found::Helper("pass".to_owned()))),
            ("empty.example", "app", None),
            ("broken.example", "app", None),
            ("token.example", "app", here("<token>", "t")),
            ("none.example", "app", None),
        ] {
            assert_eq!(find(&file, registry, repository), expected, "{registry}/{repository}");
        }
        let store = json!({ "credsStore": "secretservice" });
        assert_eq!(find(&store, "a", "b"), Some(Found::Helper("secretservice".to_owned())));
        assert_eq!(ask("../evil", "a"), None);
    }
}
