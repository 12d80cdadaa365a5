use serde_json::{Map, Value, json};

use crate::{Chart, Dependency, yaml};

impl Chart {
    /// Returns the chart and all charts in it under `version`.
    ///
    /// One version for all is what makes a workflow work: the job of a DAG installer pulls the
    /// image under the version of *its own* chart. The dependencies name the same version and no
    /// repository; a lock file, which would not fit any more, is left out. Values, templates and
    /// the user's files stay as they are.
    #[must_use]
    pub fn stamp(&self, version: &str) -> Self {
        let mut chart = self.clone();
        version.clone_into(&mut chart.metadata.version);
        for dependency in &mut chart.metadata.dependencies {
            version.clone_into(&mut dependency.version);
            dependency.repository.clear();
        }
        chart.lock = None;
        chart.files.retain(|file| file.name != "requirements.lock");
        let requirements = requirements(&chart.metadata.dependencies);
        for file in chart.files.iter_mut().filter(|file| file.name == "requirements.yaml") {
            file.data = requirements.clone().into_bytes();
        }
        chart.subcharts = chart.subcharts.iter().map(|subchart| subchart.stamp(version)).collect();
        chart
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
    use crate::{Chart, File};

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
}
