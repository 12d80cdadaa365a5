use std::time::Duration;

use serde_json::{Value, json};

use crate::Profile;

/// Who may come through the front door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The secret of the client `kaapana`, which may log in with a password. The client `edk` is
    /// public, and logs in with a code or from another device.
    pub client_secret: String,
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The projects: id and name.
    pub projects: Vec<(String, String)>,
    /// How long an access token lives. The platform: 1 h.
    pub token_life: Duration,
    /// How long a session lives without being used. The platform: 30 min.
    pub session_life: Duration,
    /// How old the cookie of a browser's session gets before it is renewed. The platform: 5 min.
    pub cookie_refresh: Duration,
}

/// A user of the front door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name to log in with.
    pub name: String,
    /// The password.
    pub password: String,
    /// Whether it may do everything.
    pub admin: bool,
    /// Whether its password has to be changed first, which only a browser can do.
    pub unfinished: bool,
    /// The projects whose extensions it may manage, by id.
    pub manages: Vec<String>,
    /// The projects it is in, by id.
    pub projects: Vec<String>,
}

impl Door {
    /// Returns the door of `edk sandbox serve --login`: an administrator `kaapana`, a `lead` who
    /// manages the project `study`, a `guest` who is in it, and a `newcomer` who has not logged in
    /// in a browser yet. Each one's password is its name.
    pub fn example() -> Self {
        let study = vec!["00000000-0000-4000-8000-000000000002".to_owned()];
        let account = |name: &str| Account {
            name: name.to_owned(),
            password: name.to_owned(),
            admin: false,
            unfinished: false,
            manages: Vec::new(),
            projects: study.clone(),
        };
        Self {
            client_secret: "sandbox".to_owned(),
            accounts: vec![
                Account { admin: true, ..account("kaapana") },
                Account { manages: study.clone(), ..account("lead") },
                account("guest"),
                Account { unfinished: true, ..account("newcomer") },
            ],
            projects: vec![
                ("00000000-0000-4000-8000-000000000001".to_owned(), "admin".to_owned()),
                (study[0].clone(), "study".to_owned()),
            ],
            token_life: Duration::from_secs(3600),
            session_life: Duration::from_secs(1800),
            cookie_refresh: Duration::from_secs(300),
        }
    }

    pub(super) fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name == name)
    }

    pub(super) fn project(&self, id: &str) -> Option<(&str, &str)> {
        let found = self.projects.iter().find(|(known, name)| known == id || name == id)?;
        Some((&found.0, &found.1))
    }

    /// The projects as the API shows them: those of an account, or all with more of them.
    pub(super) fn shown_projects(&self, account: Option<&Account>, profile: Profile) -> Value {
        let of = |id: &String| account.is_none_or(|account| account.projects.contains(id));
        let numbered = self.projects.iter().zip(1..).filter(|((id, _), _)| of(id));
        let shown = numbered.map(|((id, name), number)| match account {
            Some(account) => {
                let lead = account.manages.contains(id);
                let role = if lead { "principal-investigator" } else { "scientist" };
                let id = shown_id(id, number, profile);
                json!({ "id": id, "name": name, "description": "", "role_name": role })
            }
            None => {
                let namespace = format!("project-{name}");
                let id = shown_id(id, number, profile);
                json!({ "id": id, "name": name, "kubernetes_namespace": namespace,
                    "int_id": number, "external_id": null, "description": "" })
            }
        });
        shown.collect()
    }
}

/// Before 0.5.0 the id of a project is a number.
fn shown_id(id: &str, number: u64, profile: Profile) -> Value {
    if profile == Profile::V04 { json!(number) } else { json!(id) }
}

impl Account {
    /// Its id: the same for each name.
    pub(super) fn id(&self) -> String {
        format!("user-{}", self.name)
    }

    pub(super) fn shown(&self) -> Value {
        let roles: &[&str] = if self.admin { &["admin", "user"] } else { &["user"] };
        json!({ "id": self.id(), "username": self.name, "realm_roles": roles, "groups": [] })
    }
}
