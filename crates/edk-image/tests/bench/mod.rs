//! What the tests of builds have in common. Not every one uses all of it.
#![allow(dead_code)]

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use edk_container::{Containers, Network, RunSpec};
use edk_image::{
    BuildOptions, Builder, Built, HostSettings, Image, ImageError, PlanOptions, PlanRequest,
};
use edk_model::{Monitor, media};
use edk_store::Store;
use edk_testkit::busybox_layer;
use serde_json::json;

/// A store with a base of one static program, and a build context.
pub(crate) struct Bench {
    pub(crate) args: BTreeMap<String, String>,
    pub(crate) plan: PlanOptions,
    pub(crate) how: BuildOptions,
    folder: tempfile::TempDir,
    pub(crate) context: PathBuf,
    pub(crate) store: Store,
    pub(crate) containers: Containers,
    pub(crate) host: HostSettings,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [context, store, containers] =
            ["context", "store", "containers"].map(|name| folder.path().join(name));
        fs::create_dir(&context).unwrap();
        let store = Store::open(&store).unwrap();
        let helper = Path::new(env!("CARGO_BIN_EXE_edk-image-helper"));
        let containers = Containers::open(&containers, helper).unwrap();
        let host = HostSettings::default();
        let (args, plan, how) = Default::default();
        let bench = Self { args, plan, how, folder, context, store, containers, host };
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

    /// Where unpacked layers and the folders of runs are.
    pub(crate) fn containers_folder(&self) -> PathBuf {
        self.folder.path().join("containers")
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.context.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn build(&self, text: &str) -> Result<Built, ImageError> {
        let builder =
            Builder { store: &self.store, containers: &self.containers, host: &self.host };
        let request = PlanRequest {
            options: &self.plan,
            ..PlanRequest::new(text, "Dockerfile", &self.context, &self.args)
        };
        let plan = builder.plan(&request, &Monitor::silent())?;
        builder.build_with(&plan, &self.how, &Monitor::silent())
    }

    pub(crate) fn sh(&self, image: &Image, script: &str) -> String {
        let spec = RunSpec {
            layers: image.prepare(&self.store, &self.containers, &Monitor::silent()).unwrap(),
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            env: image.config().env.clone(),
            cwd: "/".to_owned(),
            user: String::new(),
            binds: Vec::new(),
            mounts: Vec::new(),
            network: Network::None,
        };
        let mut lines = Vec::new();
        let mut keep = |line: &str| lines.push(line.to_owned());
        let exit = self.containers.run(&spec, &mut keep, &Monitor::silent()).unwrap();
        assert_eq!(exit.code, 0, "{lines:?}");
        lines.join("\n")
    }

    pub(crate) fn paths(&self, image: &Image, layer: usize) -> Vec<String> {
        let blob = self.store.reader(&image.layers[layer].descriptor.digest).unwrap();
        let mut tar = tar::Archive::new(flate2::read::MultiGzDecoder::new(blob));
        tar.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect()
    }
}
