//! As much of HTTP/1.1 as two small requests inside a cluster need (RFC 9112): no TLS, no proxy,
//! no redirects, and of the answer only its status.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    sync::mpsc,
    thread,
    time::Duration,
};

/// How long looking a name up, connecting, and waiting for the answer may each take. The files
/// are in place by then; an installation should not wait for a service that is down.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sends the JSON text `body` to the address `url` and returns the status of the answer.
///
/// Fails if `url` is not a plain `http://` address, or if there is no answer in time.
pub(crate) fn post(url: &str, body: &str) -> Result<u16, String> {
    let (host, port, path) = parse(url).ok_or_else(|| format!("{url} is not an http address"))?;
    let answer = look_up(host, port)
        .and_then(|addresses| connect(&addresses))
        .and_then(|stream| exchange(stream, &request(host, port, path, body)));
    answer.map_err(|error| format!("{host}:{port}: {error}"))
}

fn parse(url: &str) -> Option<(&str, u16, &str)> {
    let rest = url.trim().strip_prefix("http://")?;
    let at = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, 80),
    };
    let printable = url.trim().chars().all(|c| c.is_ascii_graphic());
    (printable && !host.is_empty()).then_some((
        host,
        port,
        if path.is_empty() { "/" } else { path },
    ))
}

/// Looks `host` up on a thread of its own: the system's resolver has no time limit of ours.
fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let (sender, receiver) = mpsc::channel();
    let host = host.trim_matches(['[', ']']).to_owned();
    thread::spawn(move || {
        // Nobody listens any more when this comes too late.
        let _ = sender.send((host, port).to_socket_addrs().map(Iterator::collect));
    });
    receiver
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "name look-up timed out")))
}

fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn request(host: &str, port: u16, path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn exchange(mut stream: TcpStream, request: &str) -> io::Result<u16> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < 256 && stream.read(&mut byte)? == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    status(&line).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer"))
}

/// Returns the status code in a status line such as `HTTP/1.1 202 Accepted`.
fn status(line: &[u8]) -> Option<u16> {
    let mut words = str::from_utf8(line).ok()?.split_ascii_whitespace();
    words.next()?.starts_with("HTTP/1.").then(|| words.next()?.parse().ok())?
}

/// Returns the JSON object (RFC 8259) with `fields` as texts.
pub(crate) fn json_object(fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|(key, value)| format!("{}:{}", quote(key), quote(value)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_post_carries_its_body_and_returns_the_status() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = String::new();
            while !request.ends_with('}') {
                let mut bytes = [0; 512];
                let count = stream.read(&mut bytes).unwrap();
                assert_ne!(count, 0, "the request ended early: {request}");
                request.push_str(str::from_utf8(&bytes[..count]).unwrap());
            }
            stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").unwrap();
            request
        });
        let body = json_object(&[("docker_image", "a\"b"), ("docker_version", "1")]);
        let status = post(&format!("http://127.0.0.1:{port}/pull-docker-image"), &body);
        assert_eq!(status, Ok(202));
        let request = server.join().unwrap();
        assert!(request.starts_with("POST /pull-docker-image HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("Host: 127.0.0.1:{port}\r\n")), "{request}");
        assert!(request.contains("Content-Length: 44\r\n"), "{request}");
        assert!(request.ends_with("{\"docker_image\":\"a\\\"b\",\"docker_version\":\"1\"}"));
    }

    #[test]
    fn a_service_that_is_not_there_is_an_error_that_names_it() {
        // The port was free a moment ago and nobody listens on it now.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = post(&format!("http://127.0.0.1:{port}/"), "").unwrap_err();
        assert!(error.starts_with(&format!("127.0.0.1:{port}: ")), "{error}");
    }

    #[test]
    fn addresses_are_taken_apart() {
        for (url, expected) in [
            ("http://a.b", Some(("a.b", 80, "/"))),
            ("http://a.svc:5000/x/y", Some(("a.svc", 5000, "/x/y"))),
            (" http://a/ ", Some(("a", 80, "/"))),
            ("https://a/", None),
            ("http://:80/", None),
            ("http://a:port/", None),
            ("http://a/ b", None),
            ("", None),
        ] {
            assert_eq!(parse(url), expected, "{url}");
        }
    }

    #[test]
    fn only_a_status_line_has_a_status() {
        assert_eq!(status(b"HTTP/1.1 202 Accepted\r"), Some(202));
        assert_eq!(status(b"HTTP/1.0 500"), Some(500));
        for bad in [&b""[..], b"HTTP/1.1", b"SSH-2.0-x 200", b"\xff"] {
            assert_eq!(status(bad), None);
        }
    }
}
