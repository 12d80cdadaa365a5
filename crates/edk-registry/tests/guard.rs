//! The registry as a network sees it: TLS, logins, and rights for beginnings of repositories.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;

use edk_model::{Digest, media};
use edk_registry::{Accounts, Certificate, Guard, NewAccount, Options, serve_guarded};
use edk_store::Store;
use reqwest::{Client, Method};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

struct World {
    address: SocketAddr,
    client: Client,
    store: Store,
    secrets: Vec<(&'static str, String)>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let file = folder.path().join("accounts.toml");
        let own = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let mut secrets = Vec::new();
        for (name, pull, push, token) in [
            ("all", &["*"][..], &["*"][..], false),
            ("node", &["*"], &[], false),
            ("team", &["shared"], &["team/"], false),
            ("ci", &[], &["team/"], true),
        ] {
            let new = NewAccount { name: name.into(), pull: own(pull), push: own(push), token };
            let secret = Accounts::add(&file, new).unwrap();
            secrets.push((name, secret.reveal().to_owned()));
        }
        let names = own(&["localhost", "127.0.0.1"]);
        let certificate = Certificate::keep(folder.path(), &names).unwrap();
        let pem = std::fs::read(&certificate.file).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let trusted = reqwest::Certificate::from_pem(&pem).unwrap();
        let client = Client::builder().no_proxy().tls_certs_only([trusted]).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let guard = Guard { certificate, accounts: Accounts::read(&file).unwrap() };
        let options = Options { blob_limit: Some(1000), ..Options::default() };
        let serving =
            serve_guarded(listener, store.clone(), options, guard, std::future::pending());
        tokio::spawn(serving);
        Self { address, client, store, secrets, _folder: folder }
    }

    /// Sends a request as `account` and returns the status.
    async fn status(&self, account: &str, method: &str, path: &str, body: &str) -> u16 {
        let url = format!("https://{}{path}", self.address);
        let mut request = self.client.request(method.parse::<Method>().unwrap(), url);
        let secret = self.secrets.iter().find(|(name, _)| *name == account);
        request = match (account, secret) {
            ("", _) => request,
            ("ci", Some((_, token))) => request.bearer_auth(token),
            (name, Some((_, password))) => request.basic_auth(name, Some(password)),
            (name, None) => request.basic_auth(name, Some("guess")),
        };
        request.body(body.to_owned()).send().await.unwrap().status().as_u16()
    }

    /// An image of one blob in `repository`.
    fn image(&self, repository: &str, content: &str) -> Digest {
        let blob = self.store.put(media::CONFIG, content.as_bytes()).unwrap();
        let manifest = json!({ "schemaVersion": 2, "config": blob, "layers": [] }).to_string();
        let manifest = self.store.put(media::MANIFEST, manifest.as_bytes()).unwrap();
        self.store.tag(repository, "1", &manifest).unwrap();
        blob.digest
    }
}

#[tokio::test]
async fn every_account_may_do_what_its_rights_say_and_a_stranger_nothing() {
    let world = World::new().await;
    let secret = world.image("secret/app", "the secret");
    let shared = world.image("shared/app", "shared by all");
    let uploads = "/v2/team/app/blobs/uploads/";
    for (method, path, expected) in [
        //                             stranger, guess, all, node, team, ci
        ("GET", "/v2/".to_owned(), [401, 401, 200, 200, 200, 200]),
        ("GET", "/nothing".to_owned(), [401, 401, 404, 404, 404, 404]),
        ("GET", "/v2/_catalog".to_owned(), [401, 401, 200, 200, 403, 403]),
        ("GET", "/v2/secret/app/manifests/1".to_owned(), [401, 401, 200, 200, 403, 403]),
        ("GET", "/v2/secret/app/tags/list".to_owned(), [401, 401, 200, 200, 403, 403]),
        ("GET", "/v2/shared/app/manifests/1".to_owned(), [401, 401, 200, 200, 200, 403]),
        ("GET", format!("/v2/shared/app/blobs/{shared}"), [401, 401, 200, 200, 200, 403]),
        // Who knows the digest of a blob does not get it through another repository.
        ("GET", format!("/v2/shared/app/blobs/{secret}"), [401, 401, 200, 200, 404, 403]),
        ("HEAD", format!("/v2/team/app/blobs/{secret}"), [401, 401, 200, 200, 404, 404]),
        (
            "POST",
            format!("{uploads}?mount={secret}&from=secret/app"),
            [401, 401, 201, 403, 202, 202],
        ),
        ("POST", uploads.to_owned(), [401, 401, 202, 403, 202, 202]),
        ("POST", "/v2/teammate/blobs/uploads/".to_owned(), [401, 401, 202, 403, 403, 403]),
        ("PUT", "/v2/shared/app/manifests/2".to_owned(), [401, 401, 400, 403, 403, 403]),
        ("DELETE", format!("/v2/team/app/blobs/{secret}"), [401, 401, 405, 403, 403, 403]),
        ("DELETE", "/v2/secret/app/manifests/1".to_owned(), [401, 401, 202, 403, 403, 403]),
    ] {
        for (account, status) in ["", "stranger", "all", "node", "team", "ci"].iter().zip(expected)
        {
            // The one that may delete comes last in its row, so that the others find something.
            let status_now = world.status(account, method, &path, "").await;
            assert_eq!(status_now, status, "{account}: {method} {path}");
        }
    }
}

#[tokio::test]
async fn who_knows_the_digest_of_a_blob_does_not_get_it_by_a_manifest() {
    let world = World::new().await;
    let secret = world.image("secret/app", "what only others may see");
    let config = json!({ "mediaType": media::CONFIG, "digest": secret, "size": 24 });
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [] }).to_string();
    let put = || world.status("ci", "PUT", "/v2/team/app/manifests/1", &manifest);
    assert_eq!(put().await, 404, "it would make the blob a part of a repository of theirs");
    let mount = format!("/v2/team/app/blobs/uploads/?mount={secret}&from=secret/app");
    assert_eq!(world.status("ci", "POST", &mount, "").await, 202, "the bytes are asked for");
    assert_eq!(put().await, 404);
    assert_eq!(world.status("ci", "GET", &format!("/v2/team/app/blobs/{secret}"), "").await, 404);
    // Who has the bytes may bring them.
    let upload = format!("/v2/team/app/blobs/uploads/?digest={secret}");
    assert_eq!(world.status("ci", "POST", &upload, "what only others may see").await, 201);
    assert_eq!(put().await, 201);
    assert_eq!(world.status("ci", "GET", &format!("/v2/team/app/blobs/{secret}"), "").await, 200);
}

#[tokio::test]
async fn a_push_of_an_account_arrives_and_a_blob_above_the_limit_does_not() {
    let world = World::new().await;
    let url = |digest: Digest| format!("/v2/team/app/blobs/uploads/?digest={digest}");
    let small = "{}";
    let path = url(Digest::of(small.as_bytes()));
    assert_eq!(world.status("ci", "POST", &path, small).await, 201);
    let config =
        json!({ "mediaType": media::CONFIG, "digest": Digest::of(small.as_bytes()), "size": 2 });
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [] }).to_string();
    assert_eq!(world.status("ci", "PUT", "/v2/team/app/manifests/1", &manifest).await, 201);
    assert_eq!(world.status("node", "GET", "/v2/team/app/manifests/1", "").await, 200);
    let large = "x".repeat(1001);
    let path = url(Digest::of(large.as_bytes()));
    assert_eq!(world.status("ci", "POST", &path, &large).await, 413);
    assert_eq!(world.store.size(&Digest::of(large.as_bytes())), None);
}

#[tokio::test]
async fn who_hangs_or_speaks_without_tls_stops_nobody() {
    let world = World::new().await;
    let mut hanging = Vec::new();
    for _ in 0..100 {
        hanging.push(TcpStream::connect(world.address).await.unwrap());
    }
    let mut plain = TcpStream::connect(world.address).await.unwrap();
    plain.write_all(b"GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let answered = tokio::time::timeout(
        std::time::Duration::from_secs(5),
        world.status("node", "GET", "/v2/", ""),
    );
    // Sooner than the first of those that hang is given up.
    assert_eq!(answered.await.unwrap(), 200);
    drop(hanging);
}
