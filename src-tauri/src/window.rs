//! The window: where it comes from, what reaches it.

use std::path::Path;

use edk_api::host::Theme;
use tauri::{
    AppHandle, DragDropEvent, Manager as _, Runtime, WebviewUrl, WebviewWindowBuilder, WindowEvent,
    webview::PageLoadEvent,
};

use crate::{desk::Desk, end, wish::Wish};

/// Name of the window with our pages, as the permission file knows it.
pub(crate) const LABEL: &str = "main";

/// Opens the window. It shows when its page is there, so that nothing white flashes up.
pub(crate) fn open<R: Runtime>(app: &AppHandle<R>, data: &Path) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title("Kaapana EDK")
        .inner_size(1200.0, 800.0)
        .min_inner_size(760.0, 520.0)
        .data_directory(data.join("webview"))
        .visible(false)
        .on_document_title_changed(|window, title| {
            let _ = window.set_title(&title);
        })
        .on_page_load(|window, load| {
            if load.event() == PageLoadEvent::Finished {
                // A window that can't be shown has nobody to be told.
                let _ = window.show();
            }
        })
        // Links of a page lead out by the desktop only; no page of another's comes in here.
        .on_navigation(|address| {
            let developed = tauri::is_dev() && address.host_str() == Some("localhost");
            developed || address.scheme() == "tauri"
        })
        .build()?;
    let app = app.clone();
    window.on_window_event(move |event| happened(&app, event));
    Ok(())
}

/// Gives the menu and the frame the colours which the page has.
pub(crate) fn dress<R: Runtime>(app: &AppHandle<R>, theme: Theme) {
    app.set_theme(match theme {
        Theme::Light => Some(tauri::Theme::Light),
        Theme::Dark => Some(tauri::Theme::Dark),
        Theme::System | Theme::Contrast => None,
    });
}

/// Takes what happens to the window with our pages.
fn happened<R: Runtime>(app: &AppHandle<R>, event: &WindowEvent) {
    match event {
        WindowEvent::CloseRequested { api, .. } => {
            api.prevent_close();
            end::ask(app);
        }
        WindowEvent::DragDrop(drag) => {
            let wish = match drag {
                DragDropEvent::Enter { .. } => Wish::Hover { over: true },
                DragDropEvent::Drop { paths, .. } => Wish::Open { paths: paths.clone() },
                DragDropEvent::Leave => Wish::Hover { over: false },
                _ => return,
            };
            app.state::<Desk>().wish(wish);
        }
        _ => {}
    }
}

/// Brings the window to the front; `startup` is what the system gave the start that wants it.
pub(crate) fn present<R: Runtime>(app: &AppHandle<R>, startup: Option<String>) {
    let handle = app.clone();
    // Fails only when the app has ended.
    let _ = app.run_on_main_thread(move || {
        let Some(window) = handle.get_webview_window(LABEL) else { return };
        if let (Some(startup), Ok(gtk)) = (startup, window.gtk_window()) {
            gtk::prelude::GtkWindowExt::set_startup_id(&gtk, &startup);
        }
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
    });
}
