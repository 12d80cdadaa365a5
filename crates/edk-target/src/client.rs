use std::time::{Duration, Instant};

use edk_model::{Finding, Monitor};
use tokio::sync::Mutex;

use crate::{
    Auth, Extension, Reply, Request, Standing, Target, TargetError,
    extension::read_list,
    preflight, request,
    send::{NoReply, Proof, Sender},
};

/// Speaks to one target; sends one call at a time, however many tasks use it.
#[derive(Debug)]
pub struct Client {
    sender: Sender,
    turn: Mutex<()>,
}

/// A reply, or the knowledge that there is none and nobody knows what the target did.
#[derive(Debug)]
pub(crate) enum Answer {
    Reply(Reply),
    Silence(reqwest::Error),
}

impl Client {
    /// Makes a client for `target`; sends nothing yet.
    ///
    /// # Errors
    /// [`TargetError::Setup`] if the certificates of the target can't be used.
    pub fn connect(target: Target) -> Result<Self, TargetError> {
        Ok(Self { sender: Sender::new(target)?, turn: Mutex::new(()) })
    }

    /// Returns the target.
    pub fn target(&self) -> &Target {
        self.sender.target()
    }

    /// Asks whether the target's API is up.
    ///
    /// # Errors
    /// The target can't be reached, wants a login, or is something else.
    pub async fn health(&self, monitor: &Monitor) -> Result<(), TargetError> {
        let action = "say whether it is up";
        let reply = self.call(&request::health(), action, monitor).await?;
        let answered = reply.is_success() && reply.body.contains("up and running");
        if answered { Ok(()) } else { Err(self.refused(action, &reply)) }
    }

    /// Returns the extensions of the target.
    ///
    /// One answer that is an error is forgiven: a platform gives one after an install which came
    /// before the chart was listed.
    ///
    /// # Errors
    /// The target can't be reached, or twice did not answer with a list.
    pub async fn extensions(&self, monitor: &Monitor) -> Result<Vec<Extension>, TargetError> {
        match self.list(monitor).await {
            Err(TargetError::Refused { status: 500.., .. }) => {
                self.pause(self.target().pace.poll, monitor).await?;
                self.list(monitor).await
            }
            result => result,
        }
    }

    /// Waits until `version` of the chart `name` is in the list.
    ///
    /// # Errors
    /// [`TargetError::NotListed`] once `patience` is over; errors of the list itself only if they
    /// mean that asking again is useless (unreachable, no login).
    pub async fn wait_listed(
        &self,
        name: &str,
        version: &str,
        patience: Duration,
        monitor: &Monitor,
    ) -> Result<Extension, TargetError> {
        let mut watch = Watch::new(self, patience);
        let mut listed = "its list gave only errors".to_owned();
        loop {
            if let Some(list) = watch.list(monitor).await? {
                let row = list.into_iter().find(|row| row.name == name);
                listed = match row {
                    Some(row) if row.versions.iter().any(|listed| listed == version) => {
                        return Ok(row);
                    }
                    Some(row) => format!("it lists {}", row.versions.join(", ")),
                    None => "it lists no version".to_owned(),
                };
            }
            monitor.line(&format!("waiting until the platform lists {name} {version}; {listed}"));
            if !watch.again(monitor).await? {
                return Err(TargetError::NotListed {
                    target: self.target().name.clone(),
                    name: name.to_owned(),
                    version: version.to_owned(),
                    seconds: patience.as_secs(),
                    listed,
                });
            }
        }
    }

    async fn list(&self, monitor: &Monitor) -> Result<Vec<Extension>, TargetError> {
        self.get(&request::extensions(), "list its extensions", read_list, monitor).await
    }

    /// Sends a call whose repetition changes nothing.
    pub(crate) async fn call(
        &self,
        request: &Request,
        action: &'static str,
        monitor: &Monitor,
    ) -> Result<Reply, TargetError> {
        match self.attempt(request, self.target().pace.call, action, monitor).await? {
            Answer::Reply(reply) => Ok(reply),
            Answer::Silence(source) => {
                Err(TargetError::NoAnswer { target: self.target().name.clone(), action, source })
            }
        }
    }

    /// Sends any call, in its turn. What is certain is an error here; what is not is the caller's.
    pub(crate) async fn attempt(
        &self,
        request: &Request,
        patience: Duration,
        action: &'static str,
        monitor: &Monitor,
    ) -> Result<Answer, TargetError> {
        monitor.check()?;
        let target = self.target();
        let work = async {
            let _turn = self.turn.lock().await;
            self.send(request, patience, monitor).await
        };
        let sent = tokio::select! {
            () = monitor.token().cancelled() => return Err(edk_model::Cancelled.into()),
            sent = work => sent?,
        };
        let name = target.name.clone();
        match sent {
            Ok(reply) => match reply.standing() {
                Standing::Answered => Ok(Answer::Reply(reply)),
                Standing::NotLoggedIn => Err(TargetError::NotLoggedIn { target: name }),
                Standing::Page => Err(TargetError::Page { target: name, action }),
                Standing::Redirected => {
                    let location = reply.location.unwrap_or_default();
                    Err(TargetError::Redirected { target: name, location })
                }
                Standing::Forbidden => Err(TargetError::Forbidden { target: name, action }),
            },
            Err(NoReply::Unclear(source)) => Ok(Answer::Silence(source)),
            Err(NoReply::Unreachable(source)) => {
                Err(TargetError::unreachable(&name, &target.url, source))
            }
            Err(NoReply::File(source)) => match &request.body {
                crate::Body::File { path, .. } => {
                    Err(TargetError::File { path: path.clone(), source })
                }
                _ => Err(TargetError::File { path: "upload".into(), source }),
            },
        }
    }

    /// Sends a call with the token of the moment, and once more with a new one when the front door
    /// does not take it: then the call has not reached the API.
    pub(crate) async fn send(
        &self,
        request: &Request,
        patience: Duration,
        monitor: &Monitor,
    ) -> Result<Result<Reply, NoReply>, TargetError> {
        let send = async |proof| self.sender.send(request, proof, patience, monitor).await;
        let refused = |sent: &Result<Reply, NoReply>| {
            sent.as_ref().is_ok_and(|reply| reply.standing() == Standing::NotLoggedIn)
        };
        match &self.target().auth {
            Auth::None => Ok(send(Proof::Nothing).await),
            Auth::Bearer(token) => Ok(send(Proof::Token(token)).await),
            Auth::Session(session) => {
                let token = session.token().await?;
                let sent = send(Proof::Token(&token)).await;
                if !refused(&sent) {
                    return Ok(sent);
                }
                let token = session.token_after(&token).await?;
                Ok(send(Proof::Token(&token)).await)
            }
            Auth::Cookies(jar) => {
                let sent = send(Proof::Cookies(&jar.header().await)).await;
                match &sent {
                    Ok(_) if refused(&sent) => return Err(jar.over().await),
                    Ok(reply) => jar.take(&reply.cookies).await,
                    Err(_) => {}
                }
                Ok(sent)
            }
        }
    }

    /// Waits, unless the job is cancelled before.
    ///
    /// # Errors
    /// [`TargetError::Cancelled`].
    pub async fn pause(&self, time: Duration, monitor: &Monitor) -> Result<(), TargetError> {
        tokio::select! {
            () = monitor.token().cancelled() => Err(edk_model::Cancelled.into()),
            () = tokio::time::sleep(time) => Ok(()),
        }
    }

    /// Sends a request and reads what comes back; an answer that is no success, or can't be read, is
    /// a refusal.
    pub(crate) async fn get<T>(
        &self,
        request: &Request,
        action: &'static str,
        read: impl Fn(&str) -> Option<T>,
        monitor: &Monitor,
    ) -> Result<T, TargetError> {
        let reply = self.call(request, action, monitor).await?;
        let value = if reply.is_success() { read(&reply.body) } else { None };
        value.ok_or_else(|| self.refused(action, &reply))
    }

    pub(crate) fn refused(&self, action: &'static str, reply: &Reply) -> TargetError {
        TargetError::Refused {
            target: self.target().name.clone(),
            action,
            status: reply.status,
            reason: reply.reason(),
        }
    }

    /// Reports the findings, and stops at the first error among them.
    pub(crate) fn preflight(
        &self,
        subject: &str,
        findings: Vec<Finding>,
        monitor: &Monitor,
    ) -> Result<(), TargetError> {
        if preflight::blocks(&findings) {
            let target = self.target().name.clone();
            return Err(TargetError::Preflight { target, subject: subject.to_owned(), findings });
        }
        findings.iter().for_each(|finding| monitor.found(finding));
        Ok(())
    }
}

/// Looks again and again until a time is over, more slowly while the target answers with errors.
pub(crate) struct Watch<'a> {
    client: &'a Client,
    until: Instant,
    pace: Duration,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(client: &'a Client, patience: Duration) -> Self {
        let pace = client.target().pace.poll;
        Self { client, until: Instant::now() + patience, pace }
    }

    /// Returns the list, or `None` when the target answered with an error that may pass.
    pub(crate) async fn list(
        &mut self,
        monitor: &Monitor,
    ) -> Result<Option<Vec<Extension>>, TargetError> {
        let list = self.client.list(monitor).await;
        self.tolerate(list)
    }

    /// Returns Helm's status of a release: `None` when there is none or the target can't tell.
    pub(crate) async fn status(
        &mut self,
        release: &str,
        monitor: &Monitor,
    ) -> Result<Option<HelmStatus>, TargetError> {
        let status = self.client.status(release, monitor).await;
        self.tolerate(status)
    }

    /// Takes the outcome of any look: `None` when the target answered with an error that may pass.
    pub(crate) fn look<T>(
        &mut self,
        result: Result<T, TargetError>,
    ) -> Result<Option<T>, TargetError> {
        self.tolerate(result)
    }

    fn tolerate<T>(&mut self, result: Result<T, TargetError>) -> Result<Option<T>, TargetError> {
        let pace = &self.client.target().pace;
        match result {
            Ok(value) => {
                self.pace = pace.poll;
                Ok(Some(value))
            }
            Err(TargetError::Refused { status: 500.., .. } | TargetError::NoAnswer { .. }) => {
                self.pace = (self.pace * 2).min(pace.back_off);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for the next look; says whether there is time for one.
    pub(crate) async fn again(&mut self, monitor: &Monitor) -> Result<bool, TargetError> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        self.client.pause(self.pace.min(left), monitor).await?;
        Ok(true)
    }
}

/// What Helm says about a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HelmStatus {
    /// There is no such release.
    Absent,
    /// Its status in lower case, such as `deployed` or `pending-install`, and why, when the target
    /// tells (the sandbox does).
    Is(String, Option<String>),
}

impl Client {
    /// Asks for Helm's status of one release.
    pub(crate) async fn status(
        &self,
        release: &str,
        monitor: &Monitor,
    ) -> Result<HelmStatus, TargetError> {
        let action = "tell the status of a release";
        let reply = self.call(&request::status(release), action, monitor).await?;
        if reply.status == 404 {
            return Ok(HelmStatus::Absent);
        }
        let body: Option<serde_json::Value> = serde_json::from_str(&reply.body).ok();
        let text = |key: &str| body.as_ref().and_then(|body| body[key].as_str());
        match text("STATUS") {
            Some(status) if reply.is_success() => {
                let why = text("DESCRIPTION").map(str::to_owned);
                Ok(HelmStatus::Is(status.to_lowercase(), why))
            }
            // A platform answers 500 for ever when the notes of the chart are no YAML.
            _ => Err(self.refused(action, &reply)),
        }
    }
}
