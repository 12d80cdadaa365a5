//! The two commands of the page. Both are in the permission file; there are no others.

use std::time::Duration;

use edk_api::{CancellationToken, host::Reply};
use serde_json::Value;
use tauri::{AppHandle, Builder, Manager as _, Runtime, ipc::Channel};

use crate::{
    desk::{self, Desk},
    window,
    wish::Message,
};

/// Entries that come within this time go to the page together: about one frame.
const PACE: Duration = Duration::from_millis(16);

/// Adds the commands to an app that manages a [`Desk`].
pub fn commands<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder.invoke_handler(tauri::generate_handler![rpc, subscribe])
}

/// Does what the command `name` says with `input`: one of the desktop's, else one of the host's.
#[tauri::command]
async fn rpc<R: Runtime>(app: AppHandle<R>, name: String, input: Value) -> Reply {
    let desk = app.state::<Desk>();
    if let Some(reply) = desk::answer(&app, &name, &input).await {
        return reply;
    }
    let (host, dresses) = (desk.host.clone(), name == "set_theme");
    let reply = desk::beside(move || host.rpc(&name, input)).await;
    if dresses {
        window::dress(&app, desk.host.theme());
    }
    reply.unwrap_or_else(|failure| Err(failure).into())
}

/// Tells the page what happens after the entry `after`, and the desktop's wishes, until the page
/// subscribes anew.
#[tauri::command]
async fn subscribe<R: Runtime>(
    app: AppHandle<R>,
    after: Option<u64>,
    channel: Channel<Message>,
) -> Result<(), ()> {
    let desk = app.state::<Desk>();
    let stop = desk.replace_reader();
    let mut entries = desk.host.subscribe(after);
    // Returns at once, so that the page's call is answered; the channel goes on.
    tauri::async_runtime::spawn(async move {
        let desk = app.state::<Desk>();
        while let Some(messages) = next(&desk, &mut entries, &stop).await {
            for message in messages {
                // A page that is gone hears nothing; the next one asks where it left off.
                if channel.send(message).is_err() {
                    return;
                }
            }
            tokio::time::sleep(PACE).await;
        }
    });
    Ok(())
}

async fn next(
    desk: &Desk,
    entries: &mut edk_api::host::Subscription,
    stop: &CancellationToken,
) -> Option<Vec<Message>> {
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        entries = entries.next() => Some(vec![Message::Entries { entries }]),
        wishes = desk.wishes.next() => Some(wishes.into_iter().map(Message::Wish).collect()),
    }
}
