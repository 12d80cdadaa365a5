//! Builds with this room.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use edk_container::{Containers, Content};
use edk_image::{BuildOptions, Builder, HostSettings, Image, ImageError, PlanOptions, PlanRequest};
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

    pub(crate) fn image(&self, context: &Path, flags: &[&str]) -> Result<Image, String> {
        let text = fs::read_to_string(context.join("Dockerfile")).unwrap();
        let host = HostSettings::default();
        let (store, containers) = (&self.store, &self.containers);
        let builder = Builder { store, containers, host: &host };
        let (args, options, how) = understood(context, flags);
        let request = PlanRequest {
            options: &options,
            ..PlanRequest::new(&text, "Dockerfile", context, &args)
        };
        let words =
            |error: ImageError| format!("{error} {:?} {:?}", error.findings(), error.hints());
        let plan = builder.plan(&request, &Monitor::silent()).map_err(words)?;
        let built = builder.build_with(&plan, &how, &Monitor::silent()).map_err(words)?;
        Ok(built.image)
    }

    pub(crate) fn flatten(&self, image: &Image) -> Flat {
        let manifest = self.store.read(&image.descriptor.digest).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        let digest = manifest["config"]["digest"].as_str().unwrap().parse().unwrap();
        let mut flat =
            Flat::new(serde_json::from_slice(&self.store.read(&digest).unwrap()).unwrap());
        for layer in &image.layers {
            let blob = self.store.reader(&layer.descriptor.digest).unwrap();
            match layer.descriptor.media_type.as_str() {
                media::LAYER => flat.apply(blob),
                _ => flat.apply(flate2::read::MultiGzDecoder::new(blob)),
            }
        }
        flat
    }
}

/// The flags of a case, as the rooms above would understand them.
fn understood(
    context: &Path,
    flags: &[&str],
) -> (BTreeMap<String, String>, PlanOptions, BuildOptions) {
    let (mut args, mut plan, mut how) = Default::default();
    let (args_, plan_): (&mut BTreeMap<_, _>, &mut PlanOptions) = (&mut args, &mut plan);
    let how_: &mut BuildOptions = &mut how;
    for flag in flags {
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        let pair = || value.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).unwrap();
        match name {
            "--build-arg" => args_.extend([pair()]),
            "--label" => plan_.labels.extend([pair()]),
            "--target" => plan_.target = Some(value.to_owned()),
            "--secret" => {
                let id = value.strip_prefix("id=").unwrap().split(',').next().unwrap();
                let file = context.join(value.split("src=").nth(1).unwrap());
                plan_.secrets.insert(id.to_owned());
                how_.secrets.insert(id.to_owned(), Content(fs::read(file).unwrap()));
            }
            other => panic!("{other}"),
        }
    }
    (args, plan, how)
}
