use std::path::PathBuf;

use edk_chart::platform::preflight_archive;
use edk_image::ImageArchive;
use edk_model::{Digest, Finding, Monitor, Outcome};
use edk_target::{Client, ImportOutcome, preflight};
use serde::{Deserialize, Serialize};

use crate::{
    Engine, EngineError,
    deploy::{PATIENCE, Sent},
    package::{preflight_about, unblocked},
};

/// Send a packaged chart, or an archive of images, to a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct UploadRequest {
    /// Name of the target.
    pub target: String,
    /// The file: a chart as `<name>-<version>.tgz`, or images as `.tar`.
    pub file: PathBuf,
    /// Ids of rules of the preflight that may be broken.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub force: Vec<String>,
}

/// What was sent.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Uploaded {
    /// A chart that is listed.
    Chart {
        /// Name of the chart.
        name: String,
        /// Its version.
        version: String,
        /// Name of the target.
        target: String,
    },
    /// An archive of images.
    Images {
        /// Names of the images, as charts ask for them.
        images: Vec<String>,
        /// Name of the target.
        target: String,
        /// Whether the target said that it has them now. If not, it goes on with them, and no call
        /// tells how that ends.
        confirmed: bool,
    },
}

impl Engine {
    /// Sends a packaged chart to a target and waits until it is listed; or sends an archive of
    /// images and lets the target import it.
    ///
    /// # Errors
    /// [`EngineError::Preflight`] for a chart that would be rejected or do harm and for a name which
    /// targets don't take, [`EngineError::Image`] for
    /// a file that is no archive of images, [`EngineError::Io`] if the file can't be read,
    /// [`EngineError::Target`] if it is refused.
    pub fn upload(
        &self,
        request: &UploadRequest,
        monitor: &Monitor,
    ) -> Result<Uploaded, EngineError> {
        let name = request.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Also one with a further ending, which is then told what is wrong with it.
        match name.contains(".tar") {
            true => self.upload_images(request, &name, monitor),
            false => self.upload_chart(request, &name, monitor),
        }
    }

    fn upload_chart(
        &self,
        request: &UploadRequest,
        file_name: &str,
        monitor: &Monitor,
    ) -> Result<Uploaded, EngineError> {
        let UploadRequest { target, file, .. } = request;
        let (name, version) =
            preflight::chart_file(file_name).map_err(|finding| refused(file_name, *finding))?;
        let bytes = std::fs::read(file).map_err(|source| EngineError::io(file, source))?;
        let about = preflight_about(&request.force)?;
        let findings = unblocked(file_name, preflight_archive(&bytes, file_name, &about))?;
        let monitor = monitor.stage("upload");
        findings.iter().for_each(|finding| monitor.found(finding));
        self.with_target(target, &monitor, async |client: Client| {
            monitor.started(file_name);
            let digest = Digest::of(&bytes);
            client.upload_chart(file_name, bytes.clone(), &monitor).await?;
            client.wait_listed(name, version, PATIENCE, &monitor).await?;
            let memory = self.memory(&client.target().name);
            memory.keep_chart(&digest, &bytes)?;
            let sent = Sent { digest, at: self.timestamp(), confirmed: true };
            memory.update(|record| drop(record.charts.insert(file_name.to_owned(), sent)))?;
            monitor.finished(file_name, Outcome::Done, &format!("{name} {version} is listed"));
            let (name, version) = (name.to_owned(), version.to_owned());
            Ok(Uploaded::Chart { name, version, target: target.clone() })
        })
    }

    fn upload_images(
        &self,
        request: &UploadRequest,
        file_name: &str,
        monitor: &Monitor,
    ) -> Result<Uploaded, EngineError> {
        let UploadRequest { target, file, .. } = request;
        preflight::image_file(file_name).map_err(|finding| refused(file_name, *finding))?;
        let images = ImageArchive::open(file)?.names();
        let (upload, import) = (monitor.stage("upload"), monitor.stage("import"));
        self.with_target(target, &upload, async |client: Client| {
            upload.started(file_name);
            for finding in unasked(&images, &client.target().registry_url) {
                upload.found(&finding.in_file(file_name));
            }
            client.upload_images(file, &upload).await?;
            upload.finished(file_name, Outcome::Done, "it is there whole");
            import.started(file_name);
            let outcome = client.import(file_name, &import).await?;
            let confirmed = outcome == ImportOutcome::Imported;
            let summary = match confirmed {
                true => images.join(", "),
                false => "the answer was lost; the target goes on, and does not tell".to_owned(),
            };
            import.finished(file_name, Outcome::Done, &summary);
            Ok(Uploaded::Images { images, target: target.clone(), confirmed })
        })
    }
}

fn refused(file_name: &str, finding: Finding) -> EngineError {
    EngineError::Preflight { chart: file_name.to_owned(), findings: vec![finding] }
}

/// Warns of images which the charts of the target don't ask for: those of other registries.
fn unasked(images: &[String], registry: &str) -> Vec<Finding> {
    let own =
        |image: &&String| image.strip_prefix(registry).is_some_and(|rest| rest.starts_with('/'));
    let warn = |image: &String| {
        let message = format!(
            "`{image}` is not named for {registry}, where charts of the target look for images"
        );
        let finding = Finding::warning("target/image-name", message);
        finding.fix("name it so, or name it in full in the chart")
    };
    images.iter().filter(|image| !own(image)).map(warn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_that_no_chart_would_find_are_told() {
        let names = |names: &[&str]| {
            let images: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            unasked(&images, "localhost:5577").len()
        };
        assert_eq!(names(&["localhost:5577/a:1", "localhost:5577/b/c:1"]), 0);
        assert_eq!(names(&["a:1", "localhost:5577/a:1", "localhost:55778/a:1"]), 2);
    }
}
