//! `edk serve`: the host of a window over HTTP, for a browser on this machine and for tests.
//!
//! It listens on the loopback interface only, wants the token of its start from everybody, and
//! refuses what a page of another origin sends. The protocol is described in `docs/host.md`; what
//! is done behind it is `edk_api::host`.

mod api;
mod guard;
mod pages;

use std::{io::Read as _, path::PathBuf, sync::Arc};

use axum::{
    Router, middleware,
    routing::{get, post},
};
use edk_api::{
    CancellationToken, Engine, Failure,
    host::{Host, HostOptions},
};
use edk_model::Code;
use tokio::net::TcpListener;

/// The port when none is named.
pub(crate) const DEFAULT_PORT: u16 = 5579;

/// What is served, and where.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The port; 0 takes any that is free.
    pub(crate) port: u16,
    /// The folder of the built user interface.
    pub(crate) ui: Option<PathBuf>,
    /// Address of the Debian mirror for bases.
    pub(crate) mirror: Option<String>,
    /// Port of the registry; 0 takes any that is free.
    pub(crate) registry_port: u16,
}

/// What the handlers share.
#[derive(Debug)]
struct Served {
    host: Host,
    token: String,
    /// The names under which a browser may know us, such as `127.0.0.1:5579`.
    names: [String; 2],
    ui: Option<PathBuf>,
    stop: CancellationToken,
}

type Shared = Arc<Served>;

/// Serves until `stop`, then stops all jobs and waits for them. Blocks.
pub(crate) fn run(
    engine: Engine,
    options: Options,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let ui = match options.ui {
        Some(folder) => Some(pages::folder(&folder)?),
        None => None,
    };
    let token = random_token().map_err(|error| failed("there is no randomness", &error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| failed("could not start the network", &error))?;
    // Before the host, which would serve the registry for nothing.
    let listener = runtime.block_on(listen(options.port))?;
    let registry_port = Some(options.registry_port);
    let host = Host::new(engine, HostOptions { mirror: options.mirror, registry_port });
    let result = runtime.block_on(async {
        let address =
            listener.local_addr().map_err(|error| failed("the port has no address", &error))?;
        let names =
            [format!("127.0.0.1:{}", address.port()), format!("localhost:{}", address.port())];
        eprintln!("http://{address}/#token={token}");
        let served = Served { host: host.clone(), token, names, ui, stop: stop.clone() };
        serve(listener, Arc::new(served), stop).await
    });
    host.stop();
    // A reader that keeps its connection must not hold the end up.
    runtime.shutdown_background();
    result
}

async fn serve(
    listener: TcpListener,
    served: Shared,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let until = stop.clone();
    let server = axum::serve(listener, router(served))
        .with_graceful_shutdown(async move { until.cancelled().await });
    tokio::select! {
        ended = async { server.await } => ended.map_err(|error| failed("the server broke down", &error)),
        () = async {
            stop.cancelled().await;
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        } => Ok(()),
    }
}

fn router(served: Shared) -> Router {
    let api = Router::new()
        .route("/rpc", post(api::rpc))
        .route("/events", get(api::events))
        .route("/upload", post(api::upload))
        .layer(middleware::from_fn_with_state(served.clone(), guard::known));
    Router::new()
        .merge(api)
        .fallback(pages::page)
        .layer(middleware::from_fn_with_state(served.clone(), guard::own_origin))
        .with_state(served)
}

async fn listen(port: u16) -> Result<TcpListener, Failure> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            Failure::new(Code::Conflict, format!("port {port} of this machine is taken"))
                .hint("name another port, or `--port 0` for any that is free")
        }
        _ => failed("could not listen on this machine", &error),
    })
}

/// 256 bits nobody can guess, as hex digits.
fn random_token() -> std::io::Result<String> {
    let mut bytes = [0_u8; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn failed(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(Code::of_io(error), what).because(error)
}
