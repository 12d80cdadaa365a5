//! Looking at an image.

use edk_model::{Descriptor, Digest, Monitor, Reference, media};
use edk_store::Store;
use futures_util::StreamExt as _;
use serde_json::Value;

use crate::{
    ImageError,
    transfer::{Access, document::Document, place::Place, remote},
};

/// How large a configuration may be, in bytes.
const CONFIG_LIMIT: usize = 4 << 20;

/// An image as it lies in a registry.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownImage {
    /// The manifest or index.
    pub descriptor: Descriptor,
    /// The manifest or index itself.
    pub manifest: Value,
    /// The configuration; `None` for an index, or when it is not that of an image.
    pub config: Option<Value>,
    /// The layers, lowest first.
    pub layers: Vec<ShownLayer>,
    /// The images of an index, with their platforms.
    pub manifests: Vec<(Descriptor, Option<Value>)>,
    /// The manifest this one is about.
    pub subject: Option<Digest>,
}

/// A layer, and the step that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownLayer {
    /// The blob.
    pub descriptor: Descriptor,
    /// Digest of the uncompressed layer, when the configuration says it.
    pub diff_id: Option<String>,
    /// What made it, as the history has it.
    pub created_by: Option<String>,
}

/// An instruction in the history of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// What it says, as the builder wrote it.
    pub created_by: String,
    /// When, as the builder wrote it.
    pub created: Option<String>,
    /// The layer it made, when the history tells.
    pub layer: Option<Descriptor>,
}

impl ShownImage {
    /// Returns the history, oldest first, each instruction with the layer it made; layers of which
    /// it does not tell come without an instruction.
    pub fn history(&self) -> Vec<HistoryEntry> {
        let list = self.config.as_ref().and_then(|config| config["history"].as_array());
        let list = list.map(Vec::as_slice).unwrap_or_default();
        let made = list.iter().filter(|it| it["empty_layer"] != true).count();
        let mut layers = self.layers.iter();
        if made != layers.len() {
            let entry = |layer: &ShownLayer| HistoryEntry {
                created_by: String::new(),
                created: None,
                layer: Some(layer.descriptor.clone()),
            };
            return layers.map(entry).collect();
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let entry = |it: &Value| HistoryEntry {
            created_by: text(&it["created_by"]).or(text(&it["comment"])).unwrap_or_default(),
            created: text(&it["created"]),
            layer: match it["empty_layer"] == true {
                true => None,
                false => layers.next().map(|layer| layer.descriptor.clone()),
            },
        };
        list.iter().map(entry).collect()
    }
}

/// Reads what `reference` names: without a registry, from the store.
///
/// # Errors
/// [`ImageError::NoImage`], [`ImageError::Pull`], [`ImageError::Malformed`].
pub fn show(
    store: &Store,
    reference: &Reference,
    access: &Access,
    monitor: &Monitor,
) -> Result<ShownImage, ImageError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| remote::pull_failed(reference, error))?;
    runtime.block_on(async {
        let place = Place::of(store, reference, access, monitor)?;
        let work = async {
            let document = place.document(None).await?;
            let config = match &document.config {
                Some(config) if is_image(config) => Some(read(&place, reference, config).await?),
                _ => None,
            };
            shown(&document, config)
        };
        tokio::select! {
            result = work => result,
            () = monitor.token().cancelled() => Err(edk_model::Cancelled.into()),
        }
    })
}

/// Artifacts have configurations of any type, often an empty object.
fn is_image(config: &Descriptor) -> bool {
    [media::CONFIG, "application/vnd.docker.container.image.v1+json"]
        .contains(&config.media_type.as_str())
}

async fn read(
    place: &Place<'_>,
    reference: &Reference,
    blob: &Descriptor,
) -> Result<Value, ImageError> {
    let malformed = |reason: String| ImageError::Malformed { digest: blob.digest, reason };
    let (mut stream, mut bytes) =
        (place.open(blob, 0).await.map_err(|error| error.pulling(reference))?, Vec::new());
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.map_err(|error| malformed(error.to_string()))?);
        if bytes.len() > CONFIG_LIMIT {
            return Err(malformed("its configuration is too large".to_owned()));
        }
    }
    serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))
}

pub(crate) fn shown(document: &Document, config: Option<Value>) -> Result<ShownImage, ImageError> {
    let malformed = |reason: String| ImageError::Malformed { digest: document.digest, reason };
    let manifest = serde_json::from_slice(&document.bytes).map_err(|e| malformed(e.to_string()))?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let list = |name: &str| -> Vec<Value> {
        let at = config.as_ref().and_then(|config| config.pointer(name)).and_then(Value::as_array);
        at.cloned().unwrap_or_default()
    };
    let diff_ids = list("/rootfs/diff_ids");
    let made: Vec<Value> =
        list("/history").into_iter().filter(|it| it["empty_layer"] != true).collect();
    // A history may be missing, or tell of other layers than there are; then it tells nothing.
    let told = made.len() == document.layers.len();
    let layers = document.layers.iter().enumerate().map(|(at, descriptor)| ShownLayer {
        descriptor: descriptor.clone(),
        diff_id: diff_ids.get(at).and_then(text),
        created_by: made.get(at).filter(|_| told).and_then(|it| text(&it["created_by"])),
    });
    Ok(ShownImage {
        descriptor: document.descriptor(),
        layers: layers.collect(),
        manifests: document
            .manifests
            .iter()
            .map(|it| (it.descriptor.clone(), it.platform.clone()))
            .collect(),
        subject: document.subject.as_ref().map(|it| it.digest),
        manifest,
        config,
    })
}
