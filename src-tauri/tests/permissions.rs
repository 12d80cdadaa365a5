//! What the page may call, asked of Tauri itself: the commands of the permission file and no other.
// `exit` is Tauri's own, where it takes the configuration in.
#![allow(clippy::unwrap_used, clippy::exit, clippy::needless_pass_by_value)]

use std::time::SystemTime;

use edk_api::{
    Engine, HostSettings, Setup,
    host::{Host, HostOptions},
};
use edk_desktop::{Desk, commands};
use serde_json::{Value, json};
use tauri::{
    App, WebviewWindow, WebviewWindowBuilder,
    ipc::{CallbackFn, InvokeBody},
    test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder},
    webview::InvokeRequest,
};

fn app(data: &std::path::Path) -> App<MockRuntime> {
    let setup = Setup {
        data: data.to_owned(),
        program: "/proc/self/exe".into(),
        host: HostSettings::default(),
        passphrase: None,
        now: SystemTime::now,
    };
    let host = Host::new(Engine::new(setup), HostOptions::default());
    let context = tauri::generate_context!("tauri.conf.json", test = true);
    commands(mock_builder()).manage(Desk::new(host)).build(context).unwrap()
}

fn window(app: &App<MockRuntime>, label: &str) -> WebviewWindow<MockRuntime> {
    WebviewWindowBuilder::new(app, label, Default::default()).build().unwrap()
}

/// Calls from a page of `address` in a window; returns the answer or why there is none.
fn call_from(
    window: &WebviewWindow<MockRuntime>,
    address: &str,
    command: &str,
    body: Value,
) -> Result<Value, String> {
    let request = InvokeRequest {
        cmd: command.to_owned(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: address.parse().unwrap(),
        body: InvokeBody::Json(body),
        headers: Default::default(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    let answer = get_ipc_response(window, request)
        .map_err(|error| error.as_str().unwrap_or_default().to_owned())?;
    Ok(answer.deserialize().unwrap())
}

fn call(window: &WebviewWindow<MockRuntime>, command: &str, body: Value) -> Result<Value, String> {
    call_from(window, "tauri://localhost", command, body)
}

#[test]
fn the_page_reaches_the_host_and_the_desktop_through_one_command() {
    let data = tempfile::tempdir().unwrap();
    let app = app(data.path());
    let main = window(&app, "main");
    let answer = call(&main, "rpc", json!({"name": "projects", "input": {}})).unwrap();
    assert_eq!(answer, json!({"ok": true, "output": []}));
    let answer = call(&main, "rpc", json!({"name": "stay", "input": {}})).unwrap();
    assert_eq!(answer, json!({"ok": true, "output": null}));
    let answer = call(&main, "rpc", json!({"name": "no_such", "input": {}})).unwrap();
    assert_eq!(answer["failure"]["code"], "not-found");
    let input = json!({"address": "file:///etc/passwd"});
    let answer = call(&main, "rpc", json!({"name": "open_address", "input": input})).unwrap();
    assert_eq!(answer["failure"]["code"], "invalid-input");
}

#[test]
fn what_the_permission_file_does_not_list_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let app = app(data.path());
    let (main, login) = (window(&app, "main"), window(&app, "login"));
    for command in [
        "plugin:event|listen",
        "plugin:event|emit",
        "plugin:window|close",
        "plugin:webview|create_webview_window",
        "plugin:path|resolve_directory",
        "plugin:app|version",
        "plugin:menu|new",
        "plugin:resources|close",
        "plugin:dialog|open",
        "plugin:fs|read_file",
    ] {
        let refusal = call(&main, command, json!({})).unwrap_err();
        assert!(refusal.contains("not allowed"), "{command}: {refusal}");
    }
    let listed = json!({"name": "projects", "input": {}});
    // The window of a platform's login, wherever its page comes from.
    for address in ["tauri://localhost", "https://kaapana.example.org", "about:blank"] {
        for command in ["rpc", "subscribe"] {
            let refusal = call_from(&login, address, command, listed.clone()).unwrap_err();
            assert!(refusal.contains("not allowed"), "{address} {command}: {refusal}");
        }
    }
    let refusal = call_from(&main, "https://example.org", "rpc", listed).unwrap_err();
    assert!(refusal.contains("not allowed"), "{refusal}");
}

/// Whoever gives the page more has to change this list as well.
#[test]
fn the_permission_file_grants_two_commands_to_one_window() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/capabilities");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let capability: Value = serde_json::from_slice(&std::fs::read(&files[0]).unwrap()).unwrap();
    assert_eq!(capability["permissions"], json!(["allow-rpc", "allow-subscribe"]));
    assert_eq!(capability["windows"], json!(["main"]));
    let keys: Vec<_> = capability.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["identifier", "description", "windows", "permissions"]);
    let context: tauri::Context<MockRuntime> =
        tauri::generate_context!("tauri.conf.json", test = true);
    let security = &context.config().app.security;
    assert_eq!(security.capabilities.len(), 1);
    let policy = security.csp.as_ref().unwrap().to_string();
    assert!(!policy.contains("unsafe"), "{policy}");
}
