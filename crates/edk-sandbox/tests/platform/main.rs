//! The sandbox, spoken to by the real client over HTTP: as it should be, and with the faults of a
//! real platform.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking, as a test does")]

mod images;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use edk_chart::{Chart, File};
use edk_model::{CancellationToken, Digest, Monitor, media};
use edk_sandbox::{
    ContainerPlan, Fault, Faults, PodStatus, Profile, Runtime, Sandbox, SandboxError, Settings,
    Status,
};
use edk_store::Store;
use edk_target::{
    Client, Generation, ImportOutcome, InstallOutcome, Pace, Project, Target, TargetError,
    UploadOutcome,
};
use edk_testkit::TarEntry;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

const REGISTRY: &str = "127.0.0.1:5000";

/// Plays containers: what an image does is told by its name.
#[derive(Default)]
struct Player {
    ran: Mutex<Vec<ContainerPlan>>,
}

impl Runtime for Player {
    fn run(
        &self,
        container: &ContainerPlan,
        output: &mut dyn FnMut(&str),
        monitor: &Monitor,
    ) -> Result<i32, Fault> {
        self.ran.lock().unwrap().push(container.clone());
        let env: BTreeMap<_, _> = container.env.iter().cloned().collect();
        if container.image.contains("missing") {
            return Err(Fault::Image("the registry has no such image".to_owned()));
        }
        if container.image.contains("broken") {
            output("it hurts");
            return Ok(3);
        }
        if container.image.contains("hangs") {
            while monitor.check().is_ok() {
                std::thread::yield_now();
            }
            return Err(Fault::Cancelled);
        }
        if let Some(mount) = container.mounts.first() {
            let path = mount.source.join("dag.py");
            match env.get("ACTION").map(String::as_str) {
                Some("remove") => fs::remove_file(path).unwrap(),
                _ => fs::write(path, "dag").unwrap(),
            }
        }
        output("done");
        Ok(0)
    }
}

struct Bench {
    folder: TempDir,
    sandbox: Arc<Sandbox>,
    client: Client,
    url: String,
    monitor: Monitor,
}

fn settings(faults: Faults) -> Settings {
    Settings {
        profile: Profile::default(),
        restart_delay: std::time::Duration::from_millis(5),
        now: std::time::SystemTime::now,
        registry_url: REGISTRY.to_owned(),
        build_version: "0.6.0".to_owned(),
        url: "http://127.0.0.1:1".to_owned(),
        faults,
        door: None,
    }
}

fn open(folder: &Path, settings: Settings) -> Result<Arc<Sandbox>, SandboxError> {
    let store = Store::open(&folder.join("store")).unwrap();
    Sandbox::open_with(&folder.join("sandbox"), store, Arc::new(Player::default()), settings)
}

async fn bench(faults: Faults) -> Bench {
    serve(tempfile::tempdir().unwrap(), settings(faults)).await
}

async fn serve(folder: TempDir, settings: Settings) -> Bench {
    let version = settings.profile.build_version();
    let sandbox = open(folder.path(), settings).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(edk_sandbox::serve(listener, sandbox.clone(), CancellationToken::new()));
    let poll = Duration::from_millis(5);
    let pace = Pace { poll, back_off: 4 * poll, ..Pace::sandbox() };
    let project = Some(Project { id: "p-1".into(), name: "lung & liver".into() });
    let target = Target { pace, project, ..Target::new("sandbox", &url, REGISTRY, version) };
    let client = Client::connect(target).unwrap();
    Bench { folder, sandbox, client, url, monitor: Monitor::silent() }
}

impl Bench {
    async fn upload(&self, chart: &Packed) -> Result<UploadOutcome, TargetError> {
        self.client.upload_chart(&chart.file_name, chart.bytes.clone(), &self.monitor).await
    }

    async fn install(&self, params: Value) -> Result<InstallOutcome, TargetError> {
        let row = self.client.wait_listed("flow", "0.1.0", PATIENCE, &self.monitor).await?;
        let params = params.as_object().cloned().unwrap();
        self.client.install("flow", "0.1.0", &row.keywords, &params, &self.monitor).await
    }

    async fn delivered(&self, chart: &Packed) -> Result<edk_target::Followed, TargetError> {
        self.upload(chart).await?;
        let outcome = self.install(json!({})).await?;
        self.client.follow(outcome.release(), PATIENCE, &self.monitor).await
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("sandbox").join(path)
    }

    fn global(&self, key: &str) -> Value {
        self.sandbox.releases()[0].values["global"][key].clone()
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

struct Packed {
    file_name: String,
    bytes: Vec<u8>,
}

const META: &str = "name: flow\nversion: 0.1.0\ndescription: a flow\nkeywords: [kaapanaworkflow]\n";
const VALUES: &str = "global:\n  image: dag-flow\n  fixed: chart\n  open: \"\"\n";

fn pack(meta: &str, values: &str, templates: &[String]) -> Packed {
    let file = |name: String, text: &str| File { name, data: text.as_bytes().to_vec() };
    let mut files = vec![
        file("Chart.yaml".into(), &format!("apiVersion: v2\n{meta}")),
        file("values.yaml".into(), values),
    ];
    for (number, template) in templates.iter().enumerate() {
        files.push(file(format!("templates/{number}.yaml"), template));
    }
    let packaged = Chart::from_files("flow", files).unwrap().package().unwrap();
    Packed { file_name: packaged.file_name, bytes: packaged.bytes }
}

/// A Job that runs `image`; as a hook if `event` names one.
fn job(name: &str, image: &str, event: &str, action: &str) -> String {
    let hook = match event {
        "" => String::new(),
        event => format!("\n  annotations:\n    helm.sh/hook: {event}"),
    };
    format!(
        "apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  namespace: {{{{ .Values.global.services_namespace }}}}{hook}
spec:
  template:
    spec:
      containers:
        - name: c
          image: {{{{ .Values.global.registry_url }}}}/{image}:{{{{ .Chart.Version }}}}
          env: [{{name: ACTION, value: {action}}}]
          volumeMounts: [{{name: dags, mountPath: /dags}}]
      volumes: [{{name: dags, persistentVolumeClaim: {{claimName: dags-pv-claim}}}}]
"
    )
}

fn flow(image: &str) -> Packed {
    let remove = job("remove-flow", image, "pre-delete", "remove");
    pack(META, VALUES, &[job("flow", image, "", "copy"), remove])
}

fn in_admin() -> Packed {
    let bad = job("flow", "dag-flow", "", "copy").replace("services_namespace", "admin_namespace");
    pack(META, VALUES, &[bad])
}

#[tokio::test]
async fn what_the_sandbox_shows_tells_the_version_it_has() {
    for profile in Profile::ALL {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { profile, ..settings(Faults::default()) };
        let bench = serve(folder, settings).await;
        let known = Generation::of(profile.build_version()).unwrap();
        // The oldest lists of 0.5 differ in a row, so there has to be one.
        bench.upload(&flow("dag-flow")).await.unwrap();
        bench.client.wait_listed("flow", "0.1.0", PATIENCE, &bench.monitor).await.unwrap();
        let seen = bench.client.features(&bench.monitor).await.unwrap();
        assert_eq!(seen.generation(), Some(known), "{}: {seen:?}", profile.name());
        assert!(seen.lacks(known).is_empty(), "{}: {seen:?}", profile.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_is_uploaded_installed_followed_and_removed() {
    let bench = bench(Faults::default()).await;
    bench.client.health(&bench.monitor).await.unwrap();
    let followed = bench.delivered(&flow("dag-flow")).await.unwrap();
    assert_eq!(followed.pods[0].status, "completed");
    assert!(bench.path("workflows/dags/dag.py").is_file());
    assert_eq!(bench.sandbox.releases()[0].pods[0].log, ["done"]);
    bench.client.uninstall("flow", "0.1.0", false, &bench.monitor).await.unwrap();
    bench.client.wait_gone("flow", PATIENCE, &bench.monitor).await.unwrap();
    assert!(!bench.path("workflows/dags/dag.py").exists(), "the pre-delete hook did not run");
    assert!(bench.sandbox.releases().is_empty());
}

/// A platform of one line with one fault, `all` or `none` of them; quick where a platform is slow.
fn with_faults(name: &str) -> Faults {
    let mut faults = if name == "all" { Faults::strict() } else { Faults::default() };
    faults.switch_on(name);
    faults.list_cache = faults.list_cache.map(|_| Duration::from_millis(200));
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_works_on_every_platform_with_each_fault_and_with_all() {
    let names: Vec<_> = Faults::ALL.iter().map(|it| it.name).chain(["all", "none"]).collect();
    let way = async |profile, name| {
        let folder = tempfile::tempdir().unwrap();
        let bench = serve(folder, Settings { profile, ..settings(with_faults(name)) }).await;
        let at = format!("{} with {name}", profile.name());
        let followed = bench.delivered(&flow("dag-flow")).await;
        let followed = followed.unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(followed.pods[0].status, "completed", "{at}");
        bench.client.uninstall("flow", "0.1.0", false, &bench.monitor).await.unwrap();
        bench.client.wait_gone("flow", PATIENCE, &bench.monitor).await.unwrap();
        assert!(!bench.path("workflows/dags/dag.py").exists(), "{at}");
    };
    for profile in Profile::ALL {
        for name in &names {
            way(profile, name).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_chart_is_not_kept_and_the_reason_is_told() {
    let bench = bench(Faults::default()).await;
    let error = bench.upload(&in_admin()).await.unwrap_err();
    assert!(error.to_string().contains("admin_namespace: Job `flow`"), "{error}");
    assert!(bench.client.extensions(&bench.monitor).await.unwrap().is_empty());
    assert!(!bench.path("extensions/flow-0.1.0.tgz").exists());
    let broken = pack(META, VALUES, &["a: {{ .Values.global.nothing.there }}".to_owned()]);
    let error = bench.upload(&broken).await.unwrap_err();
    assert!(error.to_string().contains("templates/0.yaml:1:"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_keeps_a_rejected_chart_until_a_corrected_one_replaces_it() {
    let bench = bench(Faults { list_cache: None, ..Faults::strict() }).await;
    let error = bench.upload(&in_admin()).await.unwrap_err();
    assert!(matches!(error, TargetError::ChartRejected { .. }), "{error}");
    assert_eq!(bench.client.extensions(&bench.monitor).await.unwrap().len(), 1);
    bench.upload(&flow("dag-flow")).await.unwrap();
    let kept = fs::read(bench.path("extensions/flow-0.1.0.tgz")).unwrap();
    assert_eq!(kept, flow("dag-flow").bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_chart_takes_the_list_of_a_platform_down_until_it_is_replaced() {
    let nameless =
        pack(&META.replace("description: a flow\n", ""), VALUES, &[job("flow", "i", "", "copy")]);
    let strict = bench(Faults { list_cache: None, ..Faults::strict() }).await;
    strict.upload(&nameless).await.unwrap();
    strict.client.extensions(&strict.monitor).await.unwrap_err();
    strict.upload(&flow("dag-flow")).await.unwrap();
    assert_eq!(strict.client.extensions(&strict.monitor).await.unwrap().len(), 1);
    let good = bench(Faults::default()).await;
    let error = good.upload(&nameless).await.unwrap_err();
    assert!(error.to_string().contains("no description"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn installing_before_the_chart_is_listed_breaks_a_platforms_list_once() {
    let list_cache = Some(Duration::from_millis(1500));
    let bench = bench(Faults { list_cache, ..Faults::strict() }).await;
    bench.client.extensions(&bench.monitor).await.unwrap();
    bench.upload(&flow("dag-flow")).await.unwrap();
    let (name, version) = ("flow", "0.1.0");
    let keywords = ["kaapanaworkflow".to_owned()];
    bench.client.install(name, version, &keywords, &Map::new(), &bench.monitor).await.unwrap();
    let get = || async { reqwest_get(&format!("{}/extensions", bench.url)).await };
    assert_eq!(get().await, (500, r#"{"detail":"Failed to get extensions"}"#.to_owned()));
    assert_eq!(get().await, (200, r#"["flow"]"#.to_owned()));
    bench.client.wait_listed(name, version, PATIENCE, &bench.monitor).await.unwrap();
}

async fn reqwest_get(url: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.get(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Sends one file of two pieces, the first piece twice; returns the last answer and what is kept.
async fn piece_sent_twice(bench: &Bench) -> (u16, String, Option<Vec<u8>>) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/kube-helm-api/filepond-upload", bench.url);
    let form = [("filepond", r#"{"filepath":"x.tar"}"#)];
    let id = client.post(&url).form(&form).send().await.unwrap().text().await.unwrap();
    let mut last = (0, String::new());
    for (offset, piece) in [("0", "aa"), ("0", "aa")] {
        let request = client.patch(&url).query(&[("patch", &id)]);
        let request = request.header("upload-length", "4").header("upload-offset", offset);
        let response = request.body(piece).send().await.unwrap();
        last = (response.status().as_u16(), response.text().await.unwrap());
    }
    (last.0, last.1, fs::read(bench.path("extensions/x.tar")).ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_sent_twice_is_refused_here_and_spoils_the_file_on_a_platform() {
    let good = bench(Faults::default()).await;
    let (status, _, kept) = piece_sent_twice(&good).await;
    assert_eq!((status, kept), (409, None));
    let strict = bench(Faults::strict()).await;
    let (status, words, kept) = piece_sent_twice(&strict).await;
    assert_eq!((status, words.as_str()), (200, "x.tar uploaded succesfully"));
    assert_eq!(kept.unwrap(), b"aaaa");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_install_that_a_platform_calls_failed_too_early_is_found_and_followed() {
    let install_timeout = Some(Duration::ZERO);
    let bench = bench(Faults { install_timeout, ..Faults::default() }).await;
    let followed = bench.delivered(&flow("dag-flow")).await.unwrap();
    assert!(followed.ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_lose_against_texts_of_the_chart_and_are_mangled_on_a_platform() {
    let params = json!({"fixed": "user", "open": "a b", "lost": "x&y", "flag": true});
    let check = async |faults: Faults, expected: [Value; 4]| {
        let bench = bench(faults).await;
        bench.upload(&flow("dag-flow")).await.unwrap();
        bench.install(params.clone()).await.unwrap();
        assert_eq!(["fixed", "open", "lost", "flag"].map(|key| bench.global(key)), expected);
    };
    let good = [json!("chart"), json!("a b"), json!("x&y"), json!(true)];
    check(Faults::default(), good).await;
    let mangled = [json!("chart"), json!("ab"), json!(null), json!(true)];
    check(Faults { list_cache: None, ..Faults::strict() }, mangled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_its_image_fails_the_release_with_the_reason() {
    let bench = bench(Faults::default()).await;
    let error = bench.delivered(&flow("missing")).await.unwrap_err();
    assert!(error.to_string().contains("errimagepull (the registry has no such image)"), "{error}");
    let outcome = bench.install(json!({})).await.unwrap();
    let helm_status = Some("deployed".to_owned());
    assert_eq!(outcome, InstallOutcome::AlreadyInstalled { release: "flow".into(), helm_status });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_ends_badly_is_told_with_its_last_words() {
    let bench = bench(Faults::default()).await;
    let error = bench.delivered(&flow("broken")).await.unwrap_err();
    assert!(error.to_string().contains("exit code 3: it hurts"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_hook_fails_the_install() {
    let bench = bench(Faults::default()).await;
    let hook = job("before", "broken", "pre-install", "copy");
    let chart = pack(META, VALUES, &[job("flow", "dag-flow", "", "copy"), hook]);
    let error = bench.delivered(&chart).await.unwrap_err();
    assert!(error.to_string().contains("failed pre-install: Job `before`"), "{error}");
    assert_eq!(bench.sandbox.releases()[0].status, Status::Failed);
    assert!(!bench.path("workflows/dags/dag.py").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_whose_removal_hook_fails_goes_without_hooks() {
    let bench = bench(Faults::default()).await;
    let hook = job("remove-flow", "broken", "pre-delete", "remove");
    let chart = pack(META, VALUES, &[job("flow", "dag-flow", "", "copy"), hook]);
    bench.delivered(&chart).await.unwrap();
    bench.client.uninstall("flow", "0.1.0", false, &bench.monitor).await.unwrap();
    let forever = Duration::from_secs(3600);
    let error = bench.client.wait_gone("flow", forever, &bench.monitor).await.unwrap_err();
    assert!(error.to_string().contains("failed pre-delete: Job `remove-flow`"), "{error}");
    bench.client.uninstall("flow", "0.1.0", true, &bench.monitor).await.unwrap();
    bench.client.wait_gone("flow", PATIENCE, &bench.monitor).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_sandbox_does_not_run_says_so() {
    let bench = bench(Faults::default()).await;
    let deployment = |spec: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: services}}\nspec: {spec}\n"
        )
    };
    let meta = META.replace("kaapanaworkflow", "kaapanaapplication");
    let two =
        deployment("{template: {spec: {containers: [{name: a, image: i}, {name: b, image: i}]}}}");
    let error = bench.delivered(&pack(&meta, VALUES, &[two])).await.unwrap_err();
    assert!(error.to_string().contains("the pod has 2 containers"), "{error}");
    bench.client.uninstall("flow", "0.1.0", false, &bench.monitor).await.unwrap();
    bench.client.wait_gone("flow", PATIENCE, &bench.monitor).await.unwrap();
    let none = deployment("{replicas: 0}");
    let followed = bench.delivered(&pack(&meta, VALUES, &[none])).await.unwrap();
    assert_eq!(followed.pods[0].status, "not-run");
    assert_eq!(bench.sandbox.releases()[0].pods[0].status, PodStatus::NotRun);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_launch_makes_a_release_for_the_project_of_the_cookie() {
    let bench = bench(Faults::default()).await;
    let meta = META.replace("[kaapanaworkflow]", "[kaapanaworkflow, kaapanamultiinstallable]");
    let template = job("{{ .Release.Name }}", "dag-flow", "", "copy");
    bench.upload(&pack(&meta, VALUES, &[template])).await.unwrap();
    let mut releases = Vec::new();
    for _ in 0..2 {
        let release = bench.install(json!({})).await.unwrap().release().to_owned();
        bench.client.follow(&release, PATIENCE, &bench.monitor).await.unwrap();
        releases.push(release);
    }
    assert_ne!(releases[0], releases[1]);
    assert_eq!(bench.global("project_id"), "p-1");
    assert_eq!(bench.global("project_name"), "lung & liver");
    assert_eq!(bench.client.extensions(&bench.monitor).await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_under_way_when_the_sandbox_was_killed_is_run_again() {
    let before = bench(Faults::default()).await;
    before.upload(&flow("hangs")).await.unwrap();
    before.install(json!({})).await.unwrap();
    // What a kill leaves is what is on disk at that moment.
    let after = tempfile::tempdir().unwrap();
    copy(&before.path(""), &after.path().join("sandbox"));
    let path = after.path().join("sandbox/releases/flow.json");
    let record = fs::read_to_string(&path).unwrap();
    fs::write(&path, record.replace("hangs", "dag-flow")).unwrap();
    let after = serve(after, settings(Faults::default())).await;
    after.client.follow("flow", PATIENCE, &after.monitor).await.unwrap();
    assert!(after.path("workflows/dags/dag.py").is_file());
    before.sandbox.close();
    let pod = &before.sandbox.releases()[0].pods[0];
    assert!(!pod.status.is_final(), "a job that was stopped must not look finished");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            // The socket of the gate.
            false if !path.is_file() => {}
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_begun_before_a_restart_can_be_finished_after_it() {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let first = bench(Faults::default()).await;
    let form = [("filepond", r#"{"filepath":"x.tar"}"#)];
    let url = |bench: &Bench| format!("{}/filepond-upload", bench.url);
    let id = client.post(url(&first)).form(&form).send().await.unwrap().text().await.unwrap();
    let send = async |bench: &Bench, offset: &str, piece: &'static str| {
        let request = client.patch(url(bench)).query(&[("patch", &id)]).body(piece);
        let request = request.header("upload-length", "4").header("upload-offset", offset);
        request.send().await.unwrap().text().await.unwrap()
    };
    assert_eq!(send(&first, "0", "ab").await, id);
    let folder = tempfile::tempdir().unwrap();
    copy(&first.path(""), &folder.path().join("sandbox"));
    let second = serve(folder, settings(Faults::default())).await;
    let head = client.head(url(&second)).query(&[("patch", &id)]).send().await.unwrap();
    assert_eq!(head.headers()["upload-offset"], "2");
    assert_eq!(send(&second, "2", "cd").await, "x.tar uploaded succesfully");
    assert_eq!(fs::read(second.path("extensions/x.tar")).unwrap(), b"abcd");
}

#[test]
fn an_upload_that_was_left_is_swept_after_a_day() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), settings(Faults::default())).unwrap());
    let day = Duration::from_secs(24 * 3600 + 60);
    for (name, age) in [("old.tmp", day), ("young.tmp", Duration::ZERO)] {
        let file = fs::File::create(folder.path().join("sandbox/uploads").join(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - age).unwrap();
    }
    drop(open(folder.path(), settings(Faults::default())).unwrap());
    let left = |name: &str| folder.path().join("sandbox/uploads").join(name).exists();
    assert!(!left("old.tmp") && left("young.tmp"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_belongs_to_one_sandbox_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), settings(Faults::default())).unwrap();
    let second = open(folder.path(), settings(Faults::default()));
    assert!(matches!(second, Err(SandboxError::InUse { .. })));
    drop(first);
    open(folder.path(), settings(Faults::default())).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_name_and_no_id_leads_out_of_the_folder() {
    let bench = bench(Faults::strict()).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/filepond-upload", bench.url);
    for name in ["../x.tar", "a/b.tar", "..", "", "a\\b.tar", ".hidden.tar"] {
        let form = [("filepond", json!({ "filepath": name }).to_string())];
        let status = client.post(&url).form(&form).send().await.unwrap().status();
        assert_eq!(status, 500, "{name}");
    }
    let request = client.patch(&url).query(&[("patch", "../../x")]).header("upload-length", "1");
    assert_eq!(request.body("x").send().await.unwrap().status(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installers_call_for_an_image_is_recorded_with_whether_it_is_known() {
    let bench = bench(Faults::default()).await;
    let store = Store::open(&bench.folder.path().join("store")).unwrap();
    let manifest = store.put("application/json", b"{}").unwrap();
    store.tag("known", "0.1.0", &manifest).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for image in ["known", "unknown"] {
        let body = json!({"docker_registry_url": REGISTRY, "docker_image": image,
            "docker_version": "0.1.0"});
        let url = format!("{}/pull-docker-image", bench.url);
        assert_eq!(client.post(url).json(&body).send().await.unwrap().status(), 202);
    }
    let known: Vec<_> = bench.sandbox.pulls().into_iter().map(|pull| pull.known).collect();
    assert_eq!(known, [true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_can_not_speak_to_the_sandbox() {
    let bench = bench(Faults::default()).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (name, value) in [("origin", "https://example.org"), ("host", "rebound.example.org")] {
        let request = client.get(format!("{}/extensions", bench.url)).header(name, value);
        assert_eq!(request.send().await.unwrap().status(), 403, "{name}");
    }
}
