//! The one table of commands: name, what it takes, what it gives, who does it.

use edk_engine::{
    BaseView, CheckOutcome, CheckRequest, DeployPlan, DeployPlanRequest, Diagnosis, DoctorRequest,
    ExtensionView, FolderRequest, InstallRequest, LoginOutcome, NewOutcome, NewRequest, Preview,
    PreviewRequest, ProjectView, RegistryDeleteRequest, RegistryService, RemoveRequest,
    RepositoryView, TargetAddRequest, TargetRequest, TemplateSummary, UploadRequest,
};
use edk_model::{Code, Failure};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Host,
    input::{
        CommandLineRequest, HistoryRequest, JobRef, JobRequest, LoginRequest, Nothing, PastJob,
        RecentProject, RegistryServeRequest, SettingsView, TargetRef, ThemeRequest,
    },
};

macro_rules! table {
    ($($name:ident: $input:ty => $output:ty;)*) => {
        /// Names of all commands.
        pub const COMMANDS: &[&str] = &[$(stringify!($name)),*];

        /// Does what the command `name` says.
        pub(super) fn dispatch(host: &Host, name: &str, input: Value) -> Result<Value, Failure> {
            match name {
                $(stringify!($name) => {
                    let output: Result<$output, Failure> = host.$name(&read::<$input>(name, input)?);
                    write(&output?)
                })*
                _ => Err(unknown(name)),
            }
        }

        /// The table as TypeScript, and all types it needs, by name.
        #[cfg(feature = "typescript")]
        pub(super) fn declare(to: &mut super::typescript::Declarations) {
            $(to.command::<$input, $output>(stringify!($name));)*
        }
    };
}

table! {
    templates: Nothing => Vec<TemplateSummary>;
    template_preview: PreviewRequest => Preview;
    create: NewRequest => NewOutcome;
    projects: Nothing => Vec<RecentProject>;
    open_project: FolderRequest => ProjectView;
    forget_project: FolderRequest => Nothing;
    check: CheckRequest => CheckOutcome;
    deploy_plan: DeployPlanRequest => DeployPlan;
    start: JobRequest => JobRef;
    cancel: JobRef => Nothing;
    history: HistoryRequest => Vec<PastJob>;
    extensions: TargetRequest => Vec<ExtensionView>;
    install: InstallRequest => JobRef;
    uninstall_release: RemoveRequest => JobRef;
    upload: UploadRequest => JobRef;
    registry: Nothing => Vec<RepositoryView>;
    registry_delete: RegistryDeleteRequest => Nothing;
    registry_serve: RegistryServeRequest => RegistryService;
    settings: Nothing => SettingsView;
    target_add: TargetAddRequest => Nothing;
    target_use: TargetRef => Nothing;
    target_remove: TargetRef => Nothing;
    target_login: LoginRequest => LoginOutcome;
    target_logout: TargetRef => Nothing;
    target_doctor: TargetRef => Vec<Diagnosis>;
    set_theme: ThemeRequest => Nothing;
    bases: Nothing => Vec<BaseView>;
    doctor: DoctorRequest => Vec<Diagnosis>;
    command_line: CommandLineRequest => String;
}

/// Reads an input; none counts as an empty object.
pub(super) fn read<T: DeserializeOwned>(name: &str, input: Value) -> Result<T, Failure> {
    let input = if input.is_null() { Value::Object(serde_json::Map::new()) } else { input };
    serde_json::from_value(input).map_err(|error| {
        Failure::new(Code::InvalidInput, format!("the input of `{name}` makes no sense"))
            .because(error)
    })
}

fn write<T: Serialize>(output: &T) -> Result<Value, Failure> {
    serde_json::to_value(output)
        .map_err(|error| Failure::new(Code::Bug, "the answer can't be written").because(error))
}

pub(super) fn unknown(name: &str) -> Failure {
    Failure::new(Code::NotFound, format!("there is no command called `{name}`"))
        .hint(format!("commands are {}", COMMANDS.join(", ")))
}
