//! Layout, names and versions.

use std::collections::BTreeMap;

use edk_model::{
    Severity::{Error, Hint, Warning},
    names,
};

use crate::check::{
    facts::{chart::ChartFacts, text::Place},
    model::Model,
    profile::Profile,
    rule::{Example, Finds, Rule, replace},
};

const CHART: &str = "extension/lung-workflow/Chart.yaml";
const VALUES: &str = "extension/lung-workflow/values.yaml";
const DAG_IMAGE: &str = "extension/docker/Dockerfile";
const IMAGE: &str = "processing-containers/lung-segment/Dockerfile";
/// A release of a multi-installable chart has a hyphen and 20 characters more.
const LAUNCHED: usize = names::MAX_CHART_NAME - 21;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "L01",
        severity: Error,
        title: "there is a chart",
        why: "a platform installs charts; without one there is nothing to install",
        fix: "add a folder with Chart.yaml and values.yaml, or start from `edk new`",
        bad: Example::workflow(&[(CHART, Example::GONE)]),
        says: "there is no Chart.yaml",
        good: Example::workflow(&[]),
        check: |m, f| {
            if m.charts.is_empty() {
                f.project("there is no Chart.yaml");
            }
        },
    },
    Rule {
        id: "L02",
        severity: Error,
        title: "the chart's name can be the name of a release",
        why: "the release is named after the chart, and each launch of a multi-installable chart adds 21 characters; Helm takes at most 53",
        fix: "use lower-case letters, digits and -, at most 53 of them (32 for a multi-installable chart)",
        bad: Example::workflow(&[(
            CHART,
            "apiVersion: v1\nname: Lung_Workflow\nversion: 0.1.0\ndescription: d\nkeywords: [kaapanaworkflow]\n",
        )]),
        says: "chart name `Lung_Workflow` contains `L`; only lower-case letters, digits and - are allowed",
        good: Example::workflow(&[(
            CHART,
            "apiVersion: v1\nname: lung-workflow\nversion: 0.1.0\ndescription: d\nkeywords: [kaapanaworkflow]\n",
        )]),
        check: chart_name,
    },
    Rule {
        id: "L03",
        severity: Error,
        title: "the version is MAJOR.MINOR.PATCH, and the package is named after it",
        why: "the platform compares versions part by part and reads the package as `<name>-<version>.tgz`; what it can't compare or find breaks its list for everybody",
        fix: "use three plain numbers, and package the chart with `edk package`",
        bad: Example::workflow(&[(
            CHART,
            "apiVersion: v1\nname: lung-workflow\nversion: 0.1.0-rc1\ndescription: d\nkeywords: [kaapanaworkflow]\n",
        )]),
        says: "version `0.1.0-rc1` is not MAJOR.MINOR.PATCH of plain numbers, such as 0.1.0",
        good: Example::workflow(&[(
            CHART,
            "apiVersion: v1\nname: lung-workflow\nversion: 0.1.0\ndescription: d\nkeywords: [kaapanaworkflow]\n",
        )]),
        check: chart_version,
    },
    Rule {
        id: "L04",
        severity: Warning,
        title: "the version is no longer 0.0.0",
        why: "two uploads of one version replace each other without a word, and a platform that has installed one keeps its old images",
        fix: "give the chart a version of its own, or name one with `--version`",
        bad: Example::workflow(&[(
            CHART,
            "apiVersion: v1\nname: lung-workflow\nversion: \"0.0.0\"\ndescription: d\nkeywords: [kaapanaworkflow]\n",
        )]),
        says: "chart `lung-workflow` still has the version 0.0.0",
        good: Example::workflow(&[]),
        check: |m, f| {
            for chart in extensions(m).filter(|it| version(it) == "0.0.0" && !m.is_platform) {
                let message = format!("chart `{}` still has the version 0.0.0", chart.name());
                f.at(&chart.path("Chart.yaml"), key(m, chart, "version"), message);
            }
        },
    },
    Rule {
        id: "L05",
        severity: Error,
        title: "an image has a plain name",
        why: "the platform puts its registry before the name and a version behind it; with anything else the reference is invalid",
        fix: "use lower-case letters and digits with single . _ - between them; no registry and no tag",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"registry/lung-segment:1\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "image name `registry/lung-segment:1` is not an image name; use lower-case letters and digits with single . _ - between them",
        good: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        check: |m, f| {
            for docker in &m.dockers {
                let Some(name) = &docker.name else { continue };
                if let Err(reason) = names::image_name(name) {
                    let place = docker.name_place(m.text(&docker.path));
                    f.at(&docker.path, place, format!("image name `{name}` {reason}"));
                }
            }
        },
    },
    Rule {
        id: "L06",
        severity: Error,
        title: "an image's name is its own",
        why: "two images of one name overwrite each other in the registry, and one of the platform's would be replaced for every user",
        fix: "give the image another name, such as one that begins with the extension's",
        bad: Example::workflow(&[(
            "processing-containers/more/Dockerfile",
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"pyradiomics\"\nCMD [\"true\"]\n",
        )]),
        says: "image `pyradiomics` would replace the platform's image of that name",
        good: Example::workflow(&[(
            "processing-containers/more/Dockerfile",
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-radiomics\"\nCMD [\"true\"]\n",
        )]),
        check: image_twins,
    },
    Rule {
        id: "L07",
        severity: Warning,
        title: "a chart's name is its own",
        why: "charts of one name are versions of one extension in the platform's list: users would install yours in place of the other",
        fix: "give the chart another name",
        bad: Example::workflow(&[(
            CHART,
            "apiVersion: v1\nname: radiomics-workflow\nversion: 0.1.0\ndescription: d\nkeywords: [kaapanaworkflow]\n",
        )]),
        says: "chart `radiomics-workflow` has the name of one that comes with the platform",
        good: Example::workflow(&[]),
        check: chart_twins,
    },
    Rule {
        id: "L08",
        severity: Error,
        title: "a registry is a host with a path, without a scheme",
        why: "the name of every image begins with it; `https://` or capital letters make the reference invalid",
        fix: "write it as `registry.example/group`",
        bad: Example::workflow(&[(
            VALUES,
            "global:\n  image: dag-lung\n  action: copy\n  custom_registry_url: \"https://registry.example/group\"\n",
        )]),
        says: "registry `https://registry.example/group` has a scheme or capital letters",
        good: Example::workflow(&[(
            VALUES,
            "global:\n  image: dag-lung\n  action: copy\n  custom_registry_url: \"registry.example/group\"\n",
        )]),
        check: registry,
    },
    Rule {
        id: "L09",
        severity: Warning,
        title: "no folder is left out by the platform's build script",
        why: "up to 0.6.0 the script skips every path in which the letters `ci` occur, and says nothing",
        fix: "move the folder, or give the script other patterns to ignore; `edk build` has no such pattern",
        bad: Example::workflow(&[
            ("(target)", "{\"official_build\": true}"),
            (
                "processing-containers/decision/Dockerfile",
                "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-decision\"\nCMD [\"true\"]\n",
            ),
        ]),
        says: "the platform's build script skips this path, because `ci` occurs in it",
        good: Example::workflow(&[(
            "processing-containers/choice/Dockerfile",
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-choice\"\nCMD [\"true\"]\n",
        )]),
        check: |m, f| {
            if !m.options.target.as_ref().is_some_and(|it| it.official_build)
                || m.platform_version() > (0, 6, 0)
            {
                return;
            }
            for docker in m.dockers.iter().filter(|it| it.path.contains("ci")) {
                f.file(
                    &docker.path,
                    "the platform's build script skips this path, because `ci` occurs in it",
                );
            }
        },
    },
    Rule {
        id: "L10",
        severity: Hint,
        title: "folders are where others look for them",
        why: "the platform's documentation and its in-browser tool expect `extension/docker` and `processing-containers/<image>`",
        fix: "move the folder, when others work on the extension with other tools",
        bad: Example::workflow(&[
            (DAG_IMAGE, Example::GONE),
            (
                "dags/Dockerfile",
                "FROM local-only/base-installer:latest\nLABEL IMAGE=\"dag-lung\"\nCOPY files/ /kaapana/tmp/dags/\n",
            ),
            ("dags/files/x.txt", "x"),
        ]),
        says: "the DAG image lies in `dags`, not in `extension/docker`",
        good: Example::workflow(&[]),
        check: folders,
    },
];

/// Charts that a platform lists.
pub(super) fn extensions<'m>(m: &'m Model<'_>) -> impl Iterator<Item = &'m ChartFacts> {
    m.charts.iter().map(|(chart, _)| &**chart).filter(|it| it.is_extension())
}

/// The line of a key of `Chart.yaml`.
pub(super) fn key(m: &Model<'_>, chart: &ChartFacts, key: &str) -> Option<Place> {
    let text = m.text(&chart.path("Chart.yaml"));
    Place::where_line(text, |line| {
        line.strip_prefix(key).is_some_and(|it| it.trim_start().starts_with(':'))
    })
}

fn version(chart: &ChartFacts) -> String {
    let loaded = chart.chart.as_ref().map(|it| it.version().to_owned());
    loaded.unwrap_or_default()
}

fn folders(m: &Model<'_>, f: &mut Finds) {
    let shown = |folder: &str| if folder.is_empty() { "." } else { folder }.to_owned();
    for docker in m.dag_images().filter(|it| !it.context().ends_with("extension/docker")) {
        let folder = shown(docker.context());
        let message = format!("the DAG image lies in `{folder}`, not in `extension/docker`");
        f.file(&docker.path, message);
    }
    let uses = m.operator_images();
    let used = |name: &str| uses.iter().any(|it| it.name.as_deref() == Some(name));
    for docker in m.dockers.iter().filter(|it| !it.is_dag_image()) {
        let Some(name) = docker.name.as_deref().filter(|name| used(name)) else { continue };
        let folder = docker.context();
        if folder.split('/').rev().nth(1) != Some("processing-containers") {
            let folder = shown(folder);
            let message = format!(
                "the image `{name}` lies in `{folder}`, not in a folder of `processing-containers`"
            );
            f.file(&docker.path, message);
        }
    }
}

fn chart_name(m: &Model<'_>, f: &mut Finds) {
    for (chart, _) in m
        .charts
        .iter()
        .filter(|(it, _)| it.chart.is_some() && (it.is_extension() || !it.is_internal()))
    {
        let most =
            if chart.has("kaapanamultiinstallable") { LAUNCHED } else { names::MAX_CHART_NAME };
        // Library charts may have an underscore: they are no releases.
        if !chart.is_extension() {
            continue;
        }
        if let Err(reason) = names::dns_label(chart.name(), most) {
            let message = format!("chart name `{}` {reason}", chart.name());
            f.at(&chart.path("Chart.yaml"), key(m, chart, "name"), message);
        }
    }
}

fn chart_version(m: &Model<'_>, f: &mut Finds) {
    for chart in m
        .charts
        .iter()
        .map(|(it, _)| it)
        .filter(|it| it.chart.is_some() && (it.is_extension() || m.tree.package.is_some()))
    {
        let version = version(chart);
        if let Err(reason) = names::plain_version(&version) {
            f.at(
                &chart.path("Chart.yaml"),
                key(m, chart, "version"),
                format!("version `{version}` {reason}"),
            );
        }
        let expected = format!("{}-{version}.tgz", chart.name());
        if let Some(package) = m.tree.package.as_ref().filter(|it| **it != expected) {
            f.file(
                &chart.path("Chart.yaml"),
                format!("the package is called `{package}`, not `{expected}`"),
            );
        }
    }
}

fn image_twins(m: &Model<'_>, f: &mut Finds) {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for docker in &m.dockers {
        let Some(name) = docker.name.as_deref() else { continue };
        let place = docker.name_place(m.text(&docker.path));
        if let Some(other) = first.get(name) {
            f.at(&docker.path, place, format!("image `{name}` is also made by {other}"));
        } else if !m.is_platform && !docker.is_base() && Profile::has(&m.profile.images, name) {
            f.at(
                &docker.path,
                place,
                format!("image `{name}` would replace the platform's image of that name"),
            );
        } else {
            first.insert(name, &docker.path);
        }
    }
}

fn chart_twins(m: &Model<'_>, f: &mut Finds) {
    let mut first: BTreeMap<&str, String> = BTreeMap::new();
    for (chart, _) in m.charts.iter().filter(|(it, _)| !it.name().is_empty()) {
        let (file, name) = (chart.path("Chart.yaml"), chart.name());
        if let Some(other) = first.get(name) {
            f.at(&file, key(m, chart, "name"), format!("chart `{name}` is also made by {other}"));
        } else if !m.is_platform && chart.is_extension() && Profile::has(&m.profile.charts, name) {
            f.at(
                &file,
                key(m, chart, "name"),
                format!("chart `{name}` has the name of one that comes with the platform"),
            );
        } else {
            first.insert(name, file);
        }
    }
}

fn registry(m: &Model<'_>, f: &mut Finds) {
    let wrong = |url: &str| url.contains("://") || url.chars().any(char::is_uppercase);
    for (chart, _) in &m.charts {
        let url = chart.global().and_then(|it| it.get("custom_registry_url")?.as_str());
        let Some(url) = url.filter(|it| wrong(it) && !it.contains("{{")) else { continue };
        let file = chart.path("values.yaml");
        let place = Place::find(m.text(&file), url);
        let found = f.at(&file, place, format!("registry `{url}` has a scheme or capital letters"));
        if let (Some(place), Some((_, host))) = (place, url.split_once("://"))
            && !wrong(host)
        {
            found.edits.push(replace(&file, place, host));
        }
    }
    let url = m.options.target.as_ref().and_then(|it| it.registry_url.as_deref());
    if let Some(url) = url.filter(|it| wrong(it)) {
        f.project(format!("registry `{url}` has a scheme or capital letters"));
    }
}
