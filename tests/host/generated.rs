//! What is written about the door elsewhere is what the door is: the types in
//! `ui/src/api/generated.ts`, and the page `docs/host.md`.

use std::path::Path;

#[test]
fn the_generated_types_are_those_of_the_door() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src/api/generated.ts");
    let text = edk_api::host::typescript();
    if std::env::var_os("EDK_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "ui/src/api/generated.ts is out of date; write it again: \
         EDK_BLESS=1 cargo test -p edk-tests --test host generated"
    );
}

#[test]
fn the_page_names_every_command_and_every_kind_of_entry() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/host.md");
    let page = std::fs::read_to_string(path).unwrap();
    let jobs = ["build", "push", "package", "deploy", "uninstall", "run", "base", "demo"];
    let kinds = ["snapshot", "job", "event", "changed", "added", "cancelling", "ended"];
    let areas = ["projects", "settings", "registry", "target", "history"];
    for name in edk_api::host::COMMANDS.iter().chain(&jobs).chain(&kinds).chain(&areas) {
        assert!(page.contains(&format!("`{name}`")), "docs/host.md does not name `{name}`");
    }
}
