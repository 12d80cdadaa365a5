//! A registry that goes wrong on demand: what stands between a client and a real one.

use std::{
    io::{self, Read, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What goes wrong with a request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It is answered so, and never passed on.
    Answer(String),
    /// Only so many bytes of its body are passed on; then both sides are cut.
    CutRequest(usize),
    /// Only so many bytes of the answer come back, its head included.
    CutAnswer(usize),
    /// This text in the answer becomes another of the same length.
    Change(String, String),
    /// The last byte of the answer is another.
    Spoil,
}

/// A fault, and which requests have it.
#[derive(Debug)]
struct Rule {
    method: &'static str,
    part: String,
    left: usize,
    fault: Fault,
}

/// Passes requests on to a registry, but for those that are to go wrong; or, with
/// [`Faults::with_tokens`], only those that bring a token for what they do.
pub(crate) struct Faults {
    /// Where clients find it.
    pub(crate) address: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    rules: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<String>>,
    /// The login in the form of its header, and our own address, when tokens are wanted.
    tokens: Option<(String, String)>,
}

impl Faults {
    /// Starts to stand before the registry at `upstream`.
    pub(crate) fn before(upstream: &str) -> Self {
        Self::start(upstream, None)
    }

    /// Starts to stand before the registry at `upstream` and to want tokens, as large registries do:
    /// one for each set of scopes, from a service that wants `login` (distribution token
    /// specification).
    pub(crate) fn with_tokens(upstream: &str, login: &str) -> Self {
        Self::start(upstream, Some(format!("Basic {login}")))
    }

    fn start(upstream: &str, login: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let tokens = login.map(|login| (login, address.clone()));
        let state = Arc::new(State { tokens, ..State::default() });
        let (upstream, shared) = (upstream.to_owned(), Arc::clone(&state));
        // Ends with the program of the test.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, state) = (upstream.clone(), Arc::clone(&shared));
                // A connection that breaks is what this is for.
                thread::spawn(move || drop(pass(client, &upstream, &state)));
            }
        });
        Self { address, state }
    }

    /// Lets the next `times` requests with `method` and `part` in their line go wrong.
    pub(crate) fn next(&self, times: usize, method: &'static str, part: &str, fault: Fault) {
        let rule = Rule { method, part: part.to_owned(), left: times, fault };
        self.state.rules.lock().unwrap().push(rule);
    }

    /// Returns the requests so far that have `part` in their line or their `Range`, and forgets all.
    pub(crate) fn seen(&self, part: &str) -> Vec<String> {
        let mut seen = std::mem::take(&mut *self.state.seen.lock().unwrap());
        seen.retain(|line| line.contains(part));
        seen
    }
}

fn pass(mut client: TcpStream, upstream: &str, state: &State) -> io::Result<()> {
    let head = head(&mut client)?;
    let line = head.lines().next().unwrap_or_default().to_owned();
    let range = header(&head, "range").or(header(&head, "content-range")).unwrap_or_default();
    state.seen.lock().unwrap().push(format!("{line} {range}"));
    let fault = state.rules.lock().unwrap().iter_mut().find_map(|rule| {
        let meant = line.starts_with(rule.method) && line.contains(&rule.part);
        (meant && rule.left > 0).then(|| {
            rule.left -= 1;
            rule.fault.clone()
        })
    });
    let length = header(&head, "content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    let fault = match &state.tokens {
        Some((login, address)) => unless_allowed(&head, &line, login, address).or(fault),
        None => fault,
    };
    if let Some(Fault::Answer(answer)) = &fault {
        // The body has to go somewhere, or the client may not read the answer.
        io::copy(&mut (&mut client).take(length), &mut io::sink())?;
        let (status, rest) = answer.split_once('\n').unwrap_or((answer, ""));
        let (headers, body) = rest.split_once('\n').unwrap_or((rest, ""));
        let headers = if headers.is_empty() { String::new() } else { format!("{headers}\r\n") };
        let text = format!(
            "HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        return client.write_all(text.as_bytes());
    }
    let mut server = TcpStream::connect(upstream)?;
    let dropped = |line: &str| {
        let line = line.to_lowercase();
        line.starts_with("connection:") || line.starts_with("authorization: bearer")
    };
    let kept = head.lines().filter(|line| !dropped(line));
    let kept: Vec<&str> = kept.filter(|line| !line.is_empty()).collect();
    server.write_all(format!("{}\r\nconnection: close\r\n\r\n", kept.join("\r\n")).as_bytes())?;
    if let Some(Fault::CutRequest(bytes)) = fault {
        io::copy(&mut (&mut client).take(bytes as u64), &mut server)?;
        server.shutdown(Shutdown::Write)?;
        // The registry keeps what came before it is asked about it.
        io::copy(&mut server, &mut io::sink())?;
        return client.shutdown(Shutdown::Both);
    }
    io::copy(&mut (&mut client).take(length), &mut server)?;
    answer(&mut client, &mut server, fault)
}

/// What a request gets that brings no token for what it does. A token is its scopes, so that it can
/// be looked at.
fn unless_allowed(head: &str, line: &str, login: &str, address: &str) -> Option<Fault> {
    let path = line.split(' ').nth(1).unwrap_or_default();
    let given = header(head, "authorization").unwrap_or_default();
    if let Some(query) = path.strip_prefix("/token?") {
        if given != login {
            return Some(Fault::Answer("401 No".to_owned()));
        }
        let scopes = query.split('&').filter_map(|it| it.strip_prefix("scope="));
        let plain = |it: &str| it.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",");
        let token = scopes.map(plain).collect::<Vec<_>>().join(";");
        return Some(Fault::Answer(format!("200 OK\n\n{{\"token\":\"{token}\"}}")));
    }
    let repository = path.strip_prefix("/v2/").unwrap_or_default();
    let repository = repository.split("/blobs/").next().unwrap_or_default();
    let repository = repository.split("/manifests/").next().unwrap_or_default();
    let write = !(line.starts_with("GET") || line.starts_with("HEAD"));
    let mut wanted = vec![match write {
        true => format!("repository:{repository}:pull,push"),
        false => format!("repository:{repository}:pull"),
    }];
    if let Some((_, from)) = path.split_once("&from=") {
        wanted.push(format!("repository:{from}:pull"));
    }
    let has = |scope: &String| given.contains(scope.as_str());
    let bearer = given.starts_with("Bearer ") && wanted.iter().all(has);
    (!bearer).then(|| {
        let realm = format!("Bearer realm=\"http://{address}/token\",service=\"here\"");
        Fault::Answer(format!("401 Unauthorized\nWWW-Authenticate: {realm}\n"))
    })
}

fn answer(client: &mut TcpStream, server: &mut TcpStream, fault: Option<Fault>) -> io::Result<()> {
    match fault {
        Some(Fault::CutAnswer(bytes)) => {
            io::copy(&mut server.take(bytes as u64), client)?;
        }
        Some(Fault::Change(from, to)) => {
            let mut bytes = Vec::new();
            server.read_to_end(&mut bytes)?;
            let at = bytes.windows(from.len()).position(|it| it == from.as_bytes());
            let at = at.expect("what is to be changed is not there");
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            client.write_all(&bytes)?;
        }
        Some(Fault::Spoil) => {
            let mut bytes = Vec::new();
            server.read_to_end(&mut bytes)?;
            *bytes.last_mut().unwrap() ^= 1;
            client.write_all(&bytes)?;
        }
        _ => {
            io::copy(server, client)?;
        }
    }
    client.shutdown(Shutdown::Both)
}

/// Reads the head of a request, byte by byte so that nothing of the body is taken.
fn head(client: &mut TcpStream) -> io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
}
