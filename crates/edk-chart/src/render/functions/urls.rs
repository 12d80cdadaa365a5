//! Sprig: "URL Functions" (Go: "net/url").

use std::fmt::Write as _;

use super::{Table, args, def};
use crate::render::{fault::Fault, value::Value};

pub(super) const TABLE: Table = &[
    def("urlParse", "s", |_, args| {
        let text = args::text(args, 0);
        let url = Url::parse(&text).map_err(|reason| {
            Fault::from(format!("unable to parse url: parse {text:?}: {reason}"))
        })?;
        let hostname = url.hostname();
        let entries = [
            ("scheme", url.scheme),
            ("host", url.host),
            ("hostname", hostname),
            ("path", url.path),
            ("query", url.query),
            ("opaque", url.opaque),
            ("fragment", url.fragment),
            ("userinfo", url.user),
        ];
        Ok(Value::map_of(entries.map(|(key, text)| (key, Value::text(text)))))
    }),
    def("urlJoin", "m", |_, args| {
        let map = args::map(args, 0);
        let text = |key: &str| match map.get(key.as_bytes()) {
            Some(Value::Text(text)) => Ok(String::from_utf8_lossy(&text).into_owned()),
            None | Some(Value::Null | Value::Invalid) => Ok(String::new()),
            Some(other) => Err(Fault::from(format!(
                "unable to parse {key} key, must be of type string, but {} found",
                other.type_of()
            ))),
        };
        let url = Url {
            scheme: text("scheme")?,
            host: text("host")?,
            path: text("path")?,
            query: text("query")?,
            opaque: text("opaque")?,
            fragment: text("fragment")?,
            user: text("userinfo")?,
        };
        Ok(Value::text(url.joined()))
    }),
];

/// Returns `text` as part of a query.
pub(super) fn escaped_query(text: &[u8]) -> String {
    escaped(text, b"-_.~", true)
}

fn escaped(text: &[u8], plain: &[u8], plus: bool) -> String {
    let mut out = String::new();
    for byte in text {
        match byte {
            b' ' if plus => out.push('+'),
            byte if byte.is_ascii_alphanumeric() || plain.contains(byte) => {
                out.push(char::from(*byte));
            }
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

fn unescaped(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        let code = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let Some(code) = code else {
            let end = (at + 3).min(text.len());
            return Err(format!("invalid URL escape {:?}", text.get(at..end).unwrap_or("%")));
        };
        out.push(code);
        at += 3;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[derive(Default)]
struct Url {
    scheme: String,
    host: String,
    path: String,
    query: String,
    opaque: String,
    fragment: String,
    user: String,
}

const IN_PATH: &[u8] = b"-_.~$&+,/:;=@";

impl Url {
    fn parse(text: &str) -> Result<Self, String> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        url.fragment = unescaped(fragment)?;
        let rest = match scheme_end(rest)? {
            Some(at) => {
                url.scheme = rest[..at].to_lowercase();
                &rest[at + 1..]
            }
            None => rest,
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        query.clone_into(&mut url.query);
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                rest.clone_into(&mut url.opaque);
                return Ok(url);
            }
            if rest.split('/').next().is_some_and(|first| first.contains(':')) {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let rest = match rest.strip_prefix("//") {
            Some(rest) if !rest.starts_with('/') => {
                let end = rest.find('/').unwrap_or(rest.len());
                url.authority(&rest[..end])?;
                &rest[end..]
            }
            _ => rest,
        };
        url.path = unescaped(rest)?;
        Ok(url)
    }

    fn authority(&mut self, text: &str) -> Result<(), String> {
        let host = match text.rsplit_once('@') {
            Some((user, host)) => {
                user.clone_into(&mut self.user);
                host
            }
            None => text,
        };
        let port = host.rsplit_once(':').map(|(_, port)| port).filter(|_| !host.ends_with(']'));
        if let Some(port) = port
            && !port.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(format!("invalid port {:?} after host", format!(":{port}")));
        }
        if host.contains(' ') {
            return Err("invalid character \" \" in host name".to_owned());
        }
        self.host = unescaped(host)?;
        Ok(())
    }

    fn hostname(&self) -> String {
        let host = match self.host.strip_prefix('[') {
            Some(inner) => inner.split(']').next().unwrap_or_default(),
            None => self.host.split(':').next().unwrap_or_default(),
        };
        host.to_owned()
    }

    fn joined(&self) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            let _ = write!(out, "{}:", self.scheme);
        }
        if self.opaque.is_empty() {
            let named = !self.scheme.is_empty() || !self.host.is_empty() || !self.user.is_empty();
            if named && (!self.host.is_empty() || !self.path.is_empty() || !self.user.is_empty()) {
                if !self.host.is_empty() || !self.user.is_empty() {
                    out.push_str("//");
                }
                if !self.user.is_empty() {
                    let _ = write!(out, "{}@", self.user);
                }
                out.push_str(&self.host);
            }
            if !self.path.is_empty() && !self.path.starts_with('/') && !self.host.is_empty() {
                out.push('/');
            }
            out.push_str(&escaped(self.path.as_bytes(), IN_PATH, false));
        } else {
            out.push_str(&self.opaque);
        }
        if !self.query.is_empty() {
            let _ = write!(out, "?{}", self.query);
        }
        if !self.fragment.is_empty() {
            let fragment = escaped(self.fragment.as_bytes(), b"-_.~$&+,/:;=?@!()*", false);
            let _ = write!(out, "#{fragment}");
        }
        out
    }
}

/// Returns where the scheme ends, if there is one.
fn scheme_end(text: &str) -> Result<Option<usize>, String> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok(Some(at)),
            _ => return Ok(None),
        }
    }
    Ok(None)
}
