//! The one door between the engine and everything that has a user: the command line, the desktop,
//! the headless host.
//!
//! A host builds a [`Command`], gives it to [`call`] with a place for events and a token to cancel
//! it, and gets a [`Response`] or a [`Failure`]. [`document`] makes of either the one stable JSON
//! document which `--output json` prints, and [`text`] the words a person reads: every host says the
//! same.
//!
//! A window is served by a [`host`], which has many commands under way at the same time.
//!
//! Errors of rooms cross here, once; a panic below becomes a failure with the code `bug`.

mod charts;
mod command;
mod deps;
mod document;
mod ext;
pub mod host;
mod looks;
pub mod machine;
mod storage;
mod targets;
mod text;

pub use command::{AccountView, Command, Response, call};
pub use document::{SCHEMA_VERSION, document};
pub use edk_engine::{
    AllowRequest, BaseRequest, Bind, BuildRequest, ChartArg, ChartDepsListRequest,
    ChartDepsRequest, ChartPackageRequest, ChartPart, ChartRenderRequest, ChartShowRequest,
    ChartSources, ChartValues, CompleteRequest, DEFAULT_REGISTRY_PORT, DEFAULT_SANDBOX_PORT,
    DemoRequest, DeployPlanRequest, DeployRequest, Engine, EventSink, ExtKind, ExtListRequest,
    ExtShowRequest, FolderRequest, Hardware, HostSettings, InstallRequest, LanRequest,
    LoginOutcome, LoginWay, Maturity, MirrorOf, NewRequest, PackageRequest, Parameter, Preset,
    PushRequest, RegistryAccountRequest, RegistryCopyRequest, RegistryDeleteRequest,
    RegistryExportRequest, RegistryGcRequest, RegistryImportRequest, RegistryServeRequest,
    RegistryShowRequest, RemoveRequest, RunRequest, ServeRequest, Setup, StatusRequest,
    TargetAddRequest, TargetDetails, TargetLoginRequest, TargetRequest, TaskLogRequest,
    TemplateSummary, TrustChoice, TruthRequest, Type, UninstallRequest, UploadRequest,
    WorkflowJobsRequest, WorkflowListRequest, WorkflowStartRequest,
};
pub use edk_model::{CancellationToken, Failure};
pub use ext::{ExtCommand, ExtResponse};
pub use text::text;
