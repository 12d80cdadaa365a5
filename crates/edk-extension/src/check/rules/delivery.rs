//! What depends on the platform an extension goes to. Nothing is told of what is not known.

use edk_model::Severity::{Error, Hint, Warning};

use super::layout::extensions;
use crate::check::{
    model::Model,
    rule::{Example, Finds, Rule},
    target::{Delivery, TargetProfile},
};

/// A platform gives up on importing an archive after so many seconds.
const IMPORT_SECONDS: u64 = 180;
/// Airflow looks for new DAGs about that often.
const DAG_SECONDS: u64 = 60;

/// States of a release that does not work and is in the way.
const STUCK: [&str; 5] =
    ["failed", "uninstalling", "pending-install", "pending-upgrade", "pending-rollback"];

/// An example that differs in what is known of the target.
macro_rules! target {
    ($text:literal) => {
        Example::workflow(&[("(target)", $text)])
    };
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "F01",
        severity: Error,
        title: "the project is built for this platform",
        why: "operators ask the platform's registry for images under its build version; what was built for another is not there",
        fix: "build for the target: `edk deploy --target`",
        bad: target!(
            "{\"name\": \"clinic\", \"registry_url\": \"registry.example/a\", \"build_version\": \"0.6.0\", \"workspace\": {\"registry_url\": \"registry.example/a\", \"build_version\": \"0.5.3\"}}"
        ),
        says: "the images are built for 0.5.3 in registry.example/a, but clinic is 0.6.0 in registry.example/a",
        good: target!(
            "{\"name\": \"clinic\", \"registry_url\": \"registry.example/a\", \"build_version\": \"0.6.0\", \"workspace\": {\"registry_url\": \"registry.example/a\", \"build_version\": \"0.6.0\"}}"
        ),
        check: |m, f| {
            let Some(target) = &m.options.target else { return };
            let (Some(registry), Some(version), Some(own)) =
                (&target.registry_url, &target.build_version, &target.workspace)
            else {
                return;
            };
            if own.registry_url != *registry || own.build_version != *version {
                let (was, at) = (&own.build_version, &own.registry_url);
                f.project(format!(
                    "the images are built for {was} in {at}, but {} is {version} in {registry}",
                    name(target)
                ));
            }
        },
    },
    Rule {
        id: "F02",
        severity: Error,
        title: "every image that is asked for is there, or comes along",
        why: "pods that ask for it end in ErrImagePull",
        fix: "push the images before you install, or deliver with `edk deploy`",
        bad: target!(
            "{\"name\": \"clinic\", \"build_version\": \"0.6.0\", \"images\": [\"dag-lung:0.1.0\"]}"
        ),
        says: "clinic does not have `lung-segment:0.6.0`",
        good: target!(
            "{\"name\": \"clinic\", \"build_version\": \"0.6.0\", \"images\": [\"dag-lung:0.1.0\", \"lung-segment:0.6.0\"]}"
        ),
        check: images,
    },
    Rule {
        id: "F03",
        severity: Error,
        title: "what is sent is a .tgz or a .tar",
        why: "a platform keeps any other file, and never lists or imports it",
        fix: "package charts with `edk package`, and images as a .tar",
        bad: target!("{\"files\": [[\"lung-workflow-0.1.0.tar.gz\", 1]]}"),
        says: "`lung-workflow-0.1.0.tar.gz` is neither a .tgz nor a .tar",
        good: target!("{\"files\": [[\"lung-workflow-0.1.0.tgz\", 1]]}"),
        check: |m, f| {
            for (file, _) in m.options.target.iter().flat_map(|it| &it.files) {
                if !file.ends_with(".tgz") && !file.ends_with(".tar") {
                    f.project(format!("`{file}` is neither a .tgz nor a .tar"));
                }
            }
        },
    },
    Rule {
        id: "F04",
        severity: Error,
        title: "images in an archive have the platform's names",
        why: "an import keeps the names as they are; under another one no pod finds the image",
        fix: "name them `<registry of the platform>/<image>:<version>` in the archive",
        bad: target!(
            "{\"registry_url\": \"registry.example/a\", \"archived\": [\"lung-segment:0.6.0\"]}"
        ),
        says: "`lung-segment:0.6.0` in the archive is not a name in registry.example/a",
        good: target!(
            "{\"registry_url\": \"registry.example/a\", \"archived\": [\"registry.example/a/lung-segment:0.6.0\"]}"
        ),
        check: |m, f| {
            let Some(target) = &m.options.target else { return };
            let Some(registry) = &target.registry_url else { return };
            for image in
                target.archived.iter().filter(|it| !it.starts_with(&format!("{registry}/")))
            {
                f.project(format!("`{image}` in the archive is not a name in {registry}"));
            }
        },
    },
    Rule {
        id: "F05",
        severity: Warning,
        title: "an import is done in time",
        why: "the platform gives up after 180 s, and its front door says so after 30 s",
        fix: "push to the platform's registry instead, or send fewer images at a time",
        bad: target!("{\"bytes_per_second\": 10000000, \"files\": [[\"images.tar\", 5000000000]]}"),
        says: "importing `images.tar` takes about 500 s",
        good: target!(
            "{\"bytes_per_second\": 100000000, \"files\": [[\"images.tar\", 5000000000]]}"
        ),
        check: |m, f| {
            let Some(target) = &m.options.target else { return };
            let Some(speed) = target.bytes_per_second.filter(|it| *it > 0) else { return };
            for (file, size) in target.files.iter().filter(|(it, _)| it.ends_with(".tar")) {
                let seconds = size / speed;
                if seconds > IMPORT_SECONDS {
                    f.project(format!("importing `{file}` takes about {seconds} s"));
                }
            }
        },
    },
    Rule {
        id: "F06",
        severity: Error,
        title: "the platform has room",
        why: "the upload breaks off, and a full disk stops the platform",
        fix: "have an administrator free some space",
        bad: target!(
            "{\"name\": \"clinic\", \"free_bytes\": 1000, \"files\": [[\"images.tar\", 5000000000]]}"
        ),
        says: "5000 MB are to be sent, but clinic has 0 MB left",
        good: target!(
            "{\"name\": \"clinic\", \"free_bytes\": 90000000000, \"files\": [[\"images.tar\", 5000000000]]}"
        ),
        check: |m, f| {
            let Some(target) = &m.options.target else { return };
            let Some(free) = target.free_bytes else { return };
            let size: u64 = target.files.iter().map(|(_, size)| size).sum();
            // An imported archive lies there twice.
            if size.saturating_mul(2) > free {
                let (size, free) = (size / 1_000_000, free / 1_000_000);
                f.project(format!(
                    "{size} MB are to be sent, but {} has {free} MB left",
                    name(target)
                ));
            }
        },
    },
    Rule {
        id: "F07",
        severity: Warning,
        title: "the release is not there yet",
        why: "a platform can't change a release: installing again answers that it is installed, and changes nothing",
        fix: "uninstall it first; `edk deploy` does so",
        bad: target!(
            "{\"name\": \"clinic\", \"charts\": [{\"name\": \"lung-workflow\", \"versions\": [\"0.1.0\"], \"release\": \"deployed\"}]}"
        ),
        says: "`lung-workflow` is installed on clinic",
        good: target!(
            "{\"name\": \"clinic\", \"charts\": [{\"name\": \"lung-workflow\", \"versions\": [\"0.1.0\"]}]}"
        ),
        check: |m, f| releases(m, f, &["deployed"], "is installed on"),
    },
    Rule {
        id: "F08",
        severity: Error,
        title: "no release is stuck",
        why: "a release that is failed, pending or uninstalling answers as an installed one, and does not work",
        fix: "remove it with `edk uninstall --no-hooks`",
        bad: target!(
            "{\"name\": \"clinic\", \"charts\": [{\"name\": \"lung-workflow\", \"release\": \"pending-install\"}]}"
        ),
        says: "`lung-workflow` is stuck on clinic",
        good: target!(
            "{\"name\": \"clinic\", \"charts\": [{\"name\": \"lung-workflow\", \"release\": null}]}"
        ),
        check: |m, f| releases(m, f, &STUCK, "is stuck on"),
    },
    Rule {
        id: "F09",
        severity: Warning,
        title: "the workflow is allowed in the project",
        why: "since 0.5.0 a project shows only the workflows that an administrator allowed in it",
        fix: "let an administrator add the DAG to the project's software",
        bad: target!("{\"name\": \"clinic\", \"project\": \"lung\", \"allowed\": []}"),
        says: "DAG `lung` is not allowed in the project `lung` of clinic",
        good: target!("{\"name\": \"clinic\", \"project\": \"lung\", \"allowed\": [\"lung\"]}"),
        check: |m, f| {
            let Some(target) = &m.options.target else { return };
            let Some(allowed) = &target.allowed else { return };
            let project = target.project.as_deref().unwrap_or("in use");
            for id in m.dags().iter().filter_map(|it| it.id) {
                if !allowed.iter().any(|it| it == id) {
                    f.project(format!(
                        "DAG `{id}` is not allowed in the project `{project}` of {}",
                        name(target)
                    ));
                }
            }
        },
    },
    Rule {
        id: "F10",
        severity: Warning,
        title: "an installed DAG is listed within a minute",
        why: "Airflow looks for new DAGs every 60 s; one that is missing longer could not be loaded",
        fix: "look at the log of Airflow's scheduler, and at P01",
        bad: target!("{\"name\": \"clinic\", \"dags\": [], \"installed_seconds\": 120}"),
        says: "DAG `lung` is not listed by clinic, 120 s after its installation",
        good: target!("{\"name\": \"clinic\", \"dags\": [], \"installed_seconds\": 20}"),
        check: |m, f| {
            let Some(target) = &m.options.target else { return };
            let (Some(dags), Some(seconds)) = (&target.dags, target.installed_seconds) else {
                return;
            };
            for id in m.dags().iter().filter_map(|it| it.id).filter(|_| seconds > DAG_SECONDS) {
                if !dags.iter().any(|it| it == id) {
                    f.project(format!(
                        "DAG `{id}` is not listed by {}, {seconds} s after its installation",
                        name(target)
                    ));
                }
            }
        },
    },
    Rule {
        id: "F11",
        severity: Warning,
        title: "imported images are not pulled",
        why: "with the pull policy Always the platform asks its registry for images that are only on its disk",
        fix: "set `global.pull_policy_images: IfNotPresent` in values.yaml, or push to the registry",
        bad: Example::workflow(&[
            ("(target)", "{\"pull_policy\": \"Always\", \"delivery\": \"import\"}"),
            ("extension/lung-workflow/values.yaml", "global:\n  image: dag-lung\n  action: copy\n"),
        ]),
        says: "images of `lung-workflow` are imported, but the platform pulls always",
        good: target!("{\"pull_policy\": \"Always\", \"delivery\": \"import\"}"),
        check: |m, f| {
            let Some(target) = &m.options.target else { return };
            let always = target.pull_policy.as_deref() == Some("Always");
            if !always || target.delivery != Some(Delivery::Import) {
                return;
            }
            for chart in extensions(m) {
                let own = chart.global().and_then(|it| it.get("pull_policy_images")?.as_str());
                if own != Some("IfNotPresent") {
                    let message = format!(
                        "images of `{}` are imported, but the platform pulls always",
                        chart.name()
                    );
                    f.file(&chart.path("values.yaml"), message);
                }
            }
        },
    },
    Rule {
        id: "F12",
        severity: Warning,
        title: "processing containers come from the registry on 0.6.1",
        why: "0.6.1 pulls the images of processing containers always, whatever the operator says",
        fix: "push to the platform's registry",
        bad: target!("{\"platform_version\": \"0.6.1\", \"delivery\": \"import\"}"),
        says: "image `lung-segment` is imported, but 0.6.1 pulls processing containers always",
        good: target!("{\"platform_version\": \"0.6.1\", \"delivery\": \"registry\"}"),
        check: |m, f| {
            let imports =
                m.options.target.as_ref().and_then(|it| it.delivery) == Some(Delivery::Import);
            if !imports || m.platform_version() != (0, 6, 1) {
                return;
            }
            for name in m
                .operator_images()
                .into_iter()
                .filter_map(|it| it.name)
                .filter(|it| m.image(it).is_some())
            {
                f.project(format!(
                    "image `{name}` is imported, but 0.6.1 pulls processing containers always"
                ));
            }
        },
    },
    Rule {
        id: "F13",
        severity: Error,
        title: "a project is chosen for what is launched",
        why: "a platform can't launch a multi-installable chart without a project, and answers with an error about JSON",
        fix: "choose a project of the target",
        bad: Example::application(&[("(target)", "{\"name\": \"clinic\", \"allowed\": []}")]),
        says: "`notes-chart` is launched in a project, but none of clinic is chosen",
        good: Example::application(&[(
            "(target)",
            "{\"name\": \"clinic\", \"allowed\": [], \"project\": \"lung\"}",
        )]),
        check: |m, f| {
            let Some(target) =
                m.options.target.as_ref().filter(|it| it.allowed.is_some() && it.project.is_none())
            else {
                return;
            };
            for chart in extensions(m).filter(|it| it.has("kaapanamultiinstallable")) {
                f.project(format!(
                    "`{}` is launched in a project, but none of {} is chosen",
                    chart.name(),
                    name(target)
                ));
            }
        },
    },
    Rule {
        id: "F14",
        severity: Error,
        title: "the secret of a custom registry is where it is pulled",
        why: "without it the registry refuses the pull, and the installation ends in ErrImagePull",
        fix: "install the extension New Registry with the same address first",
        bad: Example::workflow(&[
            ("(target)", "{\"pull_secrets\": [\"services/registry-secret\"]}"),
            (
                "extension/lung-workflow/values.yaml",
                "global:\n  image: dag-lung\n  action: copy\n  custom_registry_url: registry.example/own\n",
            ),
        ]),
        says: "nothing in the namespace services opens registry.example/own: there is no secret registry-secret-7c7a",
        good: target!("{\"pull_secrets\": [\"services/registry-secret\"]}"),
        check: pull_secrets,
    },
    Rule {
        id: "F15",
        severity: Hint,
        title: "users know where to look",
        why: "the list hides experimental extensions until its filter is changed",
        fix: "tell users to tick Experimental in the column Maturity",
        bad: target!("{\"hides_experimental\": true}"),
        says: "`lung-workflow` is hidden at first, because it is experimental",
        good: target!("{\"hides_experimental\": false}"),
        check: |m, f| {
            if m.options.target.as_ref().is_some_and(|it| it.hides_experimental) {
                for chart in extensions(m).filter(|it| it.has("kaapanaexperimental")) {
                    f.project(format!(
                        "`{}` is hidden at first, because it is experimental",
                        chart.name()
                    ));
                }
            }
        },
    },
];

fn name(target: &TargetProfile) -> &str {
    if target.name.is_empty() { "the platform" } else { &target.name }
}

fn images(m: &Model<'_>, f: &mut Finds) {
    let Some(target) = &m.options.target else { return };
    let Some(there) = &target.images else { return };
    let mut asked: Vec<String> = Vec::new();
    if let Some(version) = &target.build_version {
        let own = m
            .operator_images()
            .into_iter()
            .filter_map(|it| it.name)
            .filter(|it| m.image(it).is_some());
        asked.extend(own.map(|it| format!("{it}:{version}")));
    }
    for (chart, docker) in m.workflows() {
        let version = chart.chart.as_ref().map(|it| it.version()).unwrap_or_default();
        asked.push(format!("{}:{version}", docker.name.as_deref().unwrap_or_default()));
    }
    asked.sort();
    asked.dedup();
    for image in asked.iter().filter(|it| !there.contains(it)) {
        f.project(format!("{} does not have `{image}`", name(target)));
    }
}

fn releases(m: &Model<'_>, f: &mut Finds, states: &[&str], words: &str) {
    let Some(target) = &m.options.target else { return };
    for it in &target.charts {
        let is = it.release.as_deref().is_some_and(|it| states.contains(&it));
        let own = m.chart(&it.name).filter(|it| !it.has("kaapanamultiinstallable"));
        if is && own.is_some() {
            f.project(format!("`{}` {words} {}", it.name, name(target)));
        }
    }
}

fn pull_secrets(m: &Model<'_>, f: &mut Finds) {
    let Some(secrets) = m.options.target.as_ref().and_then(|it| it.pull_secrets.as_ref()) else {
        return;
    };
    for chart in extensions(m) {
        let Some(url) = chart
            .global()
            .and_then(|it| it.get("custom_registry_url")?.as_str())
            .filter(|it| !it.is_empty())
        else {
            continue;
        };
        let hex = edk_model::Digest::of(url.as_bytes()).hex();
        let secret = format!("registry-secret-{}", &hex[..4]);
        if !secrets.contains(&format!("services/{secret}")) {
            let message = format!(
                "nothing in the namespace services opens {url}: there is no secret {secret}"
            );
            f.file(&chart.path("values.yaml"), message);
        }
    }
}
