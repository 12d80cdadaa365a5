//! Shell scripts are short, stop at the first error and can be started.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use crate::{expect_none, repository};

const LINES: usize = 60;

fn check(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut complain = |what: &str| complaints.push(format!("{path}: {what}"));
    if !text.starts_with("#!/usr/bin/env bash\n") {
        complain("does not start with #!/usr/bin/env bash");
    }
    if !text.contains("\nset -euo pipefail\n") {
        complain("does not `set -euo pipefail`");
    }
    if text.lines().count() > LINES {
        complain(&format!("has more than {LINES} lines; logic belongs into a program"));
    }
    complaints
}

#[test]
fn scripts_are_short_sound_and_executable() {
    let script = |path: &str| path.starts_with("scripts/") || path.starts_with(".ci/");
    let scripts: Vec<_> = repository::texts().iter().filter(|file| script(&file.path)).collect();
    assert!(scripts.len() >= 4, "only {} scripts are seen", scripts.len());
    let mut complaints = Vec::new();
    for file in scripts {
        complaints.extend(check(&file.path, &file.text));
        let path = repository::root().join(&file.path);
        if path.metadata().unwrap().permissions().mode() & 0o111 == 0 {
            complaints.push(format!("{}: is not executable", file.path));
        }
        let sound = Command::new("bash").arg("-n").arg(&path).output().unwrap();
        if !sound.status.success() {
            let errors = String::from_utf8_lossy(&sound.stderr);
            complaints.push(format!("{}: {}", file.path, errors.trim()));
        }
    }
    expect_none(&complaints);
}

#[test]
fn long_and_careless_scripts_are_found() {
    assert!(check("a", "#!/usr/bin/env bash\nset -euo pipefail\ntrue\n").is_empty());
    assert_eq!(check("a", "#!/bin/sh\ntrue\n").len(), 2);
    let long = format!("#!/usr/bin/env bash\nset -euo pipefail\n{}", "true\n".repeat(LINES));
    assert_eq!(check("a", &long).len(), 1);
}
