//! Templates from which extensions are scaffolded.

use std::{collections::BTreeMap, fs, path::Component, path::Path};

use edk_template::Catalog;

use crate::text;

/// A folder of a template; the file `answers` has the answers, a line each.
pub(super) fn scaffold(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let mut given = BTreeMap::new();
    for (path, content) in text::files(data) {
        if path == "answers" {
            let text = String::from_utf8_lossy(&content);
            let lines = text.lines().filter_map(|line| line.split_once('='));
            given.extend(lines.map(|(id, answer)| (id.to_owned(), answer.to_owned())));
        } else {
            put(&folder.path().join("t"), Path::new(&path), &content);
        }
    }
    let Ok(catalog) = Catalog::open(&folder.path().join("t")) else { return };
    for template in catalog.templates() {
        let answers = template.answer(&given).or_else(|_| template.answer(&BTreeMap::new()));
        let Ok(answers) = answers else { continue };
        let Ok(plan) = template.plan(&answers) else { continue };
        let dest = folder.path().join("dest");
        let conflicts = plan.compare(&dest);
        assert!(conflicts.is_empty(), "conflicts with nothing: {conflicts:?}");
        for file in &plan.files {
            assert!(plain(Path::new(&file.path)), "`{}` leads out", file.path);
        }
    }
}

fn plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn put(root: &Path, path: &Path, content: &[u8]) {
    let path = root.join(path);
    if plain(path.strip_prefix(root).unwrap_or(Path::new("/")))
        && fs::create_dir_all(path.parent().unwrap_or(root)).is_ok()
    {
        // A name that can't be one is no file.
        let _ = fs::write(path, content);
    }
}
