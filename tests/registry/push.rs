//! Images to other registries and from them: ours, and Debian's docker-registry behind a password;
//! whole, cut, refused, and with the wrong bytes.

use std::{
    fs,
    net::{TcpListener, TcpStream},
};

use edk_testkit::{
    Done, Running, Signal, TestEnv, plant, small_extension, verify_store, wait_until,
};
use serde_json::{Value, json};

use crate::{
    client::{noise, send, serve},
    faults::{Fault, Faults},
};

/// Not seen anywhere: the test kit looks for it in all that is said and kept.
const PASSWORD: &str = "hush-7Qm2vXw9";
const LOGIN: &str = "ann:hush-7Qm2vXw9";

/// Size of the large layer, in bytes: more than the buffers of two sockets and a proxy.
const LARGE: usize = 12_000_000;

/// An extension with two images that share a layer, built.
pub(crate) fn extension() -> TestEnv {
    let env = TestEnv::new();
    for name in ["one", "two"] {
        let folder = env.path("ext").join(name);
        fs::create_dir_all(&folder).unwrap();
        let dockerfile =
            format!("FROM scratch\nLABEL IMAGE=\"{name}\"\nCOPY large /large\nCOPY own /own\n");
        fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
        fs::write(folder.join("large"), noise(1, LARGE)).unwrap();
        fs::write(folder.join("own"), name).unwrap();
    }
    env.edk(&["build", "ext"]).exits(0);
    env
}

/// Debian's docker-registry over plain HTTP; with `login` only for the user `ann` with the password
/// [`PASSWORD`].
fn theirs(env: &TestEnv, login: bool) -> (Running, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // As `htpasswd -nB ann` prints it.
    let line = "ann:$2b$04$3vstoDMv.2YCDllGGG9O.eq2xxqDomFf76KO5h5LMwWK4o7AvjhkC\n";
    fs::write(env.path("htpasswd"), line).unwrap();
    let auth = match login {
        true => {
            let file = env.path("htpasswd");
            format!("auth: {{htpasswd: {{realm: here, path: {}}}}}\n", file.display())
        }
        false => String::new(),
    };
    let config = format!(
        "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
         storage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: 127.0.0.1:{port}}}\n{auth}",
        env.path("theirs").display(),
    );
    fs::write(env.path("config.yml"), config).unwrap();
    let mut command = env.other("docker-registry");
    let running = Running::start(command.arg("serve").arg(env.path("config.yml")));
    let address = format!("127.0.0.1:{port}");
    wait_until("docker-registry", 20, || TcpStream::connect(&address).is_ok());
    (running, address)
}

/// Keeps a login where Podman would.
fn log_in(env: &TestEnv, registry: &str, login: &str) {
    plant(PASSWORD);
    plant(&base64(login));
    let folder = env.work().with_file_name("home").join(".config/containers");
    fs::create_dir_all(&folder).unwrap();
    let auth = json!({ "auths": { registry: { "auth": base64(login) } } });
    fs::write(folder.join("auth.json"), auth.to_string()).unwrap();
}

fn push(env: &TestEnv, registry: &str) -> Vec<Value> {
    let pushed = env.result(&["push", "ext", "--version", "1.0.0", "--registry", registry]);
    let rows = pushed["pushed"].as_array().unwrap().iter().cloned();
    rows.filter(|row| row["name"].as_str().unwrap().starts_with(registry)).collect()
}

fn moved(rows: &[Value]) -> u64 {
    rows.iter().map(|row| row["bytes"].as_u64().unwrap()).sum()
}

#[test]
fn only_what_is_missing_is_sent_and_shared_layers_are_taken_over() {
    let (env, other) = (extension(), TestEnv::new());
    let (_server, address) = serve(&other, 0);
    let faults = Faults::before(&address);
    let registry = format!("{}/team", faults.address);
    let first = push(&env, &registry);
    let names: Vec<&str> = first.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 4, "two images under two tags: {names:?}");
    assert!(names.contains(&format!("{registry}/one:1.0.0").as_str()), "{names:?}");
    let total = moved(&first);
    assert!((LARGE as u64..LARGE as u64 * 3 / 2).contains(&total), "sent once: {total}");
    let shown = other.result(&["registry", "show", "team/two:1.0.0"]);
    assert_eq!(shown["config"]["config"]["Labels"]["IMAGE"], "two");
    // Nothing changed: the name is asked for, and nothing else.
    faults.seen("");
    let again = push(&env, &registry);
    assert!(again.iter().all(|row| row["unchanged"] == true), "{again:?}");
    let asked = faults.seen("/v2/");
    assert!(asked.iter().all(|line| line.starts_with("HEAD")) && asked.len() == 4, "{asked:?}");
    // One file changed: its layer and the configuration.
    fs::write(env.path("ext/one/own"), "changed").unwrap();
    assert!(moved(&push(&env, &registry)) < 4000);
    // A repository that has nothing takes over what another has.
    faults.seen("");
    let mounted = push(&env, &format!("{}/else", faults.address));
    assert!(moved(&mounted) < 20_000, "{mounted:?}");
    verify_store(&other.state().join("store"));
}

#[test]
fn docker_registry_takes_images_from_those_who_log_in() {
    let env = extension();
    let (_server, address) = theirs(&env, true);
    let push_args = ["push", "ext", "--registry", &format!("{address}/team")];
    let refused = env.edk(&push_args).exits(3);
    refused.tells(&["could not push", "wants a login, and none is kept", "podman login"]);
    log_in(&env, &address, "ann:wrong");
    env.edk(&push_args).exits(3).tells(&["does not take the login of `ann`", "podman login"]);
    log_in(&env, &address, LOGIN);
    let first = push(&env, &format!("{address}/team"));
    assert!(moved(&first) > LARGE as u64);
    // Cross-repository mounts.
    let mounted = push(&env, &format!("{address}/else"));
    assert!(moved(&mounted) < 20_000, "{mounted:?}");
    // And back, by the name and by the digest.
    let back = TestEnv::new();
    log_in(&back, &address, LOGIN);
    let digest = first[0]["digest"].as_str().unwrap();
    let name = first[0]["name"].as_str().unwrap();
    let by_digest = format!("{}@{digest}", name.rsplit_once(':').unwrap().0);
    for image in [name, &by_digest] {
        let pulled = back.result(&["base", "pull", image]);
        assert_eq!(pulled["digest"], digest, "{image}");
    }
    verify_store(&back.state().join("store"));
}

#[test]
fn tokens_are_asked_for_with_the_scopes_that_are_needed() {
    let env = extension();
    let (_server, address) = theirs(&env, false);
    let faults = Faults::with_tokens(&address, &base64(LOGIN));
    let registry = faults.address.clone();
    let refused = env.edk(&["push", "ext", "--registry", &registry]).exits(3);
    refused.tells(&["could not push", "podman login"]);
    // A login for one team, and another for all, which the service does not take.
    log_in(&env, &format!("{registry}/team"), LOGIN);
    faults.seen("");
    assert!(moved(&push(&env, &format!("{registry}/team"))) > LARGE as u64);
    let asked = faults.seen("/token?");
    let scopes = |part: &str| asked.iter().filter(|line| line.contains(part)).count();
    assert!(scopes("repository%3Ateam%2Fone%3Apull%2Cpush") >= 1, "{asked:?}");
    // What the first image has is taken over by the second: the token names both repositories.
    let both = "team%2Ftwo%3Apull%2Cpush&scope=repository%3Ateam%2Fone%3Apull";
    assert!(scopes(both) >= 1, "{asked:?}");
    // Each is asked for once.
    assert!(asked.len() <= 6, "{asked:?}");
    let done = env.edk(&["push", "ext", "--registry", &format!("{registry}/else")]).exits(3);
    done.tells(&["could not push", "wants a login"]);
}

#[test]
fn a_credential_helper_is_asked_for_its_registry() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = extension();
    let (_server, address) = theirs(&env, true);
    let (bin, helper) = (env.path("bin"), env.path("bin/docker-credential-here"));
    fs::create_dir(&bin).unwrap();
    let script = format!(
        "#!/bin/sh\nread server\necho \"$1 $server\" >> {}\n\
         printf '{{\"Username\":\"ann\",\"Secret\":\"%s\"}}' \"$(cat {})\"\n",
        env.path("asked").display(),
        env.path("password").display()
    );
    fs::write(env.path("password"), PASSWORD).unwrap();
    fs::write(&helper, script).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(env.path("docker")).unwrap();
    let config = json!({ "credHelpers": { &address: "here" } });
    fs::write(env.path("docker/config.json"), config.to_string()).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = env.command(&["push", "ext", "--registry", &address]);
    let done = Done::of(command.env("PATH", path).env("DOCKER_CONFIG", env.path("docker")));
    done.exits(0);
    let asked = fs::read_to_string(env.path("asked")).unwrap();
    assert!(asked.lines().all(|line| line == format!("get {address}")), "{asked}");
}

#[test]
fn of_an_index_the_image_for_this_processor_is_pulled() {
    let (env, other) = (extension(), TestEnv::new());
    let (_server, address) = serve(&other, 0);
    push(&env, &address);
    let row = |name: &str, architecture: &str| {
        let shown = other.result(&["registry", "show", name]);
        let size = shown["manifest"].to_string().len();
        json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": size,
            "digest": shown["digest"], "platform": { "os": "linux", "architecture": architecture } })
    };
    let index = |rows: &[Value]| {
        json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": rows })
        .to_string()
    };
    let put = |name: &str, body: &str| {
        let path = format!("/v2/{name}");
        assert_eq!(send(&address, "PUT", &path, body.as_bytes()).unwrap().status, 201, "{path}");
    };
    // The registry keeps manifests by repository.
    for image in ["one", "two"] {
        let from = format!("{address}/{image}:1.0.0");
        other.edk(&["registry", "copy", &from, &format!("{address}/all:{image}")]).exits(0);
    }
    let (arm, amd) = (row("all:one", "arm64"), row("all:two", "amd64"));
    put("all/manifests/both", &index(&[arm.clone(), amd.clone()]));
    put("all/manifests/arm", &index(&[arm]));
    let back = TestEnv::new();
    let pulled = back.result(&["base", "pull", &format!("{address}/all:both")]);
    assert_eq!(pulled["digest"], amd["digest"]);
    let none = back.edk(&["base", "pull", &format!("{address}/all:arm")]).exits(1);
    none.tells(&["no image for linux/amd64"]);
}

#[test]
fn a_push_that_was_cut_goes_on_where_it_was() {
    let (env, other) = (extension(), TestEnv::new());
    let (_server, address) = serve(&other, 0);
    let faults = Faults::before(&address);
    faults.next(1, "PATCH", "", Fault::CutRequest(8_000_000));
    faults.next(1, "PATCH", "", answer("503 Later"));
    faults.next(2, "HEAD", "/blobs/", answer("502 Bad Gateway"));
    faults.next(1, "PUT", "/manifests/", answer("429 Slow\nRetry-After: 1\nslow down"));
    push(&env, &format!("{}/team", faults.address));
    let patches = faults.seen("PATCH");
    let resumed = patches.iter().filter(|line| line.contains(" 8000000-")).count();
    assert!(resumed >= 1, "not from where it was: {patches:?}");
    other.edk(&["registry", "show", "team/two:1.0.0"]).exits(0);
    verify_store(&other.state().join("store"));
}

#[test]
fn another_process_goes_on_with_a_push_that_was_cut() {
    let env = extension();
    for forgotten in [false, true] {
        let other = TestEnv::new();
        let (_server, address) = serve(&other, 0);
        let faults = Faults::before(&address);
        let registry = format!("{}/team", faults.address);
        faults.next(1, "PATCH", "", Fault::CutRequest(8_000_000));
        // Asked how far the upload has come, it refuses: the process ends.
        faults.next(1, "GET", "/blobs/uploads/", answer("403 Forbidden"));
        let args = ["push", "ext", "--version", "1.0.0", "--registry", &registry];
        env.edk(&args).exits(3).tells(&["could not push"]);
        faults.seen("");
        if forgotten {
            faults.next(1, "GET", "/blobs/uploads/", answer("404 Not Found"));
        }
        push(&env, &registry);
        let patches = faults.seen("PATCH");
        let resumed = patches.iter().filter(|line| line.contains(" 8000000-")).count();
        assert_eq!(resumed, usize::from(!forgotten), "{patches:?}");
        other.edk(&["registry", "show", "team/two:1.0.0"]).exits(0);
        verify_store(&other.state().join("store"));
    }
}

#[test]
fn a_registry_that_refuses_is_told_with_the_next_step() {
    let (env, other) = (extension(), TestEnv::new());
    let (_server, address) = serve(&other, 0);
    let denied = "403 Forbidden\ncontent-type: application/json\n\
                  {\"errors\":[{\"code\":\"DENIED\",\"message\":\"team is not yours\"}]}";
    for (method, part, fault, told) in [
        ("POST", "uploads", answer(denied), ["team is not yours", "ask for the right"]),
        ("POST", "uploads", answer("413 Too Large"), ["it answers 413", "raise the limit"]),
        ("PUT", "manifests", answer("500 Oops"), ["it answers 500", "again later"]),
        (
            "HEAD",
            "manifests",
            answer("429 Slow\nRetry-After: 3600\n"),
            ["it answers 429", "wait a while"],
        ),
        ("HEAD", "blobs", Fault::CutAnswer(0), ["connection", "goes on from there"]),
    ] {
        let faults = Faults::before(&address);
        faults.next(100, method, part, fault);
        let registry = format!("{}/{}", faults.address, method.to_lowercase());
        let done = env.edk(&["push", "ext", "--registry", &registry]).exits(3);
        done.tells(&["could not push", told[0], told[1]]);
    }
    env.edk(&["push", "ext", "--registry", "Team"]).exits(1).tells(&["--registry registry.ex"]);
    env.edk(&["push", "ext", "--registry", "127.0.0.1:1/x"])
        .exits(3)
        .tells(&["can't be reached", "check the address"]);
}

#[test]
fn a_pull_that_was_cut_goes_on_and_wrong_bytes_are_never_kept() {
    let (env, other) = (extension(), TestEnv::new());
    let (_server, address) = serve(&other, 0);
    push(&env, &format!("{address}/team"));
    let shown = other.result(&["registry", "show", "team/one:1.0.0"]);
    let large = shown["layers"][0]["digest"].as_str().unwrap().to_owned();
    let config = shown["manifest"]["config"]["digest"].as_str().unwrap().to_owned();
    let faults = Faults::before(&address);
    let image = format!("{}/team/one:1.0.0", faults.address);

    // Cut twice within one command.
    let cut = TestEnv::new();
    faults.next(2, "GET", &large, Fault::CutAnswer(3_000_000));
    let done = cut.edk(&["base", "pull", &image, "--verbose"]).exits(0);
    done.tells(&["the connection was cut after", "again in"]);
    let ranges = faults.seen("bytes=");
    assert_eq!(ranges.len(), 2, "{ranges:?}");

    // Cut for good; the next command goes on, and offline it is there afterwards.
    let later = TestEnv::new();
    faults.next(1, "GET", &large, Fault::CutAnswer(3_000_000));
    faults.next(100, "GET", &large, Fault::CutAnswer(0));
    later.edk(&["base", "pull", &image]).exits(3).tells(&["could not pull", "goes on from there"]);
    let faults = Faults::before(&address);
    let same = format!("{}/team/one:1.0.0", faults.address);
    later.edk(&["base", "pull", &same]).exits(0);
    assert_eq!(faults.seen("bytes=").len(), 1);
    verify_store(&later.state().join("store"));

    // Bytes that are not those of their digest: of a blob, of a manifest, of a size.
    for (part, fault, told) in [
        (config.as_str(), Fault::Spoil, "has digest"),
        ("manifests", Fault::Spoil, "has digest"),
        ("manifests", Fault::Change(large, config.clone()), "has digest"),
        (&config, Fault::Answer(format!("200 OK\n\n{}", "x".repeat(4000))), "more than the"),
        (&config, answer("200 OK\n\n"), "was cut after 0 of"),
    ] {
        let wrong = TestEnv::new();
        let faults = Faults::before(&address);
        faults.next(100, "GET", part, fault);
        let image = format!("{}/team/one:1.0.0", faults.address);
        let done = wrong.edk(&["base", "pull", &image]);
        assert_ne!(done.code, 0, "{done}");
        done.tells(&[told]);
        verify_store(&wrong.state().join("store"));
        assert!(wrong.result(&["registry", "usage"])["bases"].as_array().unwrap().is_empty());
    }
}

#[test]
fn a_registry_that_wants_a_login_is_gone_around_until_there_is_one() {
    let env = TestEnv::new();
    let (_registry, address) = theirs(&env, true);
    let elsewhere = env.path("elsewhere");
    let home = elsewhere.to_str().unwrap();
    let mut sandbox = env.start(&["sandbox", "serve", "--port", "0", "--home", home]);
    let url = format!("http://{}", sandbox.address());
    let team = format!("{address}/team");
    let add = ["target", "add", "shut", &url, "--registry", &team, "--build-version", "0.6.0"];
    env.edk(&add).exits(0);
    small_extension(&env, "lung");
    let plan = || {
        let plan = env.result(&["deploy", "lung", "--target", "shut", "--dry-run"]);
        let way = plan["images"][0]["way"].as_str().unwrap().to_owned();
        let warnings = plan["warnings"].as_array().into_iter().flatten();
        let told = warnings.filter(|it| it["rule"] == "deploy/registry-out-of-reach");
        (way, told.map(|it| it["message"].to_string()).collect::<Vec<_>>())
    };
    let (way, told) = plan();
    assert_eq!((way.as_str(), told.len()), ("archive", 1), "{told:?}");
    assert!(told[0].contains("login"), "{told:?}");
    let told = ["nothing can be pushed to ", "`podman login` where a login is missing"];
    env.edk(&["deploy", "lung", "--target", "shut", "--dry-run"]).exits(0).prints(&told);
    // The wrong password is none.
    log_in(&env, &address, "ann:wrong");
    assert_eq!(plan().0, "archive");
    log_in(&env, &address, LOGIN);
    assert_eq!(plan(), ("push".to_owned(), Vec::new()));
    sandbox.signal(Signal::SIGTERM);
}

/// An answer with its status, a line of headers and a body.
fn answer(text: &str) -> Fault {
    Fault::Answer(text.to_owned())
}

fn base64(text: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |bytes: &[u8]| {
        let number = bytes.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        let number = number << (8 * (3 - bytes.len()));
        let digit = |at: usize| match at <= bytes.len() {
            true => char::from(alphabet[number >> (18 - 6 * at) & 63]),
            false => '=',
        };
        (0..4).map(digit).collect::<String>()
    };
    text.as_bytes().chunks(3).map(group).collect()
}
