//! What the X server knows of windows.

use edk_testkit::wait_until;
use x11rb::{
    CURRENT_TIME,
    connection::Connection as _,
    protocol::{
        xproto::{
            AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask,
            ImageFormat, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MapState, PropMode, Window,
            WindowClass,
        },
        xtest::ConnectionExt as _,
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

const SHIFT: u32 = 0xffe1;

x11rb::atom_manager! {
    pub(crate) Atoms: AtomsCookie {
        XdndAware, XdndEnter, XdndPosition, XdndStatus, XdndDrop, XdndFinished, XdndSelection,
        XdndActionCopy,
        URI_LIST: b"text/uri-list",
        _NET_WM_NAME, _NET_ACTIVE_WINDOW, _NET_CLOSE_WINDOW,
        UTF8_STRING,
    }
}

/// A connection to a screen.
pub(crate) struct Windows {
    pub(crate) x: RustConnection,
    pub(crate) root: Window,
    pub(crate) atoms: Atoms,
}

impl Windows {
    pub(crate) fn of(display: &str) -> Self {
        let (x, screen) = RustConnection::connect(Some(display)).unwrap();
        let root = x.setup().roots[screen].root;
        let atoms = Atoms::new(&x).unwrap().reply().unwrap();
        Self { x, root, atoms }
    }

    /// Returns the window of the app that the user sees, with its title.
    pub(crate) fn app(&self) -> Option<(Window, String)> {
        self.apps().next()
    }

    /// Returns how many windows of the app there are.
    pub(crate) fn count(&self) -> usize {
        self.apps().count()
    }

    fn apps(&self) -> impl Iterator<Item = (Window, String)> {
        let ours = |title: &str| title.ends_with("Kaapana EDK") && !title.contains("Log in to");
        self.titled().filter(move |(_, title)| ours(title))
    }

    /// Returns the titles of all windows that the user sees.
    pub(crate) fn titles(&self) -> Vec<String> {
        self.titled().map(|(_, title)| title).collect()
    }

    fn titled(&self) -> impl Iterator<Item = (Window, String)> {
        let windows = self.below(self.root).into_iter().filter(|it| self.is_shown(*it));
        windows.filter_map(|it| Some((it, self.title(it)?)))
    }

    /// Returns the title of the window that has the keyboard, as the window manager says.
    pub(crate) fn active(&self) -> Option<String> {
        self.title(self.focused()?)
    }

    /// Says whether the window that has the keyboard shows anything yet.
    pub(crate) fn is_painted(&self) -> bool {
        let Some(window) = self.focused() else { return false };
        let size = self.x.get_geometry(window).unwrap().reply().unwrap();
        let (width, height) = (size.width, size.height);
        let image = self.x.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, width, height, !0);
        // A part of it may be outside of the screen.
        let Ok(image) = image.unwrap().reply() else { return false };
        let mut pixels = image.data.chunks(4);
        let first = pixels.next();
        pixels.any(|pixel| Some(pixel) != first)
    }

    /// Says whether the title of the page is painted in the app's window.
    pub(crate) fn shows_text(&self) -> bool {
        let Some((window, _)) = self.app() else { return false };
        // Below the menu, right of the list of pages.
        self.has_letters(window, (230, 50, 200, 60))
    }

    /// Says whether a heading is painted at the top of the window that has the keyboard.
    pub(crate) fn shows_heading(&self) -> bool {
        self.focused().is_some_and(|window| self.has_letters(window, (0, 0, 300, 100)))
    }

    fn has_letters(&self, window: Window, (x, y, width, height): (i16, i16, u16, u16)) -> bool {
        let image = self.x.get_image(ImageFormat::Z_PIXMAP, window, x, y, width, height, !0);
        let Ok(image) = image.unwrap().reply() else { return false };
        // Smooth letters have many shades, an empty page has one or two.
        let shades: std::collections::BTreeSet<&[u8]> = image.data.chunks(4).collect();
        shades.len() > 8
    }

    fn focused(&self) -> Option<Window> {
        let wanted = self.x.get_property(
            false,
            self.root,
            self.atoms._NET_ACTIVE_WINDOW,
            AtomEnum::WINDOW,
            0,
            1,
        );
        wanted.unwrap().reply().unwrap().value32()?.next()
    }

    /// Asks the window manager to close the app's window, as a click on its cross does.
    pub(crate) fn close(&self) {
        self.end(self.app().expect("a window to close").0);
    }

    /// The same for the window whose title has these words.
    pub(crate) fn close_titled(&self, words: &str) {
        let mut titled = self.titled();
        self.end(titled.find(|(_, title)| title.contains(words)).expect("a window to close").0);
    }

    fn end(&self, window: Window) {
        let data = [CURRENT_TIME, 2, 0, 0, 0];
        let event = ClientMessageEvent::new(32, window, self.atoms._NET_CLOSE_WINDOW, data);
        let mask = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.x.send_event(false, self.root, mask, event).unwrap();
        self.x.flush().unwrap();
    }

    /// Opens a window of another program, which gets the keyboard.
    pub(crate) fn distract(&self) {
        let window = self.x.generate_id().unwrap();
        let (class, aux) = (WindowClass::INPUT_OUTPUT, CreateWindowAux::new());
        self.x.create_window(0, window, self.root, 0, 0, 300, 200, 0, class, 0, &aux).unwrap();
        let (name, text) = (self.atoms._NET_WM_NAME, self.atoms.UTF8_STRING);
        self.x.change_property8(PropMode::REPLACE, window, name, text, b"Mail").unwrap();
        self.x.map_window(window).unwrap();
        self.x.flush().unwrap();
        wait_until("the other window has the keyboard", 10, || {
            self.active().as_deref() == Some("Mail")
        });
    }

    /// Presses keys (X keysyms, such as 0xffe3 for Ctrl) together and lets them go.
    pub(crate) fn press(&self, keys: &[u32]) {
        let codes: Vec<u8> = keys.iter().flat_map(|key| self.codes(*key)).collect();
        let presses = codes.iter().map(|code| (KEY_PRESS_EVENT, code));
        let releases = codes.iter().rev().map(|code| (KEY_RELEASE_EVENT, code));
        for (kind, code) in presses.chain(releases) {
            self.x.xtest_fake_input(kind, *code, CURRENT_TIME, self.root, 0, 0, 0).unwrap();
        }
        self.x.flush().unwrap();
    }

    /// Returns the keys to press for a keysym: one, or with Shift before it.
    fn codes(&self, key: u32) -> Vec<u8> {
        let (first, last) = (self.x.setup().min_keycode, self.x.setup().max_keycode);
        let map = self.x.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
        let rows: Vec<_> = map.keysyms.chunks(usize::from(map.keysyms_per_keycode)).collect();
        let find = |key: u32, column: usize| {
            let found = (first..=last).zip(&rows).find(|(_, row)| row.get(column) == Some(&key));
            found.map(|(code, _)| code)
        };
        match (find(key, 0), find(key, 1), find(SHIFT, 0)) {
            (Some(code), ..) => vec![code],
            (None, Some(code), Some(shift)) => vec![shift, code],
            _ => panic!("no key {key:#x}"),
        }
    }

    fn below(&self, window: Window) -> Vec<Window> {
        // A window may go while we look.
        let Ok(tree) = self.x.query_tree(window).unwrap().reply() else { return Vec::new() };
        tree.children.into_iter().flat_map(|it| [vec![it], self.below(it)].concat()).collect()
    }

    fn is_shown(&self, window: Window) -> bool {
        let attributes = self.x.get_window_attributes(window).unwrap().reply();
        attributes.is_ok_and(|it| it.map_state == MapState::VIEWABLE)
    }

    fn title(&self, window: Window) -> Option<String> {
        let (name, text) = (self.atoms._NET_WM_NAME, self.atoms.UTF8_STRING);
        let reply = self.x.get_property(false, window, name, text, 0, 256).unwrap().reply().ok()?;
        (!reply.value.is_empty()).then(|| String::from_utf8_lossy(&reply.value).into_owned())
    }
}
