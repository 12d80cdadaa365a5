//! What the desktop does for the page by name, in the shape of the host's commands.

use std::{
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use edk_api::{
    CancellationToken,
    host::{Host, Reply},
};
use edk_model::{Code, Failure};
use serde_json::{Value, json};
use tauri::{AppHandle, Manager as _, Runtime};
use tauri_plugin_dialog::{DialogExt as _, FileDialogBuilder};
use tokio::sync::oneshot;

use crate::{
    end, login,
    wish::{Wish, Wishes},
};

/// What all parts of the desktop share.
#[derive(Debug)]
pub struct Desk {
    pub(crate) host: Host,
    pub(crate) wishes: Wishes,
    /// Whether the user was asked if the jobs may be stopped, and has not answered.
    pub(crate) asked: AtomicBool,
    /// Whether the jobs are being stopped.
    pub(crate) ending: AtomicBool,
    reader: Mutex<CancellationToken>,
}

impl Desk {
    /// Returns the shared state over `host`.
    pub fn new(host: Host) -> Self {
        Self {
            host,
            wishes: Wishes::default(),
            asked: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            reader: Mutex::default(),
        }
    }

    pub(crate) fn wish(&self, wish: Wish) {
        self.wishes.add(wish);
    }

    /// Ends the channel of an earlier page and returns the token that ends the new one.
    pub(crate) fn replace_reader(&self) -> CancellationToken {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.cancel();
        *reader = CancellationToken::new();
        reader.clone()
    }
}

/// Answers a call of the desktop's own; `None` for every other.
pub(crate) async fn answer<R: Runtime>(
    app: &AppHandle<R>,
    name: &str,
    input: &Value,
) -> Option<Reply> {
    let result = match name {
        "pick_folder" => Ok(json!(pick_folder(app).await)),
        "pick_archives" => Ok(json!(pick_archives(app).await)),
        "open_address" => open_address(input["address"].as_str().unwrap_or_default()),
        "login_window" => login::in_window(app, input["name"].as_str().unwrap_or_default()).await,
        "leave_login" => {
            login::leave(app).await;
            Ok(Value::Null)
        }
        "quit" => {
            end::stop(app);
            Ok(Value::Null)
        }
        "stay" => {
            app.state::<Desk>().asked.store(false, Ordering::Relaxed);
            Ok(Value::Null)
        }
        _ => return None,
    };
    Some(result.into())
}

/// Waits for work of the host, beside the window.
pub(crate) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let lost = |_| Failure::new(Code::Bug, "the host lost the call");
    tauri::async_runtime::spawn_blocking(work).await.map_err(lost)
}

/// Returns a dialog of our window.
fn dialog<R: Runtime>(app: &AppHandle<R>, title: &str) -> FileDialogBuilder<R> {
    let dialog = app.dialog().file().set_title(title);
    match app.get_webview_window(crate::window::LABEL) {
        Some(window) => dialog.set_parent(&window),
        None => dialog,
    }
}

/// Lets the user choose a folder; none when the user chose none.
async fn pick_folder<R: Runtime>(app: &AppHandle<R>) -> Option<PathBuf> {
    let (chosen, folder) = oneshot::channel();
    // Nobody waits any more when the page is gone meanwhile.
    dialog(app, "Choose a folder").pick_folder(move |it| drop(chosen.send(it)));
    folder.await.ok().flatten()?.into_path().ok()
}

/// Lets the user choose archives to upload.
async fn pick_archives<R: Runtime>(app: &AppHandle<R>) -> Vec<PathBuf> {
    let (chosen, files) = oneshot::channel();
    dialog(app, "Choose charts or image archives")
        .add_filter("Charts and image archives", &["tgz", "tar"])
        .pick_files(move |it| drop(chosen.send(it)));
    let files = files.await.ok().flatten().unwrap_or_default();
    files.into_iter().filter_map(|it| it.into_path().ok()).collect()
}

/// Opens an address in the user's browser: of the web only, so that no page of ours starts programs.
fn open_address(address: &str) -> Result<Value, Failure> {
    if !(address.starts_with("http://") || address.starts_with("https://")) {
        let what = format!("`{address}` is no address of the web");
        return Err(Failure::new(Code::InvalidInput, what));
    }
    let failed = Failure::new(Code::Precondition, "no browser could be started");
    open::that_detached(address)
        .map(|()| Value::Null)
        .map_err(|error| failed.because(error).hint(format!("open {address} yourself")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_are_opened() {
        for address in ["", "file:///etc/passwd", "/bin/sh", "javascript:alert(1)", "HTTP//x"] {
            assert_eq!(open_address(address).unwrap_err().code, Code::InvalidInput, "{address}");
        }
    }
}
