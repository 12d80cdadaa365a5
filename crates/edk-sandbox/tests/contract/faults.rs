//! Which of the known faults a kube-helm shows: asked by what it does, not by what it says.

use serde_json::{Value, json};

use crate::world::{World, chart, good, meta};

/// The faults which this suite can see. The others need what a test has not: 30 s of patience, an
/// archive of images, the disk, or a chart that breaks the list for good.
pub(crate) const SEEN: [&str; 7] = [
    "stale-list",
    "keep-rejected-charts",
    "blind-append",
    "mangle-parameters",
    "install-timeout",
    "blind-delete",
    "terse",
];

/// Returns the names of the faults that were seen, in the order of the list of faults.
pub(crate) async fn seen(world: &World) -> Vec<&'static str> {
    let checks = [
        ("stale-list", stale_list(world).await),
        ("keep-rejected-charts", keeps_rejected(world).await),
        ("blind-append", appends_blindly(world).await),
        ("mangle-parameters", mangles(world).await),
        ("install-timeout", gives_up(world).await),
        ("blind-delete", deletes_blindly(world).await),
        ("terse", is_terse(world).await),
    ];
    checks.into_iter().filter(|(_, seen)| *seen).map(|(name, _)| name).collect()
}

async fn list(world: &World) -> Vec<Value> {
    let (_, words) = world.get("/extensions").await;
    serde_json::from_str(&words).unwrap_or_default()
}

async fn stale_list(world: &World) -> bool {
    list(world).await;
    world.upload(&good("stale")).await;
    let fresh = list(world).await.iter().any(|row| row["name"] == "stale");
    world.until("/extensions", |_, words| words.contains("\"stale\"")).await;
    !fresh
}

async fn keeps_rejected(world: &World) -> bool {
    let bad = chart(&meta("kept", "0.1.0"), "global: {}\n", "admin", "quick");
    assert_eq!(world.upload(&bad).await.0, 500);
    // Only what is on the disk can be installed.
    let body = json!({"name": "kept", "version": "0.1.0"});
    let (status, _) = world.post("/helm-install-chart", body).await;
    world.post("/helm-delete-chart", json!({"release_name": "kept"})).await;
    status == 200
}

async fn appends_blindly(world: &World) -> bool {
    let id = world.begin("twice.tar").await;
    world.piece(&id, 0, b"ab", 4).await;
    world.piece(&id, 0, b"ab", 4).await == (200, "twice.tar uploaded succesfully".to_owned())
}

/// A parameter with a blank becomes the name of the Job only when it loses it.
async fn mangles(world: &World) -> bool {
    let named = meta("named", "0.1.0") + "annotations: {}\n";
    let values = "global: {word: ''}\n";
    let guard = "'{{ if contains \" \" (default \"\" .Values.global.word) }}{{ fail \"whole\" }}{{ end }}services'";
    world.upload(&chart(&named, values, guard, "quick")).await;
    world.until("/extensions", |_, words| words.contains("\"named\"")).await;
    let body = json!({"name": "named", "version": "0.1.0", "extension_params": {"word": "a b"}});
    let (status, _) = world.post("/helm-install-chart", body).await;
    world.post("/helm-delete-chart", json!({"release_name": "named"})).await;
    status == 200
}

async fn gives_up(world: &World) -> bool {
    let hook = "services, annotations: {helm.sh/hook: pre-install}";
    let slow = chart(&meta("slow", "0.1.0"), "global: {}\n", hook, "slow");
    // Nothing but hooks is rejected; a kube-helm that keeps such a chart would install it.
    let both = with_plain(slow);
    world.upload(&both).await;
    world.until("/extensions", |_, words| words.contains("\"slow\"")).await;
    let body = json!({"name": "slow", "version": "0.1.0"});
    let install = world.post("/helm-install-chart", body);
    let patience = std::time::Duration::from_secs(if is_real() { 25 } else { 2 });
    let answer = tokio::time::timeout(patience, install).await;
    world.post("/helm-delete-chart", json!({"release_name": "slow"})).await;
    answer.is_ok_and(|(status, _)| status == 500)
}

fn is_real() -> bool {
    std::env::var("EDK_KUBE_HELM_URL").is_ok()
}

fn with_plain(packed: crate::world::Packed) -> crate::world::Packed {
    let chart = edk_chart::Chart::read(&*packed.bytes, &packed.file_name).unwrap();
    let mut chart = chart;
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: slow, namespace: services}\n";
    chart
        .templates
        .push(edk_chart::File { name: "templates/map.yaml".into(), data: map.as_bytes().to_vec() });
    let packaged = chart.package().unwrap();
    crate::world::Packed { file_name: packaged.file_name, bytes: packaged.bytes }
}

async fn deletes_blindly(world: &World) -> bool {
    world.post("/helm-delete-chart", json!({"release_name": "nobody"})).await.0 == 200
}

async fn is_terse(world: &World) -> bool {
    let body = json!({"name": "nobody", "version": "0.1.0"});
    let (_, words) = world.post("/helm-install-chart", body).await;
    words == "Chart install command failed for nobody"
}
