use std::collections::{BTreeMap, BTreeSet};

use axum::{
    Json,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use edk_model::{Digest, media};
use edk_store::{Store, StoreError};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{answer::Asked, document, page, refusal::Refusal};

const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");

/// A manifest about another one (OCI distribution specification, "Listing Referrers").
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Referrer {
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// Lists the repositories that hold a manifest.
pub(crate) async fn catalog(asked: &Asked) -> Result<Response, Refusal> {
    let names = asked.store(Store::repositories).await?;
    paged(asked, names, "/v2/_catalog", |items| json!({ "repositories": items }))
}

/// Lists the tags of a repository; of one that is mirrored, those that were fetched.
pub(crate) async fn tags(asked: &Asked, name: String) -> Result<Response, Refusal> {
    let repositories = asked.repositories(&name);
    let (tags, known) = asked
        .store(move |store| {
            let (mut tags, mut known) = (BTreeSet::new(), false);
            for repository in &repositories {
                tags.extend(store.tags(repository)?);
                known |= !store.manifests(repository)?.is_empty();
            }
            known |= !tags.is_empty();
            Ok((tags.into_iter().collect(), known))
        })
        .await?;
    if !known {
        return Err(Refusal::NameUnknown { name });
    }
    let path = format!("/v2/{name}/tags/list");
    paged(asked, tags, &path, |items| json!({ "name": name, "tags": items }))
}

fn paged(
    asked: &Asked,
    names: Vec<String>,
    path: &str,
    body: impl FnOnce(Vec<String>) -> Value,
) -> Result<Response, Refusal> {
    let page = page::cut(names, asked.query.page_size()?, asked.query.get("last"), path);
    let mut response = Json(body(page.items)).into_response();
    if let Some(link) = page.link.and_then(|link| link.parse().ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// Lists the manifests of a repository whose subject is `subject`, as an index. One that nobody
/// refers to, or which does not exist, has an empty list.
pub(crate) async fn referrers(
    asked: &Asked,
    repository: String,
    subject: Digest,
) -> Result<Response, Refusal> {
    let mut found = asked.store(move |store| find(store, &repository, &subject)).await?;
    // An empty filter is none.
    let filter = asked.query.get("artifactType").filter(|text| !text.is_empty());
    found.retain(|referrer| filter.is_none_or(|_| referrer.artifact_type.as_deref() == filter));
    let index = json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": found });
    let head = [(header::CONTENT_TYPE, HeaderValue::from_static(media::INDEX))];
    let mut response = (head, index.to_string()).into_response();
    if filter.is_some() {
        response.headers_mut().insert(FILTERS, HeaderValue::from_static("artifactType"));
    }
    Ok(response)
}

fn find(store: &Store, repository: &str, subject: &Digest) -> Result<Vec<Referrer>, StoreError> {
    let mut found = Vec::new();
    for manifest in store.manifests(repository)? {
        // A manifest that was damaged or deleted on disk refers to nothing.
        let Ok(bytes) = store.read(&manifest.digest) else { continue };
        let Ok(document) = document::parse(&bytes, Some(&manifest.media_type)) else { continue };
        if document.subject.as_ref() == Some(subject) {
            found.push(Referrer {
                media_type: manifest.media_type,
                digest: manifest.digest,
                size: bytes.len() as u64,
                artifact_type: document.artifact_type,
                annotations: document.annotations,
            });
        }
    }
    Ok(found)
}
