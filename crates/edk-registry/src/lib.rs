//! The OCI distribution API 1.1 as an HTTP handler over [`edk_store`].
//!
//! [`router`] answers requests, [`serve`] runs it on a listener which the caller has bound. What a
//! build wrote into the store can be pulled here at once, so a local push moves no bytes.
//!
//! ```text
//! route      method + path -> what is asked for; pure
//! document   manifest bytes -> what they refer to; pure
//! range      byte ranges of pulls, chunks of pushes; pure
//! condition  entity tags; pure
//! page       a slice of a sorted list; pure
//! answer     route -> handler; what all answers share
//! blob, manifest, upload, listing   the handlers
//! name       by which name a server of this machine is asked
//! session    uploads that are not finished
//! pushes     leases on the store, one for each repository that is pushed to
//! guard      TLS, logins and rights, for a network
//! upstream   the registry that is mirrored: what is not here is fetched from it and kept
//! refusal    every way to say no, as the specification's error body
//! ```
//!
//! It is the registry of one workstation over one store, and that shows in three places:
//!
//! - a blob in the store can be read, and counts as present, in every repository; a mount never
//!   copies and never fails when the blob is there. Manifests and tags belong to their repository;
//! - deleting a blob takes it out of the store, so it is refused while a manifest of any
//!   repository needs it;
//! - on loopback everybody is the user, and nobody logs in. What a web browser sends on behalf of a
//!   page is refused, and so is whoever asks for another host than this machine. For a network there
//!   is [`serve_guarded`]: TLS, and accounts with rights for beginnings of repositories. Who may not
//!   pull everything gets only blobs which a manifest of the repository names.
//!
//! Digests are SHA-256 or SHA-512; any other algorithm is refused as `DIGEST_INVALID`. Unfinished
//! uploads live in the store's `incoming` folder under a lock: they end with the server, after an
//! hour of silence, or when the client cancels them, and never appear as blobs. Garbage collection
//! is the store's affair; a push keeps what it brings, and what it finds there, by a lease.

mod answer;
mod blob;
mod condition;
mod document;
mod guard;
mod listing;
mod manifest;
mod name;
mod page;
mod pushes;
mod query;
mod range;
mod refusal;
mod route;
mod session;
mod upload;
mod upstream;

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::{Router, serve::ListenerExt as _};
use edk_store::Store;
pub use guard::{AccessError, Account, Accounts, Certificate, CertificateError, NewAccount};
use guard::{Logins, TlsListener};
use pushes::Pushes;
use session::Sessions;
use tokio::{net::TcpListener, task};
pub use upstream::{Upstream, UpstreamError};

/// What the handlers share.
#[derive(Debug)]
struct Registry {
    store: Store,
    sessions: Sessions,
    pushes: Pushes,
    /// Held while a manifest is checked and kept, and while a blob is found unused and deleted:
    /// otherwise a delete could slip in between the check of a push and its end.
    gate: Mutex<()>,
    options: Options,
    /// Who may do what; `None` on loopback, where everybody is the user.
    logins: Option<Logins>,
}

/// What a registry does beyond the specification.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// How many bytes a blob may have; without it, as many as the disk takes.
    pub blob_limit: Option<u64>,
    /// Where what is not here is fetched from.
    pub upstream: Option<Arc<dyn Upstream>>,
}

/// What has to stand between a registry and a network.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The certificate it shows.
    pub certificate: Certificate,
    /// Who may log in.
    pub accounts: Accounts,
}

/// Returns the handler of every path under `/v2/`; any other path is answered with 404.
pub fn router(store: Store) -> Router {
    router_with(store, Options::default(), None)
}

fn router_with(store: Store, options: Options, accounts: Option<Accounts>) -> Router {
    let registry = Registry {
        store,
        sessions: Sessions::default(),
        pushes: Pushes::default(),
        gate: Mutex::default(),
        options,
        logins: accounts.map(Logins::new),
    };
    Router::new().fallback(answer::answer).with_state(Arc::new(registry))
}

/// Serves `store` on `listener` until `shutdown` is ready; requests under way are finished first.
///
/// Before the first request, removes what writers that no longer run left in the store.
///
/// # Errors
/// If the store's folder can't be read.
pub async fn serve(
    listener: TcpListener,
    store: Store,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_with(listener, store, Options::default(), shutdown).await
}

/// As [`serve`], with `options`. Nobody has to log in: for loopback only.
///
/// # Errors
/// If the store's folder can't be read.
pub async fn serve_with(
    listener: TcpListener,
    store: Store,
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let sweeping = store.clone();
    task::spawn_blocking(move || sweeping.sweep()).await?.map_err(io::Error::other)?;
    let local = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let listener = listener.tap_io(|stream| {
        // Only a matter of speed: without it small answers may wait for the client's next packet.
        let _ = stream.set_nodelay(true);
    });
    let mut router = router_with(store, options, None);
    if local {
        router = router.layer(axum::middleware::from_fn(name::this_machine_only));
    }
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

/// As [`serve`], for a network: over TLS, and only to those who log in.
///
/// # Errors
/// If the store's folder can't be read.
pub async fn serve_guarded(
    listener: TcpListener,
    store: Store,
    options: Options,
    guard: Guard,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let sweeping = store.clone();
    task::spawn_blocking(move || sweeping.sweep()).await?.map_err(io::Error::other)?;
    let listener = TlsListener::new(listener, &guard.certificate);
    let router = router_with(store, options, Some(guard.accounts));
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}
