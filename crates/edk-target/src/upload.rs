use std::path::Path;

use bytes::Bytes;
use edk_model::Monitor;

use crate::{Body, Client, Reply, TargetError, client::Answer, preflight, request};

const ACTION: &str = "take an upload";
/// How long a cancelled job waits until the target knows.
const LET_GO: std::time::Duration = std::time::Duration::from_secs(2);

/// How an upload ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadOutcome {
    /// The platform said so.
    Confirmed,
    /// The answer was lost, but the platform has put the file in its place.
    Probable,
}

/// How an image import ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The platform said so.
    Imported,
    /// The answer was lost. The platform goes on with the import, and no call tells how it ended.
    Unknown,
}

/// What an answer to the bytes of an upload means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The file is in its place and was checked.
    Stored,
    /// The file is in its place; its check failed for this reason.
    Rejected(String),
    /// The bytes on the platform are not those sent, or the id is not known: begin anew.
    Doubtful(String),
    /// The front door gave up waiting.
    Lost(String),
    /// It makes no sense to try again.
    Refused,
}

impl Sent {
    /// Reads the answer to the bytes of the upload `id`.
    ///
    /// Only the platform's own words (with its own spelling) mean success: its status code is 200
    /// also when bytes are missing or too many.
    pub fn read(reply: &Reply, id: &str) -> Self {
        let body = reply.body.trim().trim_matches('"');
        match reply.status {
            200..=299 if body.ends_with("uploaded succesfully") => Self::Stored,
            200..=299 if body.ends_with("uploaded successfully") => Self::Stored,
            200..=299 if body == id => Self::Doubtful("its size there is another".to_owned()),
            200..=299 => Self::Doubtful(format!("the answer makes no sense: {}", reply.reason())),
            502..=504 => Self::Lost(format!("the front door answered {}", reply.status)),
            500 => {
                let reason = reply.reason();
                match reason.strip_prefix("Filepond upload failed: ") {
                    Some(reason) if !reason.contains(id) => Self::Rejected(reason.to_owned()),
                    _ => Self::Doubtful(reason),
                }
            }
            409 | 429 => Self::Doubtful(reply.reason()),
            _ => Self::Refused,
        }
    }
}

impl Client {
    /// Sends a packaged chart; `file_name` must be `<name>-<version>.tgz`.
    ///
    /// # Errors
    /// [`TargetError::Preflight`] for a bad name, [`TargetError::ChartRejected`] if the platform's
    /// check failed (the chart is there anyway), [`TargetError::NotUploaded`] after all tries.
    pub async fn upload_chart(
        &self,
        file_name: &str,
        bytes: impl Into<Bytes>,
        monitor: &Monitor,
    ) -> Result<UploadOutcome, TargetError> {
        let (name, version) = match preflight::chart_file(file_name) {
            Ok(split) => split,
            Err(finding) => return self.blocked(file_name, *finding),
        };
        let listed = self.versions(name, monitor).await?;
        if let Err(finding) = preflight::comparable(version, &listed) {
            return self.blocked(file_name, *finding);
        }
        let new = !listed.iter().any(|listed| listed == version);
        let bytes = bytes.into();
        let size = bytes.len() as u64;
        self.upload(file_name, size, Body::Bytes(bytes), new.then_some((name, version)), monitor)
            .await
    }

    /// Sends an image archive; its file name must be a bare name ending in `.tar`. An
    /// [`import`](Self::import) must follow.
    ///
    /// # Errors
    /// As [`Client::upload_chart`], and [`TargetError::File`] if the file can't be read.
    pub async fn upload_images(
        &self,
        archive: &Path,
        monitor: &Monitor,
    ) -> Result<UploadOutcome, TargetError> {
        let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Err(finding) = preflight::image_file(&name) {
            return self.blocked(&name, *finding);
        }
        let file = |source| TargetError::File { path: archive.to_owned(), source };
        let size = tokio::fs::metadata(archive).await.map_err(file)?.len();
        let body = Body::File { path: archive.to_owned(), size };
        self.upload(&name, size, body, None, monitor).await
    }

    /// Lets the platform import the uploaded image archive `file_name` into its container runtime.
    ///
    /// # Errors
    /// [`TargetError::Refused`] if it says that it could not.
    pub async fn import(
        &self,
        file_name: &str,
        monitor: &Monitor,
    ) -> Result<ImportOutcome, TargetError> {
        if let Err(finding) = preflight::image_file(file_name) {
            return self.blocked(file_name, *finding);
        }
        let (action, patience) = ("import an image archive", self.target().pace.import);
        match self.attempt(&request::import(file_name), patience, action, monitor).await? {
            Answer::Reply(reply) if reply.is_success() => Ok(ImportOutcome::Imported),
            Answer::Reply(Reply { status: 502..=504, .. }) | Answer::Silence(_) => {
                Ok(ImportOutcome::Unknown)
            }
            Answer::Reply(reply) => Err(self.refused(action, &reply)),
        }
    }

    fn blocked<T>(&self, subject: &str, finding: edk_model::Finding) -> Result<T, TargetError> {
        let (target, findings) = (self.target().name.clone(), vec![finding]);
        Err(TargetError::Preflight { target, subject: format!("`{subject}`"), findings })
    }

    /// Returns the versions of the chart `name` on the platform; none when its list is broken,
    /// which a good chart may even repair.
    async fn versions(&self, name: &str, monitor: &Monitor) -> Result<Vec<String>, TargetError> {
        match self.extensions(monitor).await {
            Ok(list) => {
                let row = list.into_iter().find(|row| row.name == name);
                Ok(row.map(|row| row.versions).unwrap_or_default())
            }
            Err(TargetError::Refused { .. } | TargetError::NoAnswer { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Begins the upload until it succeeds in words. `appears` is the chart that the list will show
    /// only if this upload succeeds.
    async fn upload(
        &self,
        file_name: &str,
        size: u64,
        body: Body,
        appears: Option<(&str, &str)>,
        monitor: &Monitor,
    ) -> Result<UploadOutcome, TargetError> {
        let tries = self.target().pace.tries.max(1);
        let mut last = String::new();
        for number in 1..=tries {
            if number > 1 {
                monitor.line(&format!("sending {file_name} again from the start: {last}"));
                self.pause(self.target().pace.poll, monitor).await?;
            }
            last = match self.upload_once(file_name, size, body.clone(), appears, monitor).await? {
                Ok(outcome) => return Ok(outcome),
                Err(doubt) => doubt,
            };
        }
        let (target, file_name) = (self.target().name.clone(), file_name.to_owned());
        Err(TargetError::NotUploaded { target, file_name, tries, last })
    }

    /// Does one try; the inner error says in words why its outcome is in doubt.
    async fn upload_once(
        &self,
        file_name: &str,
        size: u64,
        body: Body,
        appears: Option<(&str, &str)>,
        monitor: &Monitor,
    ) -> Result<Result<UploadOutcome, String>, TargetError> {
        let pace = &self.target().pace;
        let start = request::upload_start(file_name);
        let id = match self.attempt(&start, pace.call, ACTION, monitor).await? {
            Answer::Reply(reply) if reply.is_success() => match upload_id(&reply.body) {
                Some(id) => id.to_owned(),
                None => return Ok(Err("it gave no upload id".to_owned())),
            },
            Answer::Reply(reply) if reply.is_unclear() => return Ok(Err(reply.reason())),
            Answer::Reply(reply) => return Err(self.refused(ACTION, &reply)),
            Answer::Silence(error) => return Ok(Err(error.to_string())),
        };
        let bytes = request::upload_bytes(&id, file_name, size, body);
        // The time for a slow line is added to the time for the platform's check: 1 MiB/s at least.
        let patience = pace.upload + std::time::Duration::from_secs(size >> 20);
        let answer = match self.attempt(&bytes, patience, ACTION, monitor).await {
            Err(error @ TargetError::Cancelled(_)) => {
                self.let_go(&id).await;
                return Err(error);
            }
            answer => answer?,
        };
        let sent = match &answer {
            Answer::Reply(reply) => Sent::read(reply, &id),
            Answer::Silence(error) => Sent::Lost(error.to_string()),
        };
        match (sent, answer) {
            (Sent::Stored, _) => Ok(Ok(UploadOutcome::Confirmed)),
            // Only a chart stays, and is listed.
            (Sent::Rejected(_), Answer::Reply(reply)) if appears.is_none() => {
                Err(self.refused(ACTION, &reply))
            }
            (Sent::Rejected(reason), _) => {
                let (target, file_name) = (self.target().name.clone(), file_name.to_owned());
                Err(TargetError::ChartRejected { target, file_name, reason })
            }
            (Sent::Refused, Answer::Reply(reply)) => Err(self.refused(ACTION, &reply)),
            (Sent::Lost(doubt), _) => {
                let in_place = self.abort(&id, monitor).await?;
                match appears {
                    Some((name, version))
                        if in_place && self.appeared(name, version, monitor).await? =>
                    {
                        Ok(Ok(UploadOutcome::Probable))
                    }
                    _ => Ok(Err(doubt)),
                }
            }
            (Sent::Doubtful(doubt), _) => {
                self.abort(&id, monitor).await?;
                Ok(Err(doubt))
            }
            (Sent::Refused, Answer::Silence(error)) => Ok(Err(error.to_string())),
        }
    }

    /// Gives up the upload of a cancelled job, so that its bytes don't stay. Whether the target has
    /// heard it does not matter any more.
    async fn let_go(&self, id: &str) {
        let request = request::upload_abort(id);
        let _ = self.send(&request, LET_GO, &Monitor::silent()).await;
    }

    /// Gives an upload up; says whether the platform may have put its file in its place already.
    async fn abort(&self, id: &str, monitor: &Monitor) -> Result<bool, TargetError> {
        let patience = self.target().pace.call;
        match self.attempt(&request::upload_abort(id), patience, ACTION, monitor).await? {
            Answer::Reply(reply) => Ok(!reply.body.contains("Deleted ")),
            Answer::Silence(_) => Ok(true),
        }
    }

    async fn appeared(
        &self,
        name: &str,
        version: &str,
        monitor: &Monitor,
    ) -> Result<bool, TargetError> {
        match self.wait_listed(name, version, self.target().pace.look, monitor).await {
            Ok(_) => Ok(true),
            Err(TargetError::NotListed { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Returns the upload id in an answer: a UUID, perhaps in quotes.
fn upload_id(body: &str) -> Option<&str> {
    let id = body.trim().trim_matches('"');
    let uuid = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    uuid.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_platforms_words_mean_success() {
        let id = "11111111-1111-4111-8111-111111111111";
        let check = |status, body: &str, expected: &str| {
            let reply = Reply::plain(status, body);
            let sent = format!("{:?}", Sent::read(&reply, id));
            assert!(sent.starts_with(expected), "{status} {body}: {sent}");
        };
        check(200, "a-0.1.0.tgz uploaded succesfully", "Stored");
        check(200, id, "Doubtful");
        check(200, "ok", "Doubtful");
        check(204, "", "Doubtful");
        check(500, "Filepond upload failed: Failed to check chart namespace", "Rejected(\"Failed");
        check(500, &format!("Filepond upload failed: '{id}'"), "Doubtful");
        check(500, "Internal Server Error", "Doubtful");
        check(502, "", "Lost");
        check(504, "", "Lost");
        check(413, "too large", "Refused");
        check(422, r#"{"detail":[]}"#, "Refused");
    }

    #[test]
    fn an_upload_id_is_a_uuid() {
        let id = "11111111-1111-4111-8111-111111111111";
        assert_eq!(upload_id(id), Some(id));
        assert_eq!(upload_id(&format!("\"{id}\"")), Some(id));
        assert_eq!(upload_id("<html>"), None);
        assert_eq!(upload_id(""), None);
    }
}
