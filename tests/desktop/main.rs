//! The desktop app in its real web view, driven by WebKitGTK's own driver on a screen of its own.
//!
//! `screen` is the X server with a window manager, `app` the program under the driver, `drag` a
//! file manager that drops something on it. The program is the one beside `edk`; nothing is
//! imitated but the processing container, which is a static program, so that no test needs the
//! network. What many states look like is tested over recorded runs in `tests/browser`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod app;
mod drag;
mod journeys;
mod login;
mod package;
mod screen;
mod windows;
