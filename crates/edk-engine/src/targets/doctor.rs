use std::time::{Duration, SystemTime};

use edk_model::Monitor;
use edk_target::{Client, Features, Generation, PullPolicy, TargetError, User, fingerprint_at};

use super::book::{Book, Record, TrustRecord};
use crate::{Diagnosis, Engine, EngineError, Health, Remedy, target::runtime};

/// How far clocks may be apart: tokens are good for an hour, and get less so by the difference.
const CLOCK_SLACK: Duration = Duration::from_secs(60);

impl Engine {
    /// Looks at a target, each thing in the way the work uses it, and stops where nothing more can
    /// be learned: whether it can be reached and believed, who one is there and may do what, which
    /// project and version it is, what it has, when and from where it pulls, whether its clock is
    /// right.
    ///
    /// # Errors
    /// [`EngineError::NoTarget`]; [`EngineError::Vault`] when the login is not to be had.
    pub fn target_doctor(
        &self,
        name: &str,
        monitor: &Monitor,
    ) -> Result<Vec<Diagnosis>, EngineError> {
        let mut book = Book::read(&self.setup.data)?;
        let record = book.find_mut(name)?.clone();
        let target = self.connectable(&record)?;
        runtime()?.block_on(async {
            let client = Client::connect(target)?;
            let mut found = Vec::new();
            if self.check_door(&client, &record, &mut found, monitor).await? {
                self.check_inside(&client, &record, &mut found, monitor).await?;
            }
            Ok(found)
        })
    }

    /// Whether the front door is there, is believed, and knows the login.
    async fn check_door(
        &self,
        client: &Client,
        record: &Record,
        found: &mut Vec<Diagnosis>,
        monitor: &Monitor,
    ) -> Result<bool, EngineError> {
        let answer = client.user(monitor).await;
        let url = &record.url;
        if let Err(TargetError::Cancelled(cancelled)) = answer {
            return Err(cancelled.into());
        }
        match &answer {
            Err(error @ (TargetError::Unreachable { .. } | TargetError::NoAnswer { .. })) => {
                found.push(Diagnosis::failed("reach", "The target can't be reached", error));
                return Ok(false);
            }
            Err(error @ (TargetError::Redirected { .. } | TargetError::Page { .. })) => {
                found.push(Diagnosis::failed("reach", "Something else answers there", error));
                return Ok(false);
            }
            Err(error @ TargetError::NotTrusted { .. }) => {
                found.push(Diagnosis::ok("reach", "The target can be reached", url));
                let diagnosis = Diagnosis::failed("trust", "Its certificate is not trusted", error);
                let shown = fingerprint_at(&record.name, url, monitor).await.ok();
                found.push(match shown {
                    Some(it) => diagnosis.fix(pin(record, &it.to_string())),
                    None => diagnosis,
                });
                return Ok(false);
            }
            _ => {
                found.push(Diagnosis::ok("reach", "The target can be reached", url));
                found.push(trusted(&record.trust, url));
            }
        }
        match answer {
            Ok(user) => {
                let known = format!("as {}", user.username);
                found.push(Diagnosis::ok("login", "You are logged in", known));
                found.push(rights(client, &user, monitor).await);
                Ok(true)
            }
            Err(error) => {
                let failed = Diagnosis::failed("login", "You are not logged in", &error);
                let cli = format!("edk target login {}", record.name);
                found.push(match error {
                    TargetError::NotLoggedIn { .. } | TargetError::Login { .. } => {
                        failed.fix(Remedy::cli("Log in", cli))
                    }
                    _ => failed,
                });
                Ok(false)
            }
        }
    }

    /// What only who is logged in can see.
    async fn check_inside(
        &self,
        client: &Client,
        record: &Record,
        found: &mut Vec<Diagnosis>,
        monitor: &Monitor,
    ) -> Result<(), EngineError> {
        found.push(match &record.project {
            Some(project) if project.id.is_some() => {
                Diagnosis::ok("project", "Its project is settled", &project.name)
            }
            _ => {
                let detail = "calls are made for no project; who is no administrator needs one";
                let cli = change(record, "--project NAME");
                Diagnosis::ok("project", "No project is chosen", detail)
                    .severity(Health::Warning)
                    .fix(Remedy::cli("Name a project and log in again", cli))
            }
        });
        let has = client.features(monitor).await;
        found.push(version(client, record, has.as_ref().ok(), monitor).await);
        found.push(features(record, &has));
        found.push(pull_policy(record));
        found.push(match record.registry.as_str() {
            "" => {
                let detail = "no call of a platform tells from which registry it pulls";
                let cli = change(record, "--registry HOST/PATH");
                Diagnosis::ok("registry", "Its registry is not known", detail)
                    .severity(Health::Warning)
                    .fix(Remedy::cli("Ask an administrator, and name it", cli))
            }
            registry => Diagnosis::ok("registry", "Its registry is known", registry),
        });
        found.push(match client.clock(monitor).await {
            Err(TargetError::Cancelled(cancelled)) => return Err(cancelled.into()),
            Ok(Some(theirs)) => clock(theirs, self.now()),
            Ok(None) | Err(_) => {
                Diagnosis::ok("clock", "Its clock is not known", "it tells no time")
                    .severity(Health::Hint)
            }
        });
        Ok(())
    }
}

/// Returns the command that changes one thing of a target.
fn change(record: &Record, what: &str) -> String {
    format!("edk target add {} {} {what} --change", record.name, record.url)
}

fn pin(record: &Record, fingerprint: &str) -> Remedy {
    let cli = change(record, &format!("--pin {fingerprint}"));
    Remedy::cli("If an administrator confirms this fingerprint, pin it", cli)
}

fn trusted(trust: &TrustRecord, url: &str) -> Diagnosis {
    let id = "trust";
    match trust {
        _ if url.starts_with("http://") => {
            Diagnosis::ok(id, "It is on this machine", "without TLS")
        }
        TrustRecord::System => Diagnosis::ok(id, "Its certificate is trusted", "by this machine"),
        TrustRecord::Authority(_) => {
            Diagnosis::ok(id, "Its certificate is trusted", "by the authority you named")
        }
        TrustRecord::Pinned(_) => {
            Diagnosis::ok(id, "Its certificate is trusted", "it is the one you pinned")
        }
        TrustRecord::Anything => {
            let detail = "whoever stands between can read passwords and change what is sent";
            Diagnosis::ok(id, "Its certificate is NOT checked", detail)
                .severity(Health::Warning)
                .fix(Remedy::advice("pin it, or name its authority".to_owned()))
        }
    }
}

async fn rights(client: &Client, user: &User, monitor: &Monitor) -> Diagnosis {
    let (id, title) = ("rights", "You may manage extensions");
    match client.extensions(monitor).await {
        Ok(list) => {
            let why = if user.is_admin() { "as an administrator" } else { "of the project" };
            Diagnosis::ok(id, title, format!("{why}; {} are there", list.len()))
        }
        Err(error) => Diagnosis::failed(id, "You may not manage extensions", &error),
    }
}

async fn version(
    client: &Client,
    record: &Record,
    has: Option<&Features>,
    monitor: &Monitor,
) -> Diagnosis {
    let (id, known) = ("version", &record.build_version);
    let like = has.and_then(Features::generation);
    match client.platform(monitor).await {
        Err(error) => {
            let title = match like {
                Some(like) => {
                    format!("Its version is not known; its API is that of {}", like.words())
                }
                None => "Its version is not known".to_owned(),
            };
            Diagnosis::failed(id, &title, &error).severity(Health::Warning)
        }
        Ok(platform) if !known.is_empty() && *known != platform.build_version => {
            let detail = format!("it was {known} and is {}", platform.build_version);
            let fix = Remedy::cli("Log in again", format!("edk target login {}", record.name));
            Diagnosis::ok(id, "It has another version now", detail)
                .severity(Health::Warning)
                .fix(fix)
        }
        Ok(platform) if platform.generation.is_none() => looks_like(&platform.build_version, like),
        Ok(platform) => Diagnosis::ok(id, "Its version is supported", platform.build_version),
    }
}

/// A version that tells no generation: what the platform has tells it.
fn looks_like(version: &str, like: Option<Generation>) -> Diagnosis {
    let (id, unknown) = ("version", "Its version is unknown to us");
    match like {
        Some(like) => {
            let detail = format!("{version}; its API is that of {}", like.words());
            Diagnosis::ok(id, unknown, detail).severity(Health::Hint)
        }
        None => {
            let detail = format!("{version} is none of 0.4 to 0.6, and its API does not tell");
            Diagnosis::ok(id, unknown, detail).severity(Health::Warning)
        }
    }
}

/// What the platform has, against what its version should have.
fn features(record: &Record, has: &Result<Features, TargetError>) -> Diagnosis {
    let id = "features";
    let features = match has {
        Ok(features) => features,
        Err(error) => {
            let unknown = Diagnosis::failed(id, "Its features are not known", error);
            return unknown.severity(Health::Hint);
        }
    };
    let lacks = Generation::of(&record.build_version).map(|it| features.lacks(it));
    match (lacks.unwrap_or_default(), features.words()) {
        (lacks, _) if !lacks.is_empty() => {
            let detail = format!("{}, which a platform of its version has", lacks.join(", "));
            Diagnosis::ok(id, "It lacks features", detail).severity(Health::Warning).fix(
                Remedy::advice("ask an administrator whether an update was cut short".to_owned()),
            )
        }
        (_, none) if none.is_empty() => Diagnosis::ok(id, "Its features are known", "those of 0.4"),
        (_, words) => Diagnosis::ok(id, "Its features are known", words.join(", ")),
    }
}

fn pull_policy(record: &Record) -> Diagnosis {
    let id = "pull-policy";
    match record.pull_policy {
        Some(PullPolicy::Always) => {
            let detail = "an image that came in an archive is found only where the chart sets \
                          `global.pull_policy_images: IfNotPresent`";
            Diagnosis::ok(id, "It pulls images each time", detail)
        }
        Some(PullPolicy::IfNotPresent) => {
            let detail = "a tag that is pushed again is not pulled again";
            Diagnosis::ok(id, "It pulls images which it has not", detail)
        }
        None => {
            let detail = "no call of a platform tells; in its developer mode, which is the default, \
                          it pulls images each time";
            let cli = change(record, "--pull-policy Always");
            Diagnosis::ok(id, "Its pull policy is not known", detail)
                .severity(Health::Hint)
                .fix(Remedy::cli("Ask an administrator, and name it", cli))
        }
    }
}

fn clock(theirs: SystemTime, ours: SystemTime) -> Diagnosis {
    let apart = match theirs.duration_since(ours) {
        Ok(apart) => apart,
        Err(error) => error.duration(),
    };
    let detail = format!("{} s apart", apart.as_secs());
    match apart > CLOCK_SLACK {
        false => Diagnosis::ok("clock", "The clocks agree", detail),
        true => Diagnosis::ok("clock", "The clocks differ", detail).severity(Health::Warning).fix(
            Remedy::advice("set the clock of this machine, or tell an administrator".to_owned()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000);
        for (apart, severity) in [(0, Health::Ok), (60, Health::Ok), (61, Health::Warning)] {
            let apart = Duration::from_secs(apart);
            assert_eq!(clock(now + apart, now).severity, severity, "{apart:?}");
            assert_eq!(clock(now, now + apart).severity, severity, "{apart:?}");
        }
    }

    #[test]
    fn a_certificate_that_is_not_checked_is_told_loudly() {
        let url = "https://kaapana.example.org";
        assert_eq!(trusted(&TrustRecord::Anything, url).severity, Health::Warning);
        assert_eq!(trusted(&TrustRecord::System, url).severity, Health::Ok);
    }
}
