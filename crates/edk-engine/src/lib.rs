//! The only place where rooms meet.
//!
//! Each file is one thing a user can ask for: a request as a value, an outcome as a value, and a
//! method of [`Engine`] that leads from one to the other through the rooms. Everything a job tells
//! on its way leaves through one numbered stream of events ([`Dispatcher`]).
//!
//! The engine decides order and names (which image before which, which tag for whom) and nothing
//! else: how something is done is a room's business. It prints nothing, asks nobody and reads
//! neither environment nor home folder; floor 7 hands all of that in as [`Setup`].

mod base;
mod bases;
mod build;
mod chart;
pub mod check;
mod demo;
mod deploy;
mod dispatcher;
mod doctor;
mod engine;
mod error;
mod ext;
mod extensions;
mod foresee;
mod hints;
mod image;
mod new;
mod package;
mod preview;
mod push;
mod registry;
mod run;
mod sandbox;
mod serve;
mod serving;
mod settings;
mod shared;
mod status;
mod target;
mod targets;
mod uninstall;
mod upload;
mod view;
mod watch;

pub use base::{BaseOutcome, BaseRecipe, BaseRequest};
pub use bases::BaseView;
pub use build::{BuildChoices, BuildOutcome, BuildRequest, ImageOutcome, StepOutcome};
pub use chart::{
    ChartArg, ChartDependencies, ChartDepsListRequest, ChartDepsOutcome, ChartDepsRequest,
    ChartDiffRequest, ChartDiffSide, ChartDiffed, ChartFileView, ChartLintRequest, ChartLinted,
    ChartOrigin, ChartPackageFile, ChartPackageRequest, ChartPackaged, ChartPart,
    ChartPreflightRequest, ChartPreflighted, ChartRenderRequest, ChartRendered, ChartSetting,
    ChartShowRequest, ChartShown, ChartSources, ChartValues, DependencyView, ManifestView,
    ParameterView, PlannedChart, PreflightView,
};
pub use check::{CheckOutcome, CheckRequest, Mend};
pub use demo::{DemoOutcome, DemoRequest, DemoStage};
pub use deploy::{DeployOutcome, DeployRequest, ImageWay};
pub use dispatcher::{Dispatcher, EventSink};
pub use doctor::{Diagnosis, DoctorRequest, Health, Remedy, RemedyJob};
pub use edk_chart::yaml::emit as yaml_text;
pub use edk_container::{Bind, Content};
pub use edk_image::{EngineChoice, HostSettings};
pub use edk_target::{PullPolicy, TroubleKind};
pub use edk_template::{Parameter, Preset, Type};
pub use edk_watch::{ChangeSet, Stop, Watch};
pub use engine::{Engine, Setup};
pub use error::EngineError;
pub use ext::{
    AllowRequest, AllowState, AllowedDag, AppView, AppsView, CompleteRequest, Completed, ExtKind,
    ExtList, ExtListRequest, ExtShow, ExtShowRequest, Hardware, JobView, Maturity, Outdated,
    ReleaseView, SentView, TaskLogRequest, TaskLogView, Truth, TruthLine, TruthRequest, TruthView,
    VersionView, WorkflowJobs, WorkflowJobsRequest, WorkflowListRequest, WorkflowStartRequest,
    WorkflowStarted, WorkflowView,
};
pub use extensions::{
    ExtensionView, InstallRequest, Installed, PodView, RemoveRequest, TargetRequest,
};
pub use foresee::{DeployPlan, DeployPlanRequest, ImagePlan, PlanAction, PlanStep};
pub use image::{
    BaseListing, BasePullRequest, BaseRebaseRequest, FileChange, FileFactView, HistoryLine,
    ImageDiff, ImageDiffRequest, ImageExportRequest, ImageLoadRequest, ImageLookRequest,
    ImageSaveRequest, ImageSendRequest, SaveOutcome, SavedImage, SendOutcome,
};
pub use new::{FileOutcome, NewOutcome, NewRequest, TemplateSummary};
pub use package::{PackageOutcome, PackageRequest};
pub use preview::{Preview, PreviewFile, PreviewRefusal, PreviewRequest, PreviewState};
pub use push::{PushOutcome, PushRequest, Pushed};
pub use registry::{
    AccountOutcome, CopyOutcome, ExportOutcome, GcKept, GcOutcome, GcRemoval, ImageDetails,
    ImportOutcome, ImportedImage, LanRequest, LayerDetails, LayerView, MirrorOf, MirrorOfError,
    PlatformImage, RegistryAccountRequest, RegistryCopyRequest, RegistryDeleteRequest,
    RegistryGcRequest, RegistryServeRequest, RegistryShowRequest, RepositoryUsage, RepositoryView,
    TagUsageView, TagView, UsageView, parse_size,
};
pub use run::{RunOutcome, RunRequest};
pub use sandbox::{
    FaultView, SandboxLogRequest, SandboxPodView, SandboxReleaseView, SandboxResetOutcome,
    SandboxResetRequest, SandboxServeRequest, SandboxStartRequest, SandboxStarted, SandboxStatus,
    SandboxStopped,
};
pub use serve::{DEFAULT_REGISTRY_PORT, DEFAULT_SANDBOX_PORT};
pub use serving::{RegistryService, ServedBy};
pub use shared::SandboxService;
pub use status::{ReleaseStatus, StatusOutcome, StatusRequest};
pub use targets::{
    FrontDoor, LoginOutcome, LoginWay, TargetAddRequest, TargetDetails, TargetLoginRequest,
    TrustChoice, VaultError,
};
pub use uninstall::{UninstallOutcome, UninstallRequest};
pub use upload::{UploadRequest, Uploaded};
pub use view::{ChartView, FolderRequest, ImageView, ProjectView};
