//! The program under WebKitGTK's driver.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use edk_testkit::{TestEnv, program, wait_until};
use fantoccini::{Client, ClientBuilder, Locator, error::CmdError, key::Key};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{screen::Screen, windows::Windows};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What seals the secrets of the app: no keychain is in its session.
pub(crate) const PASSPHRASE: &str = "basalt-4Wm8kQe2";

/// Two apps at the same time would only wait for each other's processor.
static ONE: Mutex<()> = Mutex::new(());

/// A session of a user: a screen, a home, and the app in it.
pub(crate) struct Desktop {
    pub(crate) env: TestEnv,
    pub(crate) screen: Screen,
    pub(crate) windows: Windows,
    runtime: Runtime,
    _turn: MutexGuard<'static, ()>,
}

/// The app, as the driver has started it.
pub(crate) struct App<'a> {
    desktop: &'a Desktop,
    client: Client,
    driver: Child,
}

/// Returns the program of the desktop.
pub(crate) fn desktop_program() -> PathBuf {
    let program = program().with_file_name("kaapana-edk");
    assert!(
        program.is_file(),
        "{} is missing: build it first with `cargo build --workspace --bins --features edk-desktop/embedded`",
        program.display()
    );
    program
}

impl Desktop {
    pub(crate) fn new() -> Self {
        let turn = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let env = TestEnv::new();
        let screen = Screen::start(&env);
        let windows = Windows::of(&screen.display);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { env, screen, windows, runtime, _turn: turn }
    }

    /// Returns a command that starts a program in this session.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.env.other(program);
        self.screen.of(&mut command);
        command
    }

    /// Starts the app under the driver.
    pub(crate) fn start(&self, args: &[&str]) -> App<'_> {
        self.start_program(&desktop_program(), args)
    }

    pub(crate) fn start_program(&self, program: &Path, args: &[&str]) -> App<'_> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut driver = self.command("WebKitWebDriver");
        driver.arg("--host=127.0.0.1").arg(format!("--port={port}"));
        driver.env("EDK_PASSPHRASE", PASSPHRASE);
        // The app inherits it; without, the driver waits for ever.
        driver.env("TAURI_WEBVIEW_AUTOMATION", "true").stdout(Stdio::null()).stderr(Stdio::null());
        let driver = driver.spawn().expect("WebKitWebDriver; run `scripts/setup test`");
        let address = format!("127.0.0.1:{port}");
        wait_until("the driver listens", 20, || std::net::TcpStream::connect(&address).is_ok());
        // Tests run beside the registry of whoever runs them.
        let args = [&["--registry-port=0"], args].concat();
        let options = json!({"webkitgtk:browserOptions": {"binary": program, "args": args}});
        let client = self.runtime.block_on(async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(options.as_object().unwrap().clone());
            builder.connect(&format!("http://{address}")).await
        });
        App { desktop: self, client: client.expect("the app under the driver"), driver }
    }
}

impl App<'_> {
    fn wait<T>(&self, work: impl Future<Output = Result<T, CmdError>>) -> T {
        let work = async { tokio::time::timeout(PATIENCE, work).await };
        match self.desktop.runtime.block_on(work) {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => panic!("{error}\n{}", self.words()),
            Err(_) => panic!("it takes too long; the window shows:\n{}", self.words()),
        }
    }

    /// Returns all words in the window.
    pub(crate) fn words(&self) -> String {
        let words = self.client.execute("return document.body.innerText", Vec::new());
        let words = self.desktop.runtime.block_on(words);
        words
            .map_or_else(|error| error.to_string(), |words| words.as_str().unwrap_or("").to_owned())
    }

    /// Waits until the window shows `words`.
    #[track_caller]
    pub(crate) fn shows(&self, words: &str) {
        let path = format!("//*[text()[contains(normalize-space(.), \"{words}\")]]");
        self.wait(self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&path)));
    }

    /// Waits until the window no longer shows `words`.
    pub(crate) fn gone(&self, words: &str) {
        wait_until("the words are gone", 20, || !self.words().contains(words));
    }

    pub(crate) fn reload(&self) {
        self.wait(self.client.refresh());
    }

    /// Clicks the button of that name.
    #[track_caller]
    pub(crate) fn click(&self, name: &str) {
        let path = format!("//button[normalize-space(.)=\"{name}\"]");
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&path));
        let element = self.wait(found);
        self.wait(element.click());
    }

    /// Types into the field with that label.
    pub(crate) fn fill(&self, label: &str, text: &str) {
        let path = format!("//input[@id=//label[normalize-space(.)=\"{label}\"]/@for]");
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&path));
        let element = self.wait(found);
        self.wait(async {
            element.clear().await?;
            element.send_keys(text).await
        });
    }

    /// Presses keys, such as `"\u{e009}k"`, where the keyboard is.
    pub(crate) fn keys(&self, keys: &str) {
        let active = self.wait(self.client.active_element());
        self.wait(active.send_keys(keys));
    }

    /// Presses a key with Ctrl.
    pub(crate) fn ctrl(&self, key: &str) {
        self.keys(&format!("{}{key}{}", char::from(Key::Control), char::from(Key::Null)));
    }

    /// Runs a function body in the page; its promise is waited for.
    #[track_caller]
    pub(crate) fn run(&self, body: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             (async () => {{ {body} }})().then((it) => done({{ it: it ?? null }}), (error) => done({{ error: String(error) }}));"
        );
        let mut result = self.wait(self.client.execute_async(&script, Vec::new()));
        assert!(result.get("error").is_none(), "{result}");
        result["it"].take()
    }

    /// Asks the host as the page does.
    pub(crate) fn call(&self, name: &str, input: &Value) -> Value {
        let call = json!({ "name": name, "input": input });
        let mut reply =
            self.run(&format!("return window.__TAURI_INTERNALS__.invoke('rpc', {call})"));
        assert_eq!(reply["ok"], true, "{name}: {reply}");
        reply["output"].take()
    }

    pub(crate) fn place(&self) -> (u64, u64, u64, u64) {
        self.wait(self.client.get_window_rect())
    }

    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.wait(self.client.set_window_size(width, height));
    }

    /// Keeps a picture of the page, for who wants to look at it.
    pub(crate) fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/shots");
        let picture = self.wait(self.client.screenshot());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("desktop-{name}.png")), picture).unwrap();
    }

    /// Closes the window as the window manager does when its cross is clicked.
    pub(crate) fn close(&self) {
        self.desktop.windows.close();
    }

    /// Waits until the app has gone.
    #[track_caller]
    pub(crate) fn ends(&self) {
        wait_until("the window is closed", 30, || self.desktop.windows.app().is_none());
        wait_until("the program has ended", 30, || self.pids().is_empty());
    }

    /// Returns the processes of the app: the program, not those of the engine.
    pub(crate) fn pids(&self) -> Vec<u32> {
        children(self.driver.id())
    }
}

impl Drop for App<'_> {
    fn drop(&mut self) {
        // The app may have been closed by the test; the driver ends what is left.
        let client = self.client.clone();
        let end = async { tokio::time::timeout(Duration::from_secs(10), client.close()).await };
        let _ = self.desktop.runtime.block_on(end);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Returns the children of a process that have not ended.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest = stat.rsplit(')').next().unwrap_or_default();
        let mut fields = rest.split_whitespace();
        let state = fields.next();
        state != Some("Z") && fields.next().and_then(|it| it.parse().ok()) == Some(parent)
    };
    pids.filter(is_child).collect()
}
