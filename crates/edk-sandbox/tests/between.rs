//! What goes wrong between client and server: cut, answered by somebody else, answered late, sent
//! twice, restarted. No corrupt upload is ever reported as success, nothing is installed twice, and
//! what is reported is so.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking, as a test does")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use edk_chart::{Chart, File};
use edk_model::{CancellationToken, Monitor, Secret};
use edk_sandbox::{
    ContainerPlan, Door, Fault, Faults, Profile, Runtime, Sandbox, Settings, Status,
};
use edk_store::Store;
use edk_target::{Auth, Client, Login, Pace, Target, TargetError, Trust, UploadOutcome};
use serde_json::{Map, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What the proxy does with the next request to a path, once.
#[derive(Debug, Clone, Copy)]
enum Trick {
    /// It passes on so many bytes of the body, then breaks off on both sides.
    Cut(usize),
    /// It lets the server do it all, and answers with another status.
    Answer(u16),
    /// It lets the server do it all, and breaks off before the answer.
    Swallow,
    /// It sends the request twice, as a proxy that tries again, and passes the second answer on.
    Twice,
    /// It answers itself, without the server.
    Refuse(u16),
    /// It lets the server do it all, then sends the beginning of a head and no more, until the
    /// client has had enough.
    Stall,
}

#[derive(Clone)]
struct Proxy {
    server: Arc<Mutex<String>>,
    trick: Arc<Mutex<Option<(&'static str, Trick)>>>,
}

impl Proxy {
    /// Serves at an address of its own, which it returns.
    async fn start(server: &str) -> (Self, String) {
        let server = Arc::new(Mutex::new(server.to_owned()));
        let proxy = Self { server, trick: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let own = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                // A connection that breaks off is what this is about.
                tokio::spawn(async move { own.pass(stream).await.ok() });
            }
        });
        (proxy, url)
    }

    fn next(&self, request: &'static str, trick: Trick) {
        *self.trick.lock().unwrap() = Some((request, trick));
    }

    /// Says whether the trick was played.
    fn played(&self) -> bool {
        self.trick.lock().unwrap().is_none()
    }

    async fn pass(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        let mut body = vec![0; length.unwrap_or(0)];
        client.read_exact(&mut body).await?;
        let trick = {
            let mut trick = self.trick.lock().unwrap();
            trick.take_if(|(request, _)| head.starts_with(*request)).map(|(_, trick)| trick)
        };
        let (line, rest) = head.split_once("\r\n").unwrap();
        let head = format!("{line}\r\nconnection: close\r\n{rest}");
        match trick {
            Some(Trick::Refuse(status)) => client.write_all(&empty(status)).await,
            Some(Trick::Cut(count)) => {
                let mut server = self.connect().await?;
                server.write_all(head.as_bytes()).await?;
                server.write_all(&body[..count.min(body.len())]).await
            }
            trick => {
                if matches!(trick, Some(Trick::Twice)) {
                    self.ask(&head, &body).await?;
                }
                let answer = self.ask(&head, &body).await?;
                match trick {
                    Some(Trick::Answer(status)) => client.write_all(&empty(status)).await,
                    Some(Trick::Swallow) => Ok(()),
                    Some(Trick::Stall) => {
                        client.write_all(b"HTTP/1.1 200 OK\r\ncontent-").await?;
                        client.read_u8().await.map(drop)
                    }
                    _ => client.write_all(&answer).await,
                }
            }
        }
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        let server = self.server.lock().unwrap().clone();
        TcpStream::connect(server.trim_start_matches("http://")).await
    }

    async fn ask(&self, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut server = self.connect().await?;
        server.write_all(head.as_bytes()).await?;
        server.write_all(body).await?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await?;
        Ok(answer)
    }
}

fn empty(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
}

/// Counts what runs; a container called `slow` runs until it is stopped or let go.
#[derive(Default)]
struct Player {
    ran: AtomicU32,
    let_go: CancellationToken,
}

impl Runtime for Player {
    fn run(
        &self,
        container: &ContainerPlan,
        _: &mut dyn FnMut(&str),
        monitor: &Monitor,
    ) -> Result<i32, Fault> {
        self.ran.fetch_add(1, Ordering::SeqCst);
        while container.name == "slow" && !self.let_go.is_cancelled() {
            if monitor.check().is_err() {
                return Err(Fault::Cancelled);
            }
            std::thread::yield_now();
        }
        Ok(0)
    }
}

struct World {
    folder: tempfile::TempDir,
    player: Arc<Player>,
    sandbox: Arc<Sandbox>,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<()>,
    proxy: Proxy,
    client: Client,
    monitor: Monitor,
    faults: Faults,
}

type Served = (Arc<Sandbox>, String, CancellationToken, tokio::task::JoinHandle<()>);

async fn serve(folder: &Path, player: &Arc<Player>, faults: &Faults, door: Option<Door>) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let settings = Settings {
        registry_url: "127.0.0.1:5000".to_owned(),
        build_version: "0.6.0".to_owned(),
        url: url.clone(),
        profile: Profile::default(),
        faults: faults.clone(),
        door,
        restart_delay: Duration::from_millis(5),
        now: std::time::SystemTime::now,
    };
    let store = Store::open(&folder.join("store")).unwrap();
    let state = folder.join("sandbox");
    let sandbox = Sandbox::open_with(&state, store, player.clone(), settings).unwrap();
    let stop = CancellationToken::new();
    let (own, until) = (sandbox.clone(), stop.clone());
    let served =
        tokio::spawn(async move { edk_sandbox::serve(listener, own, until).await.unwrap() });
    (sandbox, url, stop, served)
}

async fn world(faults: Faults) -> World {
    world_behind(faults, None).await
}

async fn world_behind(faults: Faults, door: Option<Door>) -> World {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (folder, player) = (tempfile::tempdir().unwrap(), Arc::new(Player::default()));
    let (sandbox, url, stop, served) = serve(folder.path(), &player, &faults, door.clone()).await;
    let (proxy, address) = Proxy::start(&url).await;
    let poll = Duration::from_millis(5);
    // Looked for often, and not for long: all that happens here has happened when it is looked for.
    let look = Duration::from_secs(3);
    // Long enough for what answers at all; what stalls is waited for so long.
    let call = Duration::from_secs(10);
    let pace = Pace { poll, back_off: 4 * poll, look, call, upload: call, ..Pace::sandbox() };
    let auth = match door {
        None => Auth::None,
        Some(_) => Auth::Bearer(token(&url).await),
    };
    let target = Target::new("sandbox", &address, "127.0.0.1:5000", "0.6.0");
    let target = Target { pace, auth, ..target };
    let client = Client::connect(target).unwrap();
    let monitor = Monitor::silent();
    World { folder, player, sandbox, stop, served, proxy, client, monitor, faults }
}

/// Logs in as an administrator.
async fn token(url: &str) -> Secret {
    let login = Login {
        target: "sandbox".to_owned(),
        url: url.to_owned(),
        trust: Trust::System,
        client: "kaapana".to_owned(),
        client_secret: Some(Secret::new("sandbox")),
    };
    let (password, now) = (Secret::new("kaapana"), std::time::SystemTime::now());
    login.with_password("kaapana", &password, now, &Monitor::silent()).await.unwrap().access
}

impl World {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("sandbox/extensions").join(name)
    }

    async fn upload(&self, chart: &Packed) -> Result<UploadOutcome, TargetError> {
        self.client.upload_chart(&chart.name, chart.bytes.clone(), &self.monitor).await
    }

    async fn install(&self) -> Result<edk_target::InstallOutcome, TargetError> {
        let keywords = ["kaapanaworkflow".to_owned()];
        self.client.install("flow", "0.1.0", &keywords, &Map::new(), &self.monitor).await
    }
}

struct Packed {
    name: String,
    bytes: Vec<u8>,
}

fn chart(container: &str, hook: bool) -> Packed {
    let file = |name: &str, text: &str| File { name: name.into(), data: text.as_bytes().to_vec() };
    let job = |name: &str, annotations: &str| {
        let spec =
            json!({"template": {"spec": {"containers": [{"name": container, "image": "i"}]}}});
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, namespace: services{annotations}}}\nspec: {spec}\n"
        )
    };
    let mut files = vec![
        file(
            "Chart.yaml",
            "apiVersion: v2\nname: flow\nversion: 0.1.0\ndescription: a flow\nkeywords: [kaapanaworkflow]\n",
        ),
        file("values.yaml", "global: {}\n"),
        file("templates/a.yaml", &job("flow", "")),
    ];
    if hook {
        let annotations = ", annotations: {helm.sh/hook: pre-install}";
        files.push(file("templates/b.yaml", &job("before", annotations)));
    }
    let packaged = Chart::from_files("flow", files).unwrap().package().unwrap();
    Packed { name: packaged.file_name, bytes: packaged.bytes }
}

const PATIENCE: Duration = Duration::from_secs(30);

/// Uploads while `trick` is played, and checks that the report is true and that it then goes well.
async fn upload_with(faults: Faults, request: &'static str, trick: Trick) {
    let world = world(faults.clone()).await;
    let chart = chart("quick", false);
    world.proxy.next(request, trick);
    let outcome = world.upload(&chart).await;
    let what = format!("{request} {trick:?} {:?}: {outcome:?}", faults.names());
    assert!(world.proxy.played(), "{what}");
    let kept = std::fs::read(world.path(&chart.name)).ok();
    // Whatever happened: what is there is what was sent.
    assert!(kept.as_ref().is_none_or(|kept| *kept == chart.bytes), "{what}");
    if outcome.is_ok() {
        assert!(kept.is_some(), "reported, but not there: {what}");
        world.client.wait_listed("flow", "0.1.0", PATIENCE, &world.monitor).await.unwrap();
    }
    assert!(world.upload(&chart).await.is_ok(), "{what}");
    assert_eq!(std::fs::read(world.path(&chart.name)).unwrap(), chart.bytes, "{what}");
}

/// Does all of it at the same time, each in a world of its own.
async fn all(work: impl IntoIterator<Item = (&'static str, Trick)>) {
    let strict = Faults { list_cache: None, ..Faults::strict() };
    let ways =
        work.into_iter().flat_map(|work| [(work, Faults::default()), (work, strict.clone())]);
    let tasks = ways.map(|((request, trick), faults)| upload_with(faults, request, trick));
    futures_util::future::join_all(tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_anywhere_is_never_called_done() {
    let size = chart("quick", false).bytes.len();
    // Every sixteenth of the file, and the places beside its ends.
    let places = (0..16).map(|part| part * size / 16).chain([1, size - 1]);
    all(places.map(|place| ("PATCH", Trick::Cut(place)))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_answer_is_lost_or_false_is_looked_for() {
    let lost = [Trick::Answer(502), Trick::Answer(504), Trick::Swallow, Trick::Twice];
    let refused = [401, 403, 500, 502].map(Trick::Refuse);
    let bytes = lost.into_iter().chain(refused).map(|trick| ("PATCH", trick));
    let begin = refused.into_iter().chain([Trick::Swallow, Trick::Twice]);
    all(bytes.chain(begin.map(|trick| ("POST", trick)))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_ends_is_given_up_and_looked_for() {
    let uploads = all([("PATCH", Trick::Stall), ("POST", Trick::Stall)]);
    tokio::join!(uploads, install_with(Trick::Stall));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_install_for_which_the_front_door_does_not_wait_happens_once() {
    let door_timeout = Some(Duration::from_secs(2));
    let door = Some(Door::example());
    let world = world_behind(Faults { door_timeout, ..Faults::default() }, door).await;
    world.upload(&chart("slow", true)).await.unwrap();
    world.client.wait_listed("flow", "0.1.0", PATIENCE, &world.monitor).await.unwrap();
    // The hook runs until the front door has said 502 and the client has looked.
    let outcome = world.install().await.unwrap();
    assert_eq!(outcome.release(), "flow");
    assert_eq!(world.sandbox.releases()[0].status, Status::PendingInstall);
    world.player.let_go.cancel();
    let followed = world.client.follow("flow", PATIENCE, &world.monitor).await.unwrap();
    assert!(followed.ready);
    assert_eq!(world.player.ran.load(Ordering::SeqCst), 2, "the hook and the job, once each");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_install_whose_answer_is_lost_happens_once() {
    let tricks = [
        Trick::Answer(500),
        Trick::Answer(502),
        Trick::Answer(504),
        Trick::Swallow,
        Trick::Twice,
        Trick::Cut(3),
        Trick::Refuse(502),
    ];
    futures_util::future::join_all(tricks.map(install_with)).await;
}

async fn install_with(trick: Trick) {
    let world = world(Faults::default()).await;
    world.upload(&chart("quick", false)).await.unwrap();
    world.client.wait_listed("flow", "0.1.0", PATIENCE, &world.monitor).await.unwrap();
    world.proxy.next("POST /kube-helm-api/helm-install", trick);
    let outcome = world.install().await;
    assert!(world.proxy.played());
    match outcome {
        Ok(outcome) => {
            assert_eq!(outcome.release(), "flow", "{trick:?}");
            world.client.follow("flow", PATIENCE, &world.monitor).await.unwrap();
            assert_eq!(world.player.ran.load(Ordering::SeqCst), 1, "{trick:?}: it ran twice");
        }
        Err(error) => {
            let releases = world.sandbox.releases();
            assert!(releases.is_empty(), "{trick:?} {error}: it is installed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_during_an_install_goes_on_with_it() {
    let mut world = world(Faults::default()).await;
    world.upload(&chart("slow", true)).await.unwrap();
    world.client.wait_listed("flow", "0.1.0", PATIENCE, &world.monitor).await.unwrap();
    let (sandbox, player) = (world.sandbox.clone(), world.player.clone());
    let restart = async {
        while player.ran.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(sandbox.releases()[0].status, Status::PendingInstall);
        drop(sandbox);
        world.stop.cancel();
        (&mut world.served).await.unwrap();
        player.let_go.cancel();
    };
    let keywords = ["kaapanaworkflow".to_owned()];
    let params = Map::new();
    let install = world.client.install("flow", "0.1.0", &keywords, &params, &world.monitor);
    let (outcome, ()) = tokio::join!(
        async {
            let outcome = install.await;
            outcome.map_err(|error| error.to_string())
        },
        restart
    );
    // The folder is free when the last who has the sandbox lets go of it.
    let World { folder, player, sandbox, faults, proxy, client, monitor, .. } = world;
    drop(sandbox);
    let (sandbox, url, ..) = serve(folder.path(), &player, &faults, None).await;
    *proxy.server.lock().unwrap() = url;
    let followed = client.follow("flow", PATIENCE, &monitor).await.unwrap();
    assert!(followed.ready, "{outcome:?}");
    assert_eq!(sandbox.releases().len(), 1);
}
