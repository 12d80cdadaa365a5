//! A disk that is full or can't be written: what was acknowledged stays, and the rest is told.

use std::fs;

use edk_testkit::{Done, TestEnv, is_root, program, verify_store};
use serde_json::Value;

use crate::client::{Image, noise, serve};

/// Runs a script as (mapped) root in a mount namespace. `$STATE` is the folder of the state, `$EDK`
/// the program; `$ADDRESS` is set by `serve`, and `say METHOD PATH FILE` prints a status.
pub(crate) fn script(env: &TestEnv, text: &str) -> Done {
    let prelude = r#"
        serve() {
            "$EDK" registry serve --port 0 > serve.out 2> serve.log & server=$!
            until grep -q "Ctrl-C" serve.log; do kill -0 $server; done
            ADDRESS=$(sed -n 's/.*http:..\([0-9.:]*\);.*/\1/p' serve.log)
        }
        say() {
            curl --silent --show-error --noproxy '*' --output answer --write-out "$1 %{http_code}\n" \
                --request "$1" ${3:+--data-binary @"$3"} --header 'Content-Type:' "http://$ADDRESS$2"
        }
    "#;
    let mut command = env.other("unshare");
    if !is_root() {
        command.arg("--map-root-user");
    }
    let text = format!("{prelude}{text}");
    command.args(["--mount", "--propagation", "private", "sh", "-euc", &text]);
    command.env("EDK", program()).env("STATE", env.state());
    Done::of(&mut command)
}

/// Writes the parts of an image as files `<name>-0` and so on, and returns the digests.
fn parts(env: &TestEnv, name: &str, image: &Image) -> Vec<String> {
    let all = image.blobs.iter().chain([&image.manifest]).enumerate();
    let write = |(at, bytes): (usize, &Vec<u8>)| {
        fs::write(env.path(&format!("{name}-{at}")), bytes).unwrap();
        edk_model::Digest::of(bytes).to_string()
    };
    all.map(write).collect()
}

#[test]
fn a_full_disk_refuses_with_its_own_status_and_loses_nothing() {
    let env = TestEnv::new();
    fs::create_dir(env.state()).unwrap();
    let small = Image::new(vec![noise(1, 1000)]);
    let large = noise(2, 2_000_000);
    fs::write(env.path("large"), &large).unwrap();
    let digests = parts(&env, "small", &small);
    let digest = edk_model::Digest::of(&large);
    let done = script(
        &env,
        &format!(
            r#"
        mount -t tmpfs -o size=4m none "$STATE"
        head -c 3000000 /dev/zero > "$STATE/ballast"
        serve
        say POST "/v2/a/blobs/uploads/?digest={}" small-0
        say POST "/v2/a/blobs/uploads/?digest={}" small-1
        say PUT /v2/a/manifests/1 small-2
        say POST "/v2/a/blobs/uploads/?digest={digest}" large
        cp answer full.json
        say GET /v2/a/manifests/1
        say GET "/v2/a/blobs/{}"
        cp -a "$STATE/store" left
        rm "$STATE/ballast"
        say POST "/v2/a/blobs/uploads/?digest={digest}" large
        kill $server; wait $server || true
        cp -a "$STATE/store" whole
        "#,
            digests[0], digests[1], digests[0]
        ),
    );
    let lines = "POST 201\nPOST 201\nPUT 201\nPOST 507\nGET 200\nGET 200\nPOST 201\n";
    assert_eq!(done.stdout, lines, "{done}");
    let refusal: Value = serde_json::from_slice(&fs::read(env.path("full.json")).unwrap()).unwrap();
    let message = refusal["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("No space left"), "{refusal}");
    for store in ["left", "whole"] {
        verify_store(&env.path(store));
        assert_eq!(fs::read_dir(env.path(store).join("incoming")).unwrap().count(), 0, "{store}");
    }
}

#[test]
fn a_store_that_can_not_be_written_is_still_served() {
    let env = TestEnv::new();
    fs::create_dir(env.state()).unwrap();
    let image = Image::new(vec![noise(1, 1000)]);
    let (server, address) = serve(&env, 0);
    assert!(image.push(&address, "a", "1").unwrap());
    drop(server);
    let digests = parts(&env, "small", &image);
    let other = edk_model::Digest::of(b"other");
    fs::write(env.path("other"), "other").unwrap();
    let done = script(
        &env,
        &format!(
            r#"
        mount --bind "$STATE/store" "$STATE/store"
        mount -o remount,bind,ro "$STATE/store"
        serve
        say GET /v2/a/manifests/1
        say GET "/v2/a/blobs/{0}"
        say GET /v2/a/tags/list
        say POST "/v2/a/blobs/uploads/?digest={other}" other
        cp answer refused.json
        say PUT /v2/a/manifests/2 small-2
        say DELETE /v2/a/manifests/1
        kill $server; wait $server || true
        "#,
            digests[0]
        ),
    );
    assert_eq!(done.stdout, "GET 200\nGET 200\nGET 200\nPOST 500\nPUT 500\nDELETE 500\n", "{done}");
    let refusal = fs::read_to_string(env.path("refused.json")).unwrap();
    assert!(refusal.contains("Read-only file system"), "{refusal}");
}
