//! From an empty state folder to an installed extension that ran.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use edk_testkit::{TestEnv, is_root, processes_below, program, verify_store};
use serde_json::Value;

/// DICOM files that the package pydicom brings.
const SAMPLES: [&str; 2] = ["CT_small.dcm", "MR_small.dcm"];

/// Copies DICOM files out of the unpacked layers of the processing container.
fn input(env: &TestEnv) -> PathBuf {
    let inside = "opt/venv/lib/python3.11/site-packages/pydicom/data/test_files";
    let layers = fs::read_dir(env.state().join("containers/layers")).unwrap();
    let folder = layers.map(|layer| layer.unwrap().path().join(inside)).find(|path| path.is_dir());
    let folder = folder.expect("pydicom is installed in a layer");
    fs::create_dir(env.path("dicom")).unwrap();
    for name in SAMPLES {
        fs::write(env.path("dicom").join(name), fs::read(folder.join(name)).unwrap()).unwrap();
    }
    env.path("dicom")
}

fn digests(base: &Value, build: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let images = build["images"].as_array().unwrap().iter();
    let mut digests: BTreeMap<String, String> =
        images.map(|image| (text(&image["name"]), text(&image["digest"]))).collect();
    digests.insert("base".to_owned(), text(&base["digest"]));
    digests
}

#[test]
fn the_whole_way_leads_to_an_extension_that_ran() {
    let env = TestEnv::new();
    let mut state = PathBuf::new();
    env.state().clone_into(&mut state);
    env.edk(&["new", "radiomics", "lung", "--yes", "--set", "name=lung"]).exits(0);
    let base = env.result(&["base", "base-python-cpu"]);
    assert_eq!(base["reused"], false);
    let built = env.result(&["build", "lung"]);
    assert_eq!(env.result(&["build", "lung"])["unchanged"], true);
    same_as_root(&digests(&base, &built));

    let pushed = env.result(&["push", "lung"]);
    assert_eq!(pushed["pushed"].as_array().unwrap().len(), 3);
    let packaged = env.result(&["package", "lung"]);
    assert!(Path::new(packaged[0]["path"].as_str().unwrap()).is_file());
    let deployed = env.result(&["deploy", "lung"]);
    assert_eq!(deployed["helm_status"], "deployed");
    let dags = env.state().join("sandbox/workflows/dags");
    assert!(dags.join("dag_lung.py").is_file());
    assert_eq!(env.result(&["status", "lung"])["extensions"][0]["ready"], true);

    let input = input(&env);
    let run = env.result(&["run", "lung", "--input", input.to_str().unwrap()]);
    assert_eq!((&run["state"], &run["series"]), (&"success".into(), &2.into()));
    let folder = PathBuf::from(run["folder"].as_str().unwrap());
    for output in run["outputs"].as_array().unwrap() {
        let text = fs::read_to_string(folder.join(output["path"].as_str().unwrap())).unwrap();
        let result: Value = serde_json::from_str(&text).unwrap();
        assert!(result["labels"][0]["features"]["shape"]["volume_mesh"].is_number(), "{text}");
    }

    assert_eq!(env.result(&["uninstall", "lung"])["was_installed"], true);
    assert_eq!(fs::read_dir(&dags).unwrap().count(), 0);
    verify_store(&env.state().join("store"));
    assert_eq!(processes_below(env.state()), [""; 0], "nothing keeps running");
    drop(env);
    assert!(!state.exists(), "everything can be removed, also what subordinate ids own");
}

/// Root, who goes first and may write there, leaves the digests in the target folder; an ordinary
/// user compares. Only digests of this very program and of the same hour are compared, because the
/// packages of tomorrow may be others.
fn same_as_root(own: &BTreeMap<String, String>) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("digests-of-root.json");
    if is_root() {
        fs::write(&path, serde_json::to_vec(own).unwrap()).unwrap();
        return;
    }
    let time = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let Some(left) = time(&path).filter(|left| Some(*left) > time(&program())) else { return };
    if left.elapsed().is_ok_and(|age| age.as_secs() < 3600) {
        let of_root: BTreeMap<String, String> =
            serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(own, &of_root, "root and an ordinary user make the same images");
    }
}
