//! `edk lsp`, as an editor talks to it: JSON-RPC over standard streams.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use edk_testkit::TestEnv;
use serde_json::{Value, json};

/// An editor that talks to the server.
struct Editor {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    last: u64,
}

impl Editor {
    fn open(env: &TestEnv, folder: &Path) -> Self {
        let mut child =
            env.command(&["lsp"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, from) =
            (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut editor = Self { child, to, from, last: 0 };
        let uri = format!("file://{}", folder.display());
        let params = json!({"processId": null, "rootUri": uri, "capabilities": {}});
        let answer = editor.asks("initialize", &params);
        assert_eq!(answer["result"]["serverInfo"]["name"], "edk");
        assert_eq!(answer["result"]["capabilities"]["hoverProvider"], true);
        editor.tells("initialized", &json!({}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.to.flush().unwrap();
    }

    fn tells(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).unwrap() > 0, "the server went away");
            match line.trim().split_once(": ") {
                Some(("Content-Length", number)) => length = number.parse().unwrap(),
                _ if line.trim().is_empty() => break,
                _ => {}
            }
        }
        let mut text = vec![0; length];
        self.from.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// Asks, and returns the answer; what is told in between is dropped.
    fn asks(&mut self, method: &str, params: &Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.receive();
            if message["id"] == id {
                return message;
            }
        }
    }

    /// Waits for what is told of a file; returns rules and places.
    fn told(&mut self, file: &str) -> Vec<Value> {
        loop {
            let message = self.receive();
            let params = &message["params"];
            if message["method"] == "textDocument/publishDiagnostics"
                && params["uri"].as_str().unwrap().ends_with(file)
            {
                return params["diagnostics"].as_array().unwrap().clone();
            }
        }
    }

    fn ends(mut self) {
        assert_eq!(self.asks("shutdown", &Value::Null)["result"], Value::Null);
        self.tells("exit", &Value::Null);
        drop(self.to);
        assert!(self.child.wait().unwrap().success());
    }
}

const DAG: &str = "extension/docker/files/dag_lung.py";

#[test]
fn an_editor_is_told_what_is_wrong_and_how_to_mend_it() {
    let env = TestEnv::new();
    env.edk(&["new", "radiomics", "ext", "--yes", "--set", "name=lung"]).exits(0);
    let folder = env.path("ext").canonicalize().unwrap();
    let uri = format!("file://{}", folder.join(DAG).display());
    let text = fs::read_to_string(folder.join(DAG)).unwrap();
    let mut editor = Editor::open(&env, &folder);
    let document = json!({"uri": uri, "languageId": "python", "version": 1, "text": text});
    editor.tells("textDocument/didOpen", &json!({"textDocument": document}));

    // What is not saved yet counts.
    let bent = text.replace("    schedule_interval=None,\n", "");
    let change = |text: &str, version: u64| json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": text}]});
    editor.tells("textDocument/didChange", &change(&bent, 2));
    let told = editor.told(DAG);
    assert_eq!((told.len(), &told[0]["code"]), (1, &json!("P05")), "{told:#?}");
    assert_eq!((&told[0]["source"], &told[0]["severity"]), (&json!("edk"), &json!(2)));
    let range = &told[0]["range"];
    let line = bent.lines().position(|it| it.contains("dag_id=")).unwrap();
    assert_eq!(range["start"]["line"], line);

    let hover = json!({"textDocument": {"uri": uri}, "position": range["start"]});
    let answer = editor.asks("textDocument/hover", &hover);
    let words = answer["result"]["contents"]["value"].as_str().unwrap();
    assert!(words.contains("**P05** a DAG has no schedule") && words.contains("Why: "), "{words}");
    let nowhere = json!({"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}});
    assert_eq!(editor.asks("textDocument/hover", &nowhere)["result"], Value::Null);

    let params =
        json!({"textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": told}});
    let actions = editor.asks("textDocument/codeAction", &params);
    let action = &actions["result"][0];
    assert_eq!(action["kind"], "quickfix");
    let edits = action["edit"]["changes"][&uri].as_array().unwrap();
    assert_eq!(edits[0]["newText"], ", schedule_interval=None");

    // Mended, it is told no more.
    editor.tells("textDocument/didChange", &change(&text, 3));
    assert_eq!(editor.told(DAG), Vec::<Value>::new());

    // What another program saves counts as well.
    let values = "extension/lung-workflow/values.yaml";
    fs::write(folder.join(values), "nothing: here\n").unwrap();
    editor.tells("textDocument/didSave", &json!({"textDocument": {"uri": uri}}));
    assert_eq!(editor.told(values)[0]["code"], "C03");

    let error = editor.asks("textDocument/rename", &json!({}));
    assert_eq!(error["error"]["code"], -32601);
    let error = editor.asks("textDocument/hover", &json!({"nonsense": 1}));
    assert_eq!(error["error"]["code"], -32602);
    editor.ends();
}
