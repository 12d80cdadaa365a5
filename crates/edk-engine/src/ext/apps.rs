use edk_model::{Monitor, Outcome};
use edk_target::{ActiveApp, Client, TargetError};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

/// Complete an application that a workflow opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CompleteRequest {
    /// Name of the target.
    pub target: String,
    /// Name of the release.
    pub release: String,
}

/// The applications that are open on a target.
#[derive(Debug, Clone, Serialize)]
pub struct AppsView {
    /// Name of the target.
    pub target: String,
    /// The applications.
    pub apps: Vec<AppView>,
}

/// An application that is open.
#[derive(Debug, Clone, Serialize)]
pub struct AppView {
    /// Name of its release.
    pub release: String,
    /// Its name.
    pub name: String,
    /// Its namespace, when the target tells.
    pub namespace: String,
    /// The project it belongs to, when the target tells.
    pub project: String,
    /// Addresses at which it can be opened.
    pub links: Vec<String>,
    /// When it was made, as the target writes it.
    pub created_at: String,
    /// Whether it can be used, when the target tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// Whether a workflow waits until it is completed.
    pub from_workflow: bool,
}

/// An application that was completed.
#[derive(Debug, Clone, Serialize)]
pub struct Completed {
    /// Name of the release.
    pub release: String,
    /// Name of the target.
    pub target: String,
}

impl Engine {
    /// Lists the applications that are open.
    ///
    /// # Errors
    /// [`EngineError::Target`].
    pub fn ext_apps(&self, target: &str, monitor: &Monitor) -> Result<AppsView, EngineError> {
        let monitor = monitor.stage("status");
        self.with_target(target, &monitor, async |client: Client| {
            let url = &client.target().url;
            let apps = client.active_apps(&monitor).await?;
            let apps = apps.into_iter().map(|app| app_view(app, url)).collect();
            Ok(AppsView { target: client.target().name.clone(), apps })
        })
    }

    /// Completes an application; the workflow that opened it goes on. When the answer is lost, the
    /// list is looked at.
    ///
    /// # Errors
    /// [`EngineError::Target`].
    pub fn ext_complete(
        &self,
        request: &CompleteRequest,
        monitor: &Monitor,
    ) -> Result<Completed, EngineError> {
        let CompleteRequest { target, release } = request;
        let monitor = monitor.stage("uninstall");
        self.with_target(target, &monitor, async |client: Client| {
            monitor.started(release);
            if !client.complete_app(release, &monitor).await? {
                monitor.line(&format!("no clear answer to the completion of {release}; looking"));
                if client.active_apps(&monitor).await?.iter().any(|app| app.release == *release) {
                    return Err(TargetError::Refused {
                        target: client.target().name.clone(),
                        action: "complete an application",
                        status: 504,
                        reason: "it gave no answer, and the application is still open".to_owned(),
                    }
                    .into());
                }
            }
            monitor.finished(release, Outcome::Done, "completed");
            let target = client.target().name.clone();
            Ok(Completed { release: release.clone(), target })
        })
    }
}

fn app_view(app: ActiveApp, url: &str) -> AppView {
    let link = |path: &String| match path.starts_with('/') {
        true => format!("{url}{path}"),
        false => path.clone(),
    };
    AppView {
        links: app.paths.iter().map(link).collect(),
        release: app.release,
        name: app.name,
        namespace: app.namespace,
        project: app.project,
        created_at: app.created_at,
        ready: app.ready,
        from_workflow: app.from_workflow,
    }
}
