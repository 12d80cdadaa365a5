//! Projects that are checked.

use std::collections::BTreeMap;

use edk_extension::check::{self, File, Options, Tree, fix};

use crate::text;

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
