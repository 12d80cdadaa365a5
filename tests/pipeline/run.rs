//! A processing container on real DICOM.

use std::{fs, path::PathBuf};

use edk_testkit::{Done, TestEnv};
use serde_json::Value;

use crate::world::{copy, read_json};

/// Three series, one file each: CT, MR, and a compressed image.
const SAMPLES: [&str; 3] = ["CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm"];

/// Copies DICOM files, which the package pydicom brings, out of the image's unpacked layers.
fn input(env: &TestEnv) {
    let layers = env.state().join("containers/layers");
    let inside = "opt/venv/lib/python3.11/site-packages/pydicom/data/test_files";
    let found: Vec<PathBuf> = fs::read_dir(layers)
        .unwrap()
        .map(|layer| layer.unwrap().path().join(inside))
        .filter(|folder| folder.is_dir())
        .collect();
    fs::create_dir(env.path("dicom")).unwrap();
    for name in SAMPLES {
        let bytes = found.iter().find_map(|folder| fs::read(folder.join(name)).ok());
        fs::write(env.path("dicom").join(name), bytes.expect(name)).unwrap();
    }
}

fn run(env: &TestEnv, more: &[&str]) -> Done {
    env.edk(&[&["run", "lung", "--input", "dicom", "-o", "json"], more].concat())
}

/// Counts the numbers below a value; what is not finite can't be written as JSON.
fn numbers(value: &Value) -> usize {
    match value {
        Value::Number(number) => {
            assert!(number.as_f64().unwrap().is_finite());
            1
        }
        Value::Array(items) => items.iter().map(numbers).sum(),
        Value::Object(map) => map.values().map(numbers).sum(),
        _ => 0,
    }
}

#[test]
fn each_series_gets_its_features() {
    let env = copy();
    input(&env);
    let report = run(&env, &["--set", "feature_classes=shape,glcm", "--set", "bin_width=12.5"]);
    let report = report.exits(0).document()["result"].clone();
    assert_eq!((&report["state"], &report["exit_code"]), (&"success".into(), &0.into()));
    assert_eq!(report["series"], 3);
    assert!(report["seconds"].as_f64().unwrap() > 0.0);
    let memory = report["peak_memory"].as_u64().unwrap();
    assert!(
        (20_000_000..4_000_000_000).contains(&memory),
        "{memory} bytes for numpy and SimpleITK"
    );
    let folder = PathBuf::from(report["folder"].as_str().unwrap());
    let outputs = report["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 3, "one file for each series");
    for output in outputs {
        let result = read_json(&folder.join(output["path"].as_str().unwrap()));
        assert_eq!(result["settings"]["bin_width"], 12.5, "the form's values reach the container");
        let classes = serde_json::json!(["shape", "glcm"]);
        assert_eq!(result["settings"]["feature_classes"], classes);
        assert!(numbers(&result["labels"][0]["features"]) >= 30, "{result}");
    }
    let form = read_json(&folder.join("conf/conf.json"));
    assert_eq!(form["workflow_form"]["bin_width"], "12.5");
}

#[test]
fn a_value_the_container_refuses_shows_its_log_and_is_still_reported() {
    let env = copy();
    input(&env);
    let done = run(&env, &["--set", "bin_width=-1"]).exits(1);
    let done = done.tells(&["BIN_WIDTH must be greater", "-1"]);
    let report = &done.document()["result"];
    assert_eq!((&report["state"], &report["exit_code"]), (&"failed".into(), &1.into()));
    assert_eq!(report["outputs"], serde_json::json!([]));
}

#[test]
fn what_the_form_does_not_ask_is_refused_before_anything_is_built() {
    let env = copy();
    input(&env);
    for name in ["run_id", "PATH", "Batch_Name"] {
        let done = run(&env, &["--set", &format!("{name}=x")]).exits(1).tells(&[name]);
        assert_eq!(done.document()["failure"]["code"], "invalid-input");
    }
    for (set, said) in [
        ("feature_classes=taste", "`feature_classes` is none of firstorder, shape, glcm"),
        ("bin_width=wide", "`bin_width` is no number"),
        ("bin_widht=1", "did you mean `bin_width`?"),
    ] {
        run(&env, &["--set", set]).exits(1).tells(&[said]);
    }
    let runs = env.state().join("runs");
    assert_eq!(fs::read_dir(runs).map_or(0, Iterator::count), 0, "nothing was laid out");
}
