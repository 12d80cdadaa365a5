//! The shipped template `application`: the files it makes, and names in them that belong together.

#![allow(clippy::unwrap_used)] // the helpers, too, are only tests

use std::collections::BTreeMap;

use edk_template::{Catalog, Plan};

fn plan(name: &str) -> Plan {
    let catalog = Catalog::shipped().unwrap();
    let template = catalog.find("application").unwrap();
    let given = BTreeMap::from([("name".to_owned(), name.to_owned())]);
    template.plan(&template.answer(&given).unwrap()).unwrap()
}

fn text(plan: &Plan, path: &str) -> String {
    let file = plan.files.iter().find(|file| file.path == path).unwrap();
    String::from_utf8(file.bytes.clone()).unwrap()
}

#[test]
fn the_answers_make_this_tree() {
    let plan = plan("viewer");
    let paths: Vec<&str> = plan.files.iter().map(|file| file.path.as_str()).collect();
    let expected = [
        ".gitignore",
        "README.md",
        "docker/Dockerfile",
        "docker/files/server.py",
        "viewer-chart/Chart.yaml",
        "viewer-chart/templates/deployment.yaml",
        "viewer-chart/templates/service.yaml",
        "viewer-chart/values.yaml",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn the_path_the_service_and_the_image_have_the_name() {
    let plan = plan("viewer");
    assert!(text(&plan, "docker/Dockerfile").contains("LABEL IMAGE=\"viewer\""));
    let deployment = text(&plan, "viewer-chart/templates/deployment.yaml");
    let image = "\"{{ .Values.global.registry_url }}/viewer:{{ .Chart.Version }}\"";
    assert!(deployment.contains(image), "{deployment}");
    let service = text(&plan, "viewer-chart/templates/service.yaml");
    for part in ["- path: /viewer\n", "      - /viewer\n", "name: viewer-service\n"] {
        assert!(service.contains(part), "{part}: {service}");
    }
}
