use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::{IntoResponse as _, Response},
};
use edk_model::Digest;
use edk_store::{Store, StoreError};
use serde_json::json;
use tokio::task;

use crate::{
    Registry, blob, guard, listing, manifest,
    query::Query,
    refusal::Refusal,
    route::{self, Route},
    upload,
};

/// `Docker-Content-Digest`: the digest of the content which is sent or was kept.
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// What handlers need of a request beside its route and body.
pub(crate) struct Asked {
    pub(crate) registry: Arc<Registry>,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Query,
    /// Whether only the head of the answer is wanted.
    pub(crate) head: bool,
    /// Whether the client may see but some repositories, and so not every blob.
    pub(crate) restricted: bool,
}

impl Asked {
    /// Returns the value of a header, when it is there and readable.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the repositories of the store in which what a client calls `name` is: its own, and
    /// the one in which what is mirrored is kept.
    pub(crate) fn repositories(&self, name: &str) -> Vec<String> {
        let upstream = self.registry.options.upstream.as_ref();
        let kept = upstream.and_then(|upstream| upstream.kept_in(name));
        [Some(name.to_owned()), kept].into_iter().flatten().collect()
    }

    /// Returns the size of a blob which a push to `repository` counts on, or `None` when it is not
    /// there; it stays for as long as the push lasts.
    pub(crate) async fn claim(
        &self,
        repository: &str,
        digest: Digest,
    ) -> Result<Option<u64>, Refusal> {
        self.registry.pushes.touch(&self.registry.store, repository).await?;
        self.store(move |store| store.claim(&digest)).await
    }

    /// Runs `work` on the store where it may block.
    pub(crate) async fn store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let registry = Arc::clone(&self.registry);
        Ok(task::spawn_blocking(move || work(&registry.store)).await??)
    }
}

/// Answers one request.
pub(crate) async fn answer(State(registry): State<Arc<Registry>>, request: Request) -> Response {
    let answered = dispatch(registry, request).await;
    let mut response = answered.unwrap_or_else(Refusal::into_response);
    response.headers_mut().insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

async fn dispatch(registry: Arc<Registry>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let mut restricted = false;
    let route = match &registry.logins {
        None => route::parse(&parts.method, parts.uri.path())?,
        Some(logins) => {
            // Whoever is a stranger learns nothing, not even which paths there are.
            let account = logins.who(&parts.headers).await?;
            let route = route::parse(&parts.method, parts.uri.path())?;
            guard::allow(&account, &route)?;
            restricted = !account.may_pull_all();
            route
        }
    };
    refuse_web_pages(&parts.method, &parts.headers)?;
    let (query, head) = (Query::of(&parts.uri), parts.method == Method::HEAD);
    let asked = Asked { registry, headers: parts.headers, query, head, restricted };
    match route {
        Route::Version => Ok(Json(json!({})).into_response()),
        Route::Catalog => listing::catalog(&asked).await,
        Route::Tags(name) => listing::tags(&asked, name).await,
        Route::Referrers(name, digest) => listing::referrers(&asked, name, digest).await,
        Route::GetManifest(name, reference) => manifest::get(&asked, name, reference).await,
        Route::PutManifest(name, reference) => manifest::put(&asked, name, reference, body).await,
        Route::DeleteManifest(name, reference) => manifest::delete(&asked, name, reference).await,
        Route::GetBlob(name, digest) => blob::get(&asked, &name, digest).await,
        Route::DeleteBlob(digest) => blob::delete(&asked, digest).await,
        Route::StartUpload(name) => upload::start(&asked, name, body).await,
        Route::UploadStatus(name, id) => upload::status(&asked, &name, id).await,
        Route::AppendUpload(name, id) => upload::append(&asked, &name, id, body).await,
        Route::FinishUpload(name, id) => upload::finish(&asked, &name, id, body).await,
        Route::CancelUpload(name, id) => upload::cancel(&asked, &name, id).await,
    }
}

/// Any page open in a browser of this workstation can reach a loopback port. Browsers name the
/// page in `Origin` when they change something; registry clients never send it.
fn refuse_web_pages(method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    if !method.is_safe() && headers.contains_key(header::ORIGIN) {
        return Err(Refusal::WebPage);
    }
    Ok(())
}
