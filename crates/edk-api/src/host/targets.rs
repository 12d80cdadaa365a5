//! The platforms that extensions can go to, and the login to each.

use edk_engine::{
    Diagnosis, LoginOutcome, LoginWay, SandboxService, TargetAddRequest, TargetDetails,
    TargetLoginRequest,
};
use edk_model::{Code, Failure, Monitor, Secret};

use super::{
    Area, Host, explained,
    input::{LoginRequest, Nothing, TargetKind, TargetRef, TargetView},
};

impl Host {
    /// The targets, the sandbox first.
    pub(super) fn targets(&self) -> Result<Vec<TargetView>, Failure> {
        let mut targets = explained(self.inner.engine.target_list())?.into_iter();
        let sandbox = targets.next().map(|it| sandbox(it, self.inner.engine.sandbox_service()));
        Ok(sandbox.into_iter().chain(targets.map(platform)).collect())
    }

    pub(super) fn target_add(&self, request: &TargetAddRequest) -> Result<Nothing, Failure> {
        explained(self.inner.engine.target_add(request))?;
        Ok(self.targets_changed())
    }

    pub(super) fn target_use(&self, target: &TargetRef) -> Result<Nothing, Failure> {
        explained(self.inner.engine.target_use(&target.name))?;
        Ok(self.targets_changed())
    }

    pub(super) fn target_remove(&self, target: &TargetRef) -> Result<Nothing, Failure> {
        explained(self.inner.engine.target_remove(&target.name))?;
        Ok(self.targets_changed())
    }

    pub(super) fn target_login(&self, request: &LoginRequest) -> Result<LoginOutcome, Failure> {
        self.log_in(&request.name, way(request)?, request.client_secret.clone())
    }

    /// Logs in to the target `name`; a password is not kept.
    pub(super) fn log_in(
        &self,
        name: &str,
        way: LoginWay,
        client_secret: Option<Secret>,
    ) -> Result<LoginOutcome, Failure> {
        let request =
            TargetLoginRequest { name: name.to_owned(), way, client_secret, client: None };
        let outcome = explained(self.inner.engine.target_login(&request, &Monitor::silent()))?;
        self.targets_changed();
        Ok(outcome)
    }

    pub(super) fn target_logout(&self, target: &TargetRef) -> Result<Nothing, Failure> {
        explained(self.inner.engine.target_logout(&target.name, &Monitor::silent()))?;
        Ok(self.targets_changed())
    }

    pub(super) fn target_doctor(&self, target: &TargetRef) -> Result<Vec<Diagnosis>, Failure> {
        explained(self.inner.engine.target_doctor(&target.name, &Monitor::silent()))
    }

    /// What is on a target may look different to somebody else.
    fn targets_changed(&self) -> Nothing {
        self.inner.changed(Area::Settings);
        self.inner.changed(Area::Target);
        Nothing {}
    }
}

fn way(request: &LoginRequest) -> Result<LoginWay, Failure> {
    match (&request.token, &request.session, &request.user, &request.password) {
        (Some(token), None, None, None) => Ok(LoginWay::Token(token.clone())),
        (None, Some(session), None, None) => Ok(LoginWay::Cookies(session.clone())),
        (None, None, Some(user), Some(password)) => {
            Ok(LoginWay::Password { user: user.clone(), password: password.clone() })
        }
        _ => {
            let what = "a login takes a token, a session, or a user and a password";
            Err(Failure::new(Code::InvalidInput, what))
        }
    }
}

fn sandbox(details: TargetDetails, service: SandboxService) -> TargetView {
    TargetView {
        name: details.name,
        url: service.url,
        kind: TargetKind::Sandbox,
        current: details.current,
        served: Some(service.served),
        folder: Some(service.folder),
        registry: None,
        pull_policy: None,
        build_version: None,
        project: None,
        trust: None,
        user: None,
    }
}

fn platform(details: TargetDetails) -> TargetView {
    TargetView {
        name: details.name,
        url: Some(details.url),
        kind: TargetKind::Platform,
        current: details.current,
        served: None,
        folder: None,
        registry: details.registry,
        pull_policy: details.pull_policy,
        build_version: details.build_version,
        project: details.project,
        trust: Some(details.trust.to_owned()),
        user: details.user,
    }
}
