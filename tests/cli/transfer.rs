//! `edk registry show`, `copy`, `export` and `import`: images in and out, with clients of others.

use std::fs;

use edk_testkit::{Done, Running, TestEnv};
use serde_json::{Value, json};

use crate::storage::pushed;

/// Serves the registry of `env` and returns its address without a scheme.
fn serve(env: &TestEnv) -> (Running, String) {
    let mut running = env.start(&["registry", "serve", "--port", "0"]);
    let address = running.address();
    (running, address)
}

fn skopeo(env: &TestEnv, args: &[&str]) -> String {
    Done::of(env.other("skopeo").arg("--insecure-policy").args(args)).exits(0).stdout
}

fn digest(env: &TestEnv, image: &str) -> Value {
    env.result(&["registry", "show", image])["digest"].clone()
}

#[test]
fn an_image_is_shown_with_its_layers_and_what_made_them() {
    let env = pushed();
    let shown = env.result(&["registry", "show", "app:0.1.0"]);
    assert_eq!(shown["layers"][0]["created_by"], "COPY a.txt /a.txt", "{shown}");
    assert_eq!(shown["config"]["config"]["Labels"]["IMAGE"], "app");
    assert_eq!(shown["manifest"]["layers"][0]["digest"], shown["layers"][0]["digest"]);
    let by_digest = format!("app@{}", shown["digest"].as_str().unwrap());
    assert_eq!(env.result(&["registry", "show", &by_digest])["layers"], shown["layers"]);
    env.edk(&["registry", "show", "app:0.1.0"]).exits(0).prints(&["COPY a.txt", "in 1 layers"]);
    env.edk(&["registry", "show", "none:1"]).exits(1).tells(&["`none:1`", "edk registry list"]);
    let (_registry, address) = serve(&env);
    let remote = format!("{address}/app:0.1.0");
    assert_eq!(env.result(&["registry", "show", &remote])["manifest"], shown["manifest"]);
    let missing = format!("{address}/app:none");
    env.edk(&["registry", "show", &missing]).exits(1).tells(&["could not pull", "check the name"]);
}

#[test]
fn a_copy_keeps_the_digest_and_moves_only_what_is_missing() {
    let (here, there) = (pushed(), TestEnv::new());
    let (_registry, address) = serve(&there);
    let remote = format!("{address}/team/app:1");
    let first = here.result(&["registry", "copy", "app:0.1.0", &remote]);
    assert_eq!(first["digest"], digest(&here, "app:0.1.0"));
    assert_eq!((&first["digest"], &first["reused"]), (&digest(&there, "team/app:1"), &json!(0)));
    let again = here.result(&["registry", "copy", "app:0.1.0", &remote]);
    assert_eq!((&again["moved"], &again["reused"]), (&json!(0), &first["moved"]));
    // Between two repositories of other registries, through this program, which keeps nothing.
    let other = TestEnv::new();
    let (_other, elsewhere) = serve(&other);
    let target = format!("{elsewhere}/app");
    here.result(&["registry", "copy", &remote, &target]);
    assert_eq!(digest(&other, "app:1"), first["digest"]);
    // And back into a store.
    let back = TestEnv::new();
    back.result(&["registry", "copy", &format!("{target}:1"), "app:back"]);
    assert_eq!(digest(&back, "app:back"), first["digest"]);
    edk_testkit::verify_store(&back.state().join("store"));
}

#[test]
fn an_index_is_copied_with_all_it_holds() {
    let env = pushed();
    let (_registry, address) = serve(&env);
    let manifest = digest(&env, "app:0.1.0");
    let size = env.result(&["registry", "show", "app:0.1.0"])["manifest"].to_string().len();
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{ "mediaType": kind, "digest": manifest, "size": size,
            "platform": { "os": "linux", "architecture": "amd64" } }],
    });
    let body = index.to_string();
    let request = format!(
        "PUT /v2/app/manifests/all HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let answer = std::io::read_to_string(stream).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let other = TestEnv::new();
    let (_other, elsewhere) = serve(&other);
    env.result(&["registry", "copy", "app:all", &format!("{elsewhere}/app")]);
    let shown = other.result(&["registry", "show", "app:all"]);
    assert_eq!(shown["images"], json!([{ "digest": manifest, "platform": "linux/amd64" }]));
    env.result(&["registry", "export", "app:all", "all.tar"]);
    let third = TestEnv::new();
    let file = env.path("all.tar");
    third.result(&["registry", "import", file.to_str().unwrap()]);
    assert_eq!(third.result(&["registry", "show", "app:all"])["images"], shown["images"]);
    let child = format!("app@{}", manifest.as_str().unwrap());
    third.edk(&["registry", "show", &child]).exits(0).prints(&["COPY a.txt"]);
}

#[test]
fn archives_are_the_same_each_time_and_skopeo_reads_them() {
    let env = pushed();
    env.edk(&["registry", "export", "app:0.1.0", "one.tar"]).exits(0).prints(&["one.tar"]);
    env.edk(&["registry", "export", "app:0.1.0", "two.tar"]).exits(0);
    assert_eq!(fs::read(env.path("one.tar")).unwrap(), fs::read(env.path("two.tar")).unwrap());
    let seen: Value =
        serde_json::from_str(&skopeo(&env, &["inspect", "oci-archive:one.tar:app:0.1.0"])).unwrap();
    assert_eq!(seen["Digest"], digest(&env, "app:0.1.0"));
    let other = TestEnv::new();
    let file = env.path("one.tar");
    let done = other.result(&["registry", "import", file.to_str().unwrap()]);
    assert_eq!(done["images"][0]["name"], "app:0.1.0");
    let again = other.result(&["registry", "import", file.to_str().unwrap(), "lib/again:1"]);
    assert_eq!((&again["new"], &again["images"][0]["name"]), (&json!(0), &json!("lib/again:1")));
    assert_eq!(digest(&other, "lib/again:1"), seen["Digest"]);
}

#[test]
fn what_skopeo_writes_is_imported_and_what_is_no_archive_is_refused() {
    let env = pushed();
    let (_registry, address) = serve(&env);
    let image = format!("docker://{address}/app:0.1.0");
    let copy = ["copy", "--src-tls-verify=false", "--preserve-digests", &image];
    skopeo(&env, &[&copy[..], &["oci-archive:theirs.tar:1.0"]].concat());
    skopeo(&env, &["copy", "--src-tls-verify=false", &image, "docker-archive:docker.tar:app:1"]);
    let expected = digest(&env, "app:0.1.0");
    // Compressed, as people send them around.
    Done::of(env.other("gzip").args(["--keep", "theirs.tar"])).exits(0);
    for (file, name) in [("theirs.tar", "theirs:1.0"), ("theirs.tar.gz", "theirs:1.0")] {
        let other = TestEnv::new();
        let path = env.path(file);
        let done = other.result(&["registry", "import", path.to_str().unwrap()]);
        assert_eq!(done["images"][0], json!({ "name": name, "digest": expected }));
        edk_testkit::verify_store(&other.state().join("store"));
    }
    fs::write(env.path("text.tar"), "not an archive").unwrap();
    let whole = fs::read(env.path("theirs.tar")).unwrap();
    fs::write(env.path("half.tar"), &whole[..whole.len() / 2]).unwrap();
    let docker = env.result(&["registry", "import", "docker.tar"]);
    assert_eq!(docker["images"][0]["name"], "library/app:1");
    for file in ["text.tar", "half.tar"] {
        let done = env.edk(&["registry", "import", file]).exits(1);
        done.tells(&[file, "can't be imported", "edk image save"]);
    }
    env.edk(&["registry", "import", "none.tar"]).exits(1).tells(&["none.tar"]);
    env.edk(&["registry", "copy", "app:0.1.0", "127.0.0.1:1/app:1"])
        .exits(3)
        .tells(&["could not push"]);
}
