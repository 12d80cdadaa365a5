use std::{collections::BTreeMap, path::Path};

use edk_model::{Finding, Secret};
use serde::Deserialize;

use super::Login;
use crate::{Error, Result, load::at, yaml};

/// A chart repository that has a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repository {
    /// Its address.
    pub url: String,
    /// Who we are there.
    pub login: Option<Login>,
    /// A certificate (PEM) to trust beside those of the system.
    pub certificate: Option<std::path::PathBuf>,
}

/// Chart repositories by name: what `@name` in a dependency stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repositories(BTreeMap<String, Repository>);

/// The form of Helm's `repositories.yaml`.
#[derive(Debug, Default, Deserialize)]
struct HelmFile {
    #[serde(default)]
    repositories: Option<Vec<HelmEntry>>,
}

#[derive(Debug, Deserialize)]
struct HelmEntry {
    name: String,
    url: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default, rename = "caFile")]
    ca_file: String,
}

impl Repositories {
    /// Reads a file of the form of Helm's `repositories.yaml`. What it says about certificates of
    /// clients is passed over.
    ///
    /// # Errors
    /// [`Error::Io`] if it can't be read, [`Error::Broken`] if it has another form.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(at("read", path))?;
        let broken = |finding| Error::Broken { origin: name.clone(), findings: vec![finding] };
        let value = yaml::parse(&text, &name).map_err(broken)?;
        let file: HelmFile = crate::metadata::typed(value).map_err(|message| {
            broken(Finding::error("chart/repositories", message).in_file(&name).at(1, 1))
        })?;
        let mut all = Self::default();
        for entry in file.repositories.unwrap_or_default() {
            let login = (!entry.username.is_empty()).then(|| Login {
                user: entry.username.clone(),
                password: Secret::new(&entry.password),
            });
            let certificate = (!entry.ca_file.is_empty()).then(|| entry.ca_file.into());
            all.add(&entry.name, Repository { url: entry.url, login, certificate });
        }
        Ok(all)
    }

    /// Adds a repository; an earlier one of this name is replaced.
    pub fn add(&mut self, name: &str, repository: Repository) {
        self.0.insert(name.to_owned(), repository);
    }

    /// Returns the names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the repository called `name`.
    pub fn get(&self, name: &str) -> Option<&Repository> {
        self.0.get(name)
    }

    /// Returns the repository at `url`; whether it ends with a slash does not matter.
    pub(crate) fn at(&self, url: &str) -> Option<&Repository> {
        let bare = |url: &str| url.trim_end_matches('/').to_owned();
        self.0.values().find(|repository| bare(&repository.url) == bare(url))
    }

    /// Returns the address behind `@name` or `alias:name`; what is neither is returned as it is,
    /// `None` stands for a name that is not known.
    pub(crate) fn address(&self, repository: &str) -> Option<String> {
        let name = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
        match name {
            Some(name) => self.get(name).map(|repository| repository.url.clone()),
            None => Some(repository.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helms_own_file_is_understood() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("repositories.yaml");
        let text = "apiVersion: \"\"\ngenerated: \"2024-01-01T00:00:00Z\"\nrepositories:\n\
                    - name: mine\n  url: https://charts.example.org/mine/\n  username: me\n  \
                    password: secret\n  caFile: ca.pem\n  certFile: \"\"\n  \
                    insecure_skip_tls_verify: false\n- name: other\n  url: https://example.org\n";
        std::fs::write(&path, text).unwrap();
        let all = Repositories::read(&path).unwrap();
        assert_eq!(all.names().collect::<Vec<_>>(), ["mine", "other"]);
        let mine = all.get("mine").unwrap();
        assert_eq!(mine.login.as_ref().unwrap().password.reveal(), "secret");
        assert_eq!(all.at("https://charts.example.org/mine"), Some(mine));
        for (text, expected) in [
            ("@other", Some("https://example.org")),
            ("alias:other", Some("https://example.org")),
            ("https://else.example", Some("https://else.example")),
            ("@none", None),
        ] {
            assert_eq!(all.address(text).as_deref(), expected, "{text}");
        }
        std::fs::write(&path, "repositories: 3\n").unwrap();
        assert!(matches!(Repositories::read(&path), Err(Error::Broken { .. })));
    }
}
