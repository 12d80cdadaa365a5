//! Requests to the registry.

use std::sync::OnceLock;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use edk_store::Store;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use crate::text;

struct World {
    _folder: TempDir,
    runtime: Runtime,
    router: Router,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        for blob in [&b"{}"[..], b"layer"] {
            store.put("application/octet-stream", blob).unwrap();
        }
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { _folder: folder, runtime, router: edk_registry::router(store) }
    }
}

/// A conversation: each file is a body, its name is method, path and headers with blanks between
/// them, such as `PUT /v2/a/manifests/1 content-type:x`.
pub(super) fn requests(data: &[u8]) {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(World::new);
    for (line, body) in text::files(data) {
        let Some(request) = request(&line, body) else { continue };
        let answer = world.runtime.block_on(world.router.clone().oneshot(request)).unwrap();
        let status = answer.status();
        assert!(!status.is_server_error(), "{line} is answered with {status}");
        let _ = world.runtime.block_on(to_bytes(answer.into_body(), 1 << 24));
    }
}

fn request(line: &str, body: Vec<u8>) -> Option<Request<Body>> {
    let mut words = line.split(' ');
    let mut request = Request::builder().method(words.next()?).uri(words.next()?);
    for (name, value) in words.filter_map(|word| word.split_once(':')) {
        request = request.header(name, value);
    }
    request.body(body.into()).ok()
}
