//! The window of a platform's login: the platform's own page, and what the app gets of it.

use std::sync::Arc;

use edk_testkit::{Done, Running, Signal, wait_until};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::{TlsAcceptor, rustls};

use crate::app::{App, Desktop, PASSPHRASE};

const TAB: u32 = 0xff09;
const ENTER: u32 = 0xff0d;

/// A platform elsewhere, with a login.
struct Platform {
    served: Running,
    port: String,
}

impl Platform {
    fn start(desktop: &Desktop) -> Self {
        let home = desktop.env.path("elsewhere");
        let args = ["sandbox", "serve", "--login", "--port", "0", "--home"];
        let args = [&args[..], &[home.to_str().unwrap()]].concat();
        let mut served = desktop.env.start(&args);
        let port = served.address().rsplit_once(':').unwrap().1.to_owned();
        Self { served, port }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.served.signal(Signal::SIGTERM);
    }
}

/// TLS before a server, with a certificate that nobody signed.
struct Tls {
    _runtime: Runtime,
    url: String,
    pem: String,
    fingerprint: String,
}

impl Tls {
    fn before(port: &str) -> Self {
        let names = vec!["localhost".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        let key = signing_key.serialize_der().try_into().unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let (acceptor, inner) = (TlsAcceptor::from(Arc::new(config)), format!("127.0.0.1:{port}"));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, inner) = (acceptor.clone(), inner.clone());
                tokio::spawn(async move {
                    // Who does not believe the certificate goes away.
                    let Ok(mut outside) = acceptor.accept(stream).await else { return };
                    let mut inside = TcpStream::connect(inner).await.unwrap();
                    let _ = copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
        let digest = edk_model::Digest::of(cert.der());
        Self { _runtime: runtime, url, pem: cert.pem(), fingerprint: digest.hex() }
    }
}

/// Makes the target `ward` known, goes to it and opens its page.
fn open_page(app: &App<'_>, url: &str, trust: &serde_json::Value) {
    let ward =
        json!({"name": "ward", "url": url, "project": "study", "trust": trust, "change": true});
    app.call("target_add", &ward);
    app.call("target_logout", &json!({"name": "ward"}));
    app.ctrl("6");
    app.click("Log in");
    app.click("Open the page");
}

/// Waits until the window of the login has the keyboard and its page is there; returns its title.
fn page(desktop: &Desktop) -> String {
    wait_until("the window of the login is there", 30, || {
        let active = desktop.windows.active();
        active.is_some_and(|title| title.contains("· Log in to ward"))
            && desktop.windows.shows_heading()
    });
    desktop.windows.active().unwrap()
}

fn no_page(desktop: &Desktop) {
    wait_until("the window of the login has gone", 30, || {
        !desktop.windows.titles().iter().any(|title| title.contains("Log in to ward"))
    });
}

/// Logs in as `lead`, whose password is its name.
fn log_in(desktop: &Desktop) {
    let word = || "lead".chars().for_each(|key| desktop.windows.press(&[u32::from(key)]));
    word();
    desktop.windows.press(&[TAB]);
    word();
    desktop.windows.press(&[ENTER]);
}

fn edk(desktop: &Desktop, args: &[&str]) -> Done {
    Done::of(desktop.env.command(args).env("EDK_PASSPHRASE", PASSPHRASE))
}

#[test]
fn a_platforms_own_page_logs_in_and_the_session_is_the_command_lines_too() {
    let desktop = Desktop::new();
    let platform = Platform::start(&desktop);
    let app = desktop.start(&[]);
    app.shows("Home");
    open_page(&app, &format!("http://127.0.0.1:{}", platform.port), &json!("system"));
    // Who types a password sees where it goes.
    assert_eq!(page(&desktop), "127.0.0.1 · Log in to ward · Kaapana EDK");
    log_in(&desktop);
    app.shows("logged in as lead");
    no_page(&desktop);
    let list = edk(&desktop, &["ext", "list", "--target", "ward"]).exits(0);
    list.prints(&["nothing is there"]);
    // The window has kept nothing: the next one asks again. It is closed without a login.
    app.click("Log in again");
    app.click("Open the page");
    page(&desktop);
    desktop.windows.close_titled("Log in to ward");
    app.shows("The window was closed before anybody had logged in");
    no_page(&desktop);
    app.click("Open the page");
    page(&desktop);
    app.click("Cancel");
    // At once again: the name of the window may not be free yet.
    app.click("Log in again");
    app.click("Open the page");
    page(&desktop);
    app.click("Cancel");
    no_page(&desktop);
    app.shows("logged in as lead");
    app.close();
    app.ends();
}

#[test]
fn the_page_is_believed_as_its_target_is() {
    let desktop = Desktop::new();
    let platform = Platform::start(&desktop);
    let (tls, port) = (Tls::before(&platform.port), platform.port.clone());
    let authority = desktop.env.path("ca.pem");
    std::fs::write(&authority, &tls.pem).unwrap();
    let app = desktop.start(&[]);
    app.shows("Home");
    let wrong = tls.fingerprint.replace('0', "1");
    for (trust, believed) in [
        (json!("system"), false),
        (json!({ "pinned": wrong }), false),
        (json!({ "pinned": tls.fingerprint }), true),
        (json!({ "authority": authority }), true),
        (json!("anything"), true),
    ] {
        open_page(&app, &tls.url, &trust);
        if believed {
            page(&desktop);
            log_in(&desktop);
            app.shows("logged in as lead");
        } else {
            app.shows("The certificate of localhost is not trusted");
            app.shows("edk target doctor ward");
            app.click("Cancel");
        }
        no_page(&desktop);
    }
    // A platform that has gone.
    drop(platform);
    open_page(&app, &format!("http://127.0.0.1:{port}"), &json!("system"));
    app.shows("can't be reached");
    no_page(&desktop);
    app.close();
    app.ends();
}
