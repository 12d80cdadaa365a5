//! What commands of the host take and give beyond what the engine has.

use std::path::PathBuf;

use edk_engine::{
    BaseRequest, BuildRequest, DeployRequest, InstallRequest, PackageRequest, PullPolicy,
    PushRequest, RegistryService, RemoveRequest, RunRequest, ServedBy, UninstallRequest,
    UploadRequest,
};
use edk_model::{Failure, Reference, Secret};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The input of commands that need none.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(type = "Record<string, never>"))]
pub struct Nothing {}

/// What `start` starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", content = "input", rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum JobRequest {
    /// Build the images of an extension.
    Build(BuildRequest),
    /// Build and push the images of an extension.
    Push(PushRequest),
    /// Package the charts of an extension.
    Package(PackageRequest),
    /// Build, push, package, upload, install and follow.
    Deploy(DeployRequest),
    /// Remove an extension from a target.
    Uninstall(UninstallRequest),
    /// Run a processing container on local data.
    Run(RunRequest),
    /// Make a base image.
    Base(BaseRequest),
    /// Go the whole way once.
    Demo(DemoStart),
    /// Install a chart that is on the target.
    Install(InstallRequest),
    /// Remove a release from a target.
    UninstallRelease(RemoveRequest),
    /// Send a packaged chart, or an archive of images, to a target.
    Upload(UploadRequest),
    /// Log in to a platform in a browser, which a line of output names the address for.
    Login(LoginStart),
}

/// Log in to a platform with a public client, which an administrator has made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct LoginStart {
    /// Name of the target.
    pub name: String,
    /// The client, when it is another than the target's.
    pub client: Option<String>,
    /// Whether the browser is on another device; else it is on the machine of the host.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<bool>"))]
    pub device: bool,
}

/// Go the whole way once.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct DemoStart {
    /// Folder for the demo's files, new or empty; without one, a new one in the data folder.
    pub folder: Option<PathBuf>,
    /// A registry image to take as base, instead of making it from Debian packages.
    pub base: Option<Reference>,
    /// Address of a Debian mirror.
    pub mirror: Option<String>,
}

/// Names a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct JobRef {
    /// Its id.
    pub job: String,
}

/// Ask for finished jobs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct HistoryRequest {
    /// Folder of an extension; without one, those of all.
    pub project: Option<PathBuf>,
}

/// A finished job, for the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct PastJob {
    /// When it began (RFC 3339).
    pub at: String,
    /// Name of the command: `build`, `push` or `deploy`.
    pub command: String,
    /// Folder of the extension.
    pub project: PathBuf,
    /// Name of the target, for a deploy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Whether it ended with its result.
    pub ok: bool,
    /// Why not, one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// How many build steps were found done.
    pub reused: u64,
    /// How many build steps there were.
    pub steps: u64,
    /// Size of the images as stored, in bytes.
    pub bytes: u64,
}

/// An extension that was opened here before.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct RecentProject {
    /// Its folder.
    pub folder: PathBuf,
    /// Its name when it was opened last.
    pub name: String,
    /// When it was opened last (RFC 3339).
    pub opened_at: String,
    /// Whether the folder is gone.
    pub missing: bool,
}

/// The settings and what goes with them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct SettingsView {
    /// Where images, layers and the sandbox are kept.
    pub data_folder: PathBuf,
    /// How the registry of this machine is served.
    pub registry: RegistryService,
    /// The colours.
    pub theme: Theme,
    /// Where extensions can go.
    pub targets: Vec<TargetView>,
    /// Version of the program.
    pub version: String,
}

/// Where extensions can go.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct TargetView {
    /// Its name.
    pub name: String,
    /// Its address; of the sandbox, while it is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it is.
    pub kind: TargetKind,
    /// Whether work begins with it.
    pub current: bool,
    /// Who serves the sandbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<ServedBy>,
    /// Where the sandbox keeps what was sent to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Registry and path from which a platform pulls images, when it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// When a platform pulls images, when it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional, type = "'Always' | 'IfNotPresent'"))]
    pub pull_policy: Option<PullPolicy>,
    /// Build version of a platform, when it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_version: Option<String>,
    /// The project of a platform that calls are made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Which certificates of a platform are believed: `system`, `authority`, `pinned` or `anything`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
    /// Who has logged in to a platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum TargetKind {
    /// The platform on this machine.
    Sandbox,
    /// A platform elsewhere.
    Platform,
}

/// A target by its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct TargetRef {
    /// Its name.
    pub name: String,
}

/// Log in to a platform: with a token, with user and password, or with the session of a browser.
/// None of it is kept in clear.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct LoginRequest {
    /// Name of the target.
    pub name: String,
    /// Name of the user.
    pub user: Option<String>,
    /// The password; it is not kept.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub password: Option<Secret>,
    /// Secret of the client, when it has one.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub client_secret: Option<Secret>,
    /// An access token that somebody else has got; it is not renewed.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub token: Option<Secret>,
    /// The session of a browser that has logged in: its header `Cookie`, or the cookies of the front
    /// door in it.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub session: Option<Secret>,
}

/// The colours of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Theme {
    /// As the system has them.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
    /// High contrast.
    Contrast,
}

/// Choose the colours.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ThemeRequest {
    /// The colours.
    pub theme: Theme,
}

/// Serve the registry of this machine for as long as the host runs, or not.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct RegistryServeRequest {
    /// Whether to serve it.
    pub on: bool,
}

/// Ask how a command is typed in a terminal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct CommandLineRequest {
    /// Name of the command, of this table or of `start`.
    pub command: String,
    /// Its input.
    #[serde(default)]
    pub input: Value,
}

/// The answer to a call: `{"ok": true, "output": …}` or `{"ok": false, "failure": …}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// It was done.
    Done {
        /// Always true.
        ok: bool,
        /// What came of it.
        output: Value,
    },
    /// It was not.
    Failed {
        /// Always false.
        ok: bool,
        /// Why.
        failure: Failure,
    },
}

impl From<Result<Value, Failure>> for Reply {
    fn from(result: Result<Value, Failure>) -> Self {
        match result {
            Ok(output) => Self::Done { ok: true, output },
            Err(failure) => Self::Failed { ok: false, failure },
        }
    }
}
