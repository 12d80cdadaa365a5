//! What every face takes from the machine it runs on: folders, and what `RUN` steps need to reach
//! package indexes. The environment itself is the face's; it comes in as a function.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use edk_engine::{Bind, HostSettings};
use edk_model::{Code, Failure, Secret};

/// Looks a variable of the environment up, as `std::env::var_os` does.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Variables that are passed on to `RUN` steps when they are set here. A path in one of them would
/// not be there inside, so such a value is left out.
const PASSED: [&str; 16] = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "PIP_FIND_LINKS",
    "PIP_DEFAULT_TIMEOUT",
    "UV_INDEX_URL",
    "NPM_CONFIG_REGISTRY",
    "CRAN_MIRROR",
];

/// Variables by which programs find a bundle of certificates.
const CA_VARIABLES: [&str; 7] = [
    "PIP_CERT",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "CARGO_HTTP_CAINFO",
];

/// Where distributions keep the bundle of certificates this machine believes.
const CA_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Where the bundle shows in a `RUN` step: a place of our own, so that packages can change theirs.
const CA_INSIDE: &str = "/run/edk-ca.crt";

/// Returns the folder for everything that is kept: `wanted` (from `--home`), else `kaapana-edk` in
/// the user's data folder (XDG Base Directory Specification); `home` is the user's home folder.
///
/// # Errors
/// If there is neither a wanted folder nor a home.
pub fn data_folder(
    wanted: Option<&Path>,
    variable: Variable<'_>,
    home: Option<PathBuf>,
) -> Result<PathBuf, Failure> {
    if let Some(folder) = wanted {
        return std::path::absolute(folder).map_err(|error| {
            Failure::new(Code::of_io(&error), "the data folder has no full path")
        });
    }
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let data = variable("XDG_DATA_HOME").map(PathBuf::from).and_then(absolute);
    let data = data.or_else(|| home.and_then(absolute).map(|home| home.join(".local/share")));
    match data {
        Some(data) => Ok(data.join("kaapana-edk")),
        None => Err(Failure::new(Code::Precondition, "there is no home folder")
            .hint("name a data folder: `--home DIR`, or set EDK_HOME")),
    }
}

/// Returns what `RUN` steps need of this machine: proxies, package indexes, the resolver and the
/// bundle of certificates; and where logins to registries are. `home` is the user's home folder.
pub fn settings(variable: Variable<'_>, home: Option<&Path>) -> HostSettings {
    let mut settings = HostSettings::default();
    for name in PASSED {
        match variable(name).and_then(|value| value.into_string().ok()) {
            Some(value) if !value.is_empty() && !value.starts_with('/') => {
                settings.env.push((name.to_owned(), value));
            }
            _ => {}
        }
    }
    for file in ["/etc/resolv.conf", "/etc/hosts"] {
        add_bind(&mut settings, Path::new(file), file);
    }
    settings.registries.credentials = credentials(variable, home);
    if let Some(bundle) = ca_bundle(variable) {
        add_bind(&mut settings, &bundle, CA_INSIDE);
        for name in CA_VARIABLES {
            settings.env.push((name.to_owned(), CA_INSIDE.to_owned()));
        }
    }
    settings
}

/// Where Podman and Docker keep logins (containers-auth.json(5); Docker's `config.json`).
fn credentials(variable: Variable<'_>, home: Option<&Path>) -> Vec<PathBuf> {
    let named = |name: &str| variable(name).map(PathBuf::from);
    let home = |path: &str| home.map(|home| home.join(path));
    let files = [
        named("REGISTRY_AUTH_FILE"),
        named("XDG_RUNTIME_DIR").map(|it| it.join("containers/auth.json")),
        named("XDG_CONFIG_HOME").map(|it| it.join("containers/auth.json")),
        home(".config/containers/auth.json"),
        named("DOCKER_CONFIG").map(|it| it.join("config.json")),
        home(".docker/config.json"),
    ];
    files.into_iter().flatten().collect()
}

/// The bundle a user points to wins over the distribution's.
fn ca_bundle(variable: Variable<'_>) -> Option<PathBuf> {
    let named = ["PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"];
    let named = named.into_iter().filter_map(variable).map(PathBuf::from);
    named.chain(CA_BUNDLES.map(PathBuf::from)).find(|path| path.is_file())
}

fn add_bind(settings: &mut HostSettings, source: &Path, target: &str) {
    // The link itself may lead to where a container can't follow.
    if let Ok(source) = source.canonicalize() {
        settings.binds.push(Bind { source, target: target.into(), read_only: true });
    }
}

/// Returns what opens the sealed file of secrets, from `EDK_PASSPHRASE` or the file that
/// `EDK_PASSPHRASE_FILE` names; without both, secrets are in the keychain of the desktop.
///
/// # Errors
/// As [`secret_in`].
pub fn passphrase(variable: Variable<'_>) -> Result<Option<Secret>, Failure> {
    if let Some(text) = variable("EDK_PASSPHRASE").and_then(|it| it.into_string().ok()) {
        return Ok(Some(Secret::new(text)).filter(|it| !it.reveal().is_empty()));
    }
    variable("EDK_PASSPHRASE_FILE").map(|path| secret_in(path.as_ref())).transpose()
}

/// Reads the first line of a file that holds a secret; `-` is standard input.
///
/// # Errors
/// If the file can't be read, or has nothing in its first line.
pub fn secret_in(path: &Path) -> Result<Secret, Failure> {
    let text = match path.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(path),
    };
    let text = text.map_err(|error| {
        let what = format!("could not read `{}`", path.display());
        Failure::new(Code::of_io(&error), what).because(error)
    })?;
    match text.lines().next().map(str::trim_end).filter(|line| !line.is_empty()) {
        Some(line) => Ok(Secret::new(line)),
        None => Err(Failure::new(
            Code::InvalidInput,
            format!("`{}` has nothing in its first line", path.display()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_is_the_wanted_one_or_below_the_data_home() {
        let check = |wanted: Option<&str>, xdg: Option<&str>, home: Option<&str>| {
            let variable = |name: &str| (name == "XDG_DATA_HOME").then_some(xdg?).map(Into::into);
            let folder = data_folder(wanted.map(Path::new), &variable, home.map(Into::into));
            folder.ok().map(|it| it.to_string_lossy().into_owned())
        };
        assert_eq!(check(Some("/a"), Some("/b"), Some("/c")).as_deref(), Some("/a"));
        assert_eq!(check(None, Some("/b"), Some("/c")).as_deref(), Some("/b/kaapana-edk"));
        let below_home = Some("/c/.local/share/kaapana-edk");
        assert_eq!(check(None, None, Some("/c")).as_deref(), below_home);
        assert_eq!(check(None, Some("relative"), Some("/c")).as_deref(), below_home);
        assert_eq!(check(None, None, None), None);
    }

    #[test]
    fn only_values_that_hold_inside_are_passed_on() {
        let variable = |name: &str| match name {
            "https_proxy" => Some("http://proxy.example:3128".into()),
            "PIP_FIND_LINKS" => Some("/srv/wheels".into()),
            "PIP_INDEX_URL" => Some(OsString::new()),
            _ => None,
        };
        let passed = settings(&variable, None).env;
        let passed: Vec<_> = passed.iter().filter(|(_, value)| value != CA_INSIDE).collect();
        assert_eq!(passed.len(), 1, "{passed:?}");
        assert_eq!(passed[0].0, "https_proxy");
    }
}
