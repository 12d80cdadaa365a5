//! Whom the contract is checked against.

use std::{sync::Arc, time::Duration};

use edk_chart::{Chart, File};
use edk_model::{CancellationToken, Monitor};
use edk_sandbox::{ContainerPlan, Fault, Faults, Profile, Runtime, Sandbox, Settings};
use edk_store::Store;
use reqwest::{Method, RequestBuilder};

/// Something that speaks the API of kube-helm.
pub(crate) struct World {
    client: reqwest::Client,
    url: String,
    _folder: Option<tempfile::TempDir>,
}

/// The faults with an age of the list that a test can wait for.
pub(crate) fn quick(faults: Faults) -> Faults {
    Faults { list_cache: faults.list_cache.map(|_| Duration::from_millis(500)), ..faults }
}

/// Every container ends well, but one that is called `slow`.
struct Player;

impl Runtime for Player {
    fn run(
        &self,
        container: &ContainerPlan,
        _: &mut dyn FnMut(&str),
        monitor: &Monitor,
    ) -> Result<i32, Fault> {
        while container.name == "slow" && monitor.check().is_ok() {
            std::thread::yield_now();
        }
        if monitor.check().is_err() { Err(Fault::Cancelled) } else { Ok(0) }
    }
}

impl World {
    pub(crate) async fn sandbox(profile: Profile, faults: Faults) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let settings = Settings {
            registry_url: "127.0.0.1:5000".to_owned(),
            build_version: profile.build_version().to_owned(),
            url: url.clone(),
            profile,
            faults,
            door: None,
            restart_delay: Duration::from_millis(5),
            now: std::time::SystemTime::now,
        };
        let store = Store::open(&folder.path().join("store")).unwrap();
        let state = folder.path().join("sandbox");
        let sandbox = Sandbox::open_with(&state, store, Arc::new(Player), settings).unwrap();
        tokio::spawn(edk_sandbox::serve(listener, sandbox, CancellationToken::new()));
        Self { _folder: Some(folder), ..Self::real(&url) }
    }

    pub(crate) fn real(url: &str) -> Self {
        // Fails only when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { client, url: url.trim_end_matches('/').to_owned(), _folder: None }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Status and words of an answer.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> (u16, String) {
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        self.answer(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: serde_json::Value) -> (u16, String) {
        self.answer(self.request("POST", path).json(&body)).await
    }

    /// Begins an upload and returns its id.
    pub(crate) async fn begin(&self, file_name: &str) -> String {
        let form = [("filepond", serde_json::json!({ "filepath": file_name }).to_string())];
        let (status, id) = self.answer(self.request("POST", "/filepond-upload").form(&form)).await;
        assert_eq!(status, 200, "{id}");
        id
    }

    pub(crate) async fn piece(
        &self,
        id: &str,
        offset: usize,
        piece: &[u8],
        length: usize,
    ) -> (u16, String) {
        let request = self.request("PATCH", "/filepond-upload").query(&[("patch", id)]);
        let request = request.header("upload-length", length).header("upload-offset", offset);
        self.answer(request.body(piece.to_vec())).await
    }

    pub(crate) async fn upload(&self, chart: &Packed) -> (u16, String) {
        let id = self.begin(&chart.file_name).await;
        self.piece(&id, 0, &chart.bytes, chart.bytes.len()).await
    }

    /// Polls a path until `holds`.
    pub(crate) async fn until(&self, path: &str, holds: impl Fn(u16, &str) -> bool) {
        for _ in 0..3000 {
            let (status, words) = self.get(path).await;
            if holds(status, &words) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} does not become what was waited for");
    }
}

/// A chart as it is uploaded.
pub(crate) struct Packed {
    pub(crate) file_name: String,
    pub(crate) bytes: Vec<u8>,
}

/// A chart of one Job in `namespace`, whose container is called `container`.
pub(crate) fn chart(meta: &str, values: &str, namespace: &str, container: &str) -> Packed {
    let file = |name: &str, text: &str| File { name: name.into(), data: text.as_bytes().to_vec() };
    let job = format!(
        "apiVersion: batch/v1
kind: Job
metadata: {{name: '{{{{ .Release.Name }}}}', namespace: {namespace}}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{{name: {container}, image: busybox}}]
"
    );
    let files = vec![
        file("Chart.yaml", &format!("apiVersion: v2\n{meta}")),
        file("values.yaml", values),
        file("templates/job.yaml", &job),
    ];
    let packaged = Chart::from_files("chart", files).unwrap().package().unwrap();
    Packed { file_name: packaged.file_name, bytes: packaged.bytes }
}

pub(crate) fn meta(name: &str, version: &str) -> String {
    let keywords = "keywords: [kaapanaworkflow]";
    format!("name: {name}\nversion: {version}\ndescription: of the contract\n{keywords}\n")
}

/// A good chart.
pub(crate) fn good(name: &str) -> Packed {
    chart(&meta(name, "0.1.0"), "global: {}\n", "services", "quick")
}
