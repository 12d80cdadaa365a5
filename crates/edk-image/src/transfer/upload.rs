//! Sending a blob: mounted from another repository where the registry lets us, else sent in one
//! stream, and continued where it was cut (OCI distribution specification, "Pushing blobs").

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use edk_model::Descriptor;
use futures_util::StreamExt as _;
use reqwest::{Body, Response, StatusCode, header};

use crate::transfer::{
    fault::WireError,
    remote::{Bytestream, Remote},
    session::Session,
    tally::Part,
    wire::Need,
};

/// A blob up to this size is sent with the request that ends the upload, in bytes.
const SMALL: u64 = 1 << 20;

/// How a blob came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The registry took it over from another of its repositories.
    Mounted,
    /// Its bytes were sent.
    Moved,
}

/// An upload under way: where the registry wants the next bytes.
struct Upload {
    location: String,
    offset: u64,
}

enum Begun {
    Mounted,
    Upload(Upload),
}

impl Remote {
    /// Sends a blob that is not there. `open` gives its bytes from an offset on; `mounts` are
    /// repositories of this registry that may have it. What `session` remembers of an upload which
    /// another process left is not sent again.
    pub(crate) async fn upload(
        &self,
        blob: &Descriptor,
        mounts: &[String],
        open: impl AsyncFn(u64) -> Result<Bytestream, WireError>,
        part: &Part,
        session: Session<'_>,
    ) -> Result<Sent, WireError> {
        let mut tries = self.wire.tries();
        let mut location = session.left();
        let mut another = location.is_some();
        let mut furthest = 0;
        loop {
            let tried = self.attempt(blob, mounts, &open, part, &mut location, session).await;
            let error = match tried {
                Ok(sent) => {
                    session.forget();
                    return Ok(sent);
                }
                Err(error) => error,
            };
            if std::mem::take(&mut another)
                && matches!(error, WireError::Answer { status: 400..500, .. })
            {
                // What another process left is not what it was; that is no reason to give up.
                location = None;
                continue;
            }
            if let WireError::Unauthorised { user, .. } = &error
                && user.is_some()
                && location.is_some()
                && part.at() > furthest
            {
                // A token that ran out while the bytes went over.
                self.wire.forget(Need::push(&self.repository));
                furthest = part.at();
                continue;
            }
            if part.at() > furthest {
                furthest = part.at();
                tries.progressed();
            }
            tries.again(error, &self.wire).await?;
        }
    }

    async fn attempt(
        &self,
        blob: &Descriptor,
        mounts: &[String],
        open: &impl AsyncFn(u64) -> Result<Bytestream, WireError>,
        part: &Part,
        location: &mut Option<String>,
        session: Session<'_>,
    ) -> Result<Sent, WireError> {
        let known = match location.take() {
            Some(known) => self.resumed(&known, blob.size).await?,
            None => None,
        };
        let upload = match known {
            Some(upload) => upload,
            None => match self.begin(blob, mounts).await? {
                Begun::Mounted => return Ok(Sent::Mounted),
                Begun::Upload(upload) => upload,
            },
        };
        *location = Some(upload.location.clone());
        part.set(upload.offset);
        let end = if blob.size <= SMALL && upload.offset == 0 {
            let bytes = whole(open(0).await?, blob.size).await?;
            self.end(&upload.location, blob, bytes).await?
        } else {
            session.keep(&upload.location);
            let next = self.pour(&upload, blob, open, part).await?;
            *location = Some(next.clone());
            self.end(&next, blob, Bytes::new()).await?
        };
        drop(end);
        part.set(blob.size);
        Ok(Sent::Moved)
    }

    /// Starts an upload, or has the blob taken over.
    async fn begin(&self, blob: &Descriptor, mounts: &[String]) -> Result<Begun, WireError> {
        let uploads = self.wire.address(&format!("/v2/{}/blobs/uploads/", self.repository));
        let fine = [StatusCode::CREATED, StatusCode::ACCEPTED];
        let from = mounts.iter().find(|from| **from != self.repository);
        let mut need = Need::push(&self.repository);
        let mut address = uploads.clone();
        if let Some(from) = from {
            need.also = Some(from);
            address = format!("{uploads}?mount={}&from={from}", blob.digest);
        }
        let asked = self.wire.send(need, &fine, |http| http.post(&address)).await;
        let response = match asked {
            // Some refuse a mount they can't do, though they should start an upload.
            Err(WireError::Answer { status: 400..500, .. } | WireError::Forbidden { .. })
                if from.is_some() =>
            {
                let need = Need::push(&self.repository);
                self.wire.send(need, &fine, |http| http.post(&uploads)).await?
            }
            other => other?,
        };
        if response.status() == StatusCode::CREATED {
            return Ok(Begun::Mounted);
        }
        Ok(Begun::Upload(Upload { location: self.location(&response)?, offset: 0 }))
    }

    /// Asks how far an upload has come that was cut; `None` when the registry has forgotten it.
    async fn resumed(&self, location: &str, size: u64) -> Result<Option<Upload>, WireError> {
        let fine = [StatusCode::NO_CONTENT, StatusCode::OK, StatusCode::ACCEPTED];
        let need = Need::push(&self.repository);
        let asked = self.wire.send(need, &fine, |http| http.get(location)).await;
        match asked {
            Ok(response) => {
                // `0-0` stands for none as well as for one; then it is cheaper to begin anew.
                let offset = received(&response).filter(|offset| (2..=size).contains(offset));
                let location = self.location(&response).unwrap_or_else(|_| location.to_owned());
                Ok(offset.map(|offset| Upload { location, offset }))
            }
            Err(WireError::Answer { status: 400..500, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends what is missing in one stream; returns where the upload is ended.
    async fn pour(
        &self,
        upload: &Upload,
        blob: &Descriptor,
        open: &impl AsyncFn(u64) -> Result<Bytestream, WireError>,
        part: &Part,
    ) -> Result<String, WireError> {
        let (offset, size) = (upload.offset, blob.size);
        if offset == size {
            return Ok(upload.location.clone());
        }
        // An error of the source would come back as one of the connection; it is kept aside.
        let broken: Arc<Mutex<Option<WireError>>> = Arc::default();
        let (aside, part) = (Arc::clone(&broken), part.clone());
        let stream = open(offset).await?.map(move |piece| match piece {
            Ok(piece) => {
                part.add(piece.len() as u64);
                Ok(piece)
            }
            Err(error) => {
                let text = error.to_string();
                *aside.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(std::io::Error::other(text))
            }
        });
        let mut request = self.wire.http().patch(&upload.location);
        request = request
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_LENGTH, size - offset)
            .body(Body::wrap_stream(stream));
        if offset > 0 {
            request = request.header(header::CONTENT_RANGE, format!("{offset}-{}", size - 1));
        }
        let fine = [StatusCode::ACCEPTED, StatusCode::NO_CONTENT, StatusCode::CREATED];
        let sent = self.wire.once(Need::push(&self.repository), &fine, request, None).await;
        if let Some(error) = broken.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        let response = sent?;
        match received(&response) {
            Some(got) if got < size => Err(WireError::Cut { got, size }),
            _ => self.location(&response),
        }
    }

    async fn end(
        &self,
        location: &str,
        blob: &Descriptor,
        bytes: Bytes,
    ) -> Result<Response, WireError> {
        let mark = if location.contains('?') { '&' } else { '?' };
        let address = format!("{location}{mark}digest={}", blob.digest);
        let request = self.wire.http().put(&address);
        let request = request.header(header::CONTENT_TYPE, "application/octet-stream").body(bytes);
        let fine = [StatusCode::CREATED, StatusCode::OK, StatusCode::NO_CONTENT];
        self.wire.once(Need::push(&self.repository), &fine, request, None).await
    }

    /// Where an upload goes on, as an answer says: a path, or a whole address.
    fn location(&self, response: &Response) -> Result<String, WireError> {
        let location = response.headers().get(header::LOCATION).and_then(|it| it.to_str().ok());
        let location = location.and_then(|text| response.url().join(text).ok());
        let missing = || WireError::Strange("it does not say where to send the blob".to_owned());
        location.map(String::from).ok_or_else(missing)
    }
}

/// How many bytes of an upload have arrived, as an answer says.
fn received(response: &Response) -> Option<u64> {
    let text = response.headers().get(header::RANGE)?.to_str().ok()?;
    let text = text.strip_prefix("bytes=").unwrap_or(text);
    text.split_once('-')?.1.trim().parse::<u64>().ok().map(|last| last + 1)
}

async fn whole(mut stream: Bytestream, size: u64) -> Result<Bytes, WireError> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes.into())
}
