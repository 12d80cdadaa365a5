//! Keeping a blob of another registry in the store, from where it was cut before.

use std::io::Write as _;

use edk_model::Descriptor;
use edk_store::{BlobWriter, Store, StoreError};
use futures_util::StreamExt as _;

use crate::{
    ImageError,
    transfer::{fault::WireError, remote::Remote, tally::Part},
};

/// Fetches a blob that the store does not have. What came of it before it was cut, by whomever, is
/// not fetched again.
///
/// # Errors
/// [`ImageError::Pull`], [`ImageError::Store`] if its bytes are not those of its digest or can't be
/// kept.
pub(crate) async fn fetch(
    store: &Store,
    remote: &Remote,
    blob: &Descriptor,
    part: &Part,
) -> Result<(), ImageError> {
    let writer = store.resume(&blob.digest)?;
    let resumed = writer.size() > 0;
    match attempt(remote, blob, part, writer).await {
        // The part that was here may be what is wrong.
        Err(ImageError::Store(StoreError::Mismatch { .. })) if resumed => {
            attempt(remote, blob, part, store.resume(&blob.digest)?).await
        }
        other => other,
    }
}

async fn attempt(
    remote: &Remote,
    blob: &Descriptor,
    part: &Part,
    mut writer: BlobWriter,
) -> Result<(), ImageError> {
    let mut tries = remote.wire.tries();
    loop {
        let from = writer.size();
        part.set(from);
        let poured = match from == blob.size && from > 0 {
            true => Ok(()),
            false => pour(remote, blob, part, &mut writer).await,
        };
        let Err(error) = poured else { break };
        if writer.size() > from {
            tries.progressed();
        }
        let waited = tries.again(error, &remote.wire).await;
        waited.map_err(|error| error.pulling(&remote.reference))?;
    }
    writer.commit_as(&blob.digest, &blob.media_type)?;
    Ok(())
}

async fn pour(
    remote: &Remote,
    blob: &Descriptor,
    part: &Part,
    writer: &mut BlobWriter,
) -> Result<(), WireError> {
    let mut stream = remote.blob(blob, writer.size()).await?;
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        writer.write_all(&piece).map_err(WireError::Disk)?;
        part.add(piece.len() as u64);
    }
    writer.flush().map_err(WireError::Disk)
}
