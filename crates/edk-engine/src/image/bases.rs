//! Bases: pulled, made from a checkout, listed, and put below images that stand on others.

use std::{collections::BTreeMap, path::Path};

use edk_extension::{ExtensionError, ImageDir, Project, build_order};
use edk_image::{Image, PlanRequest, RECIPES, local_only_repository, pull_fresh, rebase};
use edk_model::{Descriptor, Digest, Monitor, Outcome, Reference};
use serde::{Deserialize, Serialize};

use crate::{BaseOutcome, Engine, EngineError};

/// Pull an image to build on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BasePullRequest {
    /// The image, by tag or digest.
    pub image: Reference,
    /// Name of a base `local-only/<name>` which it is to be as well.
    pub name: Option<String>,
    /// A certificate to trust.
    pub certificate: Option<std::path::PathBuf>,
}

/// Put an image on another base.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BaseRebaseRequest {
    /// The image of the store.
    pub image: Reference,
    /// The base it stands on.
    pub from: Reference,
    /// The base it is to stand on.
    pub onto: Reference,
    /// Name of the result; without one, the image's own.
    pub name: Option<Reference>,
}

/// What is there to build on, or can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BaseListing {
    /// Its name for `FROM`.
    pub reference: String,
    /// What it is: `recipe`, `local` or `pulled`.
    pub kind: &'static str,
    /// What is in it, of a recipe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'static str>,
    /// Digest of its manifest, when it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Size of its layers as stored, in bytes, when it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

impl Engine {
    /// Returns the bases that can be made and those that are there, pulled ones included.
    ///
    /// # Errors
    /// [`EngineError::Store`] if the store can't be read.
    pub fn base_listing(&self) -> Result<Vec<BaseListing>, EngineError> {
        let store = self.store()?;
        let mut bases = Vec::new();
        let mut listed: Vec<String> = Vec::new();
        for recipe in RECIPES {
            let reference = format!("local-only/{}:latest", recipe.name);
            let there = store.resolve(&local_only_repository(recipe.name), "latest")?;
            let description = Some(recipe.description);
            bases.push(self.listing(&reference, "recipe", description, there)?);
            listed.push(reference);
        }
        for repository in store.repositories()? {
            let (kind, shown) = match repository.strip_prefix("pulled/") {
                Some(rest) => ("pulled", with_port(rest)),
                None if repository.starts_with("local-only/") => ("local", repository.clone()),
                None => continue,
            };
            let mut tagged = Vec::new();
            for tag in store.tags(&repository)? {
                let there = store.resolve(&repository, &tag)?;
                tagged.extend(there.as_ref().map(|it| it.digest));
                let reference = format!("{shown}:{tag}");
                if !listed.contains(&reference) {
                    bases.push(self.listing(&reference, kind, None, there)?);
                }
            }
            // What was pulled by its digest alone has no tag.
            let by_digest = store.manifests(&repository)?.into_iter();
            for there in by_digest.filter(|it| kind == "pulled" && !tagged.contains(&it.digest)) {
                let reference = format!("{shown}@{}", there.digest);
                bases.push(self.listing(&reference, kind, None, Some(there))?);
            }
        }
        Ok(bases)
    }

    fn listing(
        &self,
        reference: &str,
        kind: &'static str,
        description: Option<&'static str>,
        there: Option<Descriptor>,
    ) -> Result<BaseListing, EngineError> {
        // One that is damaged has to be made again, so it counts as missing.
        let store = self.store()?;
        let image = there.and_then(|descriptor| Image::load(store, &descriptor).ok());
        Ok(BaseListing {
            reference: reference.to_owned(),
            kind,
            description,
            digest: image.as_ref().map(|image| image.descriptor.digest),
            size: image.map(|image| image.size()),
        })
    }

    /// Pulls an image to build on; offline, what was pulled earlier counts.
    ///
    /// # Errors
    /// [`EngineError::Image`].
    pub fn base_pull(
        &self,
        request: &BasePullRequest,
        monitor: &Monitor,
    ) -> Result<BaseOutcome, EngineError> {
        let monitor = monitor.stage("pull");
        let _lease = self.store()?.lease()?;
        let subject = request.image.to_string();
        monitor.started(&subject);
        let access = self.access(request.certificate.as_ref());
        let pulled = pull_fresh(self.store()?, &request.image, &access, &monitor)?;
        let (outcome, summary) = match (&pulled.offline, pulled.reused) {
            (Some(why), _) => (Outcome::Reused, format!("as it was pulled earlier: {why}")),
            (None, true) => (Outcome::Reused, "unchanged".to_owned()),
            (None, false) => (Outcome::Done, format!("{} MB", pulled.image.size() / 1_000_000)),
        };
        monitor.finished(&subject, outcome, &summary);
        let mut reference = subject;
        if let Some(name) = &request.name {
            let (repository, image) = (local_only_repository(name), &pulled.image.descriptor);
            self.store()?.tag(&repository, "latest", image)?;
            reference = format!("{repository}:latest");
        }
        let (digest, size) = (pulled.image.descriptor.digest, pulled.image.size());
        Ok(BaseOutcome { reference, digest, size, reused: pulled.reused })
    }

    /// Makes the base `name` from a Dockerfile below `checkout`, after the bases it stands on.
    pub(crate) fn base_of_checkout(
        &self,
        name: &str,
        checkout: &Path,
        monitor: &Monitor,
    ) -> Result<BaseOutcome, EngineError> {
        // What is wrong with other Dockerfiles there is none of ours.
        let (mut project, findings) = Project::survey(checkout)?;
        let needed = needed(&project, name);
        if needed.is_empty() {
            let known = project.images.iter().map(|image| image.name.clone()).collect();
            let (what, name) = ("base", name.to_owned());
            return Err(ExtensionError::Unknown { what, name, known }.into());
        }
        project.images.retain(|image| needed.contains(&image.name));
        let wrong = |file: &Option<String>| {
            project.images.iter().any(|image| Some(&image.display) == file.as_ref())
        };
        let findings: Vec<_> = findings.into_iter().filter(|it| wrong(&it.file)).collect();
        if findings.iter().any(|it| it.severity == edk_model::Severity::Error) {
            return Err(ExtensionError::Findings { path: project.root, findings }.into());
        }
        let (mut reused, mut made) = (true, None);
        for image in build_order(&project)? {
            let (built, unchanged) = self.checkout_base(image, monitor)?;
            reused &= unchanged;
            made = Some((image.name == name, built)).filter(|(it, _)| *it).or(made);
        }
        let Some((_, image)) = made else {
            let (what, name, known) = ("base", name.to_owned(), Vec::new());
            return Err(ExtensionError::Unknown { what, name, known }.into());
        };
        let reference = format!("local-only/{name}:latest");
        let (digest, size) = (image.descriptor.digest, image.size());
        Ok(BaseOutcome { reference, digest, size, reused })
    }

    fn checkout_base(
        &self,
        image: &ImageDir,
        monitor: &Monitor,
    ) -> Result<(Image, bool), EngineError> {
        monitor.started(&image.name);
        let text = std::fs::read_to_string(&image.dockerfile)
            .map_err(|source| EngineError::io(&image.dockerfile, source))?;
        let (args, builder) = (BTreeMap::new(), self.builder()?);
        let request = PlanRequest::new(&text, &image.display, &image.context, &args);
        let built = builder.build(&builder.plan(&request, monitor)?, monitor)?;
        let repository = local_only_repository(&image.name);
        self.store()?.tag(&repository, "latest", &built.image.descriptor)?;
        let outcome = if built.unchanged { Outcome::Reused } else { Outcome::Done };
        let summary = format!("{} of {} steps reused", built.reused, built.steps);
        monitor.finished(&image.name, outcome, &summary);
        Ok((built.image, built.unchanged))
    }

    /// Puts an image of the store onto another base without building it.
    ///
    /// # Errors
    /// [`EngineError::Image`]: with [`edk_image::ImageError::CannotRebase`] it has to be built.
    pub fn base_rebase(
        &self,
        request: &BaseRebaseRequest,
        monitor: &Monitor,
    ) -> Result<BaseOutcome, EngineError> {
        let monitor = monitor.stage("rebase");
        let subject = request.image.to_string();
        monitor.started(&subject);
        let store = self.store()?;
        let _lease = store.lease()?;
        let image = self.stored(&request.image)?;
        let old = self.stored(&request.from)?;
        let new = self.stored(&request.onto)?;
        let rebased = rebase(store, &image, &old, &new, &monitor)?;
        let name = request.name.as_ref().unwrap_or(&request.image);
        let tag = name.tag_or_latest().unwrap_or("latest");
        store.tag(&name.repository, tag, &rebased.descriptor)?;
        let reference = format!("{}:{tag}", name.repository);
        monitor.finished(&subject, Outcome::Done, &format!("stands on {} now", request.onto));
        let (digest, size) = (rebased.descriptor.digest, rebased.size());
        Ok(BaseOutcome { reference, digest, size, reused: false })
    }

    /// Returns an image of the store: by its name here, or as it was pulled.
    pub(crate) fn stored(&self, reference: &Reference) -> Result<Image, EngineError> {
        let store = self.store()?;
        if reference.registry.is_none() {
            let found = match (&reference.digest, reference.tag_or_latest()) {
                (Some(digest), _) => store.manifest(&reference.repository, digest)?,
                (None, tag) => store.resolve(&reference.repository, tag.unwrap_or("latest"))?,
            };
            if let Some(descriptor) = found {
                return Ok(Image::load(store, &descriptor)?);
            }
        }
        let pulled = edk_image::cached(store, reference)?;
        let missing = || edk_image::ImageError::NoImage { reference: reference.to_string() };
        Ok(pulled.ok_or_else(missing)?)
    }
}

/// The names of the images below a checkout that are needed for the base `name`, itself included;
/// none when it is not there.
fn needed(project: &Project, name: &str) -> Vec<String> {
    let mut needed: Vec<String> = Vec::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        let image = project.images.iter().find(|image| image.name == name);
        if let Some(image) = image.filter(|_| !needed.contains(&name)) {
            open.extend(image.bases.iter().cloned());
            needed.push(name);
        }
    }
    needed
}

/// The repository of a pulled image, with the port of its registry as users write it.
fn with_port(text: &str) -> String {
    let (registry, rest) = text.split_once('/').unwrap_or((text, ""));
    match registry.rsplit_once('_') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => {
            format!("{host}:{port}/{rest}")
        }
        _ => text.to_owned(),
    }
}
