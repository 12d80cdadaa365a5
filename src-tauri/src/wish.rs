//! What the desktop tells the page beside the host's entries.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use edk_api::host::Entry;
use serde::Serialize;
use tokio::sync::Notify;

/// Something the desktop wants of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "wish", rename_all = "lowercase")]
pub enum Wish {
    /// Take these: they were dropped, or named at a start.
    Open {
        /// Files and folders, in full.
        paths: Vec<PathBuf>,
    },
    /// Things are held over the window, or are no longer.
    Hover {
        /// Whether they are.
        over: bool,
    },
    /// Do what was chosen from the menu.
    Command {
        /// Id of the menu's item.
        name: String,
    },
    /// The window is to be closed while jobs run: ask.
    Quit,
    /// The jobs are being stopped; the window closes by itself.
    Ending,
}

/// One message in the channel.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Message {
    Entries { entries: Vec<Arc<Entry>> },
    Wish(Wish),
}

/// Wishes on their way to the page; they wait until there is one.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    waiting: Mutex<Vec<Wish>>,
    came: Notify,
}

impl Wishes {
    pub(crate) fn add(&self, wish: Wish) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(wish);
        self.came.notify_one();
    }

    /// Waits for at least one and returns all.
    pub(crate) async fn next(&self) -> Vec<Wish> {
        loop {
            let waiting =
                std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            if !waiting.is_empty() {
                return waiting;
            }
            self.came.notified().await;
        }
    }
}
