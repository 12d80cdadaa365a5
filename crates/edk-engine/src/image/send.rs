//! Images to a target that has no registry at hand: in an archive of what it lacks, and whole when it
//! lacks more than was known.

use std::path::{Path, PathBuf};

use edk_image::{Ledger, Parcel, Saved};
use edk_model::{Digest, Monitor, Outcome, Reference};
use edk_target::{Client, ImportOutcome, TargetError};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError, deploy::Sent};

/// Send images of the store to a target, as an archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageSendRequest {
    /// The images.
    pub images: Vec<Reference>,
    /// Name of the target.
    pub target: String,
    /// Send all of them, whatever the target is known to have.
    pub full: bool,
}

/// What was sent.
#[derive(Debug, Clone, Serialize)]
pub struct SendOutcome {
    /// Names of the images, as charts ask for them.
    pub images: Vec<String>,
    /// Name of the target.
    pub target: String,
    /// Size of the archive that was taken, in bytes.
    pub size: u64,
    /// Bytes of layers that were left out of it.
    pub left_bytes: u64,
    /// Whether an archive without some layers was refused before, so that all had to be sent.
    pub repaired: bool,
    /// Whether the target said that it has them now. If not, it goes on with them, and no call
    /// tells how that ends.
    pub confirmed: bool,
}

/// How an archive was taken.
pub(crate) struct Taken {
    pub(crate) saved: Saved,
    pub(crate) confirmed: bool,
    /// Whether an archive without some layers was refused before.
    repaired: bool,
}

impl Engine {
    /// Sends images to a target under the names its charts ask for: layers which it is known to have
    /// are left out. When it refuses, everything is sent, and what was known of it is forgotten.
    ///
    /// # Errors
    /// [`EngineError::Image`], [`EngineError::Target`].
    pub fn image_send(
        &self,
        request: &ImageSendRequest,
        monitor: &Monitor,
    ) -> Result<SendOutcome, EngineError> {
        self.with_target(&request.target, &monitor.stage("save"), async |client: Client| {
            let target = client.target();
            let parcels = self.parcels(&request.images, Some(&target.registry_url))?;
            let taken = self.send_archive(&client, &parcels, request.full, monitor).await?;
            let sent = |parcel: &Parcel| {
                let (digest, at) = (parcel.image.digest, self.timestamp());
                (parcel.to.to_string(), Sent { digest, at, confirmed: taken.confirmed })
            };
            let sent: Vec<_> = parcels.iter().map(sent).collect();
            self.memory(&target.name).update(|record| record.images.extend(sent))?;
            Ok(SendOutcome {
                images: parcels.iter().map(|parcel| parcel.to.to_string()).collect(),
                target: target.name.clone(),
                size: taken.saved.size,
                left_bytes: taken.saved.left_bytes,
                repaired: taken.repaired,
                confirmed: taken.confirmed,
            })
        })
    }

    /// What a target without a registry at hand is known to have of layers.
    pub(crate) fn target_ledger(&self, target: &str) -> Result<(PathBuf, Ledger), EngineError> {
        let path = self.ledger_path(&format!("target-{target}"));
        let ledger = Ledger::load(&path)?;
        Ok((path, ledger))
    }

    /// Sends images in one archive without the layers which the target is known to have, unless
    /// `full`. When it lacks one of them, everything is sent, and what was known is forgotten.
    pub(crate) async fn send_archive(
        &self,
        client: &Client,
        parcels: &[Parcel],
        full: bool,
        monitor: &Monitor,
    ) -> Result<Taken, EngineError> {
        let target = &client.target().name;
        let (path, mut ledger) = self.target_ledger(target)?;
        let known = |digest: &Digest| !full && ledger.has(digest);
        let taken = match self.send_once(client, parcels, known, monitor).await {
            Err(EngineError::Target(TargetError::Refused { reason, .. }))
                if lacks_content(&reason) && !full =>
            {
                monitor.stage("save").line(&format!(
                    "{target} lacks more than was known, so everything is sent: {reason}"
                ));
                ledger.forget_all();
                ledger.save(&path)?;
                let whole = self.send_once(client, parcels, |_| false, monitor).await?;
                Taken { repaired: true, ..whole }
            }
            other => other?,
        };
        if taken.confirmed {
            ledger.record(taken.saved.blobs.iter().copied());
            ledger.save(&path)?;
        }
        Ok(taken)
    }

    async fn send_once(
        &self,
        client: &Client,
        parcels: &[Parcel],
        known: impl Fn(&Digest) -> bool,
        monitor: &Monitor,
    ) -> Result<Taken, EngineError> {
        let (save, upload, import) =
            (monitor.stage("save"), monitor.stage("upload"), monitor.stage("import"));
        let folder = self.setup.data.join("uploads");
        let failed = |source| EngineError::io(&folder, source);
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let folder = tempfile::Builder::new().tempdir_in(&folder).map_err(failed)?;
        let name = archive_name(parcels);
        let file = folder.path().join(&name);
        let saved = tokio::task::block_in_place(|| {
            save.started(&name);
            let saved = edk_image::save(self.store()?, parcels, known, &file, &save)?;
            let summary = format!("{} bytes; {} layers left out", saved.size, saved.left_out);
            save.finished(&name, Outcome::Done, &summary);
            Ok::<_, EngineError>(saved)
        })?;
        upload.started(&name);
        client.upload_images(Path::new(&file), &upload).await?;
        upload.finished(&name, Outcome::Done, "it is there whole");
        import.started(&name);
        let confirmed = client.import(&name, &import).await? == ImportOutcome::Imported;
        let summary = match confirmed {
            true => "the images can be used",
            false => "the answer was lost; the target goes on, and does not tell",
        };
        import.finished(&name, Outcome::Done, summary);
        Ok(Taken { saved, confirmed, repaired: false })
    }
}

/// The name of an archive: of its first image, and of all that is in it, so that two never share one.
fn archive_name(parcels: &[Parcel]) -> String {
    let mut hasher = edk_model::Hasher::new();
    for parcel in parcels {
        hasher.update(format!("{} {}\n", parcel.to, parcel.image.digest).as_bytes());
    }
    let first = parcels.first().map_or("images", |parcel| parcel.to.repository.as_str());
    let first: String = first.rsplit('/').next().unwrap_or_default().chars().take(60).collect();
    format!("{first}-{}.tar", hasher.finish().short())
}

/// Says whether a platform refused an archive because it lacks what the archive leaves out:
/// containerd's words for a blob that is not there.
fn lacks_content(reason: &str) -> bool {
    reason.contains("content digest") && reason.contains("not found")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_content_is_mended_by_sending_everything() {
        let lacks = "Failed to import container a.tar: ctr: content digest sha256:0a: not found";
        assert!(lacks_content(lacks));
        assert!(!lacks_content("Container import failed file a.tar can not be found"));
        assert!(!lacks_content("ctr: failed to dial: no such file"));
    }
}
