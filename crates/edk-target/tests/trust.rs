//! Which certificate of a server is believed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use edk_model::{Code, Explain as _, Monitor};
use edk_registry::{Accounts, Certificate, Guard, Options, serve_guarded};
use edk_store::Store;
use edk_target::{Client, Fingerprint, Target, TargetError, Trust, fingerprint_at};

struct World {
    url: String,
    pem: Vec<u8>,
    fingerprint: String,
    _folder: tempfile::TempDir,
}

/// A server with a certificate that nobody has signed; it wants a login.
async fn world() -> World {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    world_at(listener, std::future::pending()).await
}

async fn world_at(
    listener: tokio::net::TcpListener,
    until: impl Future<Output = ()> + Send + 'static,
) -> World {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let certificate = Certificate::keep(&keys, &["localhost".to_owned()]).unwrap();
    let (pem, fingerprint) =
        (std::fs::read(&certificate.file).unwrap(), certificate.fingerprint.clone());
    let store = Store::open(&folder.path().join("store")).unwrap();
    let guard = Guard { certificate, accounts: Accounts::default() };
    let port = listener.local_addr().unwrap().port();
    let serving = serve_guarded(listener, store, Options::default(), guard, until);
    tokio::spawn(serving);
    World { url: format!("https://localhost:{port}"), pem, fingerprint, _folder: folder }
}

async fn asked(world: &World, trust: Trust) -> TargetError {
    let target = Target { trust, ..Target::new("ward", &world.url, "", "0.6.0") };
    let client = Client::connect(target).unwrap();
    client.health(&Monitor::silent()).await.unwrap_err()
}

#[tokio::test]
async fn a_certificate_is_believed_when_it_is_named_and_no_other() {
    let world = world().await;
    let named: Fingerprint = world.fingerprint.parse().unwrap();
    for trust in [Trust::Also(world.pem.clone()), Trust::Pinned(named), Trust::Anything] {
        let error = asked(&world, trust).await;
        assert!(!matches!(error, TargetError::NotTrusted { .. }), "{error}");
        assert_ne!(error.code(), Code::Unreachable, "{error}");
    }
    for trust in [Trust::System, Trust::Pinned(Fingerprint::of(b"another"))] {
        match asked(&world, trust).await {
            error @ TargetError::NotTrusted { .. } => {
                assert!(error.hints()[0].contains("--pin"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(Trust::also(world.pem.clone()), Ok(Trust::Also(world.pem)));
    assert!(Trust::also(b"no certificate".to_vec()).is_err());
    let damaged = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    assert!(Trust::also(damaged.into()).is_err());
}

#[tokio::test]
async fn the_fingerprint_of_a_server_can_be_asked_for() {
    let world = world().await;
    let found = fingerprint_at("ward", &world.url, &Monitor::silent()).await.unwrap();
    assert_eq!(Some(found), world.fingerprint.parse().ok());
    let nobody = fingerprint_at("ward", "https://localhost:1", &Monitor::silent()).await;
    assert_eq!(nobody.unwrap_err().code(), Code::Unreachable);
}

#[tokio::test]
async fn another_certificate_at_the_same_address_ends_what_was_begun() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let first = world_at(listener, async { drop(stopped.await) }).await;
    let trust = Trust::Pinned(first.fingerprint.parse().unwrap());
    let target = Target { trust, ..Target::new("ward", &first.url, "", "0.6.0") };
    let client = Client::connect(target).unwrap();
    let monitor = Monitor::silent();
    let error = client.health(&monitor).await.unwrap_err();
    assert!(!matches!(error, TargetError::NotTrusted { .. }), "{error}");
    // It is replaced by another between two calls of one client.
    drop(stop);
    let listener = loop {
        match tokio::net::TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let second = world_at(listener, std::future::pending()).await;
    assert_ne!(first.fingerprint, second.fingerprint);
    let error = loop {
        // A connection to the first may still be open, and breaks.
        match client.health(&monitor).await.unwrap_err() {
            TargetError::NoAnswer { .. } => {}
            error => break error,
        }
    };
    assert!(matches!(error, TargetError::NotTrusted { .. }), "{error}");
}
