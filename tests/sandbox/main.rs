//! The sandbox as a program.
//!
//! It is started in the background as a user starts it, gets real applications whose containers
//! answer over their paths, and is killed at its worst moments. What comes over HTTP in general is
//! tested in the room itself; here is what needs processes, networks and signals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod application;
mod background;
mod kill;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use edk_testkit::TestEnv;
use serde_json::Value;

/// A sandbox in the background, which goes with this value.
struct Background<'a> {
    env: &'a TestEnv,
    url: String,
}

impl<'a> Background<'a> {
    #[track_caller]
    fn start(env: &'a TestEnv, args: &[&str]) -> Self {
        let started = env.result(&[&["sandbox", "start", "--port", "0"], args].concat());
        Self { env, url: started["url"].as_str().unwrap().to_owned() }
    }

    /// Status and body of the answer to a GET.
    fn get(&self, path: &str) -> (u16, String) {
        get(&self.url, path)
    }

    fn status(&self) -> Value {
        self.env.result(&["sandbox", "status"])
    }
}

impl Drop for Background<'_> {
    fn drop(&mut self) {
        self.env.edk(&["sandbox", "stop"]);
    }
}

/// Sends a GET; status 0 when nobody answers.
fn get(url: &str, path: &str) -> (u16, String) {
    request(url, &format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"))
}

fn request(url: &str, text: &str) -> (u16, String) {
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(url.trim_start_matches("http://")) {
        let _ = stream.write_all(text.as_bytes());
        let _ = stream.read_to_end(&mut answer);
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or(0), body.to_owned())
}
