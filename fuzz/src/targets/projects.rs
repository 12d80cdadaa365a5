//! Projects that are checked.

use std::collections::BTreeMap;

use edk_extension::check::{self, File, Options, Tree, fix};

use crate::{tars, text};

/// A whole project: checked, and mended.
pub(super) fn project(data: &[u8]) {
    let files = text::files(data);
    let tree = Tree::of(files.iter().map(|(path, data)| File::new(path, data)));
    let report = check::check(&tree, &Options::default());
    for finding in &report.findings {
        let _ = check::page::severity(finding.severity);
    }
    let fixed = fix::plan(&tree, &report.findings);
    let mended = fix::applied(tree, &fixed);
    check::check(&mended, &Options::default());
}

/// A file that gets into an image: it is looked into for patient data and secrets.
pub(super) fn guard(data: &[u8]) {
    let dockerfile = b"FROM scratch\nCOPY data /data\n";
    let data = tars::mended(data);
    let tree = Tree::of([File::new("Dockerfile", dockerfile), File::new("data", &data)]);
    let only = vec!["G".to_owned()];
    let report = check::check(&tree, &Options { only, ..Options::default() });
    for finding in report.findings {
        assert_eq!(finding.file.as_deref(), Some("data"), "a finding is about another file");
        assert!(!finding.message.contains(char::is_control), "{:?}", finding.message);
    }
}

/// Python that may make DAGs.
pub(super) fn dag(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (dags, _) = edk_extension::read_dags(&text, "dag.py");
    let given = dags.iter().flat_map(|dag| dag.questions());
    let given: BTreeMap<String, String> =
        given.map(|(name, _)| (name.clone(), "[1, 'a']".to_owned())).collect();
    let _ = edk_extension::form_values(&dags, &given);
    let _ = edk_extension::form_values(&dags, &BTreeMap::new());
}
