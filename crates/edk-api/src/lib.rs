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
mod check_words;
mod command;
mod deps;
mod document;
mod ext;
pub mod host;
mod image;
mod images;
pub mod instance;
mod looks;
pub mod machine;
mod sandbox;
mod storage;
mod targets;
mod text;

pub use command::{AccountView, Command, Response, call};
pub use document::{SCHEMA_VERSION, document};
pub use edk_engine::check;
pub use edk_engine::{
    AllowRequest, BasePullRequest, BaseRebaseRequest, BaseRequest, Bind, BuildChoices,
    BuildRequest, ChartArg, ChartDepsListRequest, ChartDepsRequest, ChartDiffRequest,
    ChartDiffSide, ChartLintRequest, ChartPackageRequest, ChartPart, ChartPreflightRequest,
    ChartRenderRequest, ChartSetting, ChartShowRequest, ChartSources, ChartValues, CheckOutcome,
    CheckRequest, CompleteRequest, Content, DEFAULT_REGISTRY_PORT, DEFAULT_SANDBOX_PORT,
    DemoRequest, DeployPlanRequest, DeployRequest, Engine, EngineChoice, EventSink, ExtKind,
    ExtListRequest, ExtShowRequest, FolderRequest, Hardware, HostSettings, ImageDiffRequest,
    ImageExportRequest, ImageLoadRequest, ImageLookRequest, ImageSaveRequest, ImageSendRequest,
    InstallRequest, LanRequest, LoginOutcome, LoginWay, Maturity, Mend, MirrorOf, NewRequest,
    PackageRequest, Parameter, Preset, PullPolicy, PushRequest, RegistryAccountRequest,
    RegistryCopyRequest, RegistryDeleteRequest, RegistryGcRequest, RegistryServeRequest,
    RegistryShowRequest, RemoveRequest, RunRequest, SandboxLogRequest, SandboxResetRequest,
    SandboxServeRequest, SandboxStartRequest, Setup, StatusRequest, TargetAddRequest,
    TargetDetails, TargetLoginRequest, TargetRequest, TaskLogRequest, TemplateSummary, TroubleKind,
    TrustChoice, TruthRequest, Type, UninstallRequest, UploadRequest, WorkflowJobsRequest,
    WorkflowListRequest, WorkflowStartRequest, parse_size,
};
pub use edk_engine::{Stop, Watch};
pub use edk_model::{CancellationToken, Failure};
pub use ext::{ExtCommand, ExtResponse};
pub use image::ImageCommand;
pub use text::text;
