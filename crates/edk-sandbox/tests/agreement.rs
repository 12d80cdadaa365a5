//! What the preflight says of a chart is what a platform does with it: both are asked about the
//! charts which were tried on real backends. The sandbox plays the platform, with all its faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use edk_archive::{Entry, GzWriter, Kind, TarWriter, gzip};
use edk_chart::{
    Chart, File,
    platform::{Class, Platform, Preflight, pass, platform_globals, preflight_archive, rule},
};
use edk_model::{CancellationToken, Monitor, Severity};
use edk_sandbox::{ContainerPlan, Fault, Faults, Profile, Runtime, Sandbox, Settings};
use edk_store::Store;
use serde_json::{Map, Value, json};

struct Nothing;

impl Runtime for Nothing {
    fn run(&self, _: &ContainerPlan, _: &mut dyn FnMut(&str), _: &Monitor) -> Result<i32, Fault> {
        Ok(0)
    }
}

/// A sandbox with the faults of a platform, and how it is spoken to without a client of ours.
struct Bench {
    _folder: tempfile::TempDir,
    sandbox: Arc<Sandbox>,
    url: String,
    http: reqwest::Client,
}

const REGISTRY: &str = "localhost:5000";

impl Bench {
    async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            profile: Profile::default(),
            restart_delay: Duration::from_millis(5),
            now: std::time::SystemTime::now,
            registry_url: REGISTRY.to_owned(),
            build_version: "0.6.0".to_owned(),
            url: "http://127.0.0.1:1".to_owned(),
            faults: Faults { list_cache: None, ..Faults::strict() },
            door: None,
        };
        let store = Store::open(&folder.path().join("store")).unwrap();
        let home = folder.path().join("sandbox");
        let sandbox = Sandbox::open_with(&home, store, Arc::new(Nothing), settings).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/kube-helm-api", listener.local_addr().unwrap());
        tokio::spawn(edk_sandbox::serve(listener, sandbox.clone(), CancellationToken::new()));
        Self {
            _folder: folder,
            sandbox,
            url,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Sends a file; says whether it was taken.
    async fn upload(&self, name: &str, bytes: &[u8]) -> bool {
        let url = format!("{}/filepond-upload", self.url);
        let form = [("filepond", json!({ "filepath": name }).to_string())];
        let id = self.http.post(&url).form(&form).send().await.unwrap().text().await.unwrap();
        let url = format!("{url}?patch={id}");
        let piece = self.http.patch(url).header("Upload-Length", bytes.len().to_string());
        piece.body(bytes.to_vec()).send().await.unwrap().status().is_success()
    }

    /// Returns the names in the list, or nothing where it fails.
    async fn list(&self) -> Option<BTreeSet<String>> {
        let answer = self.http.get(format!("{}/extensions", self.url)).send().await.unwrap();
        if !answer.status().is_success() {
            return None;
        }
        let rows: Vec<Value> = answer.json().await.unwrap();
        Some(rows.iter().filter_map(|row| Some(row["name"].as_str()?.to_owned())).collect())
    }
}

/// What a platform does, from the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Rejected,
    BreaksList,
    Invisible,
    Listed,
}

const META: &str =
    "apiVersion: v2\nname: a\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow]\n";
const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: services}\n";
const VALUES: &str = "global: {}\n";

/// Name, Chart.yaml, values.yaml, template, and what is in common knowledge to happen.
type Row = (&'static str, &'static str, Option<&'static str>, &'static str, Fate);

const ROWS: &[Row] = &[
    ("a good chart", META, Some(VALUES), OBJECT, Fate::Listed),
    (
        "a name in capitals",
        "name: A\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow]\n",
        Some(VALUES),
        OBJECT,
        Fate::Rejected,
    ),
    (
        "a name with a line below",
        "name: a_b\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow]\n",
        Some(VALUES),
        OBJECT,
        Fate::Rejected,
    ),
    (
        "no description",
        "name: a\nversion: 0.1.0\nkeywords: [kaapanaworkflow]\n",
        Some(VALUES),
        OBJECT,
        Fate::BreaksList,
    ),
    (
        "no keywords",
        "name: a\nversion: 0.1.0\ndescription: W.\n",
        Some(VALUES),
        OBJECT,
        Fate::Invisible,
    ),
    (
        "keywords of the new style",
        "name: a\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaworkflow-v2]\n",
        Some(VALUES),
        OBJECT,
        Fate::Invisible,
    ),
    ("no values", META, None, OBJECT, Fate::Invisible),
    ("empty values", META, Some(""), OBJECT, Fate::Invisible),
    ("values without global", META, Some("a: 1\n"), OBJECT, Fate::Invisible),
    ("global is null", META, Some("global:\n"), OBJECT, Fate::Invisible),
    (
        "parameters are null",
        META,
        Some("global: {}\nextension_params:\n"),
        OBJECT,
        Fate::BreaksList,
    ),
    (
        "parameters are a list",
        META,
        Some("global: {}\nextension_params: [a]\n"),
        OBJECT,
        Fate::BreaksList,
    ),
    (
        "a parameter is a text",
        META,
        Some("global: {}\nextension_params: {a: b}\n"),
        OBJECT,
        Fate::BreaksList,
    ),
    (
        "parameters are empty",
        META,
        Some("global: {}\nextension_params: {}\n"),
        OBJECT,
        Fate::Listed,
    ),
    ("a template fails", META, Some(VALUES), "a: {{ .Values.a.b }}\n", Fate::Rejected),
    (
        "a value is required",
        META,
        Some(VALUES),
        "a: {{ required \"a\" .Values.global.a }}\n",
        Fate::Rejected,
    ),
    (
        "a value of the platform is there",
        META,
        Some(VALUES),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: \"{{ required \"a\" .Values.global.services_namespace }}\"}\n",
        Fate::Listed,
    ),
    ("nothing is rendered", META, Some(VALUES), "", Fate::Rejected),
    (
        "only a hook is rendered",
        META,
        Some(VALUES),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: services, annotations: {helm.sh/hook: pre-install}}\n",
        Fate::Rejected,
    ),
    (
        "an object of the admin",
        META,
        Some(VALUES),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: \"{{ .Values.global.admin_namespace }}\"}\n",
        Fate::Rejected,
    ),
];

fn archive(row: &Row) -> Vec<u8> {
    let (_, meta, values, template, _) = row;
    let mut files = vec![("a/Chart.yaml", *meta), ("a/templates/a.yaml", template)];
    files.extend(values.map(|text| ("a/values.yaml", text)));
    packed(&files)
}

/// An archive as anybody could make it, also of a chart that can't be packaged.
fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = TarWriter::new(gzip(Vec::new(), 6));
    for (name, text) in files {
        let entry = Entry::new(*name, Kind::File { size: text.len() as u64 }, 0o644);
        tar.append(&entry, text.as_bytes()).unwrap();
    }
    let gz: GzWriter<Vec<u8>> = tar.finish().unwrap();
    gz.finish().unwrap()
}

/// What the preflight expects: the worst of its errors.
fn foreseen(name: &str, bytes: &[u8]) -> Fate {
    let findings = preflight_archive(bytes, name, &Preflight::default());
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let fate = |class: Class| match class {
        Class::Rejected => Fate::Rejected,
        Class::BreaksList => Fate::BreaksList,
        Class::Invisible => Fate::Invisible,
        _ => Fate::Listed,
    };
    let fates = errors.filter_map(|it| Some(fate(rule(&it.rule)?.class)));
    fates.min().unwrap_or(Fate::Listed)
}

/// What the sandbox does.
async fn done(name: &str, bytes: &[u8]) -> Fate {
    let bench = Bench::new().await;
    let taken = bench.upload(name, bytes).await;
    let (first, second) = (bench.list().await, bench.list().await);
    match (taken, first, second) {
        (false, ..) => Fate::Rejected,
        (_, _, None) => Fate::BreaksList,
        (_, _, Some(names)) if names.is_empty() => Fate::Invisible,
        _ => Fate::Listed,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agree_on_the_charts_that_were_tried() {
    for row in ROWS {
        let (what, meta, .., expected) = row;
        let chart_name = if meta.contains("a_b") {
            "a_b"
        } else if meta.contains(": A") {
            "A"
        } else {
            "a"
        };
        let (name, bytes) = (format!("{chart_name}-0.1.0.tgz"), archive(row));
        assert_eq!(foreseen(&name, &bytes), *expected, "the preflight: {what}");
        assert_eq!(done(&name, &bytes).await, *expected, "the sandbox: {what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agree_on_files_that_are_no_charts_or_have_other_names() {
    let good = archive(&ROWS[0]);
    let no_version = packed(&[
        ("a/Chart.yaml", "name: a\nversion: one\ndescription: W.\n"),
        ("a/values.yaml", VALUES),
    ]);
    for (what, name, bytes, expected) in [
        ("no archive", "a-0.1.0.tgz", b"words".as_slice(), Fate::Rejected),
        ("no version", "a-one.tgz", &no_version, Fate::Rejected),
        ("another name", "b-0.1.0.tgz", &good, Fate::Invisible),
        ("an ending in capitals", "a-0.1.0.TGZ", &good, Fate::Invisible),
    ] {
        assert_eq!(foreseen(name, bytes), expected, "the preflight: {what}");
        assert_eq!(done(name, bytes).await, expected, "the sandbox: {what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agree_on_versions_that_can_not_be_compared() {
    let at = |version: &str| {
        let meta = META.replace("0.1.0", version);
        packed(&[
            ("a/Chart.yaml", &meta),
            ("a/values.yaml", VALUES),
            ("a/templates/a.yaml", OBJECT),
        ])
    };
    for (one, other, breaks) in [
        ("0.1.0-1", "0.1.0-alpha.1", true),
        ("0.1.0", "0.1.0-alpha.1", false),
        ("0.1.0", "0.2.0", false),
    ] {
        let bench = Bench::new().await;
        for version in [one, other] {
            assert!(bench.upload(&format!("a-{version}.tgz"), &at(version)).await);
        }
        assert_eq!(bench.list().await.is_none(), breaks, "the sandbox: {one} {other}");
        let about = Preflight { listed: vec![one.to_owned()], ..Preflight::default() };
        let findings = preflight_archive(&at(other), &format!("a-{other}.tgz"), &about);
        let told = findings.iter().any(|it| it.rule == "platform/version-comparable");
        assert_eq!(told, breaks, "the preflight: {one} {other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_agree_on_what_arrives_of_the_answers() {
    let values = "global: {fixed: chart, open: '', list: [x]}\n";
    let bytes = packed(&[
        ("a/Chart.yaml", META),
        ("a/values.yaml", values),
        ("a/templates/a.yaml", OBJECT),
    ]);
    let answers = json!({
        "fixed": "mine", "open": "two words", "list": "mine", "lost": "a&b", "quote": "it's",
        "slash": "a\\b", "flag": true, "number": 7, "point": 1.5, "texts": ["a b", "c"], "none": [],
        "a.b": "deep", "comma": "a,b", "umlaut": "ä", "registry_url": "other", "semi;colon": "x",
    });
    let answers: Map<String, Value> = answers.as_object().cloned().unwrap();
    let bench = Bench::new().await;
    assert!(bench.upload("a-0.1.0.tgz", &bytes).await);
    let body = json!({"name": "a", "version": "0.1.0", "keywords": ["kaapanaworkflow"], "extension_params": answers});
    let url = format!("{}/helm-install-chart", bench.url);
    let answer = bench.http.post(url).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    let arrived = bench.sandbox.releases()[0].values.clone();
    let chart = Chart::from_files(
        "a",
        vec![
            File { name: "Chart.yaml".into(), data: META.into() },
            File { name: "values.yaml".into(), data: values.into() },
        ],
    );
    let chart = chart.unwrap();
    let globals = platform_globals(REGISTRY, "0.6.0");
    let foreseen = pass(&globals, &answers, chart.values["global"].as_object(), Platform::V0_6);
    assert_eq!(foreseen.values, arrived);
    // Whatever changed is told, and nothing else.
    let told: BTreeSet<&str> = answers
        .keys()
        .map(String::as_str)
        .filter(|key| foreseen.effects.iter().any(|it| it.message.contains(&format!("`{key}`"))))
        .collect();
    let changed: BTreeSet<&str> = answers
        .iter()
        .filter(|(key, sent)| arrived["global"].get(key.as_str()) != Some(sent))
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(told, changed, "{:#?}", foreseen.effects);
}
