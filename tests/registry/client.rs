//! The smallest HTTP client that can push and pull, and a served registry.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use edk_model::{Digest, media};
use edk_testkit::{Running, TestEnv};
use serde_json::json;

/// Serves the registry of `env` at `port` (0 for any) and returns its address without a scheme.
pub(crate) fn serve(env: &TestEnv, port: u16) -> (Running, String) {
    let mut running = env.start(&["registry", "serve", "--port", &port.to_string()]);
    let address = running.address();
    (running, address)
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) body: Vec<u8>,
}

/// Sends one request over a connection of its own.
pub(crate) fn send(address: &str, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    read(&bytes, method == "HEAD").ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
}

/// Reads a whole answer; one that broke off is none.
fn read(bytes: &[u8], head_only: bool) -> Option<Answer> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let header = |name: &str| {
        let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = bytes[end + 4..].to_vec();
    let length = header("content-length").and_then(|text| text.parse().ok());
    if !head_only && length.is_some_and(|length: usize| body.len() < length) {
        return None;
    }
    Some(Answer { status, location: header("location").unwrap_or_default(), body })
}

/// An image: its blobs, the configuration last, and its manifest.
pub(crate) struct Image {
    pub(crate) blobs: Vec<Vec<u8>>,
    pub(crate) manifest: Vec<u8>,
}

impl Image {
    pub(crate) fn new(layers: Vec<Vec<u8>>) -> Self {
        let config = json!({ "architecture": "amd64", "os": "linux", "layers": layers.len(),
            "own": Digest::of(layers.last().unwrap()) });
        let config = config.to_string().into_bytes();
        let mut image = Self { blobs: [layers, vec![Vec::new()]].concat(), manifest: Vec::new() };
        image.replace_config(config);
        image
    }

    /// Gives the image another configuration.
    pub(crate) fn replace_config(&mut self, config: Vec<u8>) {
        let link = |kind: &str, bytes: &[u8]| json!({ "mediaType": kind, "digest": Digest::of(bytes), "size": bytes.len() });
        self.blobs.pop();
        let layers: Vec<_> = self.blobs.iter().map(|layer| link(media::LAYER, layer)).collect();
        let manifest = json!({ "schemaVersion": 2, "mediaType": media::MANIFEST,
            "config": link(media::CONFIG, &config), "layers": layers });
        self.blobs.push(config);
        self.manifest = manifest.to_string().into_bytes();
    }

    /// Pushes the image as `repository:tag`, half of the blobs in chunks. Says whether the registry
    /// acknowledged all of it; otherwise the push has to begin anew.
    pub(crate) fn push(&self, address: &str, repository: &str, tag: &str) -> io::Result<bool> {
        let uploads = format!("/v2/{repository}/blobs/uploads/");
        for (at, blob) in self.blobs.iter().enumerate() {
            let digest = Digest::of(blob);
            let there = format!("/v2/{repository}/blobs/{digest}");
            if send(address, "HEAD", &there, b"")?.status == 200 {
                continue;
            }
            let status = match at % 2 {
                0 => send(address, "POST", &format!("{uploads}?digest={digest}"), blob)?.status,
                _ => {
                    let (one, two) = blob.split_at(blob.len() / 2);
                    let begun = send(address, "POST", &uploads, b"")?;
                    send(address, "PATCH", &begun.location, one)?;
                    let end = format!("{}?digest={digest}", begun.location);
                    send(address, "PUT", &end, two)?.status
                }
            };
            if status != 201 {
                return Ok(false);
            }
        }
        let manifest = format!("/v2/{repository}/manifests/{tag}");
        Ok(send(address, "PUT", &manifest, &self.manifest)?.status == 201)
    }

    /// Pulls the image and compares every byte.
    ///
    /// # Panics
    /// If the registry answers with anything else.
    pub(crate) fn check(&self, address: &str, repository: &str, tag: &str) -> io::Result<()> {
        let get = |path: &str| send(address, "GET", path, b"");
        let manifest = get(&format!("/v2/{repository}/manifests/{tag}"))?;
        assert_eq!((manifest.status, &manifest.body), (200, &self.manifest), "{repository}:{tag}");
        for blob in &self.blobs {
            let found = get(&format!("/v2/{repository}/blobs/{}", Digest::of(blob)))?;
            assert!(found.status == 200 && found.body == *blob, "a blob of {repository}:{tag}");
        }
        Ok(())
    }
}

/// Bytes that look like nothing in particular, the same each time.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
