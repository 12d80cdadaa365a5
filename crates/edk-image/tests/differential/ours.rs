//! Builds with this room.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use edk_container::Containers;
use edk_image::{Builder, HostSettings, Image, ImageError, PlanRequest};
use edk_model::{Descriptor, Explain as _, Monitor, media};
use edk_store::Store;
use edk_testkit::busybox_layer;
use serde_json::json;

use crate::flatten::Flat;

pub(crate) struct Ours {
    store: Store,
    containers: Containers,
    base: Descriptor,
}

impl Ours {
    pub(crate) fn new(folder: &Path) -> Self {
        let store = Store::open(&folder.join("store")).unwrap();
        let helper = Path::new(env!("CARGO_BIN_EXE_edk-image-helper"));
        let containers = Containers::open(&folder.join("containers"), helper).unwrap();
        let mut blob = store.writer().unwrap();
        blob.write_all(&busybox_layer()).unwrap();
        let layer = blob.commit(media::LAYER).unwrap();
        let config = json!({
            "architecture": "amd64", "os": "linux", "history": [{"created_by": "busybox"}],
            "config": {"Env": ["PATH=/bin", "BASE=1"], "Cmd": ["sh"], "Labels": {"base": "yes"}},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
        });
        let config = store.put(media::CONFIG, config.to_string().as_bytes()).unwrap();
        let manifest = json!({"schemaVersion": 2, "mediaType": media::MANIFEST, "config": config, "layers": [layer]});
        let base = store.put(media::MANIFEST, manifest.to_string().as_bytes()).unwrap();
        store.tag("pulled/localhost/busybox", "latest", &base).unwrap();
        Self { store, containers, base }
    }

    /// Writes the base as an OCI layout, for another builder.
    pub(crate) fn write_base(&self, folder: &Path) {
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        for entry in fs::read_dir(self.store.root().join("blobs/sha256")).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            fs::copy(&path, blobs.join(path.file_name().unwrap())).unwrap();
        }
        let mut descriptor = serde_json::to_value(&self.base).unwrap();
        descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": "latest"});
        let index = json!({"schemaVersion": 2, "manifests": [descriptor]});
        fs::write(folder.join("index.json"), index.to_string()).unwrap();
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    }

    pub(crate) fn build(&self, context: &Path) -> Result<Flat, String> {
        let text = fs::read_to_string(context.join("Dockerfile")).unwrap();
        let (args, host) = (BTreeMap::new(), HostSettings::default());
        let (store, containers) = (&self.store, &self.containers);
        let builder = Builder { store, containers, host: &host };
        let request = PlanRequest { text: &text, file: "Dockerfile", context, args: &args };
        let words =
            |error: ImageError| format!("{error} {:?} {:?}", error.findings(), error.hints());
        let plan = builder.plan(&request, &Monitor::silent()).map_err(words)?;
        let built = builder.build(&plan, &Monitor::silent()).map_err(words)?;
        Ok(self.flatten(&built.image))
    }

    fn flatten(&self, image: &Image) -> Flat {
        let manifest = self.store.read(&image.descriptor.digest).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        let digest = manifest["config"]["digest"].as_str().unwrap().parse().unwrap();
        let mut flat =
            Flat::new(serde_json::from_slice(&self.store.read(&digest).unwrap()).unwrap());
        for layer in &image.layers {
            let blob = self.store.reader(&layer.descriptor.digest).unwrap();
            match layer.descriptor.media_type.as_str() {
                media::LAYER => flat.apply(blob),
                _ => flat.apply(flate2::read::GzDecoder::new(blob)),
            }
        }
        flat
    }
}
