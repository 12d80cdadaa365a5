//! The real client before a front door: each way to log in, and each way to be turned away.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use edk_chart::{Chart, File};
use edk_model::{CancellationToken, Code, Explain as _, Monitor, Secret};
use edk_sandbox::{ContainerPlan, Door, Fault, Faults, Profile, Runtime, Sandbox, Settings};
use edk_store::Store;
use edk_target::{
    Auth, Client, CookieJar, Generation, Login, LoginProblem, Pace, Project, Session,
    SessionCookies, Target, TargetError, Tokens, Trust,
};

/// What the clock of both sides is ahead, in seconds. A test has it to itself: see `World`.
static AHEAD: AtomicU64 = AtomicU64::new(0);
/// Tests that move the clock take turns.
static CLOCK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A folder: once there is something in it, the clock of both sides is ten minutes on.
static JUMP: Mutex<Option<PathBuf>> = Mutex::new(None);

fn now() -> SystemTime {
    let watched = JUMP.lock().unwrap().clone();
    let filled =
        |folder: PathBuf| std::fs::read_dir(folder).is_ok_and(|mut it| it.next().is_some());
    if watched.is_some_and(filled) {
        AHEAD.store(601, Ordering::SeqCst);
    }
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + AHEAD.load(Ordering::SeqCst))
}

struct Nothing;

impl Runtime for Nothing {
    fn run(&self, _: &ContainerPlan, _: &mut dyn FnMut(&str), _: &Monitor) -> Result<i32, Fault> {
        Ok(0)
    }
}

struct World {
    url: String,
    folder: tempfile::TempDir,
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

fn open(folder: &Path, url: &str, door: Door) -> Arc<Sandbox> {
    let settings = Settings {
        profile: Profile::default(),
        restart_delay: Duration::from_millis(5),
        now,
        registry_url: "localhost:5577".to_owned(),
        build_version: "0.6.0".to_owned(),
        url: url.to_owned(),
        faults: Faults::default(),
        door: Some(door),
    };
    let store = Store::open(&folder.join("store")).unwrap();
    Sandbox::open_with(&folder.join("sandbox"), store, Arc::new(Nothing), settings).unwrap()
}

impl World {
    async fn new() -> Self {
        Self::behind(Door::example()).await
    }

    async fn behind(door: Door) -> Self {
        let turn = CLOCK.lock().await;
        let _ = rustls::crypto::ring::default_provider().install_default();
        AHEAD.store(0, Ordering::SeqCst);
        *JUMP.lock().unwrap() = None;
        let folder = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sandbox = open(folder.path(), &url, door);
        tokio::spawn(edk_sandbox::serve(listener, sandbox, CancellationToken::new()));
        Self { url, folder, _turn: turn }
    }

    fn login(&self, client: &str, secret: Option<&str>) -> Login {
        Login {
            target: "ward".to_owned(),
            url: self.url.clone(),
            trust: Trust::System,
            client: client.to_owned(),
            client_secret: secret.map(Secret::new),
        }
    }

    fn confidential(&self) -> Login {
        self.login("kaapana", Some("sandbox"))
    }

    async fn tokens(&self, user: &str) -> Result<Tokens, TargetError> {
        let login = self.confidential();
        login.with_password(user, &Secret::new(user), now(), &Monitor::silent()).await
    }

    fn client(&self, auth: Auth, project: Option<&str>) -> Client {
        let project = project.map(|id| Project { id: id.to_owned(), name: "study".to_owned() });
        let target = Target::new("ward", &self.url, "localhost:5577", "0.6.0");
        Client::connect(Target { auth, project, pace: Pace::sandbox(), ..target }).unwrap()
    }

    /// A client whose login renews itself, and what it kept.
    fn session(&self, tokens: Tokens) -> (Client, Arc<Mutex<Vec<Tokens>>>) {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&kept);
        let keep = move |tokens: &Tokens| keep.lock().unwrap().push(tokens.clone());
        let session = Session::new(self.confidential(), tokens, now, keep);
        (self.client(Auth::Session(Arc::new(session)), None), kept)
    }
}

fn problem(result: Result<Tokens, TargetError>) -> LoginProblem {
    match result.unwrap_err() {
        TargetError::Login { problem, .. } => problem,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_password_opens_the_door_and_names_its_user() {
    let world = World::new().await;
    let tokens = world.tokens("lead").await.unwrap();
    assert_eq!(tokens.expires, Some(now() + Duration::from_secs(3600)));
    let (client, monitor) = (world.client(Auth::Bearer(tokens.access), None), Monitor::silent());
    let user = client.user(&monitor).await.unwrap();
    assert_eq!((user.username.as_str(), user.is_admin()), ("lead", false));
    let projects = client.projects(&user, &monitor).await.unwrap();
    assert_eq!(projects.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["study"]);
    let platform = client.platform(&monitor).await.unwrap();
    assert_eq!(platform.generation, Some(Generation::V0_6));
    assert_eq!(platform.build_version, "0.6.0");

    let admin = world.tokens("kaapana").await.unwrap();
    let client = world.client(Auth::Bearer(admin.access), None);
    let user = client.user(&monitor).await.unwrap();
    assert_eq!(client.projects(&user, &monitor).await.unwrap().len(), 2);
}

#[tokio::test]
async fn each_refused_login_says_what_to_do() {
    let world = World::new().await;
    let (monitor, secret) = (Monitor::silent(), Secret::new("wrong"));
    let login = world.confidential();
    let tried = login.with_password("kaapana", &secret, now(), &monitor).await;
    assert_eq!(problem(tried), LoginProblem::WrongPassword);
    assert_eq!(problem(world.tokens("nobody").await), LoginProblem::WrongPassword);
    assert_eq!(problem(world.tokens("newcomer").await), LoginProblem::AccountNotReady);
    let login = world.login("kaapana", Some("guess"));
    let tried = login.with_password("lead", &Secret::new("lead"), now(), &monitor).await;
    assert_eq!(problem(tried), LoginProblem::WrongClient);
    let login = world.login("edk", None);
    let tried = login.with_password("lead", &Secret::new("lead"), now(), &monitor).await;
    assert_eq!(problem(tried), LoginProblem::WayNotAllowed);

    let elsewhere = Login { url: format!("{}/elsewhere", world.url), ..world.confidential() };
    let tried = elsewhere.with_password("lead", &Secret::new("lead"), now(), &monitor).await;
    assert_eq!(problem(tried), LoginProblem::NoLogin);
    let error = Login { url: "no address".to_owned(), ..world.confidential() }
        .with_password("lead", &Secret::new("lead"), now(), &monitor)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(error.hints()[0].contains("https://"));
}

#[tokio::test]
async fn who_has_no_right_is_told_apart_from_who_has_not_logged_in() {
    let world = World::new().await;
    let monitor = Monitor::silent();
    let list = async |client: &Client| client.extensions(&monitor).await.map(|list| list.len());
    let unknown = world.client(Auth::None, None);
    assert!(matches!(list(&unknown).await, Err(TargetError::NotLoggedIn { .. })));
    let stale = world.client(Auth::Bearer(Secret::new("stale")), None);
    assert!(matches!(list(&stale).await, Err(TargetError::NotLoggedIn { .. })));

    let study = Door::example().projects[1].0.clone();
    for (user, project, allowed) in [
        ("kaapana", None, true),
        ("lead", Some(study.as_str()), true),
        ("lead", None, false),
        ("lead", Some("no-such-project"), false),
        ("guest", Some(study.as_str()), false),
    ] {
        let token = world.tokens(user).await.unwrap().access;
        let client = world.client(Auth::Bearer(token), project);
        match list(&client).await {
            Ok(0) => assert!(allowed, "{user} {project:?}"),
            Err(TargetError::Forbidden { .. }) => assert!(!allowed, "{user} {project:?}"),
            other => panic!("{user} {project:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_session_renews_its_token_before_it_ends_and_after_it_was_refused() {
    let world = World::new().await;
    let monitor = Monitor::silent();
    let (client, kept) = world.session(world.tokens("kaapana").await.unwrap());
    client.extensions(&monitor).await.unwrap();
    assert_eq!(kept.lock().unwrap().len(), 0, "renewed without need");

    // Within the last half minute of the token: renewed before the call.
    AHEAD.store(3600 - 20, Ordering::SeqCst);
    let (client, kept) = world.session(Tokens {
        access: Secret::new("about to end"),
        refresh: world.tokens("kaapana").await.unwrap().refresh,
        expires: Some(now() + Duration::from_secs(20)),
    });
    client.extensions(&monitor).await.unwrap();
    assert_eq!(kept.lock().unwrap().len(), 1);

    // The platform was restarted, or an administrator ended the token: refused, renewed, repeated.
    let refused = Tokens {
        access: Secret::new("revoked"),
        expires: Some(now() + Duration::from_secs(3000)),
        ..world.tokens("kaapana").await.unwrap()
    };
    let (client, kept) = world.session(refused);
    let all = futures_util::future::join_all((0..4).map(|_| client.extensions(&monitor))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(kept.lock().unwrap().len(), 1, "each call renewed the token");
}

fn packaged() -> edk_chart::Packaged {
    let file = |name: &str, text: &str| File { name: name.into(), data: text.as_bytes().to_vec() };
    let files = vec![
        file(
            "Chart.yaml",
            "apiVersion: v2\nname: flow\nversion: 0.1.0\ndescription: a flow\nkeywords: [kaapanaworkflow]\n",
        ),
        file("values.yaml", "global: {}\n"),
        file(
            "templates/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: services}\n",
        ),
    ];
    Chart::from_files("flow", files).unwrap().package().unwrap()
}

#[tokio::test]
async fn a_token_that_ends_during_an_upload_is_renewed_and_the_upload_is_whole() {
    let door = Door { token_life: Duration::from_secs(600), ..Door::example() };
    let world = World::behind(door).await;
    let (chart, monitor) = (packaged(), Monitor::silent());
    let stored = world.folder.path().join("sandbox/extensions").join(&chart.file_name);
    let uploads = world.folder.path().join("sandbox/uploads");
    // The client believes that its token is good for an hour; the platform ends it after the
    // upload was begun and before its bytes come.
    let begin = async |refresh: bool| {
        AHEAD.store(0, Ordering::SeqCst);
        let tokens = world.tokens("kaapana").await.unwrap();
        let refresh = tokens.refresh.clone().filter(|_| refresh);
        let expires = Some(now() + Duration::from_secs(3600));
        *JUMP.lock().unwrap() = Some(uploads.clone());
        world.session(Tokens { expires, refresh, ..tokens })
    };
    let (client, _) = begin(false).await;
    let sent = client.upload_chart(&chart.file_name, chart.bytes.clone(), &monitor).await;
    let error = sent.unwrap_err();
    let ended = matches!(error, TargetError::Login { problem: LoginProblem::Revoked, .. });
    assert!(ended, "{error:?}");
    assert_eq!(AHEAD.load(Ordering::SeqCst), 601, "the token was still good");
    assert!(!stored.exists(), "{error}");

    // What was begun is left: nobody may remove it without a login.
    *JUMP.lock().unwrap() = None;
    for entry in std::fs::read_dir(&uploads).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let (client, kept) = begin(true).await;
    client.upload_chart(&chart.file_name, chart.bytes.clone(), &monitor).await.unwrap();
    assert_eq!(AHEAD.load(Ordering::SeqCst), 601, "the token was still good");
    assert_eq!(kept.lock().unwrap().len(), 1, "it was renewed once");
    assert_eq!(std::fs::read(&stored).unwrap(), chart.bytes);
}

#[tokio::test]
async fn a_session_that_is_over_says_so() {
    let world = World::new().await;
    let monitor = Monitor::silent();
    let (client, _) = world.session(world.tokens("kaapana").await.unwrap());
    AHEAD.store(2 * 3600, Ordering::SeqCst);
    let error = client.extensions(&monitor).await;
    assert!(error.as_ref().unwrap_err().hints()[0].contains("edk target login"));
    assert_eq!(over(error), LoginProblem::Expired);

    // Logged out: the tokens are worth nothing any more.
    let tokens = world.tokens("kaapana").await.unwrap();
    world.confidential().give_back(tokens.refresh.as_ref().unwrap()).await.unwrap();
    let (client, _) = world.session(tokens);
    let error = client.extensions(&monitor).await;
    assert!(error.as_ref().unwrap_err().hints()[0].contains("ask an administrator"));
    assert_eq!(over(error), LoginProblem::Revoked);

    // Nothing to renew it with.
    let tokens = world.tokens("kaapana").await.unwrap();
    let (client, _) = world.session(Tokens { refresh: None, expires: Some(now()), ..tokens });
    assert_eq!(over(client.extensions(&monitor).await), LoginProblem::Expired);
    let (access, expires) = (Secret::new("revoked"), Some(now() + Duration::from_secs(3000)));
    let (client, _) = world.session(Tokens { access, refresh: None, expires });
    assert_eq!(over(client.extensions(&monitor).await), LoginProblem::Revoked);
}

/// Why a call was not made.
fn over<T: std::fmt::Debug>(result: Result<T, TargetError>) -> LoginProblem {
    match result.unwrap_err() {
        TargetError::Login { problem, .. } => problem,
        other => panic!("{other}"),
    }
}

/// What a browser does with a page that has one form.
async fn submit(address: &str, fields: &[(&str, &str)]) -> reqwest::Response {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    client.build().unwrap().post(address).form(fields).send().await.unwrap()
}

#[tokio::test]
async fn a_browser_brings_a_code_that_only_this_login_can_use() {
    let world = World::new().await;
    let (login, monitor) = (world.login("edk", None), Monitor::silent());
    let redirect = "http://127.0.0.1:1/login";
    let begun = login.begin_code(redirect).unwrap();
    let page = reqwest::get(&begun.address).await.unwrap();
    assert!(page.status().is_success());
    let wrong = submit(&begun.address, &[("username", "lead"), ("password", "no")]).await;
    assert!(wrong.text().await.unwrap().contains("Invalid username"));

    let answer = submit(&begun.address, &[("username", "lead"), ("password", "lead")]).await;
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let query = |place: &str| -> Vec<(String, String)> {
        let pairs = place.split_once('?').unwrap().1.split('&');
        let pair = |it: &str| it.split_once('=').map(|(key, it)| (key.to_owned(), it.to_owned()));
        pairs.filter_map(pair).collect()
    };
    assert!(place.starts_with(redirect));

    // Another login's answer is not taken, nor is a refusal.
    let other = login.begin_code(redirect).unwrap();
    let denied = login.with_code(other, &query(&place), now(), &monitor).await;
    assert!(matches!(problem(denied), LoginProblem::Denied { .. }));
    let refusal = [("error".to_owned(), "access_denied".to_owned())];
    let other = login.begin_code(redirect).unwrap();
    let denied = login.with_code(other, &refusal, now(), &monitor).await;
    assert_eq!(problem(denied), LoginProblem::Denied { reason: "access_denied".to_owned() });

    let tokens = login.with_code(begun, &query(&place), now(), &monitor).await.unwrap();
    let client = world.client(Auth::Bearer(tokens.access), None);
    assert_eq!(client.user(&monitor).await.unwrap().username, "lead");
    let shown = format!("{:?}", login.begin_code(redirect).unwrap());
    assert!(!shown.contains("verifier"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_device_is_allowed_or_refused_in_a_browser() {
    let world = World::new().await;
    for (password, allowed) in [("lead", true), ("no", false)] {
        let (login, monitor) = (world.login("edk", None), Monitor::silent());
        let show = |prompt: &edk_target::DevicePrompt| {
            let (address, code) = (prompt.address.clone(), prompt.code.clone());
            assert!(address.contains(&code));
            tokio::spawn(async move {
                let place = address.split('?').next().unwrap().to_owned();
                let user = [("user_code", code.as_str()), ("username", "lead")];
                submit(&place, &[user.as_slice(), &[("password", password)]].concat()).await;
            });
        };
        let got = login.with_device(show, now, &monitor).await;
        match allowed {
            true => assert!(got.unwrap().refresh.is_some()),
            false => assert!(matches!(problem(got), LoginProblem::Denied { .. })),
        }
    }
    let login = world.confidential();
    let refused = login.with_device(|_| {}, now, &Monitor::silent()).await;
    assert_eq!(problem(refused), LoginProblem::WayNotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_another_device_ends_when_it_is_cancelled() {
    let world = World::new().await;
    let token = CancellationToken::new();
    let monitor = Monitor::new(Arc::new(edk_model::Silent), token.clone(), "login");
    let waited = world.login("edk", None).with_device(|_| token.cancel(), now, &monitor).await;
    assert_eq!(waited.unwrap_err().code(), Code::Cancelled);
}

#[tokio::test]
async fn a_browser_without_a_login_is_sent_to_it() {
    let world = World::new().await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    let url = format!("{}/kube-helm-api/extensions", world.url);
    let page = client.get(&url).header("accept", "text/html").send().await.unwrap();
    let place = page.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(page.status(), 302);
    assert!(place.starts_with("/auth/realms/kaapana/"), "{place}");
    let program = client.get(&url).header("accept", "application/json").send().await.unwrap();
    assert_eq!(program.status(), 401);
}

/// A browser: it follows redirects by hand, and keeps the cookies it is given.
struct Browser<'a> {
    world: &'a World,
    cookies: std::collections::BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, cookies: std::collections::BTreeMap::new() }
    }

    /// Goes to a place of the front door; a form is sent there.
    async fn go(&mut self, place: &str, form: Option<&[(&str, &str)]>) -> reqwest::Response {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let (client, place) = (client.build().unwrap(), format!("{}{place}", self.world.url));
        let request = match form {
            None => client.get(place),
            Some(fields) => client.post(place).form(fields),
        };
        let pairs: Vec<_> = self.cookies.iter().map(|(name, it)| format!("{name}={it}")).collect();
        let response = request.header("cookie", pairs.join("; ")).send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match attributes.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        response
    }

    /// Logs in on the way to the start page; returns where the browser is sent in the end.
    async fn log_in(&mut self, user: &str) -> String {
        let place = leads(&self.go("/?from=here", None).await);
        assert!(self.go(&place, None).await.status().is_success());
        let form = [("username", user), ("password", user)];
        let back = leads(&self.go(&place, Some(&form)).await);
        leads(&self.go(&back, None).await)
    }

    fn session(&self) -> SessionCookies {
        let pairs = self.cookies.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        SessionCookies::among(pairs, now()).unwrap()
    }
}

fn leads(response: &reqwest::Response) -> String {
    assert_eq!(response.status(), 302);
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// A client with a browser's session, and what it kept of it.
fn with_cookies(
    world: &World,
    cookies: SessionCookies,
) -> (Client, Arc<Mutex<Vec<SessionCookies>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    let keep = move |cookies: &SessionCookies| keep.lock().unwrap().push(cookies.clone());
    let jar = CookieJar::new("ward", cookies, now, keep);
    let study = Door::example().projects[1].0.clone();
    (world.client(Auth::Cookies(Arc::new(jar)), Some(&study)), kept)
}

#[tokio::test]
async fn the_session_of_a_browser_opens_the_door_and_is_renewed() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.log_in("lead").await, "/?from=here");
    let names: Vec<_> = browser.cookies.keys().map(String::as_str).collect();
    assert_eq!(names, ["_oauth2_proxy_0", "_oauth2_proxy_1"]);
    let session = browser.session();

    let (client, kept) = with_cookies(&world, session.clone());
    let monitor = Monitor::silent();
    assert_eq!(client.user(&monitor).await.unwrap().username, "lead");
    assert_eq!(client.extensions(&monitor).await.unwrap().len(), 0);
    assert_eq!(kept.lock().unwrap().len(), 0, "renewed without need");

    // Each renewal makes the session live on; what is kept of it goes on by itself.
    for minutes in [10, 35, 60, 85] {
        AHEAD.store(minutes * 60, Ordering::SeqCst);
        client.extensions(&monitor).await.unwrap();
    }
    let latest = kept.lock().unwrap().last().unwrap().clone();
    assert_eq!(kept.lock().unwrap().len(), 4);
    assert_ne!(latest, session);
    let (another, _) = with_cookies(&world, latest.clone());
    another.extensions(&monitor).await.unwrap();
    // The first of them has long ended: it was not renewed itself.
    let (first, _) = with_cookies(&world, session);
    assert_eq!(over(first.extensions(&monitor).await), LoginProblem::Expired);

    // A piece alone is nothing.
    let half = latest.header().reveal().split("; ").next().unwrap().to_owned();
    let half = SessionCookies::read(&half, Some(now())).unwrap();
    assert_eq!(over(with_cookies(&world, half).0.user(&monitor).await), LoginProblem::Revoked);
}

#[tokio::test]
async fn a_browsers_session_that_is_over_says_whether_it_was_its_time() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    browser.log_in("kaapana").await;
    let (client, _) = with_cookies(&world, browser.session());
    let monitor = Monitor::silent();
    client.extensions(&monitor).await.unwrap();
    AHEAD.store(3601, Ordering::SeqCst);
    let error = client.extensions(&monitor).await;
    assert!(error.as_ref().unwrap_err().hints()[0].contains("edk target login"));
    assert_eq!(over(error), LoginProblem::Expired);

    // The front door was deployed anew, and knows none of its sessions.
    let mut session = browser.session().header().reveal().to_owned();
    session.push('x');
    let session = SessionCookies::read(&session, Some(now())).unwrap();
    let error = with_cookies(&world, session.clone()).0.extensions(&monitor).await;
    let hint = &error.as_ref().unwrap_err().hints()[0];
    assert!(hint.contains("ask an administrator"), "{hint}");
    assert_eq!(over(error), LoginProblem::Revoked);
    let shown = format!("{session:?} {:?}", with_cookies(&world, session.clone()).0);
    assert!(!shown.contains("sandbox-session"), "{shown}");

    // One of which nobody knows how old it is counts as old.
    let unknown = SessionCookies::read(session.header().reveal(), None).unwrap();
    let error = with_cookies(&world, unknown).0.extensions(&monitor).await;
    assert_eq!(over(error), LoginProblem::Expired);
}

#[tokio::test]
async fn a_browser_comes_back_only_from_a_login_of_its_own() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let place = leads(&browser.go("/", None).await);
    let form = [("username", "lead"), ("password", "lead")];
    let back = leads(&browser.go(&place, Some(&form)).await);
    let mut other = Browser::new(&world);
    let refused = other.go(&back, None).await;
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().contains("CSRF"));
    other.go("/", None).await;
    assert_eq!(other.go(&back, None).await.status(), 403);
    assert!(other.cookies.keys().all(|name| name.ends_with("_csrf")), "{:?}", other.cookies);
    // A code is good once.
    assert_eq!(leads(&browser.go(&back, None).await), "/");
    let mut again = Browser { cookies: browser.cookies.clone(), ..Browser::new(&world) };
    assert_eq!(again.go(&back, None).await.status(), 403);
    // Only to the front door does its login lead.
    let elsewhere = place.replace("/oauth2/callback", "https://example.org/");
    assert_eq!(browser.go(&elsewhere, None).await.status(), 400);
    assert_eq!(browser.go(&elsewhere, Some(&form)).await.status(), 400);
}

#[tokio::test]
async fn a_browsers_session_that_ends_during_an_upload_is_told_and_one_that_is_renewed_goes_on() {
    for (token_life, whole) in [(600, false), (3600, true)] {
        let door = Door { token_life: Duration::from_secs(token_life), ..Door::example() };
        let world = World::behind(door).await;
        let (chart, monitor) = (packaged(), Monitor::silent());
        let stored = world.folder.path().join("sandbox/extensions").join(&chart.file_name);
        let mut browser = Browser::new(&world);
        browser.log_in("kaapana").await;
        let (client, kept) = with_cookies(&world, browser.session());
        // Ten minutes pass after the upload was begun and before its bytes come.
        *JUMP.lock().unwrap() = Some(world.folder.path().join("sandbox/uploads"));
        let sent = client.upload_chart(&chart.file_name, chart.bytes.clone(), &monitor).await;
        assert_eq!(AHEAD.load(Ordering::SeqCst), 601, "no time has passed");
        if whole {
            sent.unwrap();
            assert_eq!(std::fs::read(&stored).unwrap(), chart.bytes);
            assert!(!kept.lock().unwrap().is_empty(), "nothing was renewed");
        } else {
            assert_eq!(over(sent), LoginProblem::Revoked);
            assert!(!stored.exists());
        }
    }
}
