//! How the app ends: at once, or after a question when jobs run; always with its jobs stopped.

use std::sync::atomic::Ordering;

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use tauri::{AppHandle, Manager as _, Runtime};

use crate::{desk::Desk, wish::Wish};

/// The user wants to end. While jobs run the page asks first; who insists is not asked again, and
/// who insists while they are being stopped need not wait.
#[allow(clippy::exit)]
pub(crate) fn ask<R: Runtime>(app: &AppHandle<R>) {
    let desk = app.state::<Desk>();
    if desk.ending.load(Ordering::Relaxed) {
        // Everything below dies with us, and what is left is removed by the next start.
        std::process::exit(130);
    }
    if desk.host.running() == 0 || desk.asked.swap(true, Ordering::Relaxed) {
        stop(app);
    } else {
        desk.wish(Wish::Quit);
    }
}

/// Stops all jobs, waits for them, and ends.
pub(crate) fn stop<R: Runtime>(app: &AppHandle<R>) {
    let desk = app.state::<Desk>();
    if desk.ending.swap(true, Ordering::Relaxed) {
        return;
    }
    desk.wish(Wish::Ending);
    let (app, host) = (app.clone(), desk.host.clone());
    tauri::async_runtime::spawn_blocking(move || {
        host.stop();
        app.exit(0);
    });
}

/// Ends cleanly, and without a question, when the system asks for it.
pub(crate) fn on_signals<R: Runtime>(app: &AppHandle<R>) {
    let app = app.clone();
    if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) {
        std::thread::spawn(move || signals.forever().for_each(|_| stop(&app)));
    }
}
