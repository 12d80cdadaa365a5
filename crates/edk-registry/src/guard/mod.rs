//! What stands between the registry and a network: TLS, and a login for everything.

mod accounts;
mod login;
mod tls;

pub use accounts::{AccessError, Account, Accounts, NewAccount};
pub(crate) use login::Logins;
pub(crate) use tls::TlsListener;
pub use tls::{Certificate, CertificateError};

use crate::{refusal::Refusal, route::Route};

/// What a request wants to do with which repository.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish<'a> {
    /// To know that there is a registry.
    Nothing,
    /// To see the names of all repositories.
    List,
    Pull(&'a str),
    Push(&'a str),
    /// To take a blob out of the store, whoever has it.
    DeleteBlob,
}

impl Route {
    fn wish(&self) -> Wish<'_> {
        match self {
            Self::Version => Wish::Nothing,
            Self::Catalog => Wish::List,
            Self::Tags(name)
            | Self::Referrers(name, _)
            | Self::GetManifest(name, _)
            | Self::GetBlob(name, _) => Wish::Pull(name),
            Self::DeleteBlob(_) => Wish::DeleteBlob,
            Self::PutManifest(name, _)
            | Self::DeleteManifest(name, _)
            | Self::StartUpload(name)
            | Self::UploadStatus(name, _)
            | Self::AppendUpload(name, _)
            | Self::FinishUpload(name, _)
            | Self::CancelUpload(name, _) => Wish::Push(name),
        }
    }
}

/// Says whether an account may do what a request asks for.
///
/// # Errors
/// [`Refusal::Denied`] if it may not.
pub(crate) fn allow(account: &Account, route: &Route) -> Result<(), Refusal> {
    let (allowed, what) = match route.wish() {
        Wish::Nothing => (true, String::new()),
        Wish::List => (account.may_pull_all(), "list all repositories".to_owned()),
        Wish::Pull(name) => (account.may_pull(name), format!("pull from `{name}`")),
        Wish::DeleteBlob => (account.may_push_all(), "delete blobs".to_owned()),
        Wish::Push(name) => (account.may_push(name), format!("push to `{name}`")),
    };
    match allowed {
        true => Ok(()),
        false => Err(Refusal::Denied { account: account.name.clone(), what }),
    }
}
