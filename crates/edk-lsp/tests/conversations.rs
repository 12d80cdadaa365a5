//! Whole conversations: what an editor may say, and what it never should.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Cursor, Write},
    path::Path,
};

use edk_extension::check::{Example, example_project};
use edk_lsp::{LspError, serve};
use edk_testkit::{Kept, framed};
use proptest::prelude::*;
use serde_json::{Value, json};

const DAG: &str = "extension/docker/files/dag_lung.py";

/// Lets an editor say all of it; returns how that ended, and the messages that came back.
fn talk(bytes: Vec<u8>) -> (Result<(), LspError>, Vec<Value>) {
    let output = Kept::default();
    let ended = serve(Cursor::new(bytes), output.clone());
    let written = output.written();
    let mut rest = &written[..];
    let mut messages = Vec::new();
    while let Some(at) = rest.windows(4).position(|it| it == b"\r\n\r\n") {
        let head = std::str::from_utf8(&rest[..at]).unwrap();
        let size: usize = head.strip_prefix("Content-Length: ").unwrap().parse().unwrap();
        let Some(text) = rest.get(at + 4..at + 4 + size) else { break };
        messages.push(serde_json::from_slice(text).unwrap());
        rest = &rest[at + 4 + size..];
    }
    (ended, messages)
}

/// A folder with a small project in it.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in example_project(&Example::workflow(&[])).files() {
        let path = folder.path().join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &file.data).unwrap();
    }
    folder
}

fn request(id: u64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn told(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

/// What an editor says first, then `said`, then goodbye.
fn conversation(root: &Path, said: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let params = json!({"processId": null, "rootUri": format!("file://{}", root.display()), "capabilities": {}});
    let frame = |it: Value| framed(it.to_string().as_bytes());
    let mut all = frame(request(1, "initialize", &params));
    all.extend(frame(told("initialized", &json!({}))));
    said.into_iter().for_each(|it| all.extend(it));
    all.extend(frame(request(2, "shutdown", &Value::Null)));
    all.extend(frame(told("exit", &Value::Null)));
    all
}

fn ids(messages: &[Value]) -> Vec<u64> {
    messages.iter().filter_map(|it| it["id"].as_u64()).collect()
}

#[test]
fn what_makes_no_sense_is_told_and_the_rest_is_answered() {
    let folder = project();
    let uri = format!("file://{}/{DAG}", folder.path().canonicalize().unwrap().display());
    let bent = "from airflow.models import DAG\ndag = DAG(dag_id='x')\n";
    let document = json!({"uri": uri, "languageId": "python", "version": 1, "text": bent});
    let at = json!({"textDocument": {"uri": uri}, "position": {"line": 1, "character": 18}});
    let said = [
        br#"{"jsonrpc": "2.0", "method": 7}"#.to_vec(),
        b"\xff\xfe".to_vec(),
        br#"{"method": "x", "params": "\ud800"}"#.to_vec(),
        told("textDocument/didOpen", &json!({"textDocument": document})).to_string().into_bytes(),
        request(10, "textDocument/hover", &at).to_string().into_bytes(),
        request(11, "textDocument/hover", &json!({"textDocument": 5})).to_string().into_bytes(),
        request(12, "workspace/unknown", &json!([])).to_string().into_bytes(),
        request(13, "initialize", &json!({})).to_string().into_bytes(),
    ];
    let bytes = conversation(folder.path(), said.iter().map(|it| framed(it)));
    let (ended, messages) = talk(bytes);
    ended.unwrap();
    assert_eq!(ids(&messages), [1, 10, 11, 12, 13, 2]);
    let of = |id: u64| messages.iter().find(|it| it["id"] == id).unwrap();
    let hover = of(10)["result"]["contents"]["value"].as_str();
    assert!(hover.is_some_and(|it| it.contains("P05")), "{messages:#?}");
    assert_eq!(
        (&of(11)["error"]["code"], &of(12)["error"]["code"]),
        (&json!(-32602), &json!(-32601))
    );
    let odd = messages.iter().filter(|it| it["method"] == "window/logMessage").count();
    assert_eq!(odd, 3);
}

#[test]
fn a_conversation_that_can_not_go_on_ends_with_a_reason() {
    let folder = project();
    let ends = |bytes: Vec<u8>| talk(bytes).0.map_err(|error| error.to_string());
    let broken = Err("the conversation with the editor broke off".to_owned());
    assert_eq!(ends(Vec::new()), broken);
    assert_eq!(ends(b"hello\r\n".to_vec()), broken);
    assert_eq!(ends(framed(request(1, "initialize", &json!(7)).to_string().as_bytes())), broken);
    let raw = |bytes: &[u8]| conversation(folder.path(), [bytes.to_vec()]);
    assert_eq!(ends(raw(b"Content-Length: 999999999999\r\n\r\n")), broken);
    assert_eq!(ends(raw(b"Content-Type: x\r\n\r\n")), broken);
    assert_eq!(
        ends(raw(b"Content-Length: 60000000\r\n\r\n{")),
        Err("the editor went away".to_owned())
    );
    // An editor that is gone without goodbye is not waited for, nor is one that does not listen.
    let all = raw(b"");
    let cut = all.len() - framed(told("exit", &Value::Null).to_string().as_bytes()).len();
    assert_eq!(ends(all[..cut].to_vec()), broken);
    struct Deaf;
    impl Write for Deaf {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = serve(Cursor::new(all), Deaf).unwrap_err();
    assert_eq!(error.to_string(), "the editor went away");
}

const METHODS: [&str; 9] = [
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/didClose",
    "textDocument/didSave",
    "textDocument/hover",
    "textDocument/codeAction",
    "workspace/didChangeWatchedFiles",
    "$/cancelRequest",
    "x",
];

/// Places, most of which are nowhere.
fn position() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        (0_u32..30).prop_map(Value::from),
        Just(json!(u32::MAX)),
        Just(json!(u64::MAX)),
        Just(json!(-1)),
        Just(json!(1.5)),
        Just(Value::Null),
    ];
    (number.clone(), number)
        .prop_map(|(line, character)| json!({"line": line, "character": character}))
}

fn uri() -> impl Strategy<Value = String> {
    let names = [
        "ROOT/extension/docker/files/dag_lung.py",
        "ROOT/extension/lung-workflow/Chart.yaml",
        "ROOT",
        "ROOT/../../etc/passwd",
        "ROOT/%00%ff%zz",
        "ROOT/new/Dockerfile",
        "file://other/x",
        "untitled:Untitled-1",
        "http://[",
        "",
    ];
    proptest::sample::select(names.to_vec()).prop_map(str::to_owned)
}

/// Parameters that are nearly, or not at all, what a method takes.
fn params() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[a-zä𝄞\\n: ={}'\"-]{0,40}", Just("\u{feff}FROM x\r\n".to_owned())];
    let right = (uri(), position(), position(), text).prop_map(|(uri, start, end, text)| {
        json!({
            "textDocument": {"uri": uri, "languageId": "x", "version": 1, "text": text},
            "position": start,
            "range": {"start": start, "end": end},
            "context": {"diagnostics": [{"range": {"start": end, "end": start}, "message": "m"}]},
            "contentChanges": [{"text": text}],
            "changes": [],
        })
    });
    let wrong = prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!("text")),
        Just(json!({"textDocument": [1], "position": {}})),
        Just(json!({"textDocument": {"uri": 5}, "contentChanges": [null]})),
    ];
    prop_oneof![4 => right, 1 => wrong]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_request_is_answered_once_whatever_is_said(
        said in proptest::collection::vec((any::<bool>(), proptest::sample::select(METHODS.to_vec()), params()), 0..12),
        odd in proptest::collection::vec(any::<u8>(), 0..40),
        at in 0_usize..12,
    ) {
        let folder = project();
        let root = format!("file://{}", folder.path().canonicalize().unwrap().display());
        let mut asked = BTreeSet::from([1, 2]);
        let mut frames = Vec::new();
        for (number, (asks, method, params)) in said.iter().enumerate() {
            let id = 10 + number as u64;
            let message = if *asks { request(id, method, params) } else { told(method, params) };
            asked.extend(asks.then_some(id));
            frames.push(framed(message.to_string().replace("ROOT", &root).as_bytes()));
        }
        frames.insert(at.min(frames.len()), framed(&odd));
        let (ended, messages) = talk(conversation(folder.path(), frames));
        prop_assert!(ended.is_ok(), "{:?}", ended);
        let answered = ids(&messages);
        prop_assert_eq!(answered.len(), asked.len());
        prop_assert_eq!(answered.into_iter().collect::<BTreeSet<_>>(), asked);
    }

    #[test]
    fn bytes_that_were_changed_end_it_at_most(
        said in proptest::collection::vec((proptest::sample::select(METHODS.to_vec()), params()), 1..4),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<proptest::sample::Index>(),
    ) {
        let folder = project();
        let root = format!("file://{}", folder.path().canonicalize().unwrap().display());
        let frame = |(method, params): &(&str, Value)| {
            framed(request(9, method, params).to_string().replace("ROOT", &root).as_bytes())
        };
        let start = conversation(folder.path(), []).len();
        let mut bytes = conversation(folder.path(), said.iter().map(frame));
        let first = framed(request(1, "initialize", &json!({})).to_string().as_bytes()).len().min(start);
        // The folder of the workspace stays what it is.
        let first = first + 2 * root.len();
        for (index, byte) in changes {
            let place = first + index.index(bytes.len() - first);
            bytes[place] = byte;
        }
        bytes.truncate(first + cut.index(bytes.len() - first));
        let _ = talk(bytes);
    }
}
