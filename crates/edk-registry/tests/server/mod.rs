//! The real server on a free port of loopback, over a store in a temporary folder.
#![allow(dead_code, reason = "each test file uses its part")]

use std::net::SocketAddr;

use edk_store::Store;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// A running registry; its folder goes when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    pub(crate) client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<std::io::Result<()>>>,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        // The client insists on a provider even for plain HTTP; another test may have set it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = edk_registry::serve(listener, store.clone(), async {
            let _ = stopped.await;
        });
        let (stop, task) = (Some(stop), Some(tokio::spawn(serving)));
        Self { address, store, client, stop, task, _folder: folder }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Tells the server to stop and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.take().unwrap().await.unwrap().unwrap();
    }
}
