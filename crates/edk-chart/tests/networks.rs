//! Charts from behind a proxy, and from those who have a certificate of their own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    env,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::SystemTime,
};

use edk_chart::{
    Chart, Error, File, Remote, RemoteProblem, RemoteSetup, Repositories, Repository, Resolver,
    Sources,
};
use edk_model::{Digest, Monitor};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::PrivateKeyDer;

#[path = "oracle/server.rs"]
mod server;

use server::Server;

fn archive() -> Vec<u8> {
    let data = b"apiVersion: v2\nname: x\nversion: 1.1.0\n".to_vec();
    let file = File { name: "Chart.yaml".to_owned(), data };
    Chart::from_files("x", vec![file]).unwrap().package().unwrap().bytes
}

/// A repository with the chart `x`, which is known as `known` to those who ask.
fn repository(known: &str) -> Server {
    let server = Server::start();
    let digest = Digest::of(&archive()).hex();
    let index = format!(
        "apiVersion: v1\nentries:\n  x:\n  - {{version: 1.1.0, urls: [x-1.1.0.tgz], digest: {digest}}}\n"
    );
    server.put(&format!("{known}/index.yaml"), index);
    server.put(&format!("{known}/x-1.1.0.tgz"), archive());
    server
}

fn fetch(url: &str, certificate: Option<PathBuf>, repositories: Repositories) -> Result<(), Error> {
    let home = tempfile::tempdir().unwrap();
    let text = format!(
        "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n\
         - {{name: x, version: ^1, repository: '{url}'}}\n"
    );
    let folder = home.path().join("c");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("Chart.yaml"), text).unwrap();
    let chart = Chart::load(&folder).unwrap();
    let remote = Remote::new(RemoteSetup {
        cache: home.path().join("cache"),
        offline: false,
        certificate,
        repositories,
        logins: Arc::new(|_, _| None),
    });
    let (sources, monitor) = (Sources::default(), Monitor::silent());
    let resolver = Resolver { sources: &sources, remote: Some(&remote), monitor: &monitor };
    let update = resolver.update(&chart, SystemTime::UNIX_EPOCH)?;
    assert_eq!(resolver.write(&update)?.charts.len(), 1);
    Ok(())
}

/// Stands before `server` with a certificate of its own, which it writes to the file `pem`. Returns
/// its address.
fn with_tls(server: &Server, pem: &Path) -> String {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(pem, certificate.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    let (config, behind) = (Arc::new(config), server.url.trim_start_matches("http://").to_owned());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // A client that does not trust us goes away; that is its good right.
            let _ = pass_on(StreamOwned::new(connection, stream), &behind);
        }
    });
    url
}

/// Passes one request and its answer on.
fn pass_on(
    mut client: StreamOwned<ServerConnection, TcpStream>,
    behind: &str,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let mut server = TcpStream::connect(behind)?;
    server.write_all(&head)?;
    server.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    client.write_all(&answer)?;
    client.conn.send_close_notify();
    client.flush()
}

#[test]
fn a_certificate_of_its_own_is_trusted_where_the_user_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("ca.pem");
    let server = repository("");
    let url = with_tls(&server, &pem);
    let error = fetch(&url, None, Repositories::default()).unwrap_err();
    let Error::Remote { problem, source, .. } = error else { panic!("{error}") };
    assert!(matches!(problem, RemoteProblem::Unreachable), "{source}");
    assert!(server.log().is_empty());
    // For everything, or for the one repository.
    fetch(&url, Some(pem.clone()), Repositories::default()).unwrap();
    assert_eq!(server.log(), ["/index.yaml 200", "/x-1.1.0.tgz 200"]);
    let mut own = Repositories::default();
    own.add("mine", Repository { url: url.clone(), login: None, certificate: Some(pem) });
    fetch("@mine", None, own).unwrap();
    // A file that is none is told, and nobody is asked.
    server.log();
    let none = folder.path().join("none.pem");
    let error = fetch(&url, Some(none), Repositories::default()).unwrap_err();
    assert!(error.to_string().contains("none.pem"), "{error}");
    assert!(server.log().is_empty());
}

/// The settings of a proxy are those of the process, so the test starts itself once more with them.
#[test]
fn a_proxy_is_asked_for_what_is_elsewhere_and_not_for_this_machine() {
    const SETTING: &str = "EDK_TEST_REPOSITORY";
    if let Ok(url) = env::var(SETTING) {
        fetch("http://charts.example/team", None, Repositories::default()).unwrap();
        return fetch(&url, None, Repositories::default()).unwrap();
    }
    let proxy = repository("http://charts.example/team");
    let here = repository("");
    let name = "a_proxy_is_asked_for_what_is_elsewhere_and_not_for_this_machine";
    let mut again = Command::new(env::current_exe().unwrap());
    again.args([name, "--exact"]).env("http_proxy", &proxy.url).env(SETTING, &here.url);
    let output = again.env_remove("no_proxy").env_remove("NO_PROXY").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let asked = "http://charts.example/team";
    assert_eq!(
        proxy.log(),
        [format!("{asked}/index.yaml 200"), format!("{asked}/x-1.1.0.tgz 200")]
    );
    assert_eq!(here.log(), ["/index.yaml 200", "/x-1.1.0.tgz 200"]);
}
