use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{TestEnv, busybox};

/// What the processing container of [`small_extension`] does: it writes the form value `note` and
/// what it sees as a JSON file for each series, and fails when `note` is `bad`.
const SCRIPT: &str = r#"#!/bin/busybox sh
echo "note: $NOTE"
[ "$NOTE" = bad ] && { echo "the note is bad"; exit 7; }
for series in "$WORKFLOW_DIR/$BATCH_NAME"/*; do
    /bin/busybox mkdir -p "$series/$OPERATOR_OUT_DIR"
    count=$(/bin/busybox ls "$series/$OPERATOR_IN_DIR" | /bin/busybox wc -l)
    echo "{\"note\": \"$NOTE\", \"files\": $count}" > "$series/$OPERATOR_OUT_DIR/out.json"
done
"#;

/// Makes an extension from the template `radiomics` whose processing container needs no base: one
/// static program and a script; its form asks for `note` too. Returns its folder, `name` in the folder of `env`.
///
/// # Panics
/// If `edk new` fails, or Debian's package `busybox-static` is not installed.
pub fn small_extension(env: &TestEnv, name: &str) -> PathBuf {
    env.edk(&["new", "radiomics", name, "--yes", "--set", &format!("name={name}")]).exits(0);
    let folder = env.path(name);
    let container = folder.join(format!("processing-containers/{name}-features"));
    let write = |file: &str, content: &[u8]| {
        fs::write(container.join(file), content).expect("a file of the extension");
    };
    write("files/busybox", &busybox::program());
    write("files/run.sh", SCRIPT.as_bytes());
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(container.join("files/busybox"), executable).expect("a file of ours");
    let dockerfile = format!(
        "FROM scratch\nLABEL IMAGE=\"{name}-features\"\nCOPY files/busybox /bin/busybox\n\
         COPY files/run.sh /run.sh\nCMD [\"/bin/busybox\", \"sh\", \"/run.sh\"]\n"
    );
    write("Dockerfile", dockerfile.as_bytes());
    let dag = folder.join(format!("extension/docker/files/dag_{}.py", name.replace('-', "_")));
    let text = fs::read_to_string(&dag).expect("the DAG of the template");
    let question = "\"single_execution\": {";
    let note =
        format!("\"note\": {{\"title\": \"Note\", \"type\": \"string\"}},\n            {question}");
    fs::write(&dag, text.replace(question, &note)).expect("a file of the extension");
    folder
}

/// Gives a [`small_extension`] a Dockerfile whose one `RUN` is `command`, such as one that takes
/// long.
///
/// # Panics
/// If it can't be written.
pub fn run_in_image(folder: &Path, name: &str, command: &[&str]) {
    let container = folder.join(format!("processing-containers/{name}-features"));
    let dockerfile = format!(
        "FROM scratch\nLABEL IMAGE=\"{name}-features\"\nCOPY files/busybox /bin/busybox\n\
         RUN {}\nCMD [\"/bin/busybox\", \"true\"]\n",
        serde_json::json!(command)
    );
    fs::write(container.join("Dockerfile"), dockerfile).expect("a file of the extension");
}

/// Gives the chart in a folder a Job with one container; `container` is what that has besides a name,
/// in YAML's flow style, such as `image: 'nowhere:1'`. Returns the file of the Job.
///
/// # Panics
/// If the chart can't be written.
pub fn add_job(chart: &Path, container: &str) -> PathBuf {
    let templates = chart.join("templates");
    fs::create_dir_all(&templates).expect("a folder of the chart");
    let file = templates.join("extra.yaml");
    let job = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: extra, namespace: services}}\n\
         spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: extra, {container}}}]}}}}}}\n"
    );
    fs::write(&file, job).expect("a file of the chart");
    file
}

/// Makes an image on this machine which no extension of a test makes, and gives the [`small_extension`]
/// in `folder` a Job that asks its platform's registry for it.
///
/// # Panics
/// If `edk push` fails, or the chart can't be written.
pub fn ask_for_another(env: &TestEnv, folder: &Path) {
    small_extension(env, "other");
    env.edk(&["push", "other", "--version", "1.0.0"]).exits(0);
    let image = "image: '{{ .Values.global.registry_url }}/other-features:1.0.0'";
    let container = format!("command: [/bin/busybox, 'true'], {image}");
    add_job(&folder.join("extension/lung-workflow"), &container);
}

/// Makes an extension from the template `application` whose image needs no base: one static program
/// that serves `page`. Returns its folder, `name` in the folder of `env`.
///
/// # Panics
/// If `edk new` fails, or Debian's package `busybox-static` is not installed.
pub fn small_application(env: &TestEnv, name: &str, page: &str) -> PathBuf {
    env.edk(&["new", "application", name, "--yes", "--set", &format!("name={name}")]).exits(0);
    let folder = env.path(name);
    let docker = folder.join("docker");
    let write = |file: &str, content: &[u8]| {
        fs::write(docker.join(file), content).expect("a file of the extension");
    };
    write("files/busybox", &busybox::program());
    fs::set_permissions(docker.join("files/busybox"), fs::Permissions::from_mode(0o755))
        .expect("a file of ours");
    write("files/index.html", page.as_bytes());
    let dockerfile = format!(
        "FROM scratch\nLABEL IMAGE=\"{name}\"\nCOPY files/busybox /bin/busybox\n\
         COPY files/index.html /www/index.html\nCOPY files/index.html /www/healthz\n\
         CMD [\"/bin/busybox\", \"httpd\", \"-f\", \"-v\", \"-p\", \"8080\", \"-h\", \"/www\"]\n"
    );
    write("Dockerfile", dockerfile.as_bytes());
    folder
}
