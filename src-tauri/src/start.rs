//! From the engine to the running app.

use std::sync::atomic::Ordering;

use edk_api::{
    Engine,
    host::{Host, HostOptions},
    instance::{self, Handover},
};
use edk_model::{Code, Failure};
use tauri::{AppHandle, Manager as _, RunEvent};
use tauri_plugin_window_state::StateFlags;

use crate::{commands, desk::Desk, end, login, menu, window, wish::Wish};

/// Shows the window until it is closed. Blocks; returns at once when another app works with the
/// same data folder, which then shows what was asked for.
///
/// # Errors
/// If there is no screen, the other app does not answer, or the system gives no window.
#[allow(clippy::exit)] // Tauri's own, where it takes the configuration in.
pub fn run(engine: Engine, options: HostOptions, handover: Handover) -> Result<(), Failure> {
    let data = engine.data_folder().to_owned();
    let Some(listener) = instance::begin(&data, &handover)? else { return Ok(()) };
    screen()?;
    let desk = Desk::new(Host::new(engine, options));
    if !handover.paths.is_empty() {
        desk.wish(Wish::Open { paths: handover.paths });
    }
    let place = StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED;
    let app = commands(tauri::Builder::default())
        .plugin(tauri_plugin_dialog::init())
        .plugin(
            tauri_plugin_window_state::Builder::new()
                .with_state_flags(place)
                .with_denylist(&[login::LABEL])
                .build(),
        )
        .manage(desk)
        .menu(menu::menu)
        .on_menu_event(|app, event| menu::chosen(app, event.id().as_ref()))
        .setup(move |app| {
            window::dress(app.handle(), app.state::<Desk>().host.theme());
            window::open(app.handle(), &data)?;
            end::on_signals(app.handle());
            let app = app.handle().clone();
            std::thread::spawn(move || {
                while let Some(handover) = instance::next(&listener) {
                    taken(&app, handover);
                }
            });
            Ok(())
        })
        .build(tauri::generate_context!())
        .map_err(|error| {
            Failure::new(Code::Precondition, "the window could not be opened").because(error)
        })?;
    app.run(|app, event| {
        // The last window goes only with the app.
        if let RunEvent::ExitRequested { api, .. } = event
            && !app.state::<Desk>().ending.load(Ordering::Relaxed)
        {
            api.prevent_exit();
        }
    });
    Ok(())
}

/// Takes what a second start handed over.
fn taken(app: &AppHandle, handover: Handover) {
    if !handover.paths.is_empty() {
        app.state::<Desk>().wish(Wish::Open { paths: handover.paths });
    }
    window::present(app, handover.startup);
}

/// Says in words that there is no screen, where the toolkit would only give up.
fn screen() -> Result<(), Failure> {
    gtk::init().map_err(|error| {
        Failure::new(Code::Precondition, "there is no screen to show a window on")
            .because(error)
            .hint("start it in a desktop session, or open the window in a browser: `edk serve`")
    })
}
