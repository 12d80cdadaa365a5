use serde_json::{Map, Value, json};

use crate::{Chart, Dependency, yaml};

/// Versions that a chart gets in its package, and nowhere else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamps {
    /// Version of the chart.
    pub version: Option<String>,
    /// Version of what the chart installs.
    pub app_version: Option<String>,
    /// Which of the charts in it get the same.
    pub subcharts: Subcharts,
}

/// Some of the charts in a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Subcharts {
    /// None of them.
    #[default]
    Untouched,
    /// Those of these names, wherever they lie.
    Named(Vec<String>),
    /// All of them.
    All,
}

impl Subcharts {
    fn take(&self, name: &str) -> bool {
        match self {
            Self::Untouched => false,
            Self::Named(names) => names.iter().any(|named| named == name),
            Self::All => true,
        }
    }
}

impl Chart {
    /// Returns the chart and all charts in it under `version`.
    ///
    /// One version for all is what makes a workflow work: the job of a DAG installer pulls the
    /// image under the version of *its own* chart.
    #[must_use]
    pub fn stamp(&self, version: &str) -> Self {
        let version = Some(version.to_owned());
        self.stamped(&Stamps { version, app_version: None, subcharts: Subcharts::All })
    }

    /// Returns the chart, and the chosen charts in it, under other versions.
    ///
    /// The dependencies on stamped charts name the same version and no repository; a lock file,
    /// which would not fit any more, is left out. Values, templates and the user's files stay as
    /// they are.
    #[must_use]
    pub fn stamped(&self, stamps: &Stamps) -> Self {
        self.stamp_from(stamps, true)
    }

    fn stamp_from(&self, stamps: &Stamps, own: bool) -> Self {
        let mut chart = self.clone();
        if own {
            chart
                .metadata
                .version
                .clone_from(stamps.version.as_ref().unwrap_or(&self.metadata.version));
            let app_version = stamps.app_version.as_ref();
            chart
                .metadata
                .app_version
                .clone_from(app_version.unwrap_or(&self.metadata.app_version));
        }
        if let Some(version) = &stamps.version {
            chart.point_dependencies(version, &stamps.subcharts);
        }
        let stamp =
            |subchart: &Self| subchart.stamp_from(stamps, stamps.subcharts.take(subchart.name()));
        chart.subcharts = chart.subcharts.iter().map(stamp).collect();
        chart
    }

    /// Lets the dependencies on stamped charts ask for the stamped version.
    fn point_dependencies(&mut self, version: &str, stamped: &Subcharts) {
        let mut changed = false;
        let dependencies = self.metadata.dependencies.iter_mut();
        for dependency in dependencies.filter(|dependency| stamped.take(&dependency.name)) {
            version.clone_into(&mut dependency.version);
            dependency.repository.clear();
            changed = true;
        }
        if *stamped == Subcharts::All || changed {
            self.lock = None;
            self.files.retain(|file| file.name != "requirements.lock");
        }
        if changed {
            let text = requirements(&self.metadata.dependencies);
            for file in self.files.iter_mut().filter(|file| file.name == "requirements.yaml") {
                file.data = text.clone().into_bytes();
            }
        }
    }
}

/// Returns a `requirements.yaml` of `dependencies`, without the keys that are empty.
fn requirements(dependencies: &[Dependency]) -> String {
    let entry = |dependency: &Dependency| {
        let value = serde_json::to_value(dependency).unwrap_or_default();
        let Value::Object(mut map) = value else { return Value::Object(Map::new()) };
        map.retain(|_, value| value.as_str() != Some(""));
        Value::Object(map)
    };
    yaml::emit(&json!({ "dependencies": dependencies.iter().map(entry).collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::File;

    fn file(name: &str, text: &str) -> File {
        File { name: name.to_owned(), data: text.as_bytes().to_vec() }
    }

    #[test]
    fn the_chart_and_all_charts_in_it_get_the_version() {
        let requirements =
            "dependencies:\n- name: b\n  version: 0.0.0\n  repository: file://../b\n";
        let chart = Chart::from_files(
            "a",
            vec![
                file("Chart.yaml", "name: a\nversion: 0.0.0\n"),
                file("requirements.yaml", requirements),
                file("requirements.lock", "digest: x\n"),
                file("values.yaml", "# mine\nglobal: {}\n"),
                file("charts/b/Chart.yaml", "name: b\nversion: 0.0.0\n"),
            ],
        );
        let chart = chart.unwrap();
        let stamped = chart.stamp("1.2.3");
        assert_eq!((stamped.version(), stamped.subcharts[0].version()), ("1.2.3", "1.2.3"));
        assert_eq!(
            stamped.file("requirements.yaml").unwrap(),
            b"dependencies:\n- name: b\n  version: 1.2.3\n"
        );
        assert_eq!((stamped.lock, stamped.files.len()), (None, 1));
        assert_eq!(stamped.values_file, chart.values_file);
        assert_eq!(chart.version(), "0.0.0");
    }

    #[test]
    fn only_chosen_charts_are_stamped() {
        let chart = Chart::from_files(
            "a",
            vec![
                file(
                    "Chart.yaml",
                    "apiVersion: v2\nname: a\nversion: 0.0.0\ndependencies:\n\
                     - {name: b, version: 0.0.0}\n- {name: c, version: 0.0.0}\n",
                ),
                file("charts/b/Chart.yaml", "name: b\nversion: 0.0.0\nappVersion: x\n"),
                file("charts/c/Chart.yaml", "name: c\nversion: 0.0.0\n"),
                file("charts/c/charts/b/Chart.yaml", "name: b\nversion: 0.0.0\n"),
            ],
        );
        let stamps = Stamps {
            version: Some("1.0.0".to_owned()),
            app_version: Some("app".to_owned()),
            subcharts: Subcharts::Named(vec!["b".to_owned()]),
        };
        let stamped = chart.unwrap().stamped(&stamps);
        let [b, c] = stamped.subcharts.as_slice() else { panic!("two charts") };
        assert_eq!((stamped.version(), b.version(), c.version()), ("1.0.0", "1.0.0", "0.0.0"));
        assert_eq!((b.metadata.app_version.as_str(), c.subcharts[0].version()), ("app", "1.0.0"));
        let asked: Vec<_> = stamped.metadata.dependencies.iter().map(|it| &it.version).collect();
        assert_eq!(asked, ["1.0.0", "0.0.0"]);
        let alone = Stamps { version: Some("2.0.0".to_owned()), ..Stamps::default() };
        let alone = stamped.stamped(&alone);
        assert_eq!((alone.version(), alone.subcharts[0].version()), ("2.0.0", "1.0.0"));
    }
}
