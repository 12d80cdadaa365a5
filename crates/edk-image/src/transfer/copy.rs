//! Copying an image from one registry to another.

use std::collections::BTreeMap;

use edk_model::{Cancelled, Descriptor, Digest, Monitor, Reference};
use edk_store::Store;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    ImageError,
    transfer::{
        Access,
        document::Document,
        fetch::fetch,
        place::Place,
        remote::{Remote, pull_failed},
        session::Session,
        tally::Tally,
        upload::Sent,
    },
};

/// How many blobs are on their way at the same time.
pub(crate) const TOGETHER: usize = 4;

/// What a copy came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The manifest or index, the same on both sides.
    pub digest: Digest,
    /// Bytes of blobs that were moved.
    pub moved: u64,
    /// Bytes of blobs that were there already.
    pub reused: u64,
}

/// Copies what `from` names, with all images of an index, to `to`: a reference without a registry
/// means the store. Digests stay; no blob is ever whole in memory or, between two registries, on
/// the disk. A target without a tag gets the one of the source. What is cut goes on where it was
/// cut; trouble that passes is waited for.
///
/// # Errors
/// [`ImageError::NoImage`] and [`ImageError::Pull`] for the source, [`ImageError::Push`] for the
/// target, [`ImageError::Store`], [`ImageError::Cancelled`].
pub fn copy(
    store: &Store,
    from: &Reference,
    to: &Reference,
    access: &Access,
    monitor: &Monitor,
) -> Result<Copied, ImageError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| pull_failed(from, error))?;
    let _lease = store.lease()?;
    runtime.block_on(async {
        let tag = match (&to.tag, &to.digest) {
            (Some(tag), _) => Some(tag.as_str()),
            (None, Some(_)) => None,
            (None, None) => from.tag_or_latest(),
        };
        let work = async {
            let source = Place::of(store, from, access, monitor)?;
            let documents = source.tree().await?;
            let copying = Copying { from: &source, subject: from.to_string(), documents, monitor };
            match to.registry {
                None => copying.to_store(store, to, tag).await,
                Some(_) => {
                    let mut mounts = Mounts::default();
                    // Blobs of another repository there need not go through here.
                    let remote = match &source {
                        Place::Remote(one) if one.reference.registry == to.registry => {
                            mounts.may_have(&one.repository, copying.blobs().keys());
                            Remote::on(one.wire.clone(), to)
                        }
                        _ => Remote::open(to, access, monitor)?,
                    };
                    copying.to_remote(&remote, tag, &mut mounts).await
                }
            }
        };
        tokio::select! {
            result = work => result,
            () = monitor.token().cancelled() => Err(Cancelled.into()),
        }
    })
}

/// Which repositories of a registry may have a blob.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mounts(BTreeMap<Digest, Vec<String>>);

impl Mounts {
    pub(crate) fn may_have<'d>(
        &mut self,
        repository: &str,
        digests: impl IntoIterator<Item = &'d Digest>,
    ) {
        for digest in digests {
            let known = self.0.entry(*digest).or_default();
            if !known.iter().any(|it| it == repository) {
                known.push(repository.to_owned());
            }
        }
    }

    fn of(&self, digest: &Digest) -> &[String] {
        self.0.get(digest).map_or(&[], Vec::as_slice)
    }
}

/// An image on its way: its documents, the index first.
pub(crate) struct Copying<'a> {
    pub(crate) from: &'a Place<'a>,
    pub(crate) subject: String,
    pub(crate) documents: Vec<Document>,
    pub(crate) monitor: &'a Monitor,
}

impl Copying<'_> {
    /// The blobs, each once, the largest first so that it is not the last to arrive.
    fn blobs(&self) -> BTreeMap<Digest, Descriptor> {
        let blobs = self.documents.iter().flat_map(Document::blobs);
        blobs.map(|blob| (blob.digest, blob.clone())).collect()
    }

    fn plan(&self) -> (Vec<Descriptor>, Tally) {
        let mut blobs: Vec<Descriptor> = self.blobs().into_values().collect();
        blobs.sort_by_key(|blob| std::cmp::Reverse(blob.size));
        let total = blobs.iter().map(|blob| blob.size).sum();
        (blobs, Tally::new(&self.subject, total, self.monitor))
    }

    fn copied(&self, blobs: &[Descriptor], tally: &Tally) -> Copied {
        let reused = tally.reused();
        let total: u64 = blobs.iter().map(|blob| blob.size).sum();
        Copied { digest: self.documents[0].digest, moved: total - reused, reused }
    }

    /// Brings it into the store, under `tag` of the repository of `to` if there is one.
    async fn to_store(
        &self,
        store: &Store,
        to: &Reference,
        tag: Option<&str>,
    ) -> Result<Copied, ImageError> {
        let (blobs, tally) = self.plan();
        let fetches = blobs.iter().map(|blob| {
            let tally = &tally;
            async move {
                match (store.claim(&blob.digest)?, self.from) {
                    (Some(size), _) if size == blob.size => tally.reuse(size),
                    (_, Place::Remote(remote)) => {
                        fetch(store, remote, blob, &tally.part()).await?;
                    }
                    (_, Place::Store { .. }) => {
                        return Err(edk_store::StoreError::NoBlob(blob.digest).into());
                    }
                }
                Ok::<_, ImageError>(())
            }
        });
        stream::iter(fetches).buffer_unordered(TOGETHER).try_collect::<()>().await?;
        // What an index holds comes before the index, which is first in the list.
        for (at, document) in self.documents.iter().enumerate().rev() {
            keep_document(store, &to.repository, document, tag.filter(|_| at == 0))?;
        }
        Ok(self.copied(&blobs, &tally))
    }

    /// Brings it to another registry, under `tag` if there is one. What it has afterwards is added to
    /// `mounts`.
    pub(crate) async fn to_remote(
        &self,
        to: &Remote,
        tag: Option<&str>,
        mounts: &mut Mounts,
    ) -> Result<Copied, ImageError> {
        let (blobs, tally) = self.plan();
        let known = &*mounts;
        let uploads = blobs.iter().map(|blob| {
            let tally = &tally;
            async move {
                if to.has(&blob.digest).await? {
                    tally.reuse(blob.size);
                    return Ok(());
                }
                let part = tally.part();
                let open = async |offset| self.from.open(blob, offset).await;
                let (registry, repository) = (&to.wire.registry, &to.repository);
                let left = Session::of(self.from.store(), registry, repository, &blob.digest);
                let sent = to.upload(blob, known.of(&blob.digest), open, &part, left).await;
                match sent.map_err(|error| self.explained(error, blob, to))? {
                    Sent::Mounted => tally.reuse(blob.size),
                    Sent::Moved => {}
                }
                Ok::<_, ImageError>(())
            }
        });
        stream::iter(uploads).buffer_unordered(TOGETHER).try_collect::<()>().await?;
        mounts.may_have(&to.repository, blobs.iter().map(|blob| &blob.digest));
        for (at, document) in self.documents.iter().enumerate().rev() {
            to.put_document(document, tag.filter(|_| at == 0)).await?;
        }
        Ok(self.copied(&blobs, &tally))
    }

    /// A registry that finds a digest wrong may be right: then the blob is damaged here.
    fn explained(
        &self,
        error: super::fault::WireError,
        blob: &Descriptor,
        to: &Remote,
    ) -> ImageError {
        if let (super::fault::WireError::Answer { status: 400, .. }, Place::Store { store, .. }) =
            (&error, self.from)
            && let Err(damaged) = store.verify(&blob.digest)
        {
            return damaged.into();
        }
        error.pushing(&to.reference)
    }
}

/// Keeps a manifest or an index in the store, under `tag` if there is one.
pub(crate) fn keep_document(
    store: &Store,
    repository: &str,
    document: &Document,
    tag: Option<&str>,
) -> Result<(), ImageError> {
    let (kind, algorithm) = (&document.media_type, document.digest.algorithm());
    let kept = store.put_with(algorithm, kind, &document.bytes)?;
    match tag {
        Some(tag) => store.tag(repository, tag, &kept)?,
        None => store.add_manifest(repository, &kept)?,
    }
    Ok(())
}
