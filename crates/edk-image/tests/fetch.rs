//! `ADD` from addresses, of a server on this machine.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bench;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
};

use bench::Bench;
use edk_image::ImageError;
use edk_model::Digest;

/// Serves one content at every address and remembers the answers.
struct Server {
    address: String,
    content: Arc<Mutex<&'static str>>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Server {
    fn new(content: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (content, answers) = (Arc::new(Mutex::new(content)), Arc::new(Mutex::new(Vec::new())));
        let (body, log) = (Arc::clone(&content), Arc::clone(&answers));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<String> =
                    lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
                let body = *body.lock().unwrap();
                let tag = format!("\"{}\"", Digest::of(body.as_bytes()).hex());
                let known = head.iter().any(|line| {
                    line.to_ascii_lowercase().starts_with("if-none-match") && line.contains(&tag)
                });
                let (status, body, promised) = match (known, head[0].contains("/cut")) {
                    (true, _) => (304, "", 0),
                    (_, true) => (200, body, body.len() + 10),
                    _ => (200, body, body.len()),
                };
                log.lock().unwrap().push(status);
                let text = format!(
                    "HTTP/1.1 {status} X\r\nETag: {tag}\r\nContent-Length: {promised}\r\nConnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(text.as_bytes());
            }
        });
        Self { address, content, answers }
    }

    fn answers(&self) -> Vec<u16> {
        std::mem::take(&mut self.answers.lock().unwrap())
    }
}

#[test]
fn what_did_not_change_is_not_sent_again_and_what_did_is_seen() {
    let (bench, server) = (Bench::new(), Server::new("one"));
    let text = format!("FROM local-only/busybox\nADD http://{}/a/b.txt?x=1 /x/\n", server.address);
    let image = bench.build(&text).unwrap().image;
    assert_eq!(bench.sh(&image, "cat /x/b.txt; stat -c ' %a %u' /x/b.txt"), "one 600 0");
    assert!(bench.build(&text).unwrap().unchanged);
    assert_eq!(server.answers(), [200, 304]);
    *server.content.lock().unwrap() = "two";
    let built = bench.build(&text).unwrap();
    assert_eq!(bench.sh(&built.image, "cat /x/b.txt"), "two");
    assert!(built.explained[0].reasons[0].starts_with("address `http://"), "{:?}", built.explained);
}

#[test]
fn a_checksum_is_held_and_makes_a_second_look_needless() {
    let (bench, server) = (Bench::new(), Server::new("one"));
    let text = |checksum: Digest| {
        format!(
            "FROM local-only/busybox\nADD --checksum={checksum} --chmod=644 http://{}/f /f\n",
            server.address
        )
    };
    bench.build(&text(Digest::of(b"one"))).unwrap();
    assert!(bench.build(&text(Digest::of(b"one"))).unwrap().unchanged);
    assert_eq!(server.answers(), [200]);
    let error = bench.build(&text(Digest::of(b"other"))).unwrap_err();
    let ImageError::Fetch { place, reason, .. } = error else { panic!("{error}") };
    assert_eq!(place, "Dockerfile:2");
    assert!(reason.contains("it has the checksum"), "{reason}");
}

#[test]
fn an_archive_from_afar_is_taken_apart_only_when_told_to() {
    let bench = Bench::new();
    let tar = edk_testkit::tar(&[edk_testkit::TarEntry::File("in/side", 0o640, b"i")]);
    let server = Server::new(String::leak(String::from_utf8(tar).unwrap()));
    let text = format!(
        "FROM local-only/busybox\nADD --unpack http://{0}/t.tar /x\nADD http://{0}/t.tar /y/\n",
        server.address
    );
    let image = bench.build(&text).unwrap().image;
    assert_eq!(bench.sh(&image, "cat /x/in/side; ls /y"), "it.tar");
}

#[test]
fn a_connection_that_breaks_off_keeps_nothing() {
    let (bench, server) = (Bench::new(), Server::new("one"));
    let text = format!("FROM local-only/busybox\nADD http://{}/cut /f\n", server.address);
    let error = bench.build(&text).unwrap_err();
    assert!(matches!(error, ImageError::Fetch { .. }), "{error}");
    assert!(bench.store.size(&Digest::of(b"one")).is_none());
}

#[test]
fn repositories_of_git_are_refused_by_name() {
    let bench = Bench::new();
    for source in ["git@example.org:a/b.git", "https://example.org/a/b.git#main", "ssh://git@h/x"] {
        let error =
            bench.build(&format!("FROM local-only/busybox\nADD {source} /x\n")).unwrap_err();
        let ImageError::Findings { findings, .. } = error else { panic!("{error}") };
        let text = findings[0].to_string();
        assert!(text.starts_with("Dockerfile:2:1: ADD of `") && text.contains(source), "{text}");
    }
}
