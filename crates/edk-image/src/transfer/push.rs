//! Sending images of the store to another registry.

use edk_model::{Cancelled, Descriptor, Monitor, Reference};
use edk_store::Store;

use crate::{
    ImageError, Ledger,
    transfer::{
        Access, Copied,
        copy::{Copying, Mounts},
        document::Document,
        place::Place,
        remote::{Remote, pull_failed},
        save::documents_of,
    },
};

/// An image of the store, and its name in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Its manifest or index.
    pub image: Descriptor,
    /// Registry, repository and tag.
    pub to: Reference,
}

/// How one image was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedImage {
    /// Registry, repository and tag.
    pub to: Reference,
    /// What was moved.
    pub copied: Copied,
    /// Whether the name stood for this very image before.
    pub unchanged: bool,
}

/// Sends images to one registry, in their order: only blobs that are missing there, taken over from
/// another repository of it where that is possible, several at a time. `ledger` tells which
/// repositories may have a blob, and learns it; it is never believed without asking. `each` is told
/// when one is there.
///
/// # Errors
/// [`ImageError::Push`], [`ImageError::Store`] for a blob that is missing or damaged here,
/// [`ImageError::Cancelled`]. What was sent stays, so the next push goes on from there; a name is
/// given only when all of its image is there.
pub fn push(
    store: &Store,
    parcels: &[Parcel],
    access: &Access,
    ledger: &mut Ledger,
    monitor: &Monitor,
    mut each: impl FnMut(&PushedImage),
) -> Result<Vec<PushedImage>, ImageError> {
    let Some(first) = parcels.first() else { return Ok(Vec::new()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| pull_failed(&first.to, error))?;
    let _lease = store.lease()?;
    let wire = Remote::open(&first.to, access, monitor)?.wire;
    let mut mounts = Mounts::default();
    for (repository, digests) in ledger.repositories() {
        mounts.may_have(repository, digests);
    }
    let mut pushed = Vec::new();
    for parcel in parcels {
        monitor.started(&parcel.to.to_string());
        let remote = Remote::on(wire.clone(), &parcel.to);
        let done = runtime.block_on(async {
            tokio::select! {
                done = one(store, parcel, &remote, &mut mounts, monitor) => done,
                () = monitor.token().cancelled() => Err(Cancelled.into()),
            }
        })?;
        let (done, documents) = done;
        let blobs = documents.iter().flat_map(Document::blobs);
        ledger.has_in(&remote.repository, blobs.map(|blob| (blob.digest, blob.size)));
        each(&done);
        pushed.push(done);
    }
    Ok(pushed)
}

/// Asks the registry of `to` whether it can be reached and takes our login.
///
/// # Errors
/// [`ImageError::Push`], its source saying why not; [`ImageError::Cancelled`].
pub fn may_push(to: &Reference, access: &Access, monitor: &Monitor) -> Result<(), ImageError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| pull_failed(to, error))?;
    let remote = Remote::open(to, access, monitor)?;
    runtime.block_on(async {
        tokio::select! {
            asked = remote.tagged(to.tag_or_latest().unwrap_or("latest")) => asked.map(drop),
            () = monitor.token().cancelled() => Err(Cancelled.into()),
        }
    })
}

async fn one(
    store: &Store,
    parcel: &Parcel,
    remote: &Remote,
    mounts: &mut Mounts,
    monitor: &Monitor,
) -> Result<(PushedImage, Vec<Document>), ImageError> {
    let documents = documents_of(store, &parcel.image)?;
    let (to, tag) = (parcel.to.clone(), parcel.to.tag_or_latest());
    if let Some(tag) = tag
        && remote.tagged(tag).await? == Some(parcel.image.digest)
    {
        let size = documents.iter().flat_map(Document::blobs).map(|blob| blob.size).sum();
        let copied = Copied { digest: parcel.image.digest, moved: 0, reused: size };
        return Ok((PushedImage { to, copied, unchanged: true }, documents));
    }
    let from = Place::Store { store, reference: &parcel.to };
    let copying = Copying { from: &from, subject: to.to_string(), documents, monitor };
    let copied = copying.to_remote(remote, tag, mounts).await?;
    Ok((PushedImage { to, copied, unchanged: false }, copying.documents))
}
