//! Extensions with mistakes in them: where, what, and what to do; and nothing is built.

use std::{fs, path::PathBuf};

use edk_testkit::{TestEnv, small_extension};

const CONTAINER: &str = "processing-containers/lung-features";

struct Broken {
    env: TestEnv,
    project: PathBuf,
}

impl Broken {
    fn new() -> Self {
        let env = TestEnv::new();
        let project = small_extension(&env, "lung");
        Self { env, project }
    }

    fn edit(&self, file: &str, edit: impl FnOnce(String) -> String) {
        let path = self.project.join(file);
        fs::write(&path, edit(fs::read_to_string(&path).unwrap())).unwrap();
    }

    /// Runs `edk COMMAND lung`, expects exit code 1 and `parts`, and that nothing was made.
    #[track_caller]
    fn refused(&self, command: &str, parts: &[&str]) {
        let done = self.env.edk(&[command, "lung"]).exits(1).tells(parts);
        assert!(!done.stderr.contains(" build dag-lung"), "an image was built: {done}");
        assert!(!self.env.state().join("store/repositories/dag-lung").exists(), "it was pushed");
        assert!(!self.project.join("dist").exists(), "something was packaged");
    }
}

#[test]
fn an_unknown_instruction_is_placed_and_the_nearest_is_named() {
    let broken = Broken::new();
    let file = format!("{CONTAINER}/Dockerfile");
    broken.edit(&file, |text| text.replace("COPY files/run.sh", "CPOY files/run.sh"));
    for command in ["build", "push", "deploy"] {
        broken.refused(command, &[&format!("{file}:4:1"), "`CPOY`", "did you mean COPY?"]);
    }
}

#[test]
fn a_missing_source_is_placed_and_no_image_is_built() {
    let broken = Broken::new();
    let file = format!("{CONTAINER}/Dockerfile");
    broken.edit(&file, |text| text + "COPY files/mdoel.bin /\n");
    for command in ["build", "push", "deploy"] {
        broken.refused(command, &[&format!("{file}:6:"), "`files/mdoel.bin`"]);
    }
}

#[test]
fn a_base_that_is_not_there_says_how_to_make_it() {
    let broken = Broken::new();
    let file = format!("{CONTAINER}/Dockerfile");
    broken.edit(&file, |text| text.replace("FROM scratch", "FROM local-only/base-python-cpu"));
    let place = format!("{file}:1");
    broken.refused("build", &["local-only/base-python-cpu", &place, "`edk base base-python-cpu`"]);
}

#[test]
fn an_unknown_recipe_names_those_there_are() {
    let env = TestEnv::new();
    env.edk(&["base", "base-pyton"]).exits(1).tells(&["`base-pyton`", "base-python-cpu"]);
}

#[test]
fn a_missing_dependency_says_where_was_searched_and_what_is_near() {
    let broken = Broken::new();
    let file = "extension/lung-workflow/requirements.yaml";
    broken.edit(file, |text| text.replace("dag-installer-chart", "dag-instaler-chart"));
    for command in ["package", "deploy"] {
        let searched = ["dag-instaler-chart", "Searched: charts/", "`dag-installer-chart`?"];
        broken.refused(command, &searched);
    }
}

#[test]
fn broken_yaml_is_placed_in_the_users_own_words() {
    let broken = Broken::new();
    let file = "extension/lung-workflow/Chart.yaml";
    let lines = fs::read_to_string(broken.project.join(file)).unwrap().lines().count();
    broken.edit(file, |text| text + "bad: [x\n");
    for command in ["build", "package", "deploy", "status"] {
        // The parser sees it where the next line should begin.
        broken.refused(command, &[&format!("error: {file}:{}:1: ", lines + 2)]);
    }
}

#[test]
fn a_dag_image_which_nobody_makes_is_refused_before_anything_is_sent() {
    let broken = Broken::new();
    let file = "extension/lung-workflow/values.yaml";
    broken.edit(file, |text| text.replace("\"dag-lung\"", "\"dag-lnug\""));
    broken.refused("deploy", &["`dag-lnug`", "dag-lung"]);
}

#[test]
fn a_version_platforms_cannot_compare_is_refused() {
    let broken = Broken::new();
    for version in ["1.0", "v1.0.0", "latest"] {
        let args = ["package", "lung", "--version", version];
        broken.env.edk(&args).exits(1).tells(&[&format!("`{version}`"), "--version"]);
    }
    assert!(!broken.project.join("dist").exists());
}

#[test]
fn a_folder_without_an_extension_is_told() {
    let env = TestEnv::new();
    env.edk(&["build"]).exits(1).tells(&["Chart.yaml", "Dockerfile"]);
    env.edk(&["build", "nowhere"]).exits(1).tells(&["nowhere"]);
}

#[test]
fn an_unknown_extension_parameter_is_told() {
    let broken = Broken::new();
    let args = ["deploy", "lung", "--param", "speed=1"];
    broken.env.edk(&args).exits(1).tells(&["`speed`", "`lung-workflow`"]);
}

#[test]
fn a_run_without_input_is_told() {
    let broken = Broken::new();
    let run = |input: &str| broken.env.edk(&["run", "lung", "--input", input]);
    run("nowhere").exits(1).tells(&["nowhere", "--input"]);
    fs::create_dir(broken.env.path("empty")).unwrap();
    run("empty").exits(1).tells(&["empty", "holds no file"]);
}
