//! Archives of images, made by programs that are not ours, on their way to the sandbox and into the
//! charts there.

use std::{fs, path::PathBuf, process::Command};

use edk_api::host::JobState;
use edk_testkit::{Done, Running, TestEnv, small_extension};
use serde_json::json;

use crate::client::TestHost;

/// The name by which charts of the sandbox ask for the image.
const NAME: &str = "localhost:5577/dag-lung:0.1.0";

/// A world in which the extension was built, whose archives go to other worlds.
struct Source {
    env: TestEnv,
    chart: PathBuf,
    image: String,
    _registry: Running,
}

impl Source {
    fn new() -> Self {
        let env = TestEnv::new();
        small_extension(&env, "lung");
        env.edk(&["push", "lung"]).exits(0);
        env.edk(&["package", "lung"]).exits(0);
        let mut registry = env.start(&["registry", "serve", "--port", "0"]);
        let address = registry.address();
        let chart = env.path("lung/dist/lung-workflow-0.1.0.tgz");
        let image = format!("docker://{address}/dag-lung:0.1.0");
        Self { env, chart, image, _registry: registry }
    }

    /// Writes the image as an archive, as skopeo does: `format` and what stands behind the file.
    fn archive(&self, format: &str, file: &str, name: &str) -> PathBuf {
        let mut skopeo = self.env.other("skopeo");
        skopeo.args(["--insecure-policy", "copy", "--src-tls-verify=false", &self.image]);
        Done::of(skopeo.arg(format!("{format}:{file}{name}"))).exits(0);
        self.env.path(file)
    }

    fn run(&self, program: &str, args: &[&str]) {
        let mut command: Command = self.env.other(program);
        Done::of(command.args(args)).exits(0);
    }
}

/// Uploads the chart and installs it; its Job needs the image.
fn install(env: &TestEnv, source: &Source) {
    env.edk(&["ext", "upload", source.chart.to_str().unwrap()]).exits(0);
    env.edk(&["ext", "install", "lung-workflow", "--version", "0.1.0"]).exits(0);
    assert!(env.state().join("sandbox/workflows/dags/dag_lung.py").is_file());
}

#[test]
fn an_image_from_an_archive_is_what_a_chart_installs() {
    let source = Source::new();
    for (format, file) in [("oci-archive", "oci.tar"), ("docker-archive", "saved.tar")] {
        let archive = source.archive(format, file, &format!(":{NAME}"));
        let env = TestEnv::new();
        let sent = env.result(&["ext", "upload", archive.to_str().unwrap()]);
        let expected =
            json!({"kind": "images", "images": [NAME], "target": "sandbox", "confirmed": true});
        assert_eq!(sent, expected, "{format}");
        install(&env, &source);
        let left = fs::read_dir(env.state().join("sandbox/extensions")).unwrap().count();
        assert_eq!(left, 1, "of archives nothing is kept beside their images");
    }
}

#[test]
fn a_window_sends_an_archive_and_sees_it_in_the_registry() {
    let source = Source::new();
    let bytes = fs::read(source.archive("oci-archive", "oci.tar", &format!(":{NAME}"))).unwrap();
    let env = TestEnv::new();
    let host = TestHost::start(&env, &[]);
    let started = host.known("POST /upload?name=oci.tar", &bytes).json();
    let job = started["output"]["job"].as_str().unwrap().to_owned();
    let all = host.until_end(&job);
    let state = crate::client::ended(all.last().unwrap(), &job).unwrap();
    assert_eq!(state.0, JobState::Succeeded, "{state:?}");
    let told = serde_json::to_string(&all).unwrap();
    let progress = format!("\"done\":{0},\"total\":{0},\"unit\":\"bytes\"", bytes.len());
    assert!(told.contains(&progress), "{progress} in {told}");
    assert!(told.contains(r#""stage":"import""#), "{told}");
    assert_eq!(host.call("registry", json!({}))[0]["repository"], "dag-lung");
    install(&env, &source);
    let cut = host.known("POST /upload?name=cut.tar", &bytes[..bytes.len() / 2]).json();
    let (state, failure) = host.end(cut["output"]["job"].as_str().unwrap());
    assert_eq!(state, JobState::Failed);
    assert!(failure["what"].as_str().unwrap().contains("cut off"), "{failure}");
    host.stop();
}

#[test]
fn a_file_that_holds_no_images_is_told_before_it_is_sent() {
    let source = Source::new();
    let env = &source.env;
    let whole = fs::read(source.archive("oci-archive", "oci.tar", &format!(":{NAME}"))).unwrap();
    source.archive("oci-archive", "nameless.tar", "");
    source.archive("oci-archive", "tagged.tar", ":lung");
    fs::write(env.path("text.tar"), "hello ".repeat(500)).unwrap();
    fs::write(env.path("cut.tar"), &whole[..whole.len() / 2]).unwrap();
    fs::write(env.path("my images.tar"), &whole).unwrap();
    fs::write(env.path("none.tar"), "").unwrap();
    fs::create_dir_all(env.path("other/etc")).unwrap();
    fs::write(env.path("other/etc/passwd"), "").unwrap();
    source.run("tar", &["--create", "--file", "folder.tar", "other"]);
    source.run("tar", &["--create", "--file", "chart.tar", "lung/extension"]);
    source.run("tar", &["--create", "--gzip", "--file", "zipped.tar", "other"]);
    for (file, words) in [
        ("text.tar", "it is no tar archive"),
        ("cut.tar", "the archive is cut off"),
        ("none.tar", "neither an OCI image layout"),
        ("folder.tar", "`docker export` leaves the image out"),
        ("chart.tar", "it is a chart"),
        ("zipped.tar", "compressed with gzip"),
        ("nameless.tar", "does not name its image"),
        ("tagged.tar", "`lung` is not the full name"),
        ("my images.tar", "can't be the name of an image archive"),
        ("absent.tar", "could not read"),
    ] {
        let done = env.edk(&["ext", "upload", file]).exits(1);
        assert!(done.stderr.contains(words), "{file}: {words}: {done}");
        let next = done.stderr.contains("hint:") || done.stderr.contains("fix:");
        assert!(next || file == "absent.tar", "{file} has no next step: {done}");
    }
    assert!(!env.state().join("sandbox").exists(), "nothing was sent anywhere");
}

#[test]
fn an_archive_may_leave_out_only_what_the_sandbox_has() {
    let source = Source::new();
    let archive = source.archive("oci-archive", "oci.tar", &format!(":{NAME}"));
    // The largest blob is the layer; sandboxes which have it need it no more.
    let listed = source.env.other("tar").args(["--list", "-v", "--file", "oci.tar"]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let size = |line: &&str| line.split_whitespace().nth(2).unwrap().parse::<u64>().unwrap();
    let layer = listed.lines().max_by_key(size).unwrap().split_whitespace().last().unwrap();
    fs::copy(&archive, source.env.path("thin.tar")).unwrap();
    source.run("tar", &["--delete", "--file", "thin.tar", layer]);
    let thin = source.env.path("thin.tar");
    let env = TestEnv::new();
    let refused = env.edk(&["ext", "upload", thin.to_str().unwrap()]);
    refused.exits(3).tells(&["import an image archive", "content digest sha256:", "not found"]);
    env.edk(&["ext", "upload", archive.to_str().unwrap()]).exits(0);
    env.edk(&["ext", "upload", thin.to_str().unwrap()]).exits(0);
    install(&env, &source);
}
