//! The command line that does the same as a call: what a window shows and copies.

use std::{collections::BTreeMap, path::Path};

use edk_engine::{InstallRequest, NewRequest, PullPolicy, TargetAddRequest, TrustChoice};
use edk_model::{Code, Failure};
use serde_json::{Map, Value};

use super::{input::JobRequest, table};

/// Words of a command line.
struct Line(Vec<String>);

impl Line {
    fn new(command: &str) -> Self {
        Self(vec!["edk".to_owned(), command.to_owned()])
    }

    fn word(mut self, word: &str) -> Self {
        self.0.push(quoted(word));
        self
    }

    fn path(self, path: &Path) -> Self {
        self.word(&path.to_string_lossy())
    }

    fn option(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.flag(name).word(value),
            None => self,
        }
    }

    fn flag(mut self, name: &str) -> Self {
        self.0.push(name.to_owned());
        self
    }

    fn pairs(self, name: &str, pairs: &BTreeMap<String, String>) -> Self {
        pairs
            .iter()
            .fold(self, |line, (key, value)| line.flag(name).word(&format!("{key}={value}")))
    }

    fn each(self, name: &str, values: &[String]) -> Self {
        values.iter().fold(self, |line, value| line.flag(name).word(value))
    }

    fn flag_if(self, name: &str, set: bool) -> Self {
        if set { self.flag(name) } else { self }
    }

    fn target(self, target: &str) -> Self {
        if target == "sandbox" { self } else { self.option("--target", Some(target)) }
    }

    fn end(self) -> String {
        self.0.join(" ")
    }
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Returns the command line of the call `name`.
///
/// # Errors
/// For a name that is no command or only a window's, and an input that makes no sense.
pub(super) fn of_call(name: &str, input: Value) -> Result<String, Failure> {
    let simple = |text: &str| Ok(text.to_owned());
    match name {
        "start" => Ok(of_job(&table::read("start", input)?)),
        "templates" | "template_preview" if input["template"].is_null() => simple("edk new --list"),
        "template_preview" | "create" => {
            Ok(of_new(&table::read(name, input)?, name == "template_preview"))
        }
        "open_project" => Ok(folder("inspect", &input)),
        "check" => Ok(folder("check", &input)),
        "deploy_plan" => {
            let text = |key: &str| input[key].as_str();
            let line = Line::new("deploy").word(text("project").unwrap_or("."));
            let line = line.target(text("target").unwrap_or("sandbox"));
            let line = line.option("--version", text("version"));
            let line = line.option("--chart", text("chart"));
            let line = line.option("--pull-from", text("pull_from"));
            let line = line.flag_if("--archives", input["archives"] == true);
            Ok(line.flag("--dry-run").end())
        }
        "extensions" => Ok(Line::new("ext")
            .word("list")
            .target(input["target"].as_str().unwrap_or("sandbox"))
            .end()),
        "registry" => simple("edk registry list"),
        "registry_delete" => {
            let text = |key: &str| input[key].as_str().unwrap_or_default();
            let image = format!("{}:{}", text("repository"), text("tag"));
            Ok(Line::new("registry").word("delete").word(&image).end())
        }
        "registry_serve" if input["on"] == true => simple("edk registry serve"),
        "bases" => simple("edk base --list"),
        "doctor" => simple("edk doctor"),
        "target_add" => Ok(of_target(&table::read(name, input)?)),
        "target_login" => Ok(of_login(&input)),
        "target_use" | "target_remove" | "target_logout" | "target_doctor" => {
            let action = name.trim_start_matches("target_");
            let target = input["name"].as_str().unwrap_or_default();
            Ok(Line::new("target").word(action).word(target).end())
        }
        _ if JobRequest::NAMES.contains(&name) => {
            let request = serde_json::json!({"command": name, "input": input});
            Ok(of_job(&table::read(name, request)?))
        }
        _ if table::COMMANDS.contains(&name) => {
            let what = format!("`{name}` is for windows; the command line has nothing like it");
            Err(Failure::new(Code::Unsupported, what))
        }
        _ => Err(table::unknown(name)),
    }
}

fn folder(command: &str, input: &Value) -> String {
    Line::new(command).word(input["folder"].as_str().unwrap_or(".")).end()
}

fn of_target(request: &TargetAddRequest) -> String {
    let line = Line::new("target").word("add").word(&request.name).word(&request.url);
    let line = line.option("--registry", request.registry.as_deref());
    let line = line.option("--pull-policy", request.pull_policy.map(PullPolicy::word));
    let line = line.option("--build-version", request.build_version.as_deref());
    let line = line.option("--project", request.project.as_deref());
    let line = match &request.trust {
        TrustChoice::System => line,
        TrustChoice::Authority(file) => line.flag("--ca").path(file),
        TrustChoice::Pinned(fingerprint) => line.option("--pin", Some(fingerprint)),
        TrustChoice::Anything => line.flag("--insecure"),
    };
    let line = line.option("--client", request.client.as_deref());
    line.flag_if("--change", request.change).end()
}

/// A login as it is typed: what is secret is asked for there, or is in a file.
fn of_login(input: &Value) -> String {
    let line = Line::new("target").word("login").word(input["name"].as_str().unwrap_or_default());
    match (&input["token"], &input["session"]) {
        (Value::Null, Value::Null) => line.option("--user", input["user"].as_str()).end(),
        (Value::Null, _) => line.option("--session-file", Some("SESSION")).end(),
        _ => line.option("--token-file", Some("TOKEN")).end(),
    }
}

fn of_new(request: &NewRequest, dry_run: bool) -> String {
    let mut line = Line::new("new").word(&request.template);
    if let Some(folder) = &request.folder {
        line = line.path(folder);
    }
    line = line.pairs("--set", &request.answers).flag("--yes");
    if request.overwrite {
        line = line.flag("--overwrite");
    }
    if dry_run || request.dry_run { line.flag("--dry-run").end() } else { line.end() }
}

impl JobRequest {
    /// Names of the jobs, as in `start`.
    pub(super) const NAMES: &[&str] = &[
        "build",
        "push",
        "package",
        "deploy",
        "uninstall",
        "run",
        "base",
        "demo",
        "install",
        "uninstall_release",
        "upload",
        "login",
    ];
}

/// Returns the command line of a job.
pub(super) fn of_job(request: &JobRequest) -> String {
    match request {
        JobRequest::Build(it) => {
            let line = Line::new("build").path(&it.project).pairs("--build-arg", &it.args);
            line.option("--engine", it.engine.as_ref().map(ToString::to_string).as_deref()).end()
        }
        JobRequest::Push(it) => {
            let line = Line::new("push").path(&it.project).pairs("--build-arg", &it.args);
            let line = line.option("--version", it.version.as_deref());
            let engine = it.engine.as_ref().map(ToString::to_string);
            let line = line.option("--engine", engine.as_deref());
            let line = line.option("--registry", it.registry.as_deref());
            let trust = it.certificate.as_ref().map(|it| it.to_string_lossy());
            let line = line.option("--ca", trust.as_deref());
            line.option("--build-version", it.build_version.as_deref()).end()
        }
        JobRequest::Package(it) => {
            let line = Line::new("package").path(&it.project);
            let line = line.option("--version", it.version.as_deref());
            line.option("--dir", it.output.as_ref().map(|it| it.to_string_lossy()).as_deref()).end()
        }
        JobRequest::Deploy(it) => {
            let line = Line::new("deploy").path(&it.project).target(&it.target);
            let line = line.option("--version", it.version.as_deref());
            let line = line.pairs("--param", &it.params).pairs("--build-arg", &it.args);
            let engine = it.engine.as_ref().map(ToString::to_string);
            let line = line.option("--engine", engine.as_deref());
            let line = line.option("--chart", it.chart.as_deref());
            let line = line.each("--allow", &it.allow).each("--force", &it.force);
            let line = line.flag_if("--no-hooks", it.no_hooks);
            let line = line.option("--pull-from", it.pull_from.as_deref());
            line.flag_if("--archives", it.archives).flag_if("--yes", it.send_missing).end()
        }
        JobRequest::Uninstall(it) => {
            let line = Line::new("uninstall").path(&it.project).target(&it.target);
            let line = line.option("--chart", it.chart.as_deref());
            line.flag_if("--no-hooks", it.no_hooks).end()
        }
        JobRequest::Run(it) => {
            let line = Line::new("run").path(&it.project).flag("--input").path(&it.input);
            let line = line.option("--container", it.container.as_deref());
            let out = it.output.as_ref().map(|it| it.to_string_lossy());
            line.option("--out", out.as_deref()).pairs("--set", &it.form).end()
        }
        JobRequest::Base(it) => {
            let from = it.from.as_ref().map(ToString::to_string);
            let line = Line::new("base").word(&it.name).option("--from", from.as_deref());
            let line = line.option("--mirror", it.mirror.as_deref());
            let checkout = it.checkout.as_ref().map(|it| it.to_string_lossy());
            let line = line.option("--checkout", checkout.as_deref());
            if it.refresh { line.flag("--refresh").end() } else { line.end() }
        }
        JobRequest::Demo(it) => {
            let folder = it.folder.as_ref().map(|it| it.to_string_lossy());
            let base = it.base.as_ref().map(ToString::to_string);
            let line = Line::new("demo").option("--dir", folder.as_deref());
            let line = line.option("--base", base.as_deref());
            line.option("--mirror", it.mirror.as_deref()).end()
        }
        JobRequest::Install(it) => of_install(it),
        JobRequest::UninstallRelease(it) => {
            let line = Line::new("ext").word("uninstall").word(&it.release).target(&it.target);
            line.flag_if("--no-hooks", it.no_hooks).end()
        }
        JobRequest::Upload(it) => {
            let line = Line::new("ext").word("upload").path(&it.file).target(&it.target);
            line.each("--force", &it.force).end()
        }
        JobRequest::Login(it) => {
            let line = Line::new("target").word("login").word(&it.name);
            let line = line.flag(if it.device { "--device" } else { "--browser" });
            line.option("--client", it.client.as_deref()).end()
        }
    }
}

fn of_install(request: &InstallRequest) -> String {
    let verb = if request.launch == Some(true) { "launch" } else { "install" };
    let line = Line::new("ext").word(verb).word(&request.name);
    let version = Some(request.version.as_str()).filter(|version| !version.is_empty());
    let line = line.option("--version", version).target(&request.target);
    line.pairs("--param", &texts(&request.params)).flag_if("--yes", request.send_missing).end()
}

/// Values of parameters as they are typed.
fn texts(params: &Map<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            items.join(",")
        }
        other => other.to_string(),
    };
    params.iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_is_told_as_it_is_typed() {
        let check = |name: &str, input: Value, expected: &str| {
            assert_eq!(of_call(name, input).unwrap(), expected);
        };
        check("doctor", json!({}), "edk doctor");
        check("deploy", json!({"project": "/x y", "target": "sandbox"}), "edk deploy '/x y'");
        check(
            "start",
            json!({"command": "deploy", "input": {"project": "a", "target": "http://localhost:1",
                "version": "0.2.0", "params": {"p": "it's"}}}),
            r"edk deploy a --target http://localhost:1 --version 0.2.0 --param 'p=it'\''s'",
        );
        check(
            "install",
            json!({"target": "sandbox", "name": "a", "version": "0.1.0",
                "params": {"b": true, "c": ["x", "y"]}}),
            "edk ext install a --version 0.1.0 --param b=true --param c=x,y",
        );
        check("create", json!({"template": "t", "folder": "f"}), "edk new t f --yes");
        assert_eq!(of_call("nothing", json!({})).unwrap_err().code, Code::NotFound);
        assert_eq!(of_call("set_theme", json!({})).unwrap_err().code, Code::Unsupported);
    }
}
