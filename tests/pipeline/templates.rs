//! The templates as they are shipped, on a platform elsewhere: deployed, updated with one line,
//! taken back after a bad change, and gone in the end, whichever way their images go.

use std::{fs, path::PathBuf};

use edk_testkit::{Running, Signal, TestEnv, add_job, processes_below, wait_until};

use crate::{wire::Wire, world};

/// What may go over beside the layer that changed.
const AROUND: u64 = 16 << 10;

/// A platform with a registry, each behind a wire that counts: known as `ward`, to whose registry
/// images are pushed, and as `far`, which gets them in archives.
struct Platform {
    env: TestEnv,
    servers: Vec<Running>,
    api: Wire,
    registry: Wire,
}

impl Platform {
    fn new() -> Self {
        let env = world::copy();
        let mut servers = Vec::new();
        let mut serve = |what: &str| {
            let mut server = env.start(&[what, "serve", "--port", "0", "--home", "served"]);
            let address = server.address();
            servers.push(server);
            Wire::before(&address)
        };
        let (api, registry) = (serve("sandbox"), serve("registry"));
        // Archives carry the names by which the sandbox's charts ask for images.
        for (name, images) in [("ward", registry.address.as_str()), ("far", "localhost:5577")] {
            let url = format!("http://{}", api.address);
            let add = ["target", "add", name, &url, "--registry", images];
            env.edk(&[&add[..], &["--build-version", "0.6.0"]].concat()).exits(0);
        }
        env.edk(&["new", "application", "hello", "--yes", "--set", "name=hello"]).exits(0);
        Self { env, servers, api, registry }
    }

    fn served(&self, name: &str) -> PathBuf {
        self.env.path("served").join(name)
    }

    fn change(&self, file: &str, from: &str, to: &str) {
        let path = self.env.path(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    fn deploy<'a>(&self, way: &Way, project: &'a str, version: &'a str) -> Vec<&'a str> {
        let args = ["deploy", project, "--version", version, "--target", way.target];
        [&args[..], way.more].concat()
    }

    /// Deploys, and returns what was sent on the way of the images: as it is told, and as it came.
    fn sent(&self, way: &Way, project: &str, version: &str) -> (u64, u64) {
        drop((self.api.take(), self.registry.take()));
        let done = self.env.result(&self.deploy(way, project, version));
        let pushed = done["pushed"].as_array().unwrap();
        let told = pushed.iter().map(|it| it["bytes"].as_u64().unwrap()).sum();
        let (api, registry) = (self.api.take(), self.registry.take());
        let archives = api.iter().filter(|it| it.head.contains(".tar\r\n"));
        let archives: Vec<_> = archives.cloned().collect();
        let (all, content) = match way.more.is_empty() {
            true => (registry.clone(), "/blobs/"),
            false => (archives, "PATCH "),
        };
        // What is told is what was in the uploads, to the byte.
        let content: u64 =
            all.iter().filter(|it| it.head.contains(content)).map(|it| it.body).sum();
        assert_eq!(told, content, "{all:#?}");
        assert_eq!(way.more.is_empty(), !registry.is_empty(), "images went another way");
        (told, all.iter().map(|it| it.size()).sum())
    }

    /// Size of the layer of `image` that its last `COPY` made.
    fn layer(&self, image: &str) -> u64 {
        let shown = self.env.result(&["image", "inspect", image]);
        let layers = shown[0]["layers"].as_array().unwrap();
        layers.last().unwrap()["size"].as_u64().unwrap()
    }

    /// Deploys a change of one line; what goes over is bounded by the layer it is in.
    fn update(&self, way: &Way, project: &str, version: &str, image: &str) {
        let (told, came) = self.sent(way, project, version);
        let layer = self.layer(&format!("{image}:{version}"));
        assert!(told >= layer, "{told} bytes can't hold a layer of {layer}");
        assert!(came <= layer + AROUND, "{came} bytes for a layer of {layer}");
    }

    fn page(&self) -> (u16, String) {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(&self.api.address).unwrap();
        stream.write_all(b"GET /hello/ HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    #[track_caller]
    fn expect_page(&self, status: u16, part: &str) {
        wait_until(part, 30, || {
            let (came, body) = self.page();
            came == status && body.contains(part)
        });
    }

    fn remove(&self, way: &Way, project: &str) {
        let gone = self.env.result(&["uninstall", project, "--target", way.target]);
        assert_eq!(gone["was_installed"], true);
        let list = self.env.result(&["ext", "list", "--target", way.target, "--installed"]);
        assert_eq!(list["extensions"], serde_json::json!([]));
        for folder in ["sandbox/releases", "sandbox/pods", "sandbox/workflows/dags"] {
            let entries = fs::read_dir(self.served(folder)).into_iter().flatten();
            let names = entries.map(|it| it.unwrap().file_name());
            assert_eq!(names.collect::<Vec<_>>(), [""; 0], "left in {folder}");
        }
        let containers = self.served("containers");
        wait_until("containers are gone", 30, || processes_below(&containers).is_empty());
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.servers.iter_mut().for_each(|server| server.signal(Signal::SIGTERM));
    }
}

/// A way of images.
struct Way {
    target: &'static str,
    more: &'static [&'static str],
}

const WAYS: [Way; 2] =
    [Way { target: "ward", more: &[] }, Way { target: "far", more: &["--archives"] }];

/// Where the steps of the workflow are.
const STEP: &str = "lung/processing-containers/lung-features/files/extract.py";
const DAG: &str = "lung/extension/docker/files/dag_lung.py";
const SERVER: &str = "hello/docker/files/server.py";

#[test]
fn the_shipped_templates_are_delivered_updated_taken_back_and_removed() {
    let platform = Platform::new();
    for way in &WAYS {
        workflow(&platform, way);
        application(&platform, way);
    }
    edk_testkit::verify_store(&platform.served("store"));
}

fn workflow(platform: &Platform, way: &Way) {
    let dag = platform.served("sandbox/workflows/dags/dag_lung.py");
    let (whole, _) = platform.sent(way, "lung", "0.1.0");
    assert!(whole > 1 << 20, "the base goes over once: {whole}");
    let first = fs::read_to_string(&dag).unwrap();
    // A line of the step, then one of the DAG.
    platform.change(STEP, "\"\"\"", "\"\"\"One line. ");
    platform.update(way, "lung", "0.2.0", "lung-features");
    platform.change(DAG, "\"\"\"", "\"\"\"Another line. ");
    platform.update(way, "lung", "0.3.0", "dag-lung");
    let second = fs::read_to_string(&dag).unwrap();
    assert_ne!(first, second);

    // Under the same version, so that the old images have to come back under their names.
    let image = "image: '{{ .Values.global.registry_url }}/lung-features:0.6.0'";
    let container = format!("{image}, command: [python3, -c, 'raise SystemExit(7)']");
    let job = add_job(&platform.env.path("lung/extension/lung-workflow"), &container);
    platform.change(DAG, "Another", "A bad");
    let bad = platform.env.edk(&platform.deploy(way, "lung", "0.3.0")).exits(1);
    bad.tells(&["0.3.0 was put back and is ready", "follow/job-failed"]);
    assert_eq!(fs::read_to_string(&dag).unwrap(), second);
    fs::remove_file(&job).unwrap();
    platform.remove(way, "lung");
}

fn application(platform: &Platform, way: &Way) {
    platform.sent(way, "hello", "0.1.0");
    platform.expect_page(200, "<p>Hello</p>");
    platform.change(SERVER, "<p>{greeting}</p>", "<p>{greeting}!</p>");
    platform.update(way, "hello", "0.2.0", "hello");
    platform.expect_page(200, "<p>Hello!</p>");
    // It ends before it listens, so it never becomes ready.
    platform.change(SERVER, "PORT = 8080", "PORT = 8080 / 0");
    let bad = platform.env.edk(&platform.deploy(way, "hello", "0.2.0")).exits(1);
    bad.tells(&["0.2.0 was put back and is ready", "follow/crash-loop", "ZeroDivisionError"]);
    platform.expect_page(200, "<p>Hello!</p>");
    platform.change(SERVER, "PORT = 8080 / 0", "PORT = 8080");
    platform.change(SERVER, "<p>{greeting}!</p>", "<p>{greeting}</p>");
    platform.remove(way, "hello");
    platform.expect_page(404, "");
}
