use std::collections::BTreeMap;

use edk_model::Digest;
use serde_json::{Map, Value, json};

/// The time written into every image: [`edk_model::SOURCE_DATE_EPOCH`].
const CREATED: &str = "1980-01-01T00:00:00Z";

/// Where programs are looked up when the image does not say.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The configuration of an image (OCI image specification, "Image Configuration").
///
/// The fields a build changes are typed; everything else a base brings along is kept as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Environment, in order.
    pub env: Vec<(String, String)>,
    /// Program that is always run; empty for none.
    pub entrypoint: Vec<String>,
    /// Default command or arguments; empty for none.
    pub cmd: Vec<String>,
    /// Working directory; empty for `/`.
    pub working_dir: String,
    /// User; empty for root.
    pub user: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Shell of the shell form; empty for `/bin/sh -c`.
    pub shell: Vec<String>,
    /// Exposed ports such as `80/tcp`.
    pub exposed_ports: Vec<String>,
    /// Volumes.
    pub volumes: Vec<String>,
    /// Signal that asks the process to end; empty for the default.
    pub stop_signal: String,
    /// Health check as in Docker's image configuration.
    pub healthcheck: Option<Value>,
    /// Instructions for those who take this image as their base (`ONBUILD`), as written.
    pub on_build: Vec<String>,
    /// History entries, oldest first.
    pub(crate) history: Vec<Value>,
    /// Everything as read.
    pub(crate) raw: Map<String, Value>,
}

impl Config {
    /// Returns the configuration in `json` and the diff ids of its layers.
    ///
    /// # Errors
    /// The reason why it makes no sense.
    pub(crate) fn parse(json: &[u8]) -> Result<(Self, Vec<Digest>), String> {
        let raw: Map<String, Value> = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        let empty = Value::Object(Map::new());
        let inner = raw.get("config").filter(|value| value.is_object()).unwrap_or(&empty);
        let text = |key: &str| inner[key].as_str().unwrap_or_default().to_owned();
        let keys = |key: &str| inner[key].as_object().map(|map| map.keys().cloned().collect());
        let env =
            strings(&inner["Env"]).into_iter().map(|variable| match variable.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => (variable, String::new()),
            });
        let config = Self {
            env: env.collect(),
            entrypoint: strings(&inner["Entrypoint"]),
            cmd: strings(&inner["Cmd"]),
            working_dir: text("WorkingDir"),
            user: text("User"),
            labels: serde_json::from_value(inner["Labels"].clone()).unwrap_or_default(),
            shell: strings(&inner["Shell"]),
            exposed_ports: keys("ExposedPorts").unwrap_or_default(),
            volumes: keys("Volumes").unwrap_or_default(),
            stop_signal: text("StopSignal"),
            healthcheck: inner.get("Healthcheck").filter(|value| !value.is_null()).cloned(),
            on_build: strings(&inner["OnBuild"]),
            history: raw.get("history").and_then(Value::as_array).cloned().unwrap_or_default(),
            raw: raw.clone(),
        };
        let diff_ids = raw.get("rootfs").map(|rootfs| rootfs["diff_ids"].clone());
        let diff_ids = diff_ids.ok_or("it has no rootfs")?;
        Ok((config, serde_json::from_value(diff_ids).map_err(|e| e.to_string())?))
    }

    /// Returns the JSON of the configuration of an image with the layers `diff_ids`: the same
    /// bytes for the same input.
    pub(crate) fn to_json(&self, diff_ids: &[Digest]) -> Vec<u8> {
        let mut inner = match self.raw.get("config") {
            Some(Value::Object(inner)) => inner.clone(),
            _ => Map::new(),
        };
        let env: Vec<String> =
            self.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let set = |keys: &[String]| {
            keys.iter().map(|key| (key.clone(), json!({}))).collect::<Map<_, _>>()
        };
        let fields = [
            ("Env", json!(env)),
            ("Entrypoint", json!(self.entrypoint)),
            ("Cmd", json!(self.cmd)),
            ("WorkingDir", json!(self.working_dir)),
            ("User", json!(self.user)),
            ("Labels", json!(self.labels)),
            ("Shell", json!(self.shell)),
            ("ExposedPorts", json!(set(&self.exposed_ports))),
            ("Volumes", json!(set(&self.volumes))),
            ("StopSignal", json!(self.stop_signal)),
            ("OnBuild", json!(self.on_build)),
            ("Healthcheck", self.healthcheck.clone().unwrap_or(Value::Null)),
        ];
        for (key, value) in fields {
            inner.remove(key);
            if !is_empty(&value) {
                inner.insert(key.to_owned(), value);
            }
        }
        inner.sort_keys();
        let mut all = self.raw.clone();
        all.insert("config".to_owned(), Value::Object(inner));
        all.insert("created".to_owned(), json!(CREATED));
        all.entry("architecture").or_insert(json!("amd64"));
        all.entry("os").or_insert(json!("linux"));
        all.insert("history".to_owned(), json!(self.history));
        all.insert("rootfs".to_owned(), json!({"type": "layers", "diff_ids": diff_ids}));
        // These tell of the build that made the base, not of ours.
        for key in ["id", "parent", "container", "container_config", "docker_version"] {
            all.remove(key);
        }
        all.sort_keys();
        Value::Object(all).to_string().into_bytes()
    }

    /// Adds a history entry; `empty` says that the instruction made no layer.
    pub(crate) fn record(&mut self, instruction: &str, empty: bool) {
        let mut entry = json!({"created": CREATED, "created_by": instruction});
        if empty {
            entry["empty_layer"] = json!(true);
        }
        self.history.push(entry);
    }

    /// Sets a variable, in place when it is there already.
    pub(crate) fn set_env(&mut self, name: &str, value: String) {
        match self.env.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value,
            None => self.env.push((name.to_owned(), value)),
        }
    }

    /// Returns what is run: the entry point and the command after it.
    pub fn command(&self) -> Vec<String> {
        self.entrypoint.iter().chain(&self.cmd).cloned().collect()
    }
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_survives_and_what_is_known_is_read() {
        let json = br#"{"architecture":"arm64","variant":"v8","config":{"Env":["A=b=c"],"Cmd":["x"],"Extra":1,"Labels":{"l":"m"}},"rootfs":{"type":"layers","diff_ids":[]}}"#;
        let (config, diff_ids) = Config::parse(json).unwrap();
        assert_eq!(config.env, [("A".to_owned(), "b=c".to_owned())]);
        assert_eq!((config.command(), diff_ids), (vec!["x".to_owned()], vec![]));
        let text = String::from_utf8(config.to_json(&[])).unwrap();
        for part in
            ["\"Extra\":1", "\"variant\":\"v8\"", "\"architecture\":\"arm64\"", "\"l\":\"m\""]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("Entrypoint"), "{text}");
    }

    #[test]
    fn the_same_configuration_gives_the_same_bytes_again() {
        let mut config = Config::default();
        config.set_env("A", "1".to_owned());
        config.set_env("B", "2".to_owned());
        config.set_env("A", "3".to_owned());
        config.record("ENV A=3", true);
        let bytes = config.to_json(&[Digest::of(b"x")]);
        let (again, diff_ids) = Config::parse(&bytes).unwrap();
        assert_eq!(again.to_json(&diff_ids), bytes);
        assert_eq!(again.env[0], ("A".to_owned(), "3".to_owned()));
    }
}
