use std::{collections::BTreeMap, fs, path::PathBuf, time::Instant};

use edk_extension::{ExtensionError, ImageDir, Project, Role, build_order};
use edk_image::{Image, Plan, PlanRequest, local_only_repository};
use edk_model::{Digest, Monitor, Outcome};
use edk_store::Lease;
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

/// Build the images of an extension.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct BuildRequest {
    /// Folder of the extension.
    pub project: PathBuf,
    /// Values for `ARG`s.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub args: BTreeMap<String, String>,
    /// Rules of the guard (such as `G02`) whose findings may go into images and charts.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub allow: Vec<String>,
}

/// The images that are there now.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct BuildOutcome {
    /// In the order they were built.
    pub images: Vec<ImageOutcome>,
    /// Whether nothing had to be done.
    pub unchanged: bool,
    /// Wall time of all of it, in seconds.
    pub seconds: f64,
}

/// A built image.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ImageOutcome {
    /// `LABEL IMAGE`.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Digest of its manifest.
    pub digest: Digest,
    /// How many steps make a layer.
    pub steps: usize,
    /// How many of them were found done.
    pub reused: usize,
    /// Whether the very image was there before.
    pub unchanged: bool,
    /// Size of its layers as stored, in bytes.
    pub size: u64,
    /// Wall time, in seconds.
    pub seconds: f64,
}

/// Built images with what later stages need of them.
pub(crate) struct BuiltImages {
    pub(crate) outcome: BuildOutcome,
    pub(crate) images: Vec<(String, Role, Image)>,
    /// Keeps what was built until it has its tags.
    _lease: Lease,
}

impl BuiltImages {
    /// Returns the image called `name`.
    pub(crate) fn image(&self, name: &str) -> Result<&Image, EngineError> {
        let found = self.images.iter().find(|(built, _, _)| built == name);
        found.map(|(_, _, image)| image).ok_or_else(|| {
            let known = self.images.iter().map(|(built, _, _)| built.clone()).collect();
            ExtensionError::Unknown { what: "image", name: name.to_owned(), known }.into()
        })
    }
}

impl Engine {
    /// Builds every image of an extension.
    ///
    /// # Errors
    /// [`EngineError::Extension`] and [`EngineError::Image`]; all images but those on a base of
    /// the extension's own are planned before the first is built, so a mistake in any of their
    /// Dockerfiles stops it before anything is done.
    pub fn build(
        &self,
        request: &BuildRequest,
        monitor: &Monitor,
    ) -> Result<BuildOutcome, EngineError> {
        let project = self.project(&request.project)?;
        self.hold_back(&project.root, &request.allow, monitor)?;
        Ok(self.build_images(&project, &request.args, monitor)?.outcome)
    }

    pub(crate) fn build_images(
        &self,
        project: &Project,
        args: &BTreeMap<String, String>,
        monitor: &Monitor,
    ) -> Result<BuiltImages, EngineError> {
        let monitor = monitor.stage("build");
        let started = Instant::now();
        let lease = self.store()?.lease()?;
        let mut images = Vec::new();
        let mut outcomes: Vec<ImageOutcome> = Vec::new();
        let order = build_order(project)?;
        // What stands on a base of the extension's own can be planned when that is there.
        let own: Vec<&str> = order.iter().map(|image| image.name.as_str()).collect();
        let waits = |image: &ImageDir| image.bases.iter().any(|base| own.contains(&base.as_str()));
        let plan = |image: &&ImageDir| match waits(image) {
            true => Ok(None),
            false => self.plan_image(image, args, &monitor).map(Some),
        };
        let plans: Vec<Option<Plan>> = order.iter().map(plan).collect::<Result<_, _>>()?;
        for (image, plan) in order.into_iter().zip(plans) {
            monitor.check()?;
            let (outcome, built) = self.build_image(image, plan, args, &monitor)?;
            images.push((image.name.clone(), image.role, built));
            outcomes.push(outcome);
        }
        let unchanged = outcomes.iter().all(|outcome| outcome.unchanged);
        let seconds = started.elapsed().as_secs_f64();
        let outcome = BuildOutcome { images: outcomes, unchanged, seconds };
        Ok(BuiltImages { outcome, images, _lease: lease })
    }

    fn plan_image(
        &self,
        image: &ImageDir,
        args: &BTreeMap<String, String>,
        monitor: &Monitor,
    ) -> Result<Plan, EngineError> {
        let text = fs::read_to_string(&image.dockerfile)
            .map_err(|source| EngineError::io(&image.dockerfile, source))?;
        let request =
            PlanRequest { text: &text, file: &image.display, context: &image.context, args };
        Ok(self.builder()?.plan(&request, monitor)?)
    }

    fn build_image(
        &self,
        image: &ImageDir,
        plan: Option<Plan>,
        args: &BTreeMap<String, String>,
        monitor: &Monitor,
    ) -> Result<(ImageOutcome, Image), EngineError> {
        let started = Instant::now();
        monitor.started(&image.name);
        let plan = match plan {
            Some(plan) => plan,
            None => self.plan_image(image, args, monitor)?,
        };
        let built = self.builder()?.build(&plan, monitor)?;
        if image.role == Role::Base {
            let repository = local_only_repository(&image.name);
            self.store()?.tag(&repository, "latest", &built.image.descriptor)?;
        }
        let (outcome, summary) = if built.unchanged {
            (Outcome::Reused, "nothing to do: unchanged".to_owned())
        } else {
            (Outcome::Done, format!("{} of {} steps reused", built.reused, built.steps))
        };
        monitor.finished(&image.name, outcome, &summary);
        let outcome = ImageOutcome {
            name: image.name.clone(),
            role: image.role,
            digest: built.image.descriptor.digest,
            steps: built.steps,
            reused: built.reused,
            unchanged: built.unchanged,
            size: built.image.size(),
            seconds: started.elapsed().as_secs_f64(),
        };
        Ok((outcome, built.image))
    }
}
