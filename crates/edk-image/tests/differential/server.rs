//! A server of two files on this machine.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::OnceLock,
};

/// What it serves: a text, and an archive.
pub(crate) fn content(path: &str) -> Option<Vec<u8>> {
    match path {
        "/files/text.txt" => Some(b"from afar".to_vec()),
        "/files/tree.tar" => {
            Some(edk_testkit::tar(&[edk_testkit::TarEntry::File("in/side", 0o640, b"i")]))
        }
        _ => None,
    }
}

/// Its host and port; started when it is first asked for.
pub(crate) fn address() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().unwrap().unwrap();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let path = first.split(' ').nth(1).unwrap();
                let (status, body) = match content(path) {
                    Some(body) => ("200 OK", body),
                    None => ("404 Not Found", Vec::new()),
                };
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        address
    })
}
