//! What a server does over time: many clients, broken connections, its end and its start.
#![allow(clippy::unwrap_used)]

mod server;

use std::time::Duration;

use edk_model::Digest;
use futures_util::future::join_all;
use server::Server;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const UPLOADS: &str = "/v2/a/blobs/uploads/";

async fn start_upload(server: &Server) -> String {
    let response = server.client.post(server.url(UPLOADS)).send().await.unwrap();
    assert_eq!(response.status(), 202);
    response.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn many_pushes_of_one_blob_at_the_same_time_all_succeed() {
    let server = Server::start().await;
    let bytes = vec![7; 3 << 20];
    let digest = Digest::of(&bytes);
    let push = || async {
        let url = server.url(&format!("{UPLOADS}?digest={digest}"));
        server.client.post(url).body(bytes.clone()).send().await.unwrap().status()
    };
    for status in join_all((0..8).map(|_| push())).await {
        assert_eq!(status, 201);
    }
    server.store.verify(&digest).unwrap();
    assert_eq!(std::fs::read_dir(server.store.root().join("incoming")).unwrap().count(), 0);
}

#[tokio::test]
async fn an_upload_that_broke_off_goes_on_where_it_stopped() {
    let server = Server::start().await;
    let location = start_upload(&server).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head =
        format!("PATCH {location} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 11\r\n\r\nhello");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    // The connection ends only when the server is done with what it got.
    stream.read_to_end(&mut Vec::new()).await.unwrap();

    let status = server.client.get(server.url(&location)).send().await.unwrap();
    assert_eq!(status.headers()["range"], "0-4");
    let digest = Digest::of(b"hello world");
    let last = server.client.put(server.url(&format!("{location}?digest={digest}")));
    let answer = last.header("content-range", "5-10").body(" world").send().await.unwrap();
    assert_eq!(answer.status(), 201);
    server.store.verify(&digest).unwrap();
}

#[tokio::test]
async fn an_upload_leaves_nothing_behind_when_it_is_cancelled() {
    let server = Server::start().await;
    let location = start_upload(&server).await;
    let incoming = || std::fs::read_dir(server.store.root().join("incoming")).unwrap().count();
    assert_eq!(incoming(), 1);
    server.client.patch(server.url(&location)).body("half").send().await.unwrap();
    assert_eq!(server.client.delete(server.url(&location)).send().await.unwrap().status(), 204);
    assert_eq!(incoming(), 0);
}

#[tokio::test]
async fn a_server_sweeps_at_its_start_and_ends_when_it_is_told() {
    let first = Server::start().await;
    let (store, url) = (first.store.clone(), first.url("/v2/"));
    assert_eq!(first.client.get(&url).send().await.unwrap().status(), 200);
    let left = store.root().join("incoming/left-behind");
    std::fs::write(&left, b"half").unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second = edk_registry::serve(listener, store, std::future::ready(()));
    tokio::time::timeout(Duration::from_secs(60), second).await.unwrap().unwrap();
    assert!(!left.exists());

    let client = first.client.clone();
    first.stop().await;
    assert!(client.get(&url).send().await.is_err());
}
