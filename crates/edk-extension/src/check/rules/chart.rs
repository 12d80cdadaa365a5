//! Charts: what the platform reads of them before it renders anything.

use std::collections::BTreeSet;

use edk_chart::{Chart, Sources, yaml};
use edk_model::{
    Severity::{Error, Hint, Warning},
    names,
};

use super::layout::{extensions, key};
use crate::check::{
    facts::{chart::ChartFacts, text::Place},
    model::Model,
    profile::Profile,
    rule::{Example, Finds, Rule, insert, replace},
    tree::join,
};

const CHART: &str = "extension/lung-workflow/Chart.yaml";
const VALUES: &str = "extension/lung-workflow/values.yaml";
const NEEDS: &str = "extension/lung-workflow/requirements.yaml";
const TASKS: &str = "workflow-chart/Chart.yaml";
const DEPLOYMENT: &str = "notes-chart/templates/deployment.yaml";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "C01",
        severity: Error,
        title: "the chart says what it is",
        why: "the platform lists only charts with the keyword kaapanaworkflow or kaapanaapplication",
        fix: "add one of the two to `keywords` in Chart.yaml",
        bad: Example::workflow(&[(
            CHART,
            "apiVersion: v1\nname: lung-workflow\nversion: 0.1.0\ndescription: d\nkeywords: [lung]\n",
        )]),
        says: "chart `lung-workflow` has no keyword that the platform lists",
        good: Example::workflow(&[]),
        check: keywords,
    },
    Rule {
        id: "C02",
        severity: Error,
        title: "a chart of the Task API is listed",
        why: "the list of extensions does not know kaapanaworkflow-v2: with this keyword alone the chart is never shown",
        fix: "add the keyword kaapanaworkflow, or install it over the API only",
        bad: Example::tasks(&[(
            TASKS,
            "apiVersion: v2\nname: smoothing-workflow\nversion: 0.1.0\ndescription: d\nkeywords:\n  - kaapanaworkflow-v2\ndependencies:\n  - name: workflow-helpers\n    version: 0.0.0\n",
        )]),
        says: "the keyword kaapanaworkflow-v2 alone is not listed",
        good: Example::tasks(&[]),
        check: |m, f| {
            for chart in extensions(m).filter(|it| it.has("kaapanaworkflow-v2")) {
                if !chart.has("kaapanaworkflow") && !chart.has("kaapanaapplication") {
                    let (file, text) =
                        (chart.path("Chart.yaml"), m.text(&chart.path("Chart.yaml")));
                    let item = Place::where_line(text, |it| it.trim() == "- kaapanaworkflow-v2");
                    let found = f.at(
                        &file,
                        item.or(key(m, chart, "keywords")),
                        "the keyword kaapanaworkflow-v2 alone is not listed",
                    );
                    if let Some(place) = item {
                        let blanks = " ".repeat(place.start.1 - 1);
                        found.edits.push(insert(
                            &file,
                            place.start.0,
                            format!("{blanks}- kaapanaworkflow\n"),
                        ));
                    }
                }
            }
        },
    },
    Rule {
        id: "C03",
        severity: Error,
        title: "values.yaml has `global`",
        why: "the platform fails to list its extensions once, for everybody, and never lists the chart",
        fix: "add values.yaml with `global: {}`",
        bad: Example::workflow(&[(VALUES, "image: dag-lung\n")]),
        says: "values.yaml has no map `global`",
        good: Example::workflow(&[]),
        check: global,
    },
    Rule {
        id: "C04",
        severity: Error,
        title: "`global.image` names the DAG image",
        why: "the installation pulls this image and names its Jobs after it; any other image ends in ErrImagePull or installs nothing",
        fix: "write the LABEL IMAGE of the image that stands on local-only/base-installer; at most 56 lower-case letters, digits and -",
        bad: Example::workflow(&[(VALUES, "global:\n  image: \"dag-lnug\"\n  action: \"copy\"\n")]),
        says: "`global.image` names `dag-lnug`, which is no DAG image of the project",
        good: Example::workflow(&[]),
        check: dag_image,
    },
    Rule {
        id: "C05",
        severity: Error,
        title: "a workflow needs dag-installer-chart first",
        why: "the platform's build script looks at the first dependency to see that the chart is a workflow; its operators' images are not built otherwise",
        fix: "put `dag-installer-chart` first into requirements.yaml",
        bad: Example::workflow(&[(NEEDS, "dependencies: []\n")]),
        says: "the first dependency is not dag-installer-chart",
        good: Example::workflow(&[]),
        check: |m, f| {
            for chart in extensions(m).filter(|it| is_v1(it) && it.chart.is_some()) {
                if chart.dependencies().next().map(|(name, _)| name) != Some("dag-installer-chart")
                {
                    let file = needs_file(m, chart);
                    f.file(&file, "the first dependency is not dag-installer-chart");
                }
            }
        },
    },
    Rule {
        id: "C06",
        severity: Error,
        title: "every dependency can be found",
        why: "the chart can't be packaged without the charts it needs",
        fix: "correct the name, or put the chart into the project",
        bad: Example::workflow(&[(
            NEEDS,
            "dependencies:\n  - name: dag-installer-chart\n    version: 0.0.0\n  - name: lung-helpers\n    version: 0.0.0\n",
        )]),
        says: "nobody has the chart `lung-helpers`",
        good: Example::workflow(&[]),
        check: dependencies,
    },
    Rule {
        id: "C07",
        severity: Warning,
        title: "no dependency lies in the in-platform editor",
        why: "`file:///kaapana/app` exists only inside the platform on which the chart was edited",
        fix: "remove `repository:`; dependencies are found by their names",
        bad: Example::workflow(&[(
            NEEDS,
            "dependencies:\n  - name: dag-installer-chart\n    version: 0.0.0\n    repository: file:///kaapana/app/kaapana/services/utils/dag-installer-chart\n",
        )]),
        says: "the repository `file:///kaapana/app/kaapana/services/utils/dag-installer-chart` is a path of another machine",
        good: Example::workflow(&[]),
        check: |m, f| {
            for (chart, _) in &m.charts {
                for (_, repository) in
                    chart.dependencies().filter(|(_, it)| it.starts_with("file:///"))
                {
                    let file = needs_file(m, chart);
                    let text = m.text(&file);
                    let place = Place::where_line(text, |it| it.contains(repository));
                    let message =
                        format!("the repository `{repository}` is a path of another machine");
                    let found = f.at(&file, place, message);
                    if let Some(place) = place.filter(|it| {
                        !text
                            .lines()
                            .nth(it.start.0 - 1)
                            .unwrap_or_default()
                            .trim_start()
                            .starts_with('-')
                    }) {
                        found.edits.push(crate::check::rule::remove_line(&file, place.start.0));
                    }
                }
            }
        },
    },
    Rule {
        id: "C08",
        severity: Error,
        title: "the DAG image has the tag that the installation asks for",
        why: "the Job pulls the DAG image under the version of the dag-installer-chart inside the package, which is not that of the chart around it",
        fix: "package with `edk package` or `edk deploy`, which give both one version and push the image under it",
        bad: Example::workflow(&[
            ("(package)", "lung-workflow-0.1.0.tgz"),
            (
                "extension/lung-workflow/charts/dag-installer-chart/Chart.yaml",
                "apiVersion: v1\nname: dag-installer-chart\nversion: 0.0.0\ndescription: d\n",
            ),
        ]),
        says: "the Job pulls `dag-lung:0.0.0`, but the version of the chart is 0.1.0",
        good: Example::workflow(&[
            ("(package)", "lung-workflow-0.1.0.tgz"),
            (
                "extension/lung-workflow/charts/dag-installer-chart/Chart.yaml",
                "apiVersion: v1\nname: dag-installer-chart\nversion: 0.1.0\ndescription: d\n",
            ),
        ]),
        check: |m, f| {
            if m.tree.package.is_none() {
                return;
            }
            for chart in extensions(m) {
                let Some(whole) = &chart.chart else { continue };
                let Some(installer) = whole.subchart("dag-installer-chart") else { continue };
                let image = whole.values["global"]["image"].as_str().unwrap_or_default();
                let (asked, own) = (installer.version(), whole.version());
                if asked != own && !image.is_empty() {
                    let file = chart.path("charts/dag-installer-chart/Chart.yaml");
                    f.file(
                        &file,
                        format!(
                            "the Job pulls `{image}:{asked}`, but the version of the chart is {own}"
                        ),
                    );
                }
            }
        },
    },
    Rule {
        id: "C09",
        severity: Error,
        title: "every included template is defined",
        why: "rendering stops at an `include` of a name that nobody defines",
        fix: "define it, or add the chart that does (such as kaapana-library-chart) to the dependencies",
        bad: Example::application(&[(
            "notes-chart/templates/extra.yaml",
            "{{ include \"notes.extra\" . }}\n",
        )]),
        says: "nobody defines the template `notes.extra`",
        good: Example::application(&[(
            "notes-chart/templates/extra.yaml",
            "{{ define \"notes.extra\" }}{{ end }}{{ include \"notes.extra\" . }}\n",
        )]),
        check: includes,
    },
    Rule {
        id: "C39",
        severity: Error,
        title: "the chart has a description",
        why: "the platform can't list any extension, for anybody, while a chart without a description is uploaded",
        fix: "add one sentence as `description` to Chart.yaml",
        bad: Example::workflow(&[(
            CHART,
            "apiVersion: v1\nname: lung-workflow\nversion: 0.1.0\nkeywords: [kaapanaworkflow]\n",
        )]),
        says: "the chart has no description",
        good: Example::workflow(&[]),
        check: |m, f| {
            for chart in extensions(m).filter(|it| it.chart.is_some()) {
                if chart.metadata["description"].as_str().is_none_or(|it| it.trim().is_empty()) {
                    f.at(
                        &chart.path("Chart.yaml"),
                        key(m, chart, "description"),
                        "the chart has no description",
                    );
                }
            }
        },
    },
    Rule {
        id: "C40",
        severity: Error,
        title: "a chart of apiVersion v2 has no requirements.yaml",
        why: "Helm ignores the file and warns, which platforms up to 0.5.0 take for a failure",
        fix: "move the dependencies to Chart.yaml",
        bad: Example::workflow(&[(
            CHART,
            "apiVersion: v2\nname: lung-workflow\nversion: 0.1.0\ndescription: d\nkeywords: [kaapanaworkflow]\n",
        )]),
        says: "the chart has apiVersion v2 and a requirements.yaml",
        good: Example::workflow(&[]),
        check: |m, f| {
            for (chart, _) in &m.charts {
                if chart.metadata["apiVersion"] == "v2"
                    && chart.files.contains_key("requirements.yaml")
                {
                    let file = chart.path("requirements.yaml");
                    f.file(&file, "the chart has apiVersion v2 and a requirements.yaml");
                }
            }
        },
    },
    Rule {
        id: "C42",
        severity: Error,
        title: "keywords can be labels",
        why: "each becomes the label `kaapana.ai/<keyword>` of the release; with other characters the installation fails",
        fix: "use letters, digits, - _ and ., at most 63",
        bad: Example::workflow(&[(
            CHART,
            "apiVersion: v1\nname: lung-workflow\nversion: 0.1.0\ndescription: d\nkeywords: [kaapanaworkflow, lung cancer]\n",
        )]),
        says: "the keyword `lung cancer` can't be a label",
        good: Example::workflow(&[]),
        check: |m, f| {
            for chart in extensions(m) {
                for word in chart.keywords() {
                    let letter = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                    let ends = word.starts_with(|c: char| c.is_ascii_alphanumeric())
                        && word.ends_with(|c: char| c.is_ascii_alphanumeric());
                    if !word.chars().all(letter) || word.len() > 63 || !ends {
                        let message = format!("the keyword `{word}` can't be a label");
                        f.at(&chart.path("Chart.yaml"), key(m, chart, "keywords"), message);
                    }
                }
            }
        },
    },
    Rule {
        id: "C43",
        severity: Error,
        title: "nothing else keeps the chart from being delivered",
        why: "the same checks are made before a chart is sent; it would be refused there",
        fix: "see the message",
        bad: Example::application(&[("notes-chart/values.yaml", "global: []\n"), (DEPLOYMENT, "")]),
        says: "`global` is no map",
        good: Example::application(&[]),
        check: foreign,
    },
];

/// Errors of the preflight which no rule here tells with more of its context.
const ALONE: [&str; 6] = [
    "platform/global",
    "platform/keyword-label",
    "platform/parameter-dots",
    "platform/parameter-key",
    "platform/parameter-namespace",
    "platform/parameter-unsendable",
];

fn foreign(m: &Model<'_>, f: &mut Finds) {
    for (_, rendered) in m.charts.iter().filter(|(chart, _)| chart.is_extension()) {
        let told = rendered.preflight.iter();
        for found in told.filter(|it| it.severity == Error && ALONE.contains(&it.rule.as_str())) {
            // That there is none at all is C03's.
            if found.rule == "platform/global" && !found.message.contains("no map") {
                continue;
            }
            f.told(found.file.as_deref().unwrap_or_default(), found);
        }
    }
}

/// Says whether a chart is a workflow of the first kind, which brings DAGs in an image.
pub(super) fn is_v1(chart: &ChartFacts) -> bool {
    let is_task = chart.has("kaapanaworkflow-v2")
        || chart.dependencies().any(|(name, _)| name == "workflow-helpers");
    chart.has("kaapanaworkflow") && !is_task
}

/// The file that lists the dependencies.
pub(super) fn needs_file(m: &Model<'_>, chart: &ChartFacts) -> String {
    let own = chart.path("requirements.yaml");
    if m.tree.get(&own).is_some() { own } else { chart.path("Chart.yaml") }
}

/// Charts that another one needs, or that a DAG launches.
fn needed(m: &Model<'_>) -> BTreeSet<String> {
    let dependencies = m.charts.iter().flat_map(|(chart, _)| chart.dependencies());
    let mut needed: BTreeSet<String> = dependencies.map(|(name, _)| name.to_owned()).collect();
    let code = m.dag_code().into_iter().map(|it| m.text(&it.path).to_owned()).collect::<Vec<_>>();
    let named = m
        .charts
        .iter()
        .map(|(chart, _)| chart.name())
        .filter(|name| code.iter().any(|it| it.contains(*name)));
    needed.extend(named.map(str::to_owned));
    needed
}

fn keywords(m: &Model<'_>, f: &mut Finds) {
    let needed = needed(m);
    for (chart, _) in m.charts.iter().filter(|(it, _)| it.chart.is_some()) {
        let part = m.is_platform || chart.is_internal() || needed.contains(chart.name());
        if chart.is_extension() || part || Profile::has(&m.profile.charts, chart.name()) {
            continue;
        }
        let message = format!("chart `{}` has no keyword that the platform lists", chart.name());
        f.at(&chart.path("Chart.yaml"), key(m, chart, "keywords"), message);
    }
}

fn global(m: &Model<'_>, f: &mut Finds) {
    for chart in extensions(m).filter(|it| it.chart.is_some()) {
        let file = chart.path("values.yaml");
        let Some(text) = m.tree.text(&file) else {
            let found = f.file(&chart.path("Chart.yaml"), "there is no values.yaml");
            found.edits.push(insert(&file, 1, "global: {}\n"));
            continue;
        };
        let documents = yaml::parse_all(text, &file).unwrap_or_default();
        if documents.len() > 1 {
            f.file(&file, "values.yaml has several documents");
        }
        if chart.global().is_none() {
            let absent = chart.values().get("global").is_none();
            let found = f.file(&file, "values.yaml has no map `global`");
            let blank = text.trim().is_empty()
                || text.lines().any(|it| it.starts_with(|c: char| c.is_alphabetic()));
            if absent && documents.len() <= 1 && blank && !text.starts_with("---") {
                found.edits.push(insert(&file, 1, "global: {}\n"));
            }
        }
    }
}

fn dag_image(m: &Model<'_>, f: &mut Finds) {
    for chart in extensions(m).filter(|it| is_v1(it) && it.chart.is_some()) {
        let file = chart.path("values.yaml");
        let Some(name) = chart.global().and_then(|it| it.get("image")).and_then(|it| it.as_str())
        else {
            if chart.global().is_some() {
                f.file(&file, "there is no `global.image`");
            }
            continue;
        };
        let place = Place::where_line(m.text(&file), |it| it.trim_start().starts_with("image:"));
        if let Err(reason) = names::dns_label(name, names::MAX_DAG_IMAGE_NAME) {
            f.at(&file, place, format!("`global.image`: `{name}` {reason}"));
        } else if m.tree.package.is_none() && !m.image(name).is_some_and(|it| it.is_dag_image()) {
            let message =
                format!("`global.image` names `{name}`, which is no DAG image of the project");
            let own: Vec<&String> = m.dag_images().filter_map(|it| it.name.as_ref()).collect();
            let found = f.at(&file, place, message);
            if let [only] = own[..] {
                found.fix = Some(format!("write `{only}`, the DAG image of the project"));
            }
        }
    }
}

fn dependencies(m: &Model<'_>, f: &mut Finds) {
    let bundled = Sources::bundled();
    for (chart, rendered) in &m.charts {
        let file = needs_file(m, chart);
        for (name, repository) in chart.dependencies() {
            let place = Place::where_line(m.text(&file), |it| {
                it.contains(&format!("name: {name}")) || it.contains(&format!("name: \"{name}\""))
            });
            if rendered.missing.iter().any(|it| it == name) {
                let known = Profile::has(&m.profile.charts, name);
                let message = match known {
                    true => format!("chart `{name}` is a part of every platform, but not here"),
                    false => format!("nobody has the chart `{name}`"),
                };
                let found = f.at(&file, place, message);
                if known {
                    found.severity = Hint;
                    found.fix = Some(
                        "take it from a checkout or from the platform before you package"
                            .to_owned(),
                    );
                }
                continue;
            }
            let Some(path) = repository.strip_prefix("file://").filter(|it| !it.starts_with('/'))
            else {
                continue;
            };
            let there = join(&chart.folder, path)
                .filter(|it| m.tree.get(&format!("{it}/Chart.yaml")).is_some());
            if there.is_none() && (m.chart(name).is_some() || bundled.iter().any(|it| it == name)) {
                let place = Place::find(m.text(&file), repository);
                let message = format!(
                    "`{repository}` leads nowhere; the chart `{name}` is found by its name"
                );
                let found = f.at(&file, place, message);
                found.severity = Warning;
                found.fix = Some("correct the path, or remove `repository:`".to_owned());
                if let (Some(place), Some(own)) = (place, m.chart(name)) {
                    let path = relative(&chart.folder, &own.folder);
                    found.edits.push(replace(&file, place, format!("file://{path}")));
                }
            }
        }
    }
}

/// The way from one folder to another.
fn relative(from: &str, to: &str) -> String {
    let parts = |path: &str| {
        path.split('/').filter(|it| !it.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let (from, to) = (parts(from), parts(to));
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - common);
    up.chain(to[common..].iter().cloned()).collect::<Vec<_>>().join("/")
}

/// Names in `define`, `include` or `template`.
fn named<'t>(text: &'t str, word: &str) -> Vec<(&'t str, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find(word) {
        let start = at + next + word.len();
        at = start;
        let rest = text[start..].trim_start();
        let Some(rest) = rest.strip_prefix('"') else { continue };
        if let Some(end) = rest.find('"') {
            found.push((&rest[..end], text.len() - rest.len()));
        }
    }
    found
}

fn defines(chart: &Chart, depth: usize) -> Vec<String> {
    let texts = chart.templates.iter().map(|it| String::from_utf8_lossy(&it.data).into_owned());
    let mut found: Vec<String> = texts
        .flat_map(|text| {
            let names = named(&text, "define").into_iter().chain(named(&text, "block"));
            names.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
        })
        .collect();
    if depth < 8 {
        found.extend(chart.subcharts.iter().flat_map(|it| defines(it, depth + 1)));
    }
    found
}

fn includes(m: &Model<'_>, f: &mut Finds) {
    let library = |name: &str| Profile::has(&m.profile.library_charts, name);
    for chart in m.charts.iter().map(|(it, _)| it).filter(|it| it.is_extension()) {
        let Some(whole) = &chart.chart else { continue };
        let mut known: BTreeSet<String> = defines(whole, 0).into_iter().collect();
        let mut sure = true;
        for (name, _) in chart.dependencies() {
            match m.chart(name).and_then(|it| it.chart.as_ref()) {
                Some(own) => known.extend(defines(own, 0)),
                None if library(name) => known.extend(m.profile.helpers.iter().cloned()),
                // What a chart that nobody has would define is told by C06.
                None => sure &= name == "dag-installer-chart" || whole.subchart(name).is_some(),
            }
        }
        for (name, text) in chart.template_files().filter(|_| sure) {
            for (target, at) in named(text, "include ").into_iter().chain(named(text, "template "))
            {
                if !known.contains(target) && !target.is_empty() {
                    let place = Place::bytes(text, at, at + target.len());
                    f.at(
                        &chart.path(name),
                        place,
                        format!("nobody defines the template `{target}`"),
                    );
                }
            }
        }
    }
}
