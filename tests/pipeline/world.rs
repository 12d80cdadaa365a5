//! The base and the built extension which all tests start from.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use edk_testkit::{TestEnv, copy_tree};
use serde_json::Value;

/// Name of the base.
pub(crate) const BASE: &str = "base-python-cpu";

/// A world with nothing but a base.
pub(crate) struct Base {
    pub(crate) env: TestEnv,
    pub(crate) digest: String,
}

/// A world with a base and a built extension.
pub(crate) struct Built {
    env: TestEnv,
    /// What `edk build` printed.
    pub(crate) outcome: Value,
    /// Digests of the images by name.
    pub(crate) digests: BTreeMap<String, String>,
    /// Digest of the chart's archive.
    pub(crate) chart: String,
}

/// Makes the base, once: mmdebstrap runs.
pub(crate) fn base() -> &'static Base {
    static BASE_WORLD: OnceLock<Base> = OnceLock::new();
    BASE_WORLD.get_or_init(|| {
        let env = TestEnv::new().shared();
        let made = env.result(&["base", BASE]);
        assert_eq!(made["reused"], false);
        Base { digest: made["digest"].as_str().unwrap().to_owned(), env }
    })
}

/// Makes the extension `lung` and builds it undisturbed, once.
pub(crate) fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let env = TestEnv::with_images_of(&base().env).shared();
        new_lung(&env);
        let outcome = env.result(&["build", "lung"]);
        let digests = digests(&outcome);
        let chart = env.result(&["package", "lung", "--dir", "charts"]);
        let chart = chart[0]["digest"].as_str().unwrap().to_owned();
        Built { env, outcome, digests, chart }
    })
}

/// A copy of the world with the built extension, in the folder `lung`.
pub(crate) fn copy() -> TestEnv {
    let env = TestEnv::with_images_of(&built().env);
    copy_tree(&built().env.path("lung"), &env.path("lung"));
    env
}

/// A world with the base and the extension, of which nothing is built.
pub(crate) fn unbuilt() -> TestEnv {
    let env = TestEnv::with_images_of(&base().env);
    copy_tree(&built().env.path("lung"), &env.path("lung"));
    env
}

pub(crate) fn new_lung(env: &TestEnv) -> PathBuf {
    env.edk(&["new", "radiomics", "lung", "--yes", "--set", "name=lung"]).exits(0);
    env.path("lung")
}

/// Digests of the images by name, of the outcome of a build.
pub(crate) fn digests(build: &Value) -> BTreeMap<String, String> {
    let images = build["images"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    images.map(|image| (text(&image["name"]), text(&image["digest"]))).collect()
}

/// Where the sandbox keeps the DAGs.
pub(crate) fn dags(env: &TestEnv) -> PathBuf {
    env.state().join("sandbox/workflows/dags")
}

/// Reads a JSON document.
pub(crate) fn read_json(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

/// The manifest which a digest names.
pub(crate) fn manifest(env: &TestEnv, digest: &str) -> Value {
    let hex = digest.trim_start_matches("sha256:");
    read_json(&env.state().join("store/blobs/sha256").join(hex))
}
