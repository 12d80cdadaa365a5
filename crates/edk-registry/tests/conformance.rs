//! The OCI distribution specification 1.1, end-point by end-point, against the real server.
//!
//! Each row names the section it holds the server to; "own" marks what the specification leaves
//! open.
#![allow(clippy::unwrap_used, clippy::panic)]

mod server;
mod table;

use edk_model::{Algorithm, Digest, media};
use serde_json::{Value, json};
use server::Server;
use table::{check, row};

const UNKNOWN: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const OTHER: &str = "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709";
const UPLOADS: &str = "/v2/a/blobs/uploads/";

/// A manifest over the blobs `{}` and `layer`.
fn manifest(extra: &Value) -> Vec<u8> {
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": media::MANIFEST,
        "config": { "mediaType": media::CONFIG, "digest": Digest::of(b"{}"), "size": 2 },
        "layers": [{ "mediaType": media::LAYER, "digest": Digest::of(b"layer"), "size": 5 }],
    });
    manifest.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::to_vec(&manifest).unwrap()
}

async fn with_blobs() -> Server {
    let server = Server::start().await;
    for blob in [&b"{}"[..], b"layer"] {
        server.store.put("application/octet-stream", blob).unwrap();
    }
    server
}

#[tokio::test]
async fn the_registry_says_that_it_speaks_the_api() {
    let server = Server::start().await;
    let version = "docker-distribution-api-version";
    check(
        &server,
        [
            row("Determining Support", "GET", "/v2/", 200).gives(version, "registry/2.0"),
            row("Determining Support", "HEAD", "/v2", 200).gives(version, "registry/2.0"),
            row("Error Codes", "GET", "/v3/", 404).code("UNSUPPORTED"),
            row("Error Codes", "POST", "/v2/", 405).code("UNSUPPORTED").gives("allow", "GET, HEAD"),
            row("Error Codes", "GET", "/v2/UPPER/tags/list", 400).code("NAME_INVALID"),
            row("own: no web pages", "POST", UPLOADS, 403)
                .send("origin", "http://example.org")
                .code("DENIED"),
            row("own: no other name", "GET", "/v2/", 403)
                .send("host", "rebound.example.org:5577")
                .code("DENIED"),
            row("own: no other name", "GET", "/v2/", 200).send("host", "localhost:5577"),
        ],
    )
    .await;
}

#[tokio::test]
async fn blobs_are_pulled_whole_in_parts_and_only_when_they_are_news() {
    let server = Server::start().await;
    let digest = server.store.put("x", b"0123456789").unwrap().digest;
    let path = format!("/v2/any/name/blobs/{digest}");
    let get = |status| row("Pulling blobs", "GET", &path, status);
    let tag = format!("\"{digest}\"");
    check(
        &server,
        [
            get(200)
                .content("0123456789")
                .gives("content-length", "10")
                .gives("content-type", "application/octet-stream")
                .gives("docker-content-digest", digest.to_string())
                .gives("etag", &tag)
                .gives("accept-ranges", "bytes"),
            row("Checking if content exists", "HEAD", &path, 200)
                .content("")
                .gives("content-length", "10")
                .gives("docker-content-digest", digest.to_string()),
            get(206)
                .send("range", "bytes=2-4")
                .content("234")
                .gives("content-range", "bytes 2-4/10"),
            get(206).send("range", "bytes=7-").content("789").gives("content-length", "3"),
            get(206).send("range", "bytes=-2").content("89").gives("content-range", "bytes 8-9/10"),
            get(206).send("range", "bytes=5-99").content("56789"),
            get(416)
                .send("range", "bytes=10-")
                .code("RANGE_INVALID")
                .gives("content-range", "bytes */10"),
            get(200).send("range", "bytes=4-2").content("0123456789"),
            get(200).send("range", "bytes=0-1").send("if-range", "\"other\"").content("0123456789"),
            get(206).send("range", "bytes=0-1").send("if-range", &tag).content("01"),
            get(304).send("if-none-match", &tag).content("").gives("etag", &tag),
            get(200).send("if-none-match", "\"other\"").content("0123456789"),
            row("Pulling blobs", "GET", format!("/v2/a/blobs/{UNKNOWN}"), 404).code("BLOB_UNKNOWN"),
            row("Checking if content exists", "HEAD", format!("/v2/a/blobs/{UNKNOWN}"), 404),
            row("own: sha256 and sha512", "GET", format!("/v2/a/blobs/{OTHER}"), 400)
                .code("DIGEST_INVALID"),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_empty_blob_can_be_pushed_and_pulled() {
    let server = Server::start().await;
    let empty = Digest::of(b"");
    check(
        &server,
        [
            row("Single POST", "POST", format!("{UPLOADS}?digest={empty}"), 201),
            row("Pulling blobs", "GET", format!("/v2/a/blobs/{empty}"), 200)
                .content("")
                .gives("content-length", "0"),
            row("Pulling blobs", "GET", format!("/v2/a/blobs/{empty}"), 416)
                .send("range", "bytes=0-"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_blob_is_pushed_in_one_request_or_in_two() {
    let server = Server::start().await;
    let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
    check(
        &server,
        [
            row("Single POST", "POST", format!("{UPLOADS}?digest={one}"), 201)
                .body("one")
                .gives("location", format!("/v2/a/blobs/{one}"))
                .gives("docker-content-digest", one.to_string()),
            row("Pulling blobs", "GET", "{location}", 200).content("one"),
            row("Single POST", "POST", format!("{UPLOADS}?digest={UNKNOWN}"), 400)
                .body("one")
                .code("DIGEST_INVALID"),
            row("own: sha256 and sha512", "POST", format!("{UPLOADS}?digest={OTHER}"), 400)
                .code("DIGEST_INVALID"),
            row("POST then PUT", "POST", "/v2/a/blobs/uploads", 202).gives("range", "0-0"),
            row("POST then PUT", "PUT", format!("{{location}}?digest={two}"), 201)
                .body("two")
                .gives("location", format!("/v2/a/blobs/{two}")),
            row("Pulling blobs", "GET", "{location}", 200).content("two"),
            row("POST then PUT", "POST", UPLOADS, 202),
            row("POST then PUT", "PUT", format!("{{location}}?digest={UNKNOWN}"), 400)
                .body("three")
                .code("DIGEST_INVALID"),
            row("Error Codes", "GET", format!("/v2/a/blobs/{UNKNOWN}"), 404).code("BLOB_UNKNOWN"),
            row("POST then PUT", "POST", UPLOADS, 202),
            row("POST then PUT", "PUT", "{location}", 400).body("x").code("DIGEST_INVALID"),
            row("own: sha256 and sha512", "PUT", format!("{{location}}?digest={OTHER}"), 400)
                .code("DIGEST_INVALID"),
        ],
    )
    .await;
    assert_eq!(server.store.size(&Digest::of(b"three")), None);
}

#[tokio::test]
async fn a_blob_is_pushed_in_chunks_which_must_follow_each_other() {
    let server = Server::start().await;
    let digest = Digest::of(b"hello world");
    let patch = |status| row("Pushing a blob in chunks", "PATCH", "{location}", status);
    check(
        &server,
        [
            row("Pushing a blob in chunks", "POST", UPLOADS, 202),
            patch(202).send("content-range", "0-4").body("hello").gives("range", "0-4"),
            patch(416)
                .send("content-range", "7-10")
                .body("orld")
                .code("BLOB_UPLOAD_INVALID")
                .gives("range", "0-4"),
            patch(416).send("content-range", "0-4").body("hello"),
            patch(416).send("content-range", "nonsense").body("x"),
            patch(400).send("content-range", "5-9").body("x").code("SIZE_INVALID"),
            row("Pushing a blob in chunks: status", "GET", "{location}", 204).gives("range", "0-4"),
            patch(202).send("content-range", "bytes 5-5/11").body(" ").gives("range", "0-5"),
            row(
                "own: the last chunk is checked",
                "PUT",
                format!("{{location}}?digest={digest}"),
                416,
            )
            .send("content-range", "7-11")
            .body("world"),
            row("Pushing a blob in chunks", "PUT", format!("{{location}}?digest={digest}"), 201)
                .send("content-range", "6-10")
                .body("world")
                .gives("location", format!("/v2/a/blobs/{digest}")),
            row("Pulling blobs", "GET", "{location}", 200).content("hello world"),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_upload_ends_when_it_is_finished_or_cancelled_and_belongs_to_its_repository() {
    let server = Server::start().await;
    let missing = "/v2/a/blobs/uploads/6f1d5a5e-8f1c-4a53-9a54-0d9b3c4e5f60";
    let unknown = |method: &str, path: &str| {
        row("Error Codes", method, path, 404).code("BLOB_UPLOAD_UNKNOWN")
    };
    check(
        &server,
        [
            unknown("GET", missing),
            unknown("PATCH", missing),
            unknown("PUT", &format!("{missing}?digest={UNKNOWN}")),
            unknown("DELETE", missing),
            unknown("GET", "/v2/a/blobs/uploads/not-an-id"),
            row("Pushing a blob in chunks", "POST", UPLOADS, 202),
            row("Canceling an upload", "DELETE", "{location}", 204),
            unknown("GET", "{location}"),
            row("Pushing a blob in chunks", "POST", UPLOADS, 202),
            row("POST then PUT", "PUT", format!("{{location}}?digest={}", Digest::of(b"")), 201),
        ],
    )
    .await;
    let response = server.client.post(server.url(UPLOADS)).send().await.unwrap();
    let location = response.headers()["location"].to_str().unwrap().replace("/v2/a/", "/v2/b/");
    check(&server, [unknown("GET", &location)]).await;
}

#[tokio::test]
async fn a_mount_finds_every_blob_of_the_store_and_falls_back_to_an_upload() {
    let server = with_blobs().await;
    let layer = Digest::of(b"layer");
    let section = "Mounting a blob from another repository";
    check(
        &server,
        [
            row(section, "POST", format!("{UPLOADS}?mount={layer}&from=b"), 201)
                .gives("location", format!("/v2/a/blobs/{layer}"))
                .gives("docker-content-digest", layer.to_string()),
            row(section, "POST", format!("{UPLOADS}?mount={layer}"), 201),
            row(section, "POST", format!("{UPLOADS}?mount={UNKNOWN}&from=b"), 202)
                .gives("range", "0-0"),
            row(section, "PUT", format!("{{location}}?digest={}", Digest::of(b"x")), 201).body("x"),
            row("own: sha256 and sha512", "POST", format!("{UPLOADS}?mount={OTHER}&from=b"), 400)
                .code("DIGEST_INVALID"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_manifest_is_pushed_and_pulled_by_tag_and_by_digest() {
    let server = with_blobs().await;
    let bytes = manifest(&json!({}));
    let digest = Digest::of(&bytes);
    let by_digest = format!("/v2/a/b/manifests/{digest}");
    let put =
        |path: &str, status| row("Pushing Manifests", "PUT", path, status).body(bytes.clone());
    let get = |path: &str, status| row("Pulling manifests", "GET", path, status);
    let tag = format!("\"{digest}\"");
    check(
        &server,
        [
            put("/v2/a/b/manifests/1.0", 201)
                .send("content-type", media::MANIFEST)
                .gives("location", &by_digest)
                .gives("docker-content-digest", digest.to_string())
                .without("oci-subject"),
            get("/v2/a/b/manifests/1.0", 200)
                .content(bytes.clone())
                .gives("content-type", media::MANIFEST)
                .gives("docker-content-digest", digest.to_string())
                .gives("etag", &tag),
            get("/v2/a/b/manifests/1.0", 200).send("accept", "text/plain").content(bytes.clone()),
            get("/v2/a/b/manifests/1.0", 304).send("if-none-match", &tag).content(""),
            get(&by_digest, 200).content(bytes.clone()),
            row("Checking if content exists", "HEAD", &by_digest, 200)
                .content("")
                .gives("content-type", media::MANIFEST)
                .gives("content-length", bytes.len().to_string()),
            put(&by_digest.replace("a/b", "c"), 201),
            put(&format!("/v2/c/manifests/{UNKNOWN}"), 400).code("DIGEST_INVALID"),
            put(&format!("/v2/c/manifests/{OTHER}"), 400).code("DIGEST_INVALID"),
            put("/v2/c/manifests/.bad", 400).code("MANIFEST_INVALID"),
            get("/v2/a/b/manifests/none", 404).code("MANIFEST_UNKNOWN"),
            get("/v2/a/b/manifests/.bad", 404).code("MANIFEST_UNKNOWN"),
            get(&format!("/v2/a/b/manifests/{UNKNOWN}"), 404).code("MANIFEST_UNKNOWN"),
            get("/v2/none/manifests/1.0", 404).code("MANIFEST_UNKNOWN"),
            row("Checking if content exists", "HEAD", "/v2/a/b/manifests/none", 404),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_manifest_that_is_broken_or_lacks_its_content_is_refused() {
    let server = with_blobs().await;
    let put = |body: Vec<u8>, status| {
        row("Pushing Manifests", "PUT", "/v2/a/manifests/x", status).body(body)
    };
    let link = |digest: &str| json!({ "mediaType": media::LAYER, "digest": digest, "size": 1 });
    let foreign = json!({
        "mediaType": media::LAYER, "digest": UNKNOWN, "size": 1, "urls": ["https://example.org/"],
    });
    let index = json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": [{
        "mediaType": media::MANIFEST, "digest": UNKNOWN, "size": 1,
    }]});
    check(
        &server,
        [
            put(b"".into(), 400).code("MANIFEST_INVALID"),
            put(b"not json".into(), 400).code("MANIFEST_INVALID"),
            put(b"[]".into(), 400).code("MANIFEST_INVALID"),
            put(b"{\"schemaVersion\":2}".into(), 400).code("MANIFEST_INVALID"),
            put(b"{\"schemaVersion\":1,\"name\":\"a\"}".into(), 400).code("MANIFEST_INVALID"),
            put(manifest(&json!({ "mediaType": "text/plain" })), 400).code("MANIFEST_INVALID"),
            put(manifest(&json!({})), 400)
                .send("content-type", media::INDEX)
                .code("MANIFEST_INVALID"),
            put(manifest(&json!({ "layers": [link("nonsense")] })), 400).code("DIGEST_INVALID"),
            put(manifest(&json!({ "layers": [link(OTHER)] })), 400).code("DIGEST_INVALID"),
            put(manifest(&json!({ "layers": [link(UNKNOWN)] })), 404).code("MANIFEST_BLOB_UNKNOWN"),
            put(serde_json::to_vec(&index).unwrap(), 404).code("MANIFEST_BLOB_UNKNOWN"),
            put(vec![b' '; (4 << 20) + 1], 413).code("MANIFEST_INVALID"),
            row("Error Codes", "GET", "/v2/a/manifests/x", 404).code("MANIFEST_UNKNOWN"),
            put(manifest(&json!({ "layers": [foreign] })), 201),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_manifest_of_exactly_the_limit_is_kept() {
    let server = with_blobs().await;
    let mut bytes = manifest(&json!({}));
    bytes.resize(4 << 20, b' ');
    let put = row("Pushing Manifests", "PUT", "/v2/a/manifests/x", 201).body(bytes.clone());
    let get = row("Pulling manifests", "GET", "/v2/a/manifests/x", 200).content(bytes);
    check(&server, [put, get]).await;
}

#[tokio::test]
async fn an_index_needs_its_manifests_in_the_same_repository() {
    let server = with_blobs().await;
    let image = manifest(&json!({}));
    let index = serde_json::to_vec(&json!({ "schemaVersion": 2, "manifests": [{
        "mediaType": media::MANIFEST, "digest": Digest::of(&image), "size": image.len(),
    }]}))
    .unwrap();
    let put =
        |path: &str, body: &[u8], status| row("Pushing Manifests", "PUT", path, status).body(body);
    check(
        &server,
        [
            put("/v2/other/manifests/x", &image, 201),
            put("/v2/a/manifests/all", &index, 404).code("MANIFEST_BLOB_UNKNOWN"),
            put(&format!("/v2/a/manifests/{}", Digest::of(&image)), &image, 201),
            put("/v2/a/manifests/all", &index, 201).send("content-type", media::INDEX),
            row("Pulling manifests", "GET", "/v2/a/manifests/all", 200)
                .gives("content-type", media::INDEX)
                .content(index.clone()),
        ],
    )
    .await;
}

#[tokio::test]
async fn tags_and_repositories_are_listed_page_by_page() {
    let server = with_blobs().await;
    let put = |path: &str| row("Pushing Manifests", "PUT", path, 201).body(manifest(&json!({})));
    let tags = |query: &str, tags: &[&str]| {
        row("Listing Tags", "GET", format!("/v2/a/tags/list{query}"), 200)
            .value(json!({ "name": "a", "tags": tags }))
    };
    let catalog = |query: &str, names: &[&str]| {
        row("own: catalog", "GET", format!("/v2/_catalog{query}"), 200)
            .value(json!({ "repositories": names }))
    };
    check(
        &server,
        [
            catalog("", &[]),
            row("Listing Tags", "GET", "/v2/a/tags/list", 404).code("NAME_UNKNOWN"),
            put("/v2/a/manifests/b"),
            put("/v2/a/manifests/C"),
            put("/v2/a/manifests/a"),
            put("/v2/d/e/manifests/x"),
            tags("", &["a", "b", "C"]).without("link"),
            tags("?n=2", &["a", "b"]).gives("link", "</v2/a/tags/list?n=2&last=b>; rel=\"next\""),
            tags("?n=2&last=b", &["C"]).without("link"),
            tags("?n=0", &[]).without("link"),
            tags("?last=aa", &["b", "C"]),
            row("Listing Tags", "GET", "/v2/a/tags/list?n=many", 400)
                .code("PAGINATION_NUMBER_INVALID"),
            catalog("", &["a", "d/e"]).without("link"),
            catalog("?n=1", &["a"]).gives("link", "</v2/_catalog?n=1&last=a>; rel=\"next\""),
            catalog("?n=1&last=a", &["d/e"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn referrers_are_listed_with_their_type_even_before_their_subject_exists() {
    let server = with_blobs().await;
    let image = manifest(&json!({}));
    let subject = json!({
        "mediaType": media::MANIFEST, "digest": Digest::of(&image), "size": image.len(),
    });
    let typed = manifest(&json!({
        "subject": subject, "artifactType": "example/sbom", "annotations": { "k": "v" },
    }));
    let plain = manifest(&json!({ "subject": subject }));
    let describe = |bytes: &[u8], kind: &str| {
        json!({
            "mediaType": media::MANIFEST, "digest": Digest::of(bytes), "size": bytes.len(),
            "artifactType": kind,
        })
    };
    let mut first = describe(&typed, "example/sbom");
    first["annotations"] = json!({ "k": "v" });
    let second = describe(&plain, media::CONFIG);
    let path = |name: &str| format!("/v2/{name}/referrers/{}", Digest::of(&image));
    let index = |manifests: Vec<Value>| json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": manifests });
    let put = |body: &[u8]| {
        row(
            "Pushing Manifests with Subject",
            "PUT",
            format!("/v2/a/manifests/{}", Digest::of(body)),
            201,
        )
        .body(body)
        .gives("oci-subject", Digest::of(&image).to_string())
    };
    let list = |query: &str, manifests| {
        row("Listing Referrers", "GET", path("a") + query, 200)
            .gives("content-type", media::INDEX)
            .value(index(manifests))
    };
    let mut both = vec![first.clone(), second.clone()];
    both.sort_by_key(|referrer| referrer["digest"].to_string());
    check(
        &server,
        [
            list("", vec![]).without("oci-filters-applied"),
            put(&typed),
            put(&plain),
            list("", both),
            list("?artifactType=example%2Fsbom", vec![first])
                .gives("oci-filters-applied", "artifactType"),
            list("?artifactType=example%2Fnone", vec![]),
            row("Listing Referrers", "GET", path("none"), 200).value(index(vec![])),
            row("Listing Referrers", "GET", "/v2/a/referrers/nonsense", 400).code("DIGEST_INVALID"),
            row(
                "Deleting Manifests",
                "DELETE",
                format!("/v2/a/manifests/{}", Digest::of(&typed)),
                202,
            ),
            list("", vec![second]),
        ],
    )
    .await;
}

/// A client that found no referrers API keeps the list itself, as an index under a tag made of the
/// digest of the subject; the two lists don't get into each other's way.
#[tokio::test]
async fn a_list_of_referrers_kept_by_a_client_under_its_tag_is_an_ordinary_index() {
    let server = with_blobs().await;
    let image = manifest(&json!({}));
    let digest = Digest::of(&image);
    let subject = json!({ "mediaType": media::MANIFEST, "digest": digest, "size": image.len() });
    let artifact = manifest(&json!({ "subject": subject, "artifactType": "example/sbom" }));
    let listed = json!({
        "mediaType": media::MANIFEST, "digest": Digest::of(&artifact), "size": artifact.len(),
        "artifactType": "example/sbom",
    });
    let index =
        json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": [listed.clone()] });
    let (scheme, tag) = ("Referrers Tag Schema", format!("sha256-{}", digest.hex()));
    let put = |name: &str, body: &[u8]| {
        row(scheme, "PUT", format!("/v2/a/manifests/{name}"), 201).body(body)
    };
    let bytes = serde_json::to_vec(&index).unwrap();
    check(
        &server,
        [
            put("1.0", &image),
            put(&Digest::of(&artifact).to_string(), &artifact),
            put(&tag, &bytes).send("content-type", media::INDEX),
            row(scheme, "GET", format!("/v2/a/manifests/{tag}"), 200).value(index.clone()),
            row("Listing Referrers", "GET", format!("/v2/a/referrers/{digest}"), 200).value(index),
            row(scheme, "DELETE", format!("/v2/a/manifests/{tag}"), 202),
            row("Pulling Manifests", "GET", "/v2/a/manifests/1.0", 200),
        ],
    )
    .await;
}

#[tokio::test]
async fn content_is_deleted_from_the_outside_in() {
    let server = with_blobs().await;
    let bytes = manifest(&json!({}));
    let by_digest = format!("/v2/a/manifests/{}", Digest::of(&bytes));
    let layer = format!("/v2/b/blobs/{}", Digest::of(b"layer"));
    let put = |tag: &str| {
        row("Pushing Manifests", "PUT", format!("/v2/a/manifests/{tag}"), 201).body(bytes.clone())
    };
    let tags = |tags: &[&str]| {
        row("Listing Tags", "GET", "/v2/a/tags/list", 200)
            .value(json!({ "name": "a", "tags": tags }))
    };
    check(
        &server,
        [
            put("one"),
            put("two"),
            put("three"),
            row("Deleting tags", "DELETE", "/v2/a/manifests/one", 202),
            row("Deleting tags", "DELETE", "/v2/a/manifests/one", 404).code("MANIFEST_UNKNOWN"),
            tags(&["three", "two"]),
            row("own: a blob in use stays", "DELETE", &layer, 405).code("UNSUPPORTED"),
            row("Deleting Manifests", "DELETE", &by_digest, 202),
            row("Deleting Manifests", "DELETE", &by_digest, 404).code("MANIFEST_UNKNOWN"),
            row("Deleting Manifests", "GET", &by_digest, 404).code("MANIFEST_UNKNOWN"),
            row("Deleting Manifests", "GET", "/v2/a/manifests/two", 404).code("MANIFEST_UNKNOWN"),
            row("Deleting Blobs", "DELETE", &layer, 202),
            row("Deleting Blobs", "DELETE", &layer, 404).code("BLOB_UNKNOWN"),
            row("Deleting Blobs", "GET", &layer, 404).code("BLOB_UNKNOWN"),
        ],
    )
    .await;
}

#[tokio::test]
async fn content_by_sha512_is_pushed_pulled_mounted_and_verified() {
    let server = with_blobs().await;
    let section = "Digests, registered algorithms";
    let digest = |bytes: &[u8]| Digest::with(Algorithm::Sha512, bytes);
    let (blob, wrong) = (digest(b"big"), digest(b"other"));
    let layer = json!({ "mediaType": media::LAYER, "digest": blob, "size": 3 });
    let bytes = manifest(&json!({ "layers": [layer] }));
    let path = format!("/v2/a/manifests/{}", digest(&bytes));
    check(
        &server,
        [
            row(section, "HEAD", format!("/v2/a/blobs/{blob}"), 404),
            row(section, "PUT", &path, 404).body(bytes.clone()).code("MANIFEST_BLOB_UNKNOWN"),
            row(section, "POST", format!("{UPLOADS}?digest={wrong}"), 400)
                .body("big")
                .code("DIGEST_INVALID"),
            row(section, "POST", format!("{UPLOADS}?digest={blob}"), 201)
                .body("big")
                .gives("docker-content-digest", blob.to_string()),
            row(section, "GET", "{location}", 200).content("big"),
            row(section, "POST", UPLOADS, 202),
            row(section, "PATCH", "{location}", 202).body("ot"),
            row(section, "PUT", format!("{{location}}?digest={wrong}"), 201).body("her"),
            row(section, "GET", format!("/v2/a/blobs/{wrong}"), 206)
                .send("range", "bytes=1-2")
                .content("th"),
            row(section, "POST", format!("{UPLOADS}?mount={blob}&from=a"), 201),
            row(section, "PUT", &path, 201)
                .body(bytes.clone())
                .gives("docker-content-digest", digest(&bytes).to_string()),
            row(section, "PUT", "/v2/a/manifests/tag", 201).body(bytes.clone()),
            row(section, "GET", &path, 200).content(bytes.clone()),
            row(section, "GET", format!("/v2/a/referrers/{}", digest(&bytes)), 200),
            row(section, "DELETE", format!("/v2/a/blobs/{blob}"), 405).code("UNSUPPORTED"),
            row(section, "DELETE", &path, 202),
            row(section, "DELETE", format!("/v2/a/blobs/{wrong}"), 202),
        ],
    )
    .await;
    server.store.verify(&blob).unwrap();
}
