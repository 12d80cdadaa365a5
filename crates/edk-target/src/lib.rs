//! Where an extension goes: a client for a Kaapana platform, and for the sandbox that speaks like
//! one.
//!
//! Every call is first a value, [`Request`], made by a pure function of [`request`], and its answer
//! a value, [`Reply`], read by pure functions; one thin sender stands between them. What the
//! platform answers can't be taken at its word, so the [`Client`] is built from these rules:
//!
//! - A file is sent in one piece. On any doubt the upload is given up and begun anew, because the
//!   platform joins pieces in the order of their arrival and reports the wrong file as a success.
//! - An upload is done when the platform says so in words; its status code says nothing.
//! - A chart that fails the platform's check is stored and listed anyway; the error says so.
//! - No answer, and the codes 500, 502 and 504 after an install, mean *unknown*: the client looks
//!   before it says anything, and never repeats blindly.
//! - A release is followed by Helm's status and by its own pods, not by what the list calls
//!   `installed`.
//! - A platform serves one call at a time, so the client sends one at a time and polls slowly
//!   ([`Pace`]).
//! - [`preflight`] refuses names, versions and parameters which the platform would put into a shell
//!   command, lose or mangle.
//!
//! The room refuses to know what an extension is made of; it takes bytes and names.

mod apps;
mod client;
mod detect;
mod error;
mod extension;
mod follow;
mod identity;
mod install;
mod login;
pub mod preflight;
mod reply;
pub mod request;
mod send;
mod software;
mod target;
mod trouble;
mod trust;
mod upload;
mod workflow;

pub use apps::{ActiveApp, read_apps};
pub use client::Client;
pub use detect::Features;
pub use error::TargetError;
pub use extension::{Deployment, Extension, Pod, read_list};
pub use follow::{Followed, Health, health_of};
pub use identity::{Generation, Platform, User};
pub use install::InstallOutcome;
pub use login::{
    CodeRequest, CookieJar, DevicePrompt, Login, LoginProblem, Session, SessionCookies, Tokens,
};
pub use reply::{Reply, Standing};
pub use request::{Body, Method, Request};
pub use software::AllowOutcome;
pub use target::{Auth, Pace, Project, PullPolicy, Target};
pub use trouble::{NeverSent, Trouble, TroubleKind};
pub use trust::{Fingerprint, Trust, fingerprint_at};
pub use upload::{ImportOutcome, Sent, UploadOutcome};
pub use workflow::{Job, TaskLog, Workflow, WorkflowStart};
