//! Targets by name: where they are, whom they trust, and how one logs in.
//!
//! What is no secret is in `targets.json` of the data folder; what is one is in the keychain of the
//! desktop, or in a sealed file where there is none ([`vault`]).

mod book;
mod connect;
mod doctor;
mod door;
mod keys;
mod login;
mod sealed;
mod vault;

pub(crate) use book::Book;
pub use book::{TargetAddRequest, TargetDetails, TrustChoice};
pub use door::FrontDoor;
pub use login::{LoginOutcome, LoginWay, TargetLoginRequest};
pub use vault::VaultError;
