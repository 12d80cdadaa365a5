//! Images on their ways, as whoever runs this: archives, a registry, a base that was pulled.

use std::fs;

use edk_testkit::{Done, TestEnv, small_extension, verify_store};
use serde_json::{Value, json};

/// What a command inside finds of the file.
const LOOK: &str = "/bin/busybox stat -c '%u %g %a' /run.sh /own > /look";

/// An extension whose image has owners and a set-uid file, some of it made by a command.
fn pushed() -> TestEnv {
    let env = TestEnv::new();
    let container = small_extension(&env, "lung").join("processing-containers/lung-features");
    let own = "/bin/busybox touch /own && /bin/busybox chown 9:10 /own";
    let dockerfile = format!(
        "FROM scratch\nLABEL IMAGE=\"lung-features\"\nCOPY files/busybox /bin/busybox\n\
         COPY --chown=7:8 --chmod=4755 files/run.sh /run.sh\nRUN {}\n",
        json!(["/bin/busybox", "sh", "-c", own])
    );
    fs::write(container.join("Dockerfile"), dockerfile).unwrap();
    env.edk(&["push", "lung", "--version", "1.0.0"]).exits(0);
    env
}

fn digest(env: &TestEnv, image: &str) -> Value {
    env.result(&["image", "inspect", image])[0]["digest"].clone()
}

#[test]
fn images_are_saved_loaded_pushed_and_pulled_with_their_owners() {
    let env = pushed();
    let expected = digest(&env, "lung-features:1.0.0");
    env.edk(&["image", "save", "lung-features:1.0.0", "--file", "lung.tar"]).exits(0);
    let loaded = TestEnv::new();
    let file = env.path("lung.tar");
    loaded.edk(&["image", "load", file.to_str().unwrap()]).exits(0);
    assert_eq!(digest(&loaded, "lung-features:1.0.0"), expected);

    let served = TestEnv::new();
    let mut server = served.start(&["registry", "serve", "--port", "0"]);
    let address = server.address();
    let remote = format!("{address}/team/lung:1.0.0");
    loaded.edk(&["registry", "copy", "lung-features:1.0.0", &remote]).exits(0);
    assert_eq!(digest(&served, "team/lung:1.0.0"), expected);

    // Pulled, unpacked, and built on: what is inside is whose it was.
    let pulled = TestEnv::new();
    pulled.edk(&["base", "pull", &remote, "--as", "lung"]).exits(0);
    drop(server);
    let folder = pulled.path("next/image");
    fs::create_dir_all(&folder).unwrap();
    let run = json!(["/bin/busybox", "sh", "-c", LOOK]);
    let dockerfile = format!("FROM local-only/lung:latest\nLABEL IMAGE=\"next\"\nRUN {run}\n");
    fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
    pulled.edk(&["push", "next", "--version", "1.0.0"]).exits(0);
    pulled.edk(&["image", "export", "next:1.0.0", "root.tar"]).exits(0);
    let look = Done::of(pulled.other("tar").args(["-xOf", "root.tar", "look"])).exits(0);
    assert_eq!(look.stdout, "7 8 4755\n9 10 644\n", "{look}");
    for env in [&env, &loaded, &served, &pulled] {
        verify_store(&env.state().join("store"));
    }
}
