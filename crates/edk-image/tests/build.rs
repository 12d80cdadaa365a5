//! Real builds on a base of one static program.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use edk_container::{Containers, Network, RunSpec};
use edk_image::{Builder, Built, HostSettings, Image, ImageError, PlanRequest, installer_base};
use edk_model::{Monitor, media};
use edk_store::Store;
use edk_testkit::busybox_layer;
use serde_json::json;

struct Bench {
    _folder: tempfile::TempDir,
    context: PathBuf,
    store: Store,
    containers: Containers,
    host: HostSettings,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [context, store, containers] =
            ["context", "store", "containers"].map(|name| folder.path().join(name));
        fs::create_dir(&context).unwrap();
        let store = Store::open(&store).unwrap();
        let helper = Path::new(env!("CARGO_BIN_EXE_edk-image-helper"));
        let containers = Containers::open(&containers, helper).unwrap();
        let host = HostSettings::default();
        let bench = Self { _folder: folder, context, store, containers, host };
        bench.add_base();
        bench
    }

    fn add_base(&self) {
        let tar = busybox_layer();
        let mut blob = self.store.writer().unwrap();
        blob.write_all(&tar).unwrap();
        let layer = blob.commit(media::LAYER).unwrap();
        let config = json!({
            "architecture": "amd64", "os": "linux",
            "config": {"Env": ["PATH=/bin", "FROM_BASE=1"], "Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
        });
        let config = self.store.put(media::CONFIG, config.to_string().as_bytes()).unwrap();
        let manifest = json!({"schemaVersion": 2, "mediaType": media::MANIFEST, "config": config, "layers": [layer]});
        let manifest = self.store.put(media::MANIFEST, manifest.to_string().as_bytes()).unwrap();
        self.store.tag("local-only/busybox", "latest", &manifest).unwrap();
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.context.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn build(&self, text: &str) -> Result<Built, ImageError> {
        let builder =
            Builder { store: &self.store, containers: &self.containers, host: &self.host };
        let args = BTreeMap::new();
        let request = PlanRequest { text, file: "Dockerfile", context: &self.context, args: &args };
        let plan = builder.plan(&request, &Monitor::silent())?;
        builder.build(&plan, &Monitor::silent())
    }

    fn sh(&self, image: &Image, script: &str) -> String {
        let spec = RunSpec {
            layers: image.prepare(&self.store, &self.containers, &Monitor::silent()).unwrap(),
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            env: image.config().env.clone(),
            cwd: "/".to_owned(),
            user: String::new(),
            binds: Vec::new(),
            scratch: Vec::new(),
            network: Network::None,
        };
        let mut lines = Vec::new();
        let mut keep = |line: &str| lines.push(line.to_owned());
        let exit = self.containers.run(&spec, &mut keep, &Monitor::silent()).unwrap();
        assert_eq!(exit.code, 0, "{lines:?}");
        lines.join("\n")
    }

    fn paths(&self, image: &Image, layer: usize) -> Vec<String> {
        let blob = self.store.reader(&image.layers[layer].descriptor.digest).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(blob));
        tar.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect()
    }
}

const APP: &str = "FROM local-only/busybox:latest\nWORKDIR /app\nCOPY needs.txt .\n\
                   RUN cat needs.txt > installed; echo $FROM_BASE >> installed\nCOPY src/ .\nCMD [\"sh\", \"/app/main.sh\"]\n";

fn app() -> Bench {
    let bench = Bench::new();
    bench.write("needs.txt", "one\n");
    bench.write("src/main.sh", "echo main");
    bench.write("src/sub/more.sh", "echo more");
    bench
}

#[test]
fn an_image_is_built_and_runs() {
    let bench = app();
    let built = bench.build(APP).unwrap();
    assert_eq!((built.steps, built.reused, built.unchanged), (4, 0, false));
    let script = "cat /app/installed; sh /app/main.sh; sh /app/sub/more.sh; stat -c '%a %u %Y' /app /app/main.sh";
    assert_eq!(
        bench.sh(&built.image, script),
        "one\n1\nmain\nmore\n755 0 315532800\n644 0 315532800"
    );
    assert_eq!(built.image.config().command(), ["sh", "/app/main.sh"]);
    assert_eq!(built.image.config().working_dir, "/app");
}

#[test]
fn a_build_without_a_change_reuses_everything_and_says_so() {
    let bench = app();
    let first = bench.build(APP).unwrap();
    let second = bench.build(APP).unwrap();
    assert_eq!((second.reused, second.unchanged), (4, true));
    assert_eq!(second.image, first.image);
}

#[test]
fn an_edit_makes_only_the_layers_after_it_again() {
    let bench = app();
    let first = bench.build(APP).unwrap();
    bench.write("src/main.sh", "echo edited");
    let second = bench.build(APP).unwrap();
    assert_eq!((second.reused, second.unchanged), (3, false));
    assert_eq!(second.image.layers[..4], first.image.layers[..4]);
    assert_eq!(bench.sh(&second.image, "sh /app/main.sh"), "edited");
    bench.write("needs.txt", "two\n");
    assert_eq!(bench.build(APP).unwrap().reused, 1);
}

#[test]
fn two_stores_give_the_same_digest() {
    let digests: Vec<_> =
        [app(), app()].iter().map(|bench| bench.build(APP).unwrap().image.descriptor).collect();
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_copy_brings_along_only_folders_that_are_not_there() {
    let bench = app();
    let text = "FROM local-only/busybox\nCOPY needs.txt /tmp/a/b/\nCOPY --chown=5:6 --chmod=700 src /tmp/src\nCOPY src/main.sh /bin";
    let image = bench.build(text).unwrap().image;
    assert_eq!(bench.paths(&image, 1), ["tmp/a/", "tmp/a/b/", "tmp/a/b/needs.txt"]);
    let script = "stat -c '%a' /tmp; stat -c '%a %u %g' /tmp/src/main.sh; cat /bin/main.sh";
    assert_eq!(bench.sh(&image, script), "1777\n700 5 6\necho main");
}

#[test]
fn a_copy_follows_the_links_of_the_image() {
    let bench = app();
    let text = "FROM local-only/busybox\nRUN mkdir -p /usr/lib && ln -s usr/lib /lib\nCOPY needs.txt /lib/x/";
    let image = bench.build(text).unwrap().image;
    assert_eq!(bench.paths(&image, 2), ["usr/lib/x/", "usr/lib/x/needs.txt"]);
    assert_eq!(bench.sh(&image, "readlink /lib; cat /usr/lib/x/needs.txt"), "usr/lib\none");
}

#[test]
fn a_stage_can_stand_on_an_earlier_one() {
    let bench = app();
    let text = "FROM local-only/busybox AS base\nENV A=1\nRUN echo base > /f\nFROM nowhere AS unused\nFROM base\nCOPY needs.txt /n";
    let image = bench.build(text).unwrap().image;
    assert_eq!(bench.sh(&image, "cat /f /n; echo $A"), "base\none\n1");
}

#[test]
fn files_are_copied_from_stages_and_images_as_they_look_there() {
    let bench = app();
    let text = "FROM local-only/busybox AS make\nRUN mkdir -p /out/sub && echo a > /out/a.whl && echo b > /out/b.whl \
                && ln /out/a.whl /out/sub/hard && ln -s ../b.whl /out/sub/soft && chown 7:7 /out/a.whl && chmod 4755 /out/b.whl\n\
                FROM local-only/busybox AS unused\nRUN exit 1\nFROM local-only/busybox\n\
                COPY --from=make /out /all\nCOPY --from=0 /out/*.whl /wheels/\nCOPY --from=make /out/a.whl /one\n\
                COPY --from=local-only/busybox --chown=ann /etc/group /etc/copied";
    let image = bench.build(text).unwrap().image;
    let script = "stat -c '%n %a %u %g %h' /all/a.whl /all/b.whl /all/sub/hard /wheels/a.whl /one /etc/copied; readlink /all/sub/soft; cat /all/sub/hard /one";
    assert_eq!(
        bench.sh(&image, script),
        "/all/a.whl 644 7 7 2\n/all/b.whl 4755 0 0 1\n/all/sub/hard 644 7 7 2\n/wheels/a.whl 644 7 7 1\n\
         /one 644 7 7 1\n/etc/copied 644 1000 1000 1\n../b.whl\na\na"
    );
    assert_eq!(bench.build(text).unwrap().reused, 5);
    let error = bench
        .build("FROM local-only/busybox AS a\nFROM local-only/busybox\nCOPY --from=a /nope /x")
        .unwrap_err();
    let ImageError::Findings { findings, .. } = error else { panic!("{error}") };
    assert!(
        findings[0].to_string().starts_with("Dockerfile:3:1: `COPY --from=a /nope /x`"),
        "{findings:?}"
    );
}

#[test]
fn here_documents_are_scripts_and_files() {
    let bench = app();
    let text = "FROM local-only/busybox\nENV A=1\nRUN <<EOF\necho one > /f\necho $A >> /f\nEOF\n\
                RUN cat <<'EOF' > /g\n$A \"q\"\nEOF\nCOPY <<EOF <<'RAW' needs.txt /d/\n$A 'x' ${B:-y}\nEOF\n$A\nRAW\n";
    let image = bench.build(text).unwrap().image;
    assert_eq!(
        bench.sh(&image, "cat /f /g /d/EOF /d/RAW /d/needs.txt"),
        "one\n1\n$A \"q\"\n1 'x' y\n$A\none"
    );
}

#[test]
fn mounts_of_a_command_leave_nothing_in_the_image_and_caches_stay() {
    let bench = app();
    let text = |n: u32| {
        format!(
            "FROM local-only/busybox\nWORKDIR /w\nRUN --mount=type=cache,target=/c --mount=type=bind,source=src,target=/b \
             --mount=type=tmpfs,target=t echo {n} >> /c/log && cat /c/log /b/main.sh > /got && touch t/x"
        )
    };
    bench.build(&text(1)).unwrap();
    let image = bench.build(&text(2)).unwrap().image;
    assert_eq!(bench.sh(&image, "cat /got; ls /c /b /w/t 2>/dev/null; ls /w"), "1\n2\necho main");
    assert!(bench.build(&text(2)).unwrap().unchanged);
    bench.write("src/main.sh", "echo edited");
    assert!(!bench.build(&text(2)).unwrap().unchanged, "what a bind shows is an input");
}

#[test]
fn the_triggers_of_a_base_run_in_those_who_take_it_and_only_there() {
    let bench = app();
    let base = bench
        .build("FROM local-only/busybox\nONBUILD COPY needs.txt /n\nONBUILD ENV T=1")
        .unwrap()
        .image;
    bench.store.tag("local-only/onbuild", "latest", &base.descriptor).unwrap();
    let image = bench.build("FROM local-only/onbuild\nRUN echo $T > /t").unwrap().image;
    assert_eq!(bench.sh(&image, "cat /n /t"), "one\n1");
    assert_eq!(image.config().on_build, [""; 0]);
}

#[test]
fn a_command_without_a_network_has_none() {
    let bench = app();
    let image = bench
        .build("FROM local-only/busybox\nRUN --network=none cat /proc/net/dev > /dev-list")
        .unwrap()
        .image;
    assert!(!bench.sh(&image, "cat /dev-list").contains("eth"));
}

#[test]
fn a_failing_command_is_told_with_its_place_and_last_words() {
    let bench = app();
    let error = bench.build("FROM local-only/busybox\nRUN echo why; exit 3").unwrap_err();
    let ImageError::CommandFailed { place, code, output, .. } = error else { panic!("{error}") };
    assert_eq!((place.as_str(), code, output), ("Dockerfile:2", 3, vec!["why".to_owned()]));
    let error = bench.build("FROM local-only/busybox\nRUN [\"/no/such\"]").unwrap_err();
    let ImageError::Findings { findings, .. } = error else { panic!("{error}") };
    assert!(findings[0].to_string().contains("Dockerfile:2:1"), "{findings:?}");
}

#[test]
fn settings_of_the_host_reach_a_command_but_not_the_image() {
    let mut bench = app();
    bench.host.env.push(("PIP_CERT".to_owned(), "/etc/ca.pem".to_owned()));
    bench.host.env.push(("FROM_BASE".to_owned(), "overridden".to_owned()));
    let image =
        bench.build("FROM local-only/busybox\nRUN echo $PIP_CERT $FROM_BASE > /f").unwrap().image;
    assert_eq!(bench.sh(&image, "cat /f; echo [$PIP_CERT]"), "/etc/ca.pem 1\n[]");
    bench.host.env.clear();
    assert!(
        bench
            .build("FROM local-only/busybox\nRUN echo $PIP_CERT $FROM_BASE > /f")
            .unwrap()
            .unchanged
    );
}

#[test]
fn the_installer_base_is_one_small_static_program() {
    let bench = app();
    let image = installer_base(&bench.store).unwrap();
    assert_eq!(installer_base(&bench.store).unwrap().descriptor, image.descriptor);
    assert_eq!(bench.paths(&image, 0), ["installer"]);
    assert!(image.size() < 1_500_000, "{}", image.size());
    let text = "FROM local-only/base-installer:latest\nCOPY src/main.sh /kaapana/tmp/dags/";
    let dag = bench.build(text).unwrap().image;
    assert_eq!(dag.config().command(), ["/installer"]);
    let spec = RunSpec {
        layers: dag.prepare(&bench.store, &bench.containers, &Monitor::silent()).unwrap(),
        argv: dag.config().command(),
        env: Vec::new(),
        cwd: "/".to_owned(),
        user: String::new(),
        binds: Vec::new(),
        scratch: Vec::new(),
        network: Network::None,
    };
    // Without an ACTION the installer refuses: what counts here is that it starts in an empty root.
    let exit = bench.containers.run(&spec, &mut |_| {}, &Monitor::silent()).unwrap();
    assert_eq!(exit.code, 1);
}

#[test]
fn a_layer_of_the_store_is_a_gzip_stream() {
    let bench = app();
    let image = bench.build(APP).unwrap().image;
    let mut magic = [0; 2];
    bench.store.reader(&image.layers[1].descriptor.digest).unwrap().read_exact(&mut magic).unwrap();
    assert_eq!(magic, [0x1f, 0x8b]);
    assert_eq!(image.layers[1].descriptor.media_type, media::LAYER_GZIP);
}
