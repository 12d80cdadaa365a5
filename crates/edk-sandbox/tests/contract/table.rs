//! What holds whatever faults are on, or says where it differs.

use edk_sandbox::Profile;
use serde_json::{Value, json};

use crate::world::{World, chart, good, meta};

/// How the words of an answer are compared.
enum Words {
    /// As they are.
    Are(String),
    /// They begin so.
    Begin(&'static str),
    /// Whatever they are.
    Any,
}

struct Row {
    method: &'static str,
    path: &'static str,
    body: Option<Value>,
    status: u16,
    words: Words,
}

fn get(path: &'static str, status: u16, words: Words) -> Row {
    Row { method: "GET", path, body: None, status, words }
}

fn post(path: &'static str, body: Value, status: u16, words: Words) -> Row {
    Row { method: "POST", path, body: Some(body), status, words }
}

fn are(words: &str) -> Words {
    Words::Are(words.to_owned())
}

/// The body of an error which the platform's own code tells.
fn detail(profile: Profile, words: &str) -> Words {
    match profile >= Profile::V05 {
        true => Words::Are(json!({ "detail": words }).to_string()),
        false => are(words),
    }
}

/// The words with which `action` says that a key is missing.
fn key(action: &str, key: &str) -> Words {
    are(&format!("{action} failed, bad request Required key '{key}' not found in payload"))
}

/// Requests that change nothing.
fn stateless(profile: Profile) -> Vec<Row> {
    let newer = profile > Profile::V04;
    let pull = "/pull-docker-image";
    let complete = "/complete-active-application";
    let not_completed = match profile {
        Profile::V04 | Profile::V050 => Words::Begin("500: Failed to complete"),
        _ => Words::Begin("{\"detail\":\"Internal server error: 500: Failed to complete"),
    };
    vec![
        get("/health-check", 200, are("Kube-Helm api is up and running!")),
        get("/kube-helm-api/health-check", 200, are("Kube-Helm api is up and running!")),
        get("/view-chart-status?release_name=nobody", 404, are("Release not found")),
        get("/view-chart-status", 422, Words::Begin("{\"detail\":[{\"type\":\"missing\"")),
        get("/platforms", 200, are("[]")),
        get("/active-applications", 200, are("[]")),
        get(
            "/available-platforms?container_registry_url=x&encoded_auth=nobase64",
            if newer { 400 } else { 404 },
            Words::Any,
        ),
        get("/import-container?filename=", 400, Words::Any),
        get(
            "/import-container?filename=no.tar",
            500,
            are("Container import failed file no.tar can not be found"),
        ),
        post("/helm-install-chart", json!({}), 400, key("Chart install", "name")),
        post("/helm-install-chart", json!({"name": "x"}), 400, key("Chart install", "version")),
        post("/helm-delete-chart", json!({}), 400, key("Chart uninstall", "release_name")),
        post(complete, json!({}), 400, Words::Any),
        post(complete, json!({"release_name": "nobody"}), 500, not_completed),
        post(pull, json!({"image": "x"}), 400, Words::Any),
        post(
            "/filepond-upload",
            json!({"filepath": "a.tgz"}),
            500,
            detail(profile, "Filepond Upload Initialization failed"),
        ),
    ]
}

/// Checks the table, then the way of a chart from its upload to its removal.
pub(crate) async fn check(world: &World, profile: Profile, terse: bool) {
    for Row { method, path, body, status, words } in stateless(profile) {
        let request = world.request(method, path);
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        let (found, said) = world.answer(request).await;
        let what = format!("{profile:?} {method} {path} {body:?}: {said}");
        assert_eq!(found, status, "{what}");
        match words {
            Words::Are(words) => assert_eq!(said, words, "{what}"),
            Words::Begin(words) => assert!(said.starts_with(words), "{what}"),
            Words::Any => {}
        }
    }
    description(world, profile).await;
    uploads(world, terse).await;
    life(world, profile).await;
    legacy(world, profile).await;
}

async fn description(world: &World, profile: Profile) {
    let (status, words) = world.get("/openapi.json").await;
    let body: Value = serde_json::from_str(&words).unwrap();
    assert_eq!((status, body["info"]["title"].as_str()), (200, Some("Kube-Helm API")));
    assert_eq!(body["info"]["version"], "0.1.0");
    let newer = profile > Profile::V04;
    assert_eq!(body["paths"].get("/available-platforms").is_some(), newer);
}

async fn uploads(world: &World, terse: bool) {
    let id = world.begin("pieces.tar").await;
    assert_eq!(id.len(), 36);
    assert_eq!(world.piece(&id, 0, b"ab", 4).await, (200, id.clone()));
    let deleted = world.answer(world.request("DELETE", "/filepond-upload").body(id.clone())).await;
    assert_eq!(deleted, (200, "Deleted pieces.tar succesfully.".to_owned()));
    let again = world.answer(world.request("DELETE", "/filepond-upload").body("unknown")).await;
    let words = "Only removing the file in frontend, the file in the target location was already successfully uploaded";
    assert_eq!(again, (200, words.to_owned()));
    let id = world.begin("pieces.tar").await;
    let words = "pieces.tar uploaded succesfully".to_owned();
    assert_eq!(world.piece(&id, 0, b"ab", 2).await, (200, words));
    let patch = world.answer(world.request("PATCH", "/filepond-upload").body("x")).await;
    assert_eq!(patch.0, 422);
    let head = world.request("HEAD", "/filepond-upload").send().await.unwrap();
    assert_eq!(head.status(), 422);
    // What is rejected, and the words of it; a platform keeps the reason to itself.
    let bad_name = chart(&meta("flow", "0.1.0"), "global: {}\n", "admin", "quick");
    let rejected = [
        (bad_name, "Chart files can not contain resources under admin_namespace"),
        (
            chart(&meta("flow", "0.1.0"), "global: {}\n", "'{{ .Values.no.such }}'", "quick"),
            "Failed to check chart namespace",
        ),
    ];
    for (bad, reason) in rejected {
        let words = format!("Filepond upload failed: {reason}");
        let (status, said) = world.upload(&bad).await;
        assert_eq!(status, 500, "{said}");
        match terse {
            true => assert_eq!(said, words),
            false => assert!(said.starts_with(&words), "{said}"),
        }
    }
    let garbage = crate::world::Packed { file_name: "x-0.1.0.tgz".into(), bytes: b"no".to_vec() };
    let (status, said) = world.upload(&garbage).await;
    assert!(status == 500 && said.starts_with("Filepond upload failed: 'name'"), "{said}");
    // A corrected chart takes the place of one that stayed.
    assert_eq!(world.upload(&good("flow")).await.0, 200);
}

/// From the upload to the removal; each answer, and what is so afterwards.
async fn life(world: &World, profile: Profile) {
    let listed = |status: u16, words: &str| status == 200 && words.contains("\"flow\"");
    world.until("/extensions", listed).await;
    let row = row(world).await;
    assert_eq!((&row["kind"], &row["installed"]), (&json!("dag"), &json!("no")));
    assert_eq!(row["versions"], json!(["0.1.0"]));
    assert_eq!(row.get("annotations").is_some(), profile > Profile::V04, "{row}");
    assert_eq!(row.get("display_name").is_some(), profile >= Profile::V05, "{row}");
    assert!(row.get("successful").is_none(), "only launched ones have it: {row}");
    let install = json!({"name": "flow", "version": "0.1.0", "keywords": ["kaapanaworkflow"]});
    let answer = world.post("/helm-install-chart", install.clone()).await;
    assert_eq!(answer, (200, "Successfully installed: flow".to_owned()));
    let (status, words) = world.get("/view-chart-status?release_name=flow").await;
    let release: Value = serde_json::from_str(&words).unwrap();
    assert_eq!(
        (status, &release["NAME"], &release["STATUS"]),
        (200, &json!("flow"), &json!("deployed"))
    );
    assert_eq!(release["REVISION"], 1);
    let (status, words) = world.post("/helm-install-chart", install).await;
    let expected = match profile {
        Profile::V04 => (500, "Chart is already installed flow"),
        Profile::V050 => (204, ""),
        _ => (200, "Chart is already installed flow"),
    };
    assert_eq!((status, words.as_str()), expected);
    world.until("/extensions", |_, words| words.contains("\"helm_status\":\"deployed\"")).await;
    let delete = json!({"release_name": "flow", "release_version": "0.1.0"});
    let answer = world.post("/helm-delete-chart", delete).await;
    assert_eq!(answer, (200, "Started uninstalling flow".to_owned()));
    world.until("/view-chart-status?release_name=flow", |status, _| status == 404).await;
}

async fn row(world: &World) -> Value {
    let (_, words) = world.get("/extensions").await;
    let rows: Vec<Value> = serde_json::from_str(&words).unwrap();
    rows.into_iter().find(|row| row["name"] == "flow").unwrap()
}

/// The old ways of uploading.
async fn legacy(world: &World, profile: Profile) {
    let send = async |path: &str, kind: &str, name: &str, bytes: &[u8]| {
        let part = reqwest::multipart::Part::bytes(bytes.to_vec()).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().part("file", part.mime_str(kind).unwrap());
        world.answer(world.request("POST", path).multipart(form)).await
    };
    let old = good("old");
    let name = &old.file_name;
    let (status, words) = send("/file", "application/octet-stream", name, &old.bytes).await;
    assert!(status == 500 && words.starts_with("File upload failed Wrong content type"), "{words}");
    let done = send("/file", "application/gzip", name, &old.bytes).await;
    assert_eq!(done, (200, format!("Successfully added chart file fname='{name}'")));
    let (status, words) = send("/file", "application/gzip", name, &old.bytes).await;
    assert!(status == 500 && words.contains("already exists, returning without"), "{words}");
    let init = json!({"name": "c.tar", "fileSize": 4, "chunkSize": 2, "index": 0, "endIndex": 2});
    let answer = world.post("/file_chunks_init", init.clone()).await;
    assert_eq!(answer, (200, "Successfully initialized file".to_owned()));
    for index in ["1", "2"] {
        let answer = send("/file_chunks", "application/x-tar", "c.tar", b"ab").await;
        assert_eq!(answer, (200, index.to_owned()));
    }
    let mut wrong = init;
    wrong["endIndex"] = json!(3);
    let (status, words) = world.post("/file_chunks_init", wrong).await;
    let begin = if profile >= Profile::V05 {
        "{\"detail\":\"File upload init failed"
    } else {
        "File upload init failed"
    };
    assert!(status == 500 && words.starts_with(begin), "{words}");
}
