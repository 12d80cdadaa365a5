//! The menu: what the window's pages and commands are called, with their keys.

use tauri::{
    AppHandle, Manager as _, Runtime,
    menu::{AboutMetadata, Menu, MenuBuilder, MenuItemBuilder, Submenu, SubmenuBuilder},
};

use crate::{desk::Desk, end, wish::Wish};

/// Id, words and keys of each item; what an id means is the page's business, but for `quit`.
type Items = [(&'static str, &'static str, &'static str)];

const FILE: &Items = &[
    ("new", "New Extension…", "CmdOrCtrl+N"),
    ("open", "Open Folder…", "CmdOrCtrl+O"),
    ("quit", "Quit", "CmdOrCtrl+Q"),
];

const VIEW: &Items = &[
    ("home", "Home", "CmdOrCtrl+1"),
    ("deploy", "Deploy", "CmdOrCtrl+3"),
    ("extensions", "Extensions", "CmdOrCtrl+4"),
    ("registry", "Registry", "CmdOrCtrl+5"),
    ("settings", "Settings", "CmdOrCtrl+6"),
    ("commands", "Commands…", "CmdOrCtrl+K"),
];

/// Returns the menu of the window.
pub(crate) fn menu<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<Menu<R>> {
    let about = AboutMetadata {
        name: Some("Kaapana EDK".to_owned()),
        version: Some(app.package_info().version.to_string()),
        license: Some("Apache-2.0".to_owned()),
        comments: Some("Develop extensions for the Kaapana medical-imaging platform".to_owned()),
        icon: app.default_window_icon().cloned(),
        ..AboutMetadata::default()
    };
    let (file, view) = (submenu(app, "File", FILE)?, submenu(app, "View", VIEW)?);
    let help = SubmenuBuilder::new(app, "Help").about_with_text("About", Some(about)).build()?;
    MenuBuilder::new(app).items(&[&file, &view, &help]).build()
}

fn submenu<R: Runtime>(app: &AppHandle<R>, name: &str, items: &Items) -> tauri::Result<Submenu<R>> {
    let mut menu = SubmenuBuilder::new(app, name);
    for (id, words, keys) in items {
        menu = menu.item(&MenuItemBuilder::with_id(*id, *words).accelerator(*keys).build(app)?);
    }
    menu.build()
}

/// Does what was chosen.
pub(crate) fn chosen<R: Runtime>(app: &AppHandle<R>, id: &str) {
    match id {
        "quit" => end::ask(app),
        name => app.state::<Desk>().wish(Wish::Command { name: name.to_owned() }),
    }
}
