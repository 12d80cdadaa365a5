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
//! session    uploads that are not finished
//! pushes     leases on the store, one for each repository that is pushed to
//! refusal    every way to say no, as the specification's error body
//! ```
//!
//! It is the registry of one workstation over one store, and that shows in three places:
//!
//! - a blob in the store can be read, and counts as present, in every repository; a mount never
//!   copies and never fails when the blob is there. Manifests and tags belong to their repository;
//! - deleting a blob takes it out of the store, so it is refused while a manifest of any
//!   repository needs it;
//! - there is no authentication: the caller binds the listener to loopback, or puts something in
//!   front. What a web browser sends on behalf of a page is refused.
//!
//! Digests are SHA-256 or SHA-512; any other algorithm is refused as `DIGEST_INVALID`. Unfinished
//! uploads live in the store's `incoming` folder under a lock: they end with the server, after an
//! hour of silence, or when the client cancels them, and never appear as blobs. Garbage collection
//! is the store's affair; a push keeps what it brings, and what it finds there, by a lease.

mod answer;
mod blob;
mod condition;
mod document;
mod listing;
mod manifest;
mod page;
mod pushes;
mod query;
mod range;
mod refusal;
mod route;
mod session;
mod upload;

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::{Router, serve::ListenerExt as _};
use edk_store::Store;
use pushes::Pushes;
use session::Sessions;
use tokio::{net::TcpListener, task};

/// What the handlers share.
#[derive(Debug)]
struct Registry {
    store: Store,
    sessions: Sessions,
    pushes: Pushes,
    /// Held while a manifest is checked and kept, and while a blob is found unused and deleted:
    /// otherwise a delete could slip in between the check of a push and its end.
    gate: Mutex<()>,
}

/// Returns the handler of every path under `/v2/`; any other path is answered with 404.
pub fn router(store: Store) -> Router {
    let registry = Registry {
        store,
        sessions: Sessions::default(),
        pushes: Pushes::default(),
        gate: Mutex::default(),
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
    let sweeping = store.clone();
    task::spawn_blocking(move || sweeping.sweep()).await?.map_err(io::Error::other)?;
    let listener = listener.tap_io(|stream| {
        // Only a matter of speed: without it small answers may wait for the client's next packet.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router(store)).with_graceful_shutdown(shutdown).await
}
