//! A file manager as far as the X server knows one: it drags files over the app's window and lets
//! go (XDND, version 5).

use std::{
    os::fd::AsFd as _,
    path::Path,
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, poll};
use x11rb::{
    CURRENT_TIME, NONE,
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{
            ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, PropMode,
            SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window,
            WindowClass,
        },
    },
    wrapper::ConnectionExt as _,
};

use crate::windows::Windows;

const PATIENCE: Duration = Duration::from_secs(20);

/// Something held over the window.
pub(crate) struct Drag<'a> {
    windows: &'a Windows,
    source: Window,
    target: Window,
    text: String,
}

impl<'a> Drag<'a> {
    /// Begins to drag the file or folder `path` over the middle of the app's window, and returns
    /// when the window has said that it would take it.
    pub(crate) fn over(windows: &'a Windows, path: &Path) -> Self {
        let (target, _) = windows.app().unwrap();
        let x = &windows.x;
        let source = x.generate_id().unwrap();
        let aux = CreateWindowAux::new();
        let class = WindowClass::INPUT_ONLY;
        x.create_window(0, source, windows.root, 0, 0, 1, 1, 0, class, 0, &aux).unwrap();
        x.set_selection_owner(source, windows.atoms.XdndSelection, CURRENT_TIME).unwrap();
        let text = format!("file://{}\r\n", path.display());
        let mut drag = Self { windows, source, target, text };
        drag.enter();
        // Who is asked the first time may only begin to look at what is coming.
        while !drag.position() {}
        drag
    }

    /// Lets go, and returns when the window has taken it.
    pub(crate) fn drop(mut self) {
        self.send(self.windows.atoms.XdndDrop, [0, CURRENT_TIME, 0, 0]);
        self.answer(self.windows.atoms.XdndFinished);
    }

    fn enter(&mut self) {
        let version = 5 << 24;
        self.send(self.windows.atoms.XdndEnter, [version, self.windows.atoms.URI_LIST, NONE, NONE]);
    }

    /// Says where it is; returns whether the window would take it.
    fn position(&mut self) -> bool {
        let Windows { x, root, atoms } = self.windows;
        let size = x.get_geometry(self.target).unwrap().reply().unwrap();
        let (width, height) = (size.width as i16, size.height as i16);
        let place = x.translate_coordinates(self.target, *root, width / 2, height / 2);
        let place = place.unwrap().reply().unwrap();
        let place = (u32::from(place.dst_x as u16) << 16) | u32::from(place.dst_y as u16);
        self.send(atoms.XdndPosition, [0, place, CURRENT_TIME, atoms.XdndActionCopy]);
        self.answer(self.windows.atoms.XdndStatus)[1] & 1 == 1
    }

    fn send(&self, kind: u32, data: [u32; 4]) {
        let data = [self.source, data[0], data[1], data[2], data[3]];
        let event = ClientMessageEvent::new(32, self.target, kind, data);
        self.windows.x.send_event(false, self.target, EventMask::NO_EVENT, event).unwrap();
        self.windows.x.flush().unwrap();
    }

    /// Waits for a message of the window, and hands out what is dragged meanwhile.
    fn answer(&mut self, kind: u32) -> [u32; 5] {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.next(deadline) {
                Event::ClientMessage(message) if message.type_ == kind => {
                    return message.data.as_data32();
                }
                Event::SelectionRequest(request) => self.hand_out(&request),
                _ => {}
            }
        }
    }

    fn next(&self, deadline: Instant) -> Event {
        loop {
            if let Some(event) = self.windows.x.poll_for_event().unwrap() {
                return event;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the window does not answer the drag");
            let mut wait = [PollFd::new(self.windows.x.stream().as_fd(), PollFlags::POLLIN)];
            poll(&mut wait, u16::try_from(left.as_millis()).unwrap()).unwrap();
        }
    }

    fn hand_out(&self, request: &SelectionRequestEvent) {
        let Windows { x, atoms, .. } = self.windows;
        let known = request.target == atoms.URI_LIST;
        if known {
            let (window, kind) = (request.requestor, request.target);
            let text = self.text.as_bytes();
            x.change_property8(PropMode::REPLACE, window, request.property, kind, text).unwrap();
        }
        let notify = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: if known { request.property } else { NONE },
        };
        x.send_event(false, request.requestor, EventMask::NO_EVENT, notify).unwrap();
        x.flush().unwrap();
    }
}
