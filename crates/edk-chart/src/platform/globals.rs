use serde_json::{Map, Value, json};

/// Namespace in which nothing of an extension may be.
pub const ADMIN_NAMESPACE: &str = "admin";

/// Returns what a platform's own release has under `global`: the values every chart may count on.
///
/// `registry_url` is the registry of its images, `build_version` their tag. The rest are stand-ins
/// of the right kind, because every platform has its own.
pub fn platform_globals(registry_url: &str, build_version: &str) -> Map<String, Value> {
    let globals = json!({
        "registry_url": registry_url,
        "kaapana_build_version": build_version,
        "admin_namespace": ADMIN_NAMESPACE,
        "helm_namespace": ADMIN_NAMESPACE,
        "services_namespace": "services",
        "extensions_namespace": "extensions",
        "project_namespace": "project-admin",
        "pull_policy_images": "IfNotPresent",
        "pull_policy_jobs": "IfNotPresent",
        "pull_policy_pods": "IfNotPresent",
        "hostname": "localhost",
        "https_port": "443",
        "http_proxy": "",
        "https_proxy": "",
        "instance_name": "sandbox",
        "instance_uid": "sandbox",
        "main_node_name": "sandbox",
        "storage_node": "sandbox",
        "storage_class_fast": "sandbox",
        "storage_class_slow": "sandbox",
        "storage_class_workflow": "sandbox",
        "volume_slow_data": "100Gi",
        "fast_data_dir": "/home/kaapana",
        "slow_data_dir": "/home/kaapana",
        "platform_build_branch": "sandbox",
        "credentials_minio_username": "kaapanaminio",
        "credentials_minio_password": "sandbox",
        "gpu_support": false,
        "offline_mode": false,
        "dev_mode": true,
    });
    match globals {
        Value::Object(globals) => globals,
        _ => Map::new(),
    }
}
