//! The desktop app: a window over the one door (`edk-api`), and nothing more.
//!
//! It owns what only a desktop has: the window and its place, the menu, the folder dialog, things
//! dropped on the window, the window of a platform's login, and the question before it ends while
//! jobs run. What is shown is `ui/`; what is done is `edk_api::host`. It decides nothing about
//! extensions, and the page in it can reach nothing but the two commands of [`commands`].
//!
//! The page may ask the desktop for a few things by name ([`desk`]), and is told of others as
//! [`Wish`]es, in the same ordered channel as the host's entries. `docs/host.md` describes both.

mod commands;
mod desk;
mod end;
mod login;
mod menu;
mod start;
mod window;
mod wish;

pub use commands::commands;
pub use desk::Desk;
pub use start::run;
pub use wish::Wish;
