//! Our charts against Helm's program, in turns: a hundred charts packaged and rendered, once in this
//! process and once with one process of `edk` for each chart.
//!
//! The charts are the ones of `crates/edk-chart/tests/corpus`, those that are meant to fail left out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use edk_chart::{Chart, File, Options, Release, Sources, render_with, resolve};
use serde_json::json;

use crate::{
    corpus::Case,
    table::{Row, print},
};

/// Pairs that are counted; one more comes before them and is not.
const PAIRS: usize = 3;
const CHARTS: usize = 100;

pub(crate) fn run() {
    let folder = tempfile::tempdir().unwrap();
    let charts = charts(folder.path());
    println!("{} charts, against Helm 3.17.3\n", charts.len());
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let home = folder.path().join("home");
    let each = |work: &dyn Fn(&Path)| time(|| charts.iter().for_each(|chart| work(chart)));
    let edk = |words: &[&str], chart: &Path| {
        let program = std::env::current_exe().unwrap().with_file_name("edk");
        start(
            Command::new(program).env("EDK_HOME", &home).args(words).arg(chart).current_dir(&out),
        );
    };
    let helm = |words: &[&str], chart: &Path| {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/helm");
        assert!(program.exists(), "there is no target/tools/helm; run scripts/fetch-helm first");
        let mut command = Command::new(program);
        command.env_clear().env("HOME", &home).env("KUBECONFIG", home.join("none"));
        start(command.args(words).arg(chart).current_dir(&out));
    };
    let rows = [
        Row::paired(
            "package, in process",
            "",
            PAIRS,
            |_| each(&|chart| drop(Chart::load(chart).unwrap().package().unwrap())),
            |_| each(&|chart| helm(&["package"], chart)),
        ),
        Row::paired(
            "render, in process",
            "",
            PAIRS,
            |_| each(&render),
            |_| each(&|chart| helm(&["template", "r"], chart)),
        ),
        Row::paired(
            "package, the programs",
            "ratio <= 0.1",
            PAIRS,
            |_| each(&|chart| edk(&["chart", "package"], chart)),
            |_| each(&|chart| helm(&["package"], chart)),
        ),
        Row::paired(
            "render, the programs",
            "ratio <= 0.1",
            PAIRS,
            |_| each(&|chart| edk(&["chart", "render"], chart)),
            |_| each(&|chart| helm(&["template", "r"], chart)),
        ),
        Row::alone("a workflow chart, in process", "< 20 ms", 11, |_| time(workflow)),
    ];
    print("helm", &rows);
}

/// Writes the charts of the corpus, each to a folder of its own.
fn charts(folder: &Path) -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/edk-chart/tests/corpus");
    let mut texts = Vec::new();
    for theme in ["render", "package"] {
        let entries = fs::read_dir(corpus.join(theme)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        texts.extend(paths.iter().map(|path| fs::read_to_string(path).unwrap()));
    }
    let cases = texts.iter().enumerate().map(|(at, text)| (at, Case::parse("bench", text)));
    let mut written = Vec::new();
    for (at, case) in cases.filter(|(_, case)| case.args().is_empty()) {
        let path = case.write(&folder.join(at.to_string()));
        let usable = Chart::load(&path).is_ok_and(|chart| {
            // What a chart inside lacks, Helm doesn't see and we do.
            resolve(&chart, &Sources::default()).is_ok()
                && chart.package().is_ok()
                && render_with(&chart, &options(), &json!({})).is_ok()
        });
        if usable && written.len() < CHARTS {
            written.push(path);
        }
    }
    written
}

fn render(chart: &Path) {
    render_with(&Chart::load(chart).unwrap(), &options(), &json!({})).unwrap();
}

fn options() -> Options {
    Options::new(Release {
        name: "r".to_owned(),
        namespace: "default".to_owned(),
        revision: 1,
        is_install: true,
    })
}

/// Packages a workflow chart with the chart it needs.
fn workflow() {
    let file = |name: &str, text: &str| File { name: name.to_owned(), data: text.into() };
    let files = vec![
        file("Chart.yaml", "name: my-workflow\nversion: 0.0.0\napiVersion: v1\n"),
        file("requirements.yaml", "dependencies:\n- name: dag-installer-chart\n  version: 0.0.0\n"),
        file("values.yaml", "global:\n  image: dag-my-workflow\n  action: copy\n"),
    ];
    let chart = Chart::from_files("my-workflow", files).unwrap();
    let chart = resolve(&chart, &Sources::default()).unwrap().stamp("1.2.3");
    drop(chart.package().unwrap());
}

fn start(command: &mut Command) {
    let output = command.stdout(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
