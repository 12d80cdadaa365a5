//! What an editor says.

use std::{fs, io::Cursor};

use edk_testkit::{Kept, framed};
use serde_json::json;

/// What stands for the address of the workspace.
const ROOT: &str = "ROOT";

/// A conversation about a small workspace: each line that begins with a brace is a message, and gets
/// its size; any other is as it is. The workspace is said before, so that it is no other folder.
pub(super) fn conversation(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Dockerfile"), "FROM python:latest\nCOPY . /\n").unwrap();
    fs::write(folder.path().join("dag.py"), "dag = DAG(dag_id='x')\n").unwrap();
    let root = format!("file://{}", folder.path().display());
    let first = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"rootUri": root, "capabilities": {}}});
    let second = json!({"jsonrpc": "2.0", "method": "initialized", "params": {}});
    let mut said = [first, second].map(|it| framed(it.to_string().as_bytes())).concat();
    for line in data.split(|it| *it == b'\n') {
        match std::str::from_utf8(line) {
            Ok(text) if text.starts_with('{') => {
                said.extend(framed(text.replace(ROOT, &root).as_bytes()));
            }
            _ if line.starts_with(b"{") => said.extend(framed(line)),
            _ => said.extend([line, b"\r\n"].concat()),
        }
    }
    let output = Kept::default();
    let ended = edk_lsp::serve(Cursor::new(said), output.clone());
    let thread_died = "a thread of it ended";
    let mut cause = ended.as_ref().err().and_then(std::error::Error::source);
    while let Some(error) = cause {
        assert_ne!(error.to_string(), thread_died);
        cause = error.source();
    }
    let written = output.written();
    let written = std::str::from_utf8(&written).unwrap();
    assert!(
        written.contains("\"id\":0,\"result\""),
        "the first request is not answered: {written}"
    );
}
