use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    num::NonZero,
    path::{Path, PathBuf},
    time::Instant,
};

use edk_container::Content;
use edk_extension::{ExtensionError, ImageDir, Project, Role, build_order};
use edk_image::{
    BuildOptions, EngineChoice, ExplainedStep, Image, Plan, PlanOptions, PlanRequest, in_parallel,
    local_only_repository,
};
use edk_model::{Cancelled, Code, Digest, Explain as _, Monitor, Outcome};
use edk_store::Lease;
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError, image::Chosen};

/// Build the images of an extension.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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
    /// Who builds; without one, as the settings of the extension or the machine say.
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub engine: Option<EngineChoice>,
    /// What else a user of the command line may ask for; it does not cross the door.
    #[serde(skip)]
    #[cfg_attr(feature = "typescript", ts(skip))]
    pub choices: BuildChoices,
}

/// What a user may ask of a build beside its arguments.
#[derive(Debug, Clone, Default)]
pub struct BuildChoices {
    /// The Dockerfile of the one image that is built, with the extension's own bases it needs; all
    /// images without it.
    pub file: Option<PathBuf>,
    /// The stage that becomes the image, instead of the last one.
    pub target: Option<String>,
    /// Labels beside those of the Dockerfiles.
    pub labels: BTreeMap<String, String>,
    /// What `RUN --mount=type=secret` shows, by id.
    pub secrets: BTreeMap<String, Content>,
    /// Whether every step is carried out, whatever is there.
    pub no_cache: bool,
    /// Whether the outcome says of every step why it was carried out.
    pub explain: bool,
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
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
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
    /// What became of each step, when that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub explained: Vec<StepOutcome>,
    /// Who built it, when it was not us; of its steps nothing is known then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<String>"))]
    pub engine: Option<EngineChoice>,
}

/// A step of a built image.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct StepOutcome {
    /// Name or number of its stage.
    pub stage: String,
    /// Where it stands, as `file:line`.
    pub place: String,
    /// The instruction as written.
    pub text: String,
    /// Whether its layer was there already.
    pub reused: bool,
    /// Why it was carried out, each a sentence without a full stop; nothing for one that was not.
    pub reasons: Vec<String>,
}

impl From<ExplainedStep> for StepOutcome {
    fn from(step: ExplainedStep) -> Self {
        let ExplainedStep { stage, place, text, reused, reasons } = step;
        Self { stage, place, text, reused, reasons }
    }
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
    /// Builds the images of an extension, those that do not need each other at the same time.
    ///
    /// # Errors
    /// [`EngineError::Extension`] and [`EngineError::Image`]; all images but those on a base of
    /// the extension's own are planned before the first is built, so a mistake in any of their
    /// Dockerfiles stops it before anything is done. [`EngineError::Choice`] for a Dockerfile that
    /// is none of the extension's, and for a stage without an image.
    pub fn build(
        &self,
        request: &BuildRequest,
        monitor: &Monitor,
    ) -> Result<BuildOutcome, EngineError> {
        let project = self.project(&request.project)?;
        self.hold_back(&project.root, &request.allow, monitor)?;
        let chosen = self.chosen(request.engine.as_ref(), &project.root)?;
        let build = ImageBuild::new(self, &request.args, &request.choices, &chosen);
        Ok(build.images(&project, monitor)?.outcome)
    }

    pub(crate) fn build_images(
        &self,
        project: &Project,
        args: &BTreeMap<String, String>,
        chosen: &Chosen,
        monitor: &Monitor,
    ) -> Result<BuiltImages, EngineError> {
        ImageBuild::new(self, args, &BuildChoices::default(), chosen).images(project, monitor)
    }
}

/// One build of images.
struct ImageBuild<'a> {
    engine: &'a Engine,
    args: &'a BTreeMap<String, String>,
    choices: &'a BuildChoices,
    builder: &'a Chosen,
    /// How many processors there are.
    workers: usize,
}

impl<'a> ImageBuild<'a> {
    fn new(
        engine: &'a Engine,
        args: &'a BTreeMap<String, String>,
        choices: &'a BuildChoices,
        builder: &'a Chosen,
    ) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
        // Another builder takes the processors itself.
        let workers = if builder.words().is_some() { 1 } else { workers };
        Self { engine, args, choices, builder, workers }
    }

    fn images(&self, project: &Project, monitor: &Monitor) -> Result<BuiltImages, EngineError> {
        let monitor = monitor.stage("build");
        let started = Instant::now();
        let lease = self.engine.store()?.lease()?;
        let order = chosen(build_order(project)?, self.choices)?;
        let needs = needs(&order);
        // What stands on a base of the extension's own can be planned when that is there.
        let ours = self.builder.words().is_none();
        let plan = |(at, image): (usize, &&ImageDir)| match needs[at].is_empty() && ours {
            false => Ok(None),
            true => self.plan(image, at + 1 == order.len(), &monitor).map(Some),
        };
        let plans = order.iter().enumerate().map(plan);
        let plans: Vec<Option<Plan>> = plans.collect::<Result<_, EngineError>>()?;
        // Opened before several threads want to.
        self.engine.builder()?;
        let cancelled = |error: &EngineError| error.code() == Code::Cancelled;
        let built = in_parallel(&needs, self.workers, &monitor, cancelled, |at, _, part| {
            if let Some(done) = self.elsewhere(order[at], at + 1 == order.len(), part)? {
                return Ok(done);
            }
            let plan = match &plans[at] {
                Some(plan) => plan.clone(),
                None => self.plan(order[at], at + 1 == order.len(), part)?,
            };
            self.image(order[at], &plan, order.len(), part)
        });
        monitor.check().map_err(|Cancelled| edk_image::ImageError::Cancelled(Cancelled))?;
        let (outcomes, built): (Vec<_>, Vec<_>) = built?.into_iter().unzip();
        let images = order.iter().zip(built);
        let images = images.map(|(image, built)| (image.name.clone(), image.role, built)).collect();
        let unchanged = outcomes.iter().all(|outcome: &ImageOutcome| outcome.unchanged);
        if !unchanged {
            self.engine.keep_budget(&monitor)?;
        }
        let seconds = started.elapsed().as_secs_f64();
        let outcome = BuildOutcome { images: outcomes, unchanged, seconds };
        Ok(BuiltImages { outcome, images, _lease: lease })
    }

    fn plan(&self, image: &ImageDir, last: bool, monitor: &Monitor) -> Result<Plan, EngineError> {
        let text = fs::read_to_string(&image.dockerfile)
            .map_err(|source| EngineError::io(&image.dockerfile, source))?;
        let options = PlanOptions {
            target: self.choices.target.clone().filter(|_| last),
            labels: self.choices.labels.clone(),
            secrets: self.choices.secrets.keys().cloned().collect(),
            compression: self.builder.compression,
        };
        let request = PlanRequest {
            options: &options,
            ..PlanRequest::new(&text, &image.display, &image.context, self.args)
        };
        Ok(self.engine.builder()?.plan(&request, monitor)?)
    }

    fn image(
        &self,
        image: &ImageDir,
        plan: &Plan,
        images: usize,
        monitor: &Monitor,
    ) -> Result<(ImageOutcome, Image), EngineError> {
        let started = Instant::now();
        monitor.started(&image.name);
        let options = BuildOptions {
            fresh: self.choices.no_cache,
            secrets: self.choices.secrets.clone(),
            // Images and stages together take the processors, not each.
            workers: (self.workers / images.clamp(1, self.workers)).max(1),
        };
        let built = self.engine.builder()?.build_with(plan, &options, monitor)?;
        if image.role == Role::Base {
            let repository = local_only_repository(&image.name);
            self.engine.store()?.tag(&repository, "latest", &built.image.descriptor)?;
        }
        let (outcome, summary) = if built.unchanged {
            (Outcome::Reused, "nothing to do: unchanged".to_owned())
        } else {
            (Outcome::Done, format!("{} of {} steps reused", built.reused, built.steps))
        };
        monitor.finished(&image.name, outcome, &summary);
        let explained = match self.choices.explain {
            true => built.explained.into_iter().map(StepOutcome::from).collect(),
            false => Vec::new(),
        };
        let outcome = ImageOutcome {
            name: image.name.clone(),
            role: image.role,
            digest: built.image.descriptor.digest,
            steps: built.steps,
            reused: built.reused,
            unchanged: built.unchanged,
            size: built.image.size(),
            seconds: started.elapsed().as_secs_f64(),
            explained,
            engine: None,
        };
        Ok((outcome, built.image))
    }

    /// Lets another builder make an image, when one was chosen.
    fn elsewhere(
        &self,
        image: &ImageDir,
        last: bool,
        monitor: &Monitor,
    ) -> Result<Option<(ImageOutcome, Image)>, EngineError> {
        let Some(words) = self.builder.words() else { return Ok(None) };
        let started = Instant::now();
        monitor.started(&image.name);
        monitor.line(&format!("{} is {words}", image.name));
        let (engine, choices) = (self.engine, self.choices);
        let built =
            engine.build_elsewhere(self.builder, image, self.args, choices, last, monitor)?;
        let Some(built) = built else { return Ok(None) };
        if image.role == Role::Base {
            let repository = local_only_repository(&image.name);
            engine.store()?.tag(&repository, "latest", &built.descriptor)?;
        }
        monitor.finished(&image.name, Outcome::Done, &words);
        let outcome = ImageOutcome {
            name: image.name.clone(),
            role: image.role,
            digest: built.descriptor.digest,
            steps: 0,
            reused: 0,
            unchanged: false,
            size: built.size(),
            seconds: started.elapsed().as_secs_f64(),
            explained: Vec::new(),
            engine: Some(self.builder.engine.clone()),
        };
        Ok(Some((outcome, built)))
    }
}

/// The images that are wanted, in their order: all, or that of one Dockerfile after the bases it
/// needs.
fn chosen<'a>(
    order: Vec<&'a ImageDir>,
    choices: &BuildChoices,
) -> Result<Vec<&'a ImageDir>, EngineError> {
    let Some(file) = &choices.file else {
        let several = order.iter().filter(|image| image.role != Role::Base).count() > 1;
        if let (Some(target), true) = (&choices.target, several) {
            let what = format!("several images could have a stage `{target}`");
            let fix = "name the Dockerfile of one: `--file FOLDER/Dockerfile`".to_owned();
            return Err(EngineError::Choice { what, fix });
        }
        return Ok(order);
    };
    let same = |image: &&&ImageDir| match (file.canonicalize(), image.dockerfile.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    let display = |image: &&ImageDir| image.display.clone();
    let wanted = order
        .iter()
        .find(same)
        .or_else(|| order.iter().find(|image| Path::new(&image.display) == file.as_path()));
    let Some(wanted) = wanted else {
        let what = format!("`{}` is no Dockerfile of the extension", file.display());
        let known: Vec<String> = order.iter().map(display).collect();
        return Err(EngineError::Choice { what, fix: format!("there are {}", known.join(", ")) });
    };
    let mut names: BTreeSet<&str> = BTreeSet::from([wanted.name.as_str()]);
    // Bases come before what stands on them.
    for image in order.iter().rev() {
        if names.contains(image.name.as_str()) {
            names.extend(image.bases.iter().map(String::as_str));
        }
    }
    Ok(order.into_iter().filter(|image| names.contains(image.name.as_str())).collect())
}

/// Which of `order` each needs: the extension's own bases.
fn needs(order: &[&ImageDir]) -> Vec<BTreeSet<usize>> {
    let at = |base: &String| order.iter().position(|image| image.name == *base);
    order.iter().map(|image| image.bases.iter().filter_map(at).collect()).collect()
}
