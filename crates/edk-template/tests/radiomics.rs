//! The shipped template `radiomics`: the files it makes, and what in them others rely on.

#![allow(clippy::unwrap_used)] // the helpers, too, are only tests

use std::collections::BTreeMap;

use edk_template::{Catalog, Error, Plan};

fn plan(given: &[(&str, &str)]) -> Plan {
    let catalog = Catalog::shipped().unwrap();
    let template = catalog.find("radiomics").unwrap();
    template.plan(&template.answer(&pairs(given)).unwrap()).unwrap()
}

fn pairs(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    given.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
}

fn text(plan: &Plan, path: &str) -> String {
    let file = plan.files.iter().find(|file| file.path == path).unwrap();
    String::from_utf8(file.bytes.clone()).unwrap()
}

#[test]
fn the_default_answers_make_this_tree() {
    let plan = plan(&[]);
    let paths: Vec<&str> = plan.files.iter().map(|file| file.path.as_str()).collect();
    let expected = [
        ".gitignore",
        "README.md",
        "extension/docker/.dockerignore",
        "extension/docker/Dockerfile",
        "extension/docker/files/dag_my_radiomics.py",
        "extension/docker/files/my_radiomics_workflow/MyRadiomicsOperator.py",
        "extension/my-radiomics-workflow/Chart.yaml",
        "extension/my-radiomics-workflow/README.md",
        "extension/my-radiomics-workflow/requirements.yaml",
        "extension/my-radiomics-workflow/values.yaml",
        "processing-containers/my-radiomics-features/.dockerignore",
        "processing-containers/my-radiomics-features/Dockerfile",
        "processing-containers/my-radiomics-features/files/discretise.py",
        "processing-containers/my-radiomics-features/files/extract.py",
        "processing-containers/my-radiomics-features/files/features_firstorder.py",
        "processing-containers/my-radiomics-features/files/features_glcm.py",
        "processing-containers/my-radiomics-features/files/features_shape.py",
        "processing-containers/my-radiomics-features/files/mesh.py",
        "processing-containers/my-radiomics-features/files/read.py",
        "processing-containers/my-radiomics-features/files/requirements.txt",
        "processing-containers/my-radiomics-features/files/segmentation.py",
        "processing-containers/my-radiomics-features/files/settings.py",
        "processing-containers/my-radiomics-features/tests/test_features.py",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn names_agree_across_the_files() {
    let plan = plan(&[("name", "lung-3d"), ("image", "lung.features"), ("dag_id", "lungs")]);
    for (path, line) in [
        ("extension/docker/Dockerfile", "LABEL IMAGE=\"dag-lung-3d\""),
        ("extension/docker/Dockerfile", "FROM local-only/base-installer:latest"),
        ("extension/lung-3d-workflow/values.yaml", "  image: \"dag-lung-3d\""),
        ("extension/lung-3d-workflow/Chart.yaml", "name: lung-3d-workflow"),
        ("extension/lung-3d-workflow/Chart.yaml", "  - kaapanaworkflow"),
        ("processing-containers/lung.features/Dockerfile", "LABEL IMAGE=\"lung.features\""),
        ("extension/docker/files/dag_lung_3d.py", "    dag_id=\"lungs\","),
        (
            "extension/docker/files/dag_lung_3d.py",
            "from lung_3d_workflow.Lung3dOperator import Lung3dOperator",
        ),
        (
            "extension/docker/files/lung_3d_workflow/Lung3dOperator.py",
            "            image=f\"{DEFAULT_REGISTRY}/lung.features:{KAAPANA_BUILD_VERSION}\",",
        ),
    ] {
        let text = text(&plan, path);
        assert!(text.lines().any(|each| each == line), "{path} has no line {line}:\n{text}");
    }
}

#[test]
fn answers_with_quotes_and_backslashes_stay_one_text() {
    let odd = r#"a "quoted" \ text: 'é' # {{ x }}"#;
    let plan = plan(&[("description", odd), ("title", odd)]);
    let quoted = serde_json::Value::from(odd).to_string();
    let chart = text(&plan, "extension/my-radiomics-workflow/Chart.yaml");
    assert!(chart.contains(&format!("description: {quoted}\n")), "{chart}");
    assert!(chart.contains(&format!("  ui-visible-name: {quoted}\n")), "{chart}");
    let dag = text(&plan, "extension/docker/files/dag_my_radiomics.py");
    assert!(dag.contains(&format!("    description={quoted},\n")), "{dag}");
    assert!(dag.starts_with("\"\"\"The workflow of the extension my-radiomics.\"\"\"\n"), "{dag}");
}

#[test]
fn the_answers_reach_the_form_and_the_keywords() {
    let plan =
        plan(&[("experimental", "false"), ("feature_classes", "glcm"), ("bin_width", "0.5")]);
    let chart = text(&plan, "extension/my-radiomics-workflow/Chart.yaml");
    assert!(!chart.contains("kaapanaexperimental"), "{chart}");
    let dag = text(&plan, "extension/docker/files/dag_my_radiomics.py");
    assert!(dag.contains("\"default\": [\"glcm\"],"), "{dag}");
    assert!(dag.contains("\"default\": 0.5,"), "{dag}");
}

#[test]
fn the_longest_name_still_gives_names_that_the_platform_takes() {
    let longest = "a".repeat(40);
    let plan = plan(&[("name", &longest)]);
    let chart = format!("extension/{longest}-workflow/Chart.yaml");
    assert!(text(&plan, &chart).contains(&longest));
    assert!(format!("{longest}-workflow").len() <= edk_model::names::MAX_CHART_NAME);
    assert!(format!("dag-{longest}").len() <= edk_model::names::MAX_DAG_IMAGE_NAME);

    let catalog = Catalog::shipped().unwrap();
    let template = catalog.find("radiomics").unwrap();
    let too_long = template.answer(&pairs(&[("name", &"a".repeat(41))]));
    assert!(matches!(too_long, Err(Error::Answers(_))));
}

#[test]
fn the_questions_serialise_for_a_form() {
    let catalog = Catalog::shipped().unwrap();
    let template = catalog.find("radiomics").unwrap();
    let form = serde_json::to_value(template.parameters()).unwrap();
    assert_eq!(form[0]["id"], "name");
    assert_eq!(form[0]["rule"], "dns-label");
    assert_eq!(form[5]["type"], "multi-choice");
    assert_eq!(form[5]["default"], serde_json::json!(["firstorder", "shape", "glcm"]));
}
