//! Files of charts, and what users see of them.

use edk_model::Severity::{Hint, Warning};

use super::{
    layout::{extensions, key},
    render::near,
};
use crate::check::{
    model::Model,
    rule::{Example, Finds, Rule, insert},
};

const CHART: &str = "extension/lung-workflow/Chart.yaml";
/// What Kubernetes and Helm store in one object.
const MOST: u64 = 1_000_000;
const MANY_VERSIONS: usize = 10;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "C32",
        severity: Warning,
        title: "launched applications leave no volumes behind",
        why: "a volume with the policy `keep` outlives each launch, and nobody uses it again",
        fix: "leave `helm.sh/resource-policy: keep` out",
        bad: Example::application(&[(
            "notes-chart/templates/volume.yaml",
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: {{ .Release.Name }}-data\n  namespace: {{ .Values.global.services_namespace }}\n  annotations:\n    helm.sh/resource-policy: keep\n",
        )]),
        says: "the volume of each launch is kept",
        good: Example::application(&[(
            "notes-chart/templates/volume.yaml",
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: {{ .Release.Name }}-data\n  namespace: {{ .Values.global.services_namespace }}\n",
        )]),
        check: |m, f| {
            for (chart, rendered) in
                m.charts.iter().filter(|(it, _)| it.has("kaapanamultiinstallable"))
            {
                for it in rendered.first.iter().filter(|it| it.kind == "PersistentVolumeClaim") {
                    if it.object["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" {
                        let inner = it.source.split_once('/').map_or("", |(_, it)| it);
                        let file = chart.path(inner);
                        let file = if m.tree.get(&file).is_some() {
                            file
                        } else {
                            chart.path("Chart.yaml")
                        };
                        f.at(
                            &file,
                            near(m, &file, &["resource-policy"]),
                            "the volume of each launch is kept",
                        );
                    }
                }
            }
        },
    },
    Rule {
        id: "C33",
        severity: Hint,
        title: "users see a name and find a documentation",
        why: "the list shows the annotation `ui-visible-name`, and its icon leads to `documentation`; without them it shows the release and leads nowhere",
        fix: "add the annotations `ui-visible-name` and `documentation`, and `appVersion`, to Chart.yaml",
        bad: Example::workflow(&[(
            CHART,
            "apiVersion: v1\nname: lung-workflow\nversion: 0.1.0\nappVersion: 0.1.0\ndescription: d\nkeywords: [kaapanaworkflow, kaapanaexperimental]\n",
        )]),
        says: "the annotations lack `ui-visible-name` and `documentation`",
        good: Example::workflow(&[]),
        check: |m, f| {
            for chart in extensions(m).filter(|it| it.chart.is_some()) {
                let lacking: Vec<String> = ["ui-visible-name", "documentation"]
                    .iter()
                    .filter(|it| chart.metadata["annotations"][**it].is_null())
                    .map(|it| format!("`{it}`"))
                    .collect();
                let file = chart.path("Chart.yaml");
                if !lacking.is_empty() {
                    let message = format!("the annotations lack {}", lacking.join(" and "));
                    f.at(&file, key(m, chart, "annotations"), message);
                }
                if chart.metadata["appVersion"].is_null() {
                    f.file(&file, "there is no `appVersion`");
                }
            }
        },
    },
    Rule {
        id: "C34",
        severity: Hint,
        title: "the maturity fits the version",
        why: "the list hides experimental extensions at first, and shows all others as ready for use",
        fix: "use the keyword kaapanaexperimental until 1.0.0, and not after",
        bad: Example::workflow(&[(
            CHART,
            "apiVersion: v1\nname: lung-workflow\nversion: 1.0.0\ndescription: d\nkeywords: [kaapanaworkflow, kaapanaexperimental]\n",
        )]),
        says: "version 1.0.0 is experimental, so the list hides it at first",
        good: Example::workflow(&[]),
        check: |m, f| {
            for chart in extensions(m) {
                let version =
                    chart.chart.as_ref().map(|it| it.version().to_owned()).unwrap_or_default();
                let Some(major) = version.split('.').next().and_then(|it| it.parse::<u64>().ok())
                else {
                    continue;
                };
                let message = match (major, chart.has("kaapanaexperimental")) {
                    (1.., true) => {
                        format!("version {version} is experimental, so the list hides it at first")
                    }
                    (0, false) if version != "0.0.0" => {
                        format!("version {version} is shown as ready for use")
                    }
                    _ => continue,
                };
                f.at(&chart.path("Chart.yaml"), key(m, chart, "keywords"), message);
            }
        },
    },
    Rule {
        id: "C35",
        severity: Warning,
        title: "a chart and its ConfigMaps stay small",
        why: "Kubernetes stores at most 1 MiB in one object, and Helm keeps the whole chart in one Secret",
        fix: "bring large files in an image",
        bad: Example::workflow(&[("extension/lung-workflow/files/atlas.txt", "!size 1900000")]),
        says: "the files of the chart have 1900 kB",
        good: Example::workflow(&[("extension/lung-workflow/files/atlas.txt", "small")]),
        check: large,
    },
    Rule {
        id: "C36",
        severity: Hint,
        title: "a chart brings what is installed, and nothing else",
        why: "pictures, pages and settings of tests travel with every upload and every release",
        fix: "name them in .helmignore",
        bad: Example::workflow(&[("extension/lung-workflow/ci-config/test.yaml", "a: 1\n")]),
        says: "`ci-config` is packed into the chart",
        good: Example::workflow(&[
            ("extension/lung-workflow/ci-config/test.yaml", "a: 1\n"),
            ("extension/lung-workflow/.helmignore", "ci-config\n"),
        ]),
        check: extra,
    },
    Rule {
        id: "C38",
        severity: Hint,
        title: "a platform has few versions of a chart",
        why: "the list reads every version of every chart, and grows slow",
        fix: "ask an administrator to remove old packages from the platform's extensions folder",
        bad: Example::workflow(&[(
            "(target)",
            "{\"charts\": [{\"name\": \"lung-workflow\", \"versions\": [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\", \"10\", \"11\"]}]}",
        )]),
        says: "the platform has 11 versions of `lung-workflow`",
        good: Example::workflow(&[(
            "(target)",
            "{\"charts\": [{\"name\": \"lung-workflow\", \"versions\": [\"1\"]}]}",
        )]),
        check: |m, f| {
            for it in m.options.target.iter().flat_map(|it| &it.charts) {
                if it.versions.len() > MANY_VERSIONS && m.chart(&it.name).is_some() {
                    f.project(format!(
                        "the platform has {} versions of `{}`",
                        it.versions.len(),
                        it.name
                    ));
                }
            }
        },
    },
    Rule {
        id: "C41",
        severity: Warning,
        title: "notes can be read by the platform",
        why: "the platform reads them as YAML: a line with two `: ` makes its status page fail, and the next installation too",
        fix: "remove templates/NOTES.txt",
        bad: Example::workflow(&[(
            "extension/lung-workflow/templates/NOTES.txt",
            "Note: all is well: enjoy\n",
        )]),
        says: "there are notes",
        good: Example::workflow(&[]),
        check: |m, f| {
            for chart in extensions(m) {
                for (name, _) in
                    chart.template_files().filter(|(name, _)| name.ends_with("NOTES.txt"))
                {
                    f.file(&chart.path(name), "there are notes");
                }
            }
        },
    },
];

fn large(m: &Model<'_>, f: &mut Finds) {
    for (chart, rendered) in m.charts.iter().filter(|(it, _)| it.is_extension()) {
        let size: u64 = chart.files.values().sum();
        // Texts shrink to about a third when they are packed.
        if size > MOST * 3 / 2 {
            f.file(
                &chart.path("Chart.yaml"),
                format!("the files of the chart have {} kB", size / 1000),
            );
        }
        for it in rendered.first.iter().filter(|it| it.kind == "ConfigMap") {
            let bytes: usize = it.object["data"]
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(_, it)| it.as_str())
                .map(str::len)
                .sum();
            if bytes as u64 > MOST {
                f.file(
                    &chart.path("Chart.yaml"),
                    format!("ConfigMap `{}` has {} kB", it.name, bytes / 1000),
                );
            }
        }
        for (name, text) in chart.template_files() {
            for (start, _) in text.match_indices(".Files.Get \"") {
                let rest = &text[start + ".Files.Get \"".len()..];
                let wanted = rest.split('"').next().unwrap_or_default();
                let path = chart.path(wanted);
                let binary = m.tree.get(&path).is_some_and(|it| it.data.contains(&0));
                if binary {
                    f.file(&chart.path(name), format!("`{wanted}` is no text and arrives broken"));
                }
            }
        }
    }
}

fn extra(m: &Model<'_>, f: &mut Finds) {
    for chart in extensions(m).filter(|_| m.tree.package.is_none()) {
        let mut told: Vec<String> = Vec::new();
        for name in chart.files.keys().filter(|it| !it.starts_with("charts/")) {
            let folder = name.split_once('/').map(|(folder, _)| folder);
            let what = match folder {
                Some(folder @ ("ci-config" | "docs" | "doc" | "tests")) => folder.to_owned(),
                _ if [".png", ".jpg", ".jpeg", ".gif"].iter().any(|it| name.ends_with(it)) => {
                    name.clone()
                }
                _ => continue,
            };
            if told.contains(&what) {
                continue;
            }
            let ignore = chart.path(".helmignore");
            let found = f.file(&chart.path(name), format!("`{what}` is packed into the chart"));
            found.edits.push(insert(&ignore, 1, format!("{what}\n")));
            told.push(what);
        }
    }
}
