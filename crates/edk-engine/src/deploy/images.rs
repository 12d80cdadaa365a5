//! Which images a chart asks for, and how they get to a target.

use std::{collections::BTreeSet, error::Error as _};

use edk_chart::{Capabilities, Chart, Release, platform::platform_globals, render};
use edk_extension::Role;
use edk_image::{ImageError, Parcel};
use edk_model::{Code, Digest, Explain as _, Finding, Monitor, Reference};
use edk_target::{Client, PullPolicy, Target};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::memory::{Memory, OldTag, Sent};
use crate::{
    Engine, EngineError, Pushed, build::BuiltImages, push::named_in, target::sandbox_registry,
};

/// How images get to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum ImageWay {
    /// Not at all: the target takes them from the store of this machine.
    Shared,
    /// They are pushed to the registry from which the platform pulls.
    Push,
    /// They are sent in archives, which the platform imports.
    Archive,
    /// The platform pulls them from the registry of this machine.
    Pull,
}

/// How the images of one deploy go, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) way: ImageWay,
    /// Registry and path before the names of the images.
    pub(crate) registry: String,
    /// The tag under which operators ask for their images; empty when it is not known.
    pub(crate) build_version: String,
    /// One sentence without a full stop.
    pub(crate) why: String,
    /// When the platform pulls images, if that is known.
    pub(crate) pull_policy: Option<PullPolicy>,
    /// Why the registry is not the way, though it is the platform's own.
    pub(crate) detour: Option<String>,
}

impl Route {
    /// Decides how images go: as the user says, else by what is known of the target.
    ///
    /// # Errors
    /// [`EngineError::NoRegistry`] for a platform whose registry nobody knows.
    pub(crate) fn choose(
        target: &Target,
        ours: Option<&str>,
        archives: bool,
    ) -> Result<Self, EngineError> {
        let build_version = target.build_version.clone();
        let bare = |text: &str| {
            let text = text.trim_start_matches("https://").trim_start_matches("http://");
            text.trim_end_matches('/').to_owned()
        };
        let pull_policy = target.pull_policy;
        let direct = |way, registry, why| Self {
            way,
            registry,
            build_version,
            why,
            pull_policy,
            detour: None,
        };
        if let Some(ours) = ours {
            let (way, registry) = (ImageWay::Pull, bare(ours));
            let why = format!("the platform pulls them from this machine, at {registry}");
            return Ok(direct(way, registry, why));
        }
        let registry = bare(&target.registry_url);
        if archives && !registry.is_empty() {
            let why = "the platform imports them from an archive".to_owned();
            return Ok(direct(ImageWay::Archive, registry, why));
        }
        if registry == sandbox_registry() {
            let why = "the target takes them from the store of this machine".to_owned();
            return Ok(direct(ImageWay::Shared, registry, why));
        }
        if registry.is_empty() {
            return Err(EngineError::NoRegistry { target: target.name.clone() });
        }
        let why = format!("the platform pulls from {registry}");
        Ok(direct(ImageWay::Push, registry, why))
    }

    /// The way in archives, because nothing can be pushed for `reason`.
    pub(crate) fn detour(self, reason: &str) -> Self {
        let why = format!(
            "the platform imports them from an archive, because its registry is out of reach from here: {reason}"
        );
        Self { way: ImageWay::Archive, why, detour: Some(reason.to_owned()), ..self }
    }

    /// The tags under which an image is asked for.
    pub(crate) fn tags<'a>(&'a self, role: Role, version: &'a str) -> Vec<&'a str> {
        let mut tags = match role {
            Role::Base => Vec::new(),
            Role::Dag => vec![version],
            Role::Container => vec![version, self.build_version.as_str()],
        };
        tags.retain(|tag| !tag.is_empty());
        tags.dedup();
        tags
    }

    /// The full name of an image.
    pub(crate) fn name(&self, image: &str, tag: &str) -> String {
        format!("{}/{image}:{tag}", self.registry)
    }

    /// The same as a reference.
    pub(crate) fn to(&self, image: &str, tag: &str) -> Result<Reference, EngineError> {
        named_in(&self.registry, image, tag)
    }

    /// Puts what this way needs into the parameters of the chart.
    pub(crate) fn complete(&self, params: &mut Map<String, Value>) {
        if self.way == ImageWay::Pull {
            params.insert("custom_registry_url".to_owned(), self.registry.clone().into());
        }
    }

    /// What the user should know of this way, for a chart with these values.
    pub(crate) fn warnings(&self, roles: &[Role], values: &Value) -> Vec<Finding> {
        let mut findings = Vec::new();
        let own = values["global"]["pull_policy_images"].as_str();
        let asks_anew = self.pull_policy != Some(PullPolicy::IfNotPresent);
        if self.way == ImageWay::Archive && asks_anew && own != Some("IfNotPresent") {
            let known = match self.pull_policy {
                Some(_) => "the platform pulls images each time",
                None => "a platform in its developer mode pulls images each time",
            };
            let message = format!("{known}, and finds none that came in an archive");
            let finding = Finding::warning("deploy/pulled-always", message);
            let fix = "set `global.pull_policy_images: IfNotPresent` in values.yaml; a platform that \
                       is known to do so is told of by `edk target add --pull-policy IfNotPresent`";
            findings.push(finding.fix(fix));
        }
        if let Some(reason) = &self.detour {
            let message = format!(
                "nothing can be pushed to {} from here: {reason}; images go in archives",
                self.registry
            );
            let finding = Finding::warning("deploy/registry-out-of-reach", message);
            let fix = "`podman login` where a login is missing; `--archives` asks no registry";
            findings.push(finding.fix(fix));
        }
        let operators = roles.contains(&Role::Container);
        if operators && self.way == ImageWay::Pull {
            let message = "operators ask the platform's own registry for their images, never this \
                           machine's: only the DAG image is pulled from here";
            let finding = Finding::warning("deploy/operators-not-pulled", message);
            findings.push(finding.fix("push the processing containers to the platform's registry"));
        }
        if operators && self.build_version.is_empty() {
            let message = "the platform's build version is not known, under which its operators \
                           ask for their images";
            let finding = Finding::warning("deploy/no-build-version", message);
            findings.push(finding.fix("`edk target doctor` asks the platform for it"));
        }
        findings
    }
}

impl Engine {
    /// Decides how images go, as [`Route::choose`]; where that is by a registry, it is asked for
    /// `image`, and one that can't be reached, or does not take our login, is gone around.
    ///
    /// # Errors
    /// As [`Route::choose`], and [`EngineError::Image`] when it was cancelled.
    pub(crate) fn route(
        &self,
        target: &Target,
        (ours, archives): (Option<&str>, bool),
        image: &str,
        monitor: &Monitor,
    ) -> Result<Route, EngineError> {
        let route = Route::choose(target, ours, archives)?;
        if route.way != ImageWay::Push {
            return Ok(route);
        }
        let to = route.to(image, "latest")?;
        let asked =
            tokio::task::block_in_place(|| edk_image::may_push(&to, &self.access(None), monitor));
        match asked {
            Ok(()) => Ok(route),
            Err(error) if out_of_reach(&error) => {
                let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                Ok(route.detour(&reason))
            }
            // A registry in trouble of its own is told when something is pushed.
            Err(error) if error.code() == Code::Cancelled => Err(error.into()),
            Err(_) => Ok(route),
        }
    }

    /// Brings the images of an extension to a target, and remembers it.
    pub(crate) async fn bring(
        &self,
        client: &Client,
        built: &BuiltImages,
        version: &str,
        (route, memory): (&Route, &Memory),
        monitor: &Monitor,
    ) -> Result<Vec<Pushed>, EngineError> {
        let build_version =
            if route.build_version.is_empty() { version } else { &route.build_version };
        let mut pushed = tokio::task::block_in_place(|| {
            let here = self.push_images(built, version, build_version, monitor)?;
            if route.way != ImageWay::Push {
                return Ok::<_, EngineError>(here);
            }
            let (names, access) = ((version, build_version), self.access(None));
            self.push_elsewhere(built, names, &route.registry, &access, monitor)
        })?;
        let mut confirmed = true;
        if route.way == ImageWay::Archive {
            pushed.clear();
            for (name, role, image) in &built.images {
                let image = &image.descriptor;
                let parcel = |tag| Ok(Parcel { image: image.clone(), to: route.to(name, tag)? });
                let parcels = route.tags(*role, version).into_iter().map(parcel);
                let parcels = parcels.collect::<Result<Vec<_>, EngineError>>()?;
                let (sent, known) = self.send_image(client, &parcels, memory, monitor).await?;
                pushed.extend(sent);
                confirmed &= known;
            }
        }
        self.remember(&pushed, confirmed, (route, memory))?;
        Ok(pushed)
    }

    /// Remembers that images were sent.
    pub(crate) fn remember(
        &self,
        pushed: &[Pushed],
        confirmed: bool,
        (route, memory): (&Route, &Memory),
    ) -> Result<(), EngineError> {
        let at = self.timestamp();
        memory.update(|record| {
            for image in pushed {
                let name = match route.way {
                    ImageWay::Push | ImageWay::Archive => image.name.clone(),
                    _ => format!("{}/{}", route.registry, image.name),
                };
                let sent = Sent { digest: image.digest, at: at.clone(), confirmed };
                record.images.insert(name, sent);
            }
        })
    }

    /// Sends one image under all its names in an archive. Returns what went over, counted with the
    /// first name, and whether the target said that it has it.
    pub(crate) async fn send_image(
        &self,
        client: &Client,
        parcels: &[Parcel],
        memory: &Memory,
        monitor: &Monitor,
    ) -> Result<(Vec<Pushed>, bool), EngineError> {
        if parcels.is_empty() {
            return Ok((Vec::new(), true));
        }
        let before = memory.record()?.images;
        let taken = self.send_archive(client, parcels, false, monitor).await?;
        if !taken.confirmed {
            let message = format!(
                "the answer to the import of `{}` was lost: the platform goes on with it, and no \
                 call tells how it ends",
                parcels[0].to
            );
            let finding = Finding::warning("deploy/import-unknown", message);
            monitor.stage("import").found(&finding.fix("if its pods lack the image, deploy again"));
        }
        let pushed = parcels.iter().enumerate().map(|(at, parcel)| {
            let (name, digest) = (parcel.to.to_string(), parcel.image.digest);
            let unchanged = before.get(&name).is_some_and(|sent| sent.digest == digest);
            let first = |bytes: u64| if at == 0 { bytes } else { 0 };
            let reused = Some(first(taken.saved.left_bytes));
            Pushed { name, digest, unchanged, bytes: first(taken.saved.size), reused }
        });
        Ok((pushed.collect(), taken.confirmed))
    }

    /// Returns what the names of an extension's images stand for before they are pushed, where
    /// that will change.
    pub(crate) fn tags_before(
        &self,
        built: &BuiltImages,
        version: &str,
        route: &Route,
    ) -> Result<Vec<OldTag>, EngineError> {
        let mut tags = Vec::new();
        for (name, role, new) in &built.images {
            for tag in route.tags(*role, version) {
                let old = self.store()?.resolve(name, tag)?;
                if let Some(image) = old.filter(|old| old.digest != new.descriptor.digest) {
                    tags.push(OldTag { repository: name.clone(), tag: tag.to_owned(), image });
                }
            }
        }
        Ok(tags)
    }

    /// Gives names back to the images they stood for, here and where they were sent.
    pub(crate) async fn restore_tags(
        &self,
        client: &Client,
        tags: &[OldTag],
        route: &Route,
        monitor: &Monitor,
    ) -> Result<(), EngineError> {
        let mut parcels = Vec::new();
        for OldTag { repository, tag, image } in tags {
            self.store()?.tag(repository, tag, image)?;
            parcels.push(Parcel { image: image.clone(), to: route.to(repository, tag)? });
        }
        match route.way {
            ImageWay::Push => tokio::task::block_in_place(|| {
                let access = self.access(None);
                self.send_parcels(&parcels, &route.registry, &access, monitor).map(drop)
            }),
            ImageWay::Archive if !parcels.is_empty() => {
                self.send_archive(client, &parcels, false, monitor).await.map(drop)
            }
            _ => Ok(()),
        }
    }
}

/// Says whether a registry can't be reached, or not by us.
fn out_of_reach(error: &ImageError) -> bool {
    matches!(error.code(), Code::Unreachable | Code::Unauthorised)
}

/// Returns the images in the objects of a chart, as a platform with the registry of `route` renders
/// it. A chart that only renders with values which a platform alone has gives none.
pub(crate) fn asked(chart: &Chart, params: &Map<String, Value>, route: &Route) -> BTreeSet<String> {
    let mut global = platform_globals(&route.registry, &route.build_version);
    global.extend(params.clone());
    let release = Release {
        name: chart.name().to_owned(),
        namespace: "admin".to_owned(),
        revision: 1,
        is_install: true,
    };
    let values = json!({ "global": global });
    let mut images = BTreeSet::new();
    if let Ok(rendered) = render(chart, &release, &values, &Capabilities::default()) {
        rendered.manifests.iter().for_each(|manifest| collect(&manifest.object, &mut images));
    }
    images
}

/// Collects the images of containers, wherever they are in an object.
fn collect(value: &Value, images: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, images)),
        Value::Object(map) => {
            for (key, value) in map {
                if matches!(key.as_str(), "containers" | "initContainers") {
                    let containers = value.as_array().into_iter().flatten();
                    let names = containers.filter_map(|it| it["image"].as_str().map(str::to_owned));
                    images.extend(names);
                }
                collect(value, images);
            }
        }
        _ => {}
    }
}

/// Returns the digest that the target has under a full name, as far as it is known here.
pub(crate) fn there(
    engine: &Engine,
    route: &Route,
    memory: &Memory,
    (image, tag): (&str, &str),
) -> Result<Option<Digest>, EngineError> {
    if route.way == ImageWay::Shared {
        return Ok(engine.store()?.resolve(image, tag)?.map(|it| it.digest));
    }
    Ok(memory.record()?.images.get(&route.name(image, tag)).map(|sent| sent.digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(registry: &str) -> Target {
        Target::new("ward", "https://ward.example", registry, "0.6.0")
    }

    #[test]
    fn the_way_of_images_follows_from_the_target_and_the_user() {
        let check = |registry: &str, ours: Option<&str>, expected: Option<ImageWay>| {
            let route = Route::choose(&target(registry), ours, false).ok();
            assert_eq!(route.map(|route| route.way), expected, "{registry} {ours:?}");
        };
        for (registry, expected) in [("r.example", Some(ImageWay::Archive)), ("", None)] {
            let route = Route::choose(&target(registry), None, true).ok();
            assert_eq!(route.map(|route| route.way), expected, "{registry} in archives");
        }
        check("localhost:5577", None, Some(ImageWay::Shared));
        check("r.example/kaapana", None, Some(ImageWay::Push));
        check("", None, None);
        check("", Some("192.168.1.5:5577"), Some(ImageWay::Pull));
    }

    #[test]
    fn images_are_named_for_the_registry_and_tagged_as_they_are_asked_for() {
        let route = Route::choose(&target("https://r.example/kaapana/"), None, false).unwrap();
        assert_eq!(route.name("dag-a", "0.1.0"), "r.example/kaapana/dag-a:0.1.0");
        assert_eq!(route.tags(Role::Dag, "0.1.0"), ["0.1.0"]);
        assert_eq!(route.tags(Role::Container, "0.1.0"), ["0.1.0", "0.6.0"]);
        assert_eq!(route.tags(Role::Container, "0.6.0"), ["0.6.0"]);
        assert!(route.tags(Role::Base, "0.1.0").is_empty());
    }

    #[test]
    fn a_platform_that_pulls_from_here_does_so_for_dags_only() {
        let route =
            Route::choose(&target("r.example"), Some("https://10.0.0.1:5577"), false).unwrap();
        let mut params = Map::new();
        route.complete(&mut params);
        assert_eq!(params["custom_registry_url"], "10.0.0.1:5577");
        let rules = |roles: &[Role]| -> Vec<String> {
            route.warnings(roles, &Value::Null).into_iter().map(|finding| finding.rule).collect()
        };
        assert_eq!(rules(&[Role::Container]), ["deploy/operators-not-pulled"]);
        assert!(rules(&[Role::Dag]).is_empty());
    }

    #[test]
    fn an_archive_for_a_platform_that_pulls_always_is_warned_of() {
        let warned = |policy, archives, own: Value| {
            let target = Target { pull_policy: policy, ..target("r.example") };
            let route = Route::choose(&target, None, archives).unwrap();
            let values = json!({"global": {"pull_policy_images": own}});
            let found = route.warnings(&[Role::Dag], &values).into_iter();
            found.map(|finding| (finding.rule, finding.message)).next()
        };
        let (rule, message) = warned(Some(PullPolicy::Always), true, Value::Null).unwrap();
        assert_eq!(rule, "deploy/pulled-always");
        assert!(message.starts_with("the platform pulls"), "{message}");
        let unknown = warned(None, true, Value::Null).unwrap().1;
        assert!(unknown.starts_with("a platform in its developer mode"), "{unknown}");
        assert!(warned(Some(PullPolicy::Always), true, json!("IfNotPresent")).is_none());
        assert!(warned(Some(PullPolicy::IfNotPresent), true, Value::Null).is_none());
        assert!(warned(Some(PullPolicy::Always), false, Value::Null).is_none());
    }

    #[test]
    fn every_image_of_an_object_is_found() {
        let pod = json!({"containers": [{"image": "a"}], "initContainers": [{"image": "b"}]});
        let object = json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}});
        let mut images = BTreeSet::new();
        collect(&object, &mut images);
        assert_eq!(images.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}
