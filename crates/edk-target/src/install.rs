use std::{collections::BTreeSet, time::Duration};

use edk_model::Monitor;
use serde_json::{Map, Value};

use crate::{
    Client, Reply, TargetError, Trouble,
    client::{Answer, HelmStatus, Watch},
    follow::helm_failed,
    preflight, request,
};

/// How an install was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstallOutcome {
    /// Helm made the release, or is making it; its pods are not waited for.
    Installed {
        /// Name of the release.
        release: String,
    },
    /// A release of that name was there before. It is not updated, and it may be a failed one.
    AlreadyInstalled {
        /// Name of the release.
        release: String,
        /// Helm's status of it, when the target tells.
        helm_status: Option<String>,
    },
}

impl InstallOutcome {
    /// Returns the name of the release.
    pub fn release(&self) -> &str {
        match self {
            Self::Installed { release } | Self::AlreadyInstalled { release, .. } => release,
        }
    }
}

/// What the words of an install's answer mean.
#[derive(Debug, PartialEq, Eq)]
enum Words {
    Installed(String),
    Already(String),
    Unclear(String),
    Refused,
}

/// Reads the answer. Platforms before 0.5.1 say "already installed" with the codes 500 and 204.
fn read(reply: &Reply, name: &str) -> Words {
    let body = reply.body.trim().trim_matches('"');
    let release = |rest: &str| match rest.trim() {
        "" => name.to_owned(),
        release => release.to_owned(),
    };
    if let Some((_, rest)) = body.split_once("already installed") {
        return Words::Already(release(rest));
    }
    if reply.status == 204 {
        return Words::Already(name.to_owned());
    }
    match body.strip_prefix("Successfully installed:") {
        Some(rest) if reply.is_success() => Words::Installed(release(rest)),
        _ if reply.is_success() || reply.is_unclear() => Words::Unclear(reply.reason()),
        _ => Words::Refused,
    }
}

impl Client {
    /// Installs `version` of the listed chart `name`; `keywords` are those of the list.
    ///
    /// After an answer that leaves open what happened the platform is looked at, and only what is
    /// seen there is told.
    ///
    /// # Errors
    /// [`TargetError::Preflight`] for names and parameters the platform would misuse,
    /// [`TargetError::NotInstalled`] if there is no release in the end,
    /// [`TargetError::ReleaseFailed`] if Helm calls it failed.
    pub async fn install(
        &self,
        name: &str,
        version: &str,
        keywords: &[String],
        params: &Map<String, Value>,
        monitor: &Monitor,
    ) -> Result<InstallOutcome, TargetError> {
        let mut findings = preflight::check_names(name, version);
        findings.extend(preflight::sent_parameters(params));
        self.preflight(&format!("the install of `{name}`"), findings, monitor)?;
        let multi = keywords.iter().any(|keyword| keyword == "kaapanamultiinstallable");
        let known = if multi { self.releases_of(name, monitor).await? } else { BTreeSet::new() };
        let request = request::install(name, version, keywords, params);
        let action = "install a chart";
        let answer = self.attempt(&request, self.target().pace.call, action, monitor).await?;
        let reason = match answer {
            Answer::Reply(reply) => match read(&reply, name) {
                Words::Installed(release) => return Ok(InstallOutcome::Installed { release }),
                Words::Already(release) => return self.already(release, monitor).await,
                Words::Refused => return Err(self.refused(action, &reply)),
                Words::Unclear(reason) => reason,
            },
            Answer::Silence(error) => error.to_string(),
        };
        monitor.line(&format!("no clear answer to the install of {name} ({reason}); looking"));
        match self.find_release(name, multi.then_some(&known), monitor).await? {
            Some(release) => Ok(InstallOutcome::Installed { release }),
            None => Err(TargetError::NotInstalled {
                target: self.target().name.clone(),
                name: name.to_owned(),
                version: version.to_owned(),
                reason,
            }),
        }
    }

    async fn already(
        &self,
        release: String,
        monitor: &Monitor,
    ) -> Result<InstallOutcome, TargetError> {
        let helm_status = self.helm_status(&release, monitor).await?;
        Ok(InstallOutcome::AlreadyInstalled { release, helm_status })
    }

    /// Returns Helm's status of a release, such as `deployed`: `None` when there is none, or the
    /// target can't tell.
    ///
    /// # Errors
    /// Those that don't pass: unreachable, no login.
    pub async fn helm_status(
        &self,
        release: &str,
        monitor: &Monitor,
    ) -> Result<Option<String>, TargetError> {
        let status = Watch::new(self, Duration::ZERO).status(release, monitor).await?;
        Ok(match status {
            Some(HelmStatus::Is(status, _)) => Some(status),
            Some(HelmStatus::Absent) | None => None,
        })
    }

    async fn releases_of(
        &self,
        name: &str,
        monitor: &Monitor,
    ) -> Result<BTreeSet<String>, TargetError> {
        let list = self.extensions(monitor).await?;
        let rows = list.into_iter().filter(|row| row.name == name);
        Ok(rows.flat_map(|row| row.deployments).map(|deployment| deployment.release).collect())
    }

    /// Looks for the release that an unclear install may have made: the chart's own, or one which
    /// is not among the `known` instances.
    async fn find_release(
        &self,
        name: &str,
        known: Option<&BTreeSet<String>>,
        monitor: &Monitor,
    ) -> Result<Option<String>, TargetError> {
        let mut watch = Watch::new(self, self.target().pace.look);
        loop {
            let found = match known {
                Some(known) => {
                    let list = watch.list(monitor).await?.unwrap_or_default();
                    let rows = list.into_iter().filter(|row| row.name == name);
                    let mut releases = rows.flat_map(|row| row.deployments).map(|it| it.release);
                    releases.find(|release| !known.contains(release))
                }
                None => match watch.status(name, monitor).await? {
                    Some(HelmStatus::Is(status, why)) if status == "failed" => {
                        return Err(self.release_failed(name, helm_failed(why)));
                    }
                    Some(HelmStatus::Is(..)) => Some(name.to_owned()),
                    Some(HelmStatus::Absent) | None => None,
                },
            };
            if found.is_some() || !watch.again(monitor).await? {
                return Ok(found);
            }
        }
    }

    /// Asks for the removal of a release; [`wait_gone`](Self::wait_gone) tells when it is done,
    /// because the platform says yes to everything here, also to a release that is not there.
    ///
    /// `no_hooks` leaves the release's pre-delete jobs out: the second step when they hang.
    ///
    /// # Errors
    /// [`TargetError::Preflight`] for a bad name, [`TargetError::Refused`] for a refusal in words.
    pub async fn uninstall(
        &self,
        release: &str,
        version: &str,
        no_hooks: bool,
        monitor: &Monitor,
    ) -> Result<(), TargetError> {
        let findings = [preflight::release(release), preflight::listed_version(version)];
        let findings = findings.into_iter().filter_map(Result::err).map(|it| *it).collect();
        self.preflight(&format!("the removal of `{release}`"), findings, monitor)?;
        let request = request::uninstall(release, version, no_hooks);
        let action = "remove a release";
        match self.attempt(&request, self.target().pace.call, action, monitor).await? {
            Answer::Reply(reply) if reply.is_success() => Ok(()),
            Answer::Reply(reply) if !reply.is_unclear() || reply.status == 500 => {
                Err(self.refused(action, &reply))
            }
            Answer::Reply(_) | Answer::Silence(_) => {
                monitor.line(&format!("no clear answer to the removal of {release}"));
                Ok(())
            }
        }
    }

    pub(crate) fn release_failed(&self, release: &str, trouble: Trouble) -> TargetError {
        let (target, release) = (self.target().name.clone(), release.to_owned());
        TargetError::ReleaseFailed { target, release, trouble: Box::new(trouble) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_every_version_are_understood() {
        let check = |status, body: &str, expected: Words| {
            let reply = Reply::plain(status, body);
            assert_eq!(read(&reply, "a"), expected, "{status} {body}");
        };
        let release = || "a-1f".to_owned();
        check(200, "Successfully installed: a-1f", Words::Installed(release()));
        check(200, "Chart is already installed a-1f", Words::Already(release()));
        check(500, "Chart is already installed a-1f", Words::Already(release()));
        check(204, "", Words::Already("a".to_owned()));
        let failed = "Chart install command failed for a";
        check(500, failed, Words::Unclear(failed.to_owned()));
        check(504, "", Words::Unclear("status 504 without a reason".to_owned()));
        check(400, "Chart install failed, bad request", Words::Refused);
    }
}
