//! `edk chart`: what is in a chart, what it renders to.

use std::fs;

use edk_testkit::TestEnv;
use serde_json::Value;

/// Writes a chart with one template, which is found to need the chart `base` beside it.
fn chart(env: &TestEnv) {
    write(
        env,
        &[
            (
                "charts/app/Chart.yaml",
                "apiVersion: v2\nname: app\nversion: 0.1.0\ndescription: An app.\n\
                 dependencies:\n- name: base\n  version: 0.0.0\n",
            ),
            ("charts/app/values.yaml", "# What it says.\nword: hello\nglobal: {}\n"),
            (
                "charts/app/templates/config.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ include \"base.name\" . }}\n\
                 data:\n  word: {{ .Values.word }}\n  version: {{ .Chart.Version | quote }}\n",
            ),
            ("charts/app/templates/NOTES.txt", "Say {{ .Values.word }}.\n"),
            ("charts/base/Chart.yaml", "name: base\nversion: 0.0.0\ndescription: Helpers.\n"),
            (
                "charts/base/templates/_names.tpl",
                "{{ define \"base.name\" }}{{ .Release.Name }}-config{{ end }}\n",
            ),
        ],
    );
}

pub(crate) fn write(env: &TestEnv, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = env.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn a_chart_is_rendered_with_the_charts_beside_it() {
    let env = TestEnv::new();
    chart(&env);
    env.edk(&["chart", "render", "charts/app"]).exits(0).prints(&[
        "# Source: app/templates/config.yaml",
        "name: release-name-config",
        "word: hello",
        "version: \"0.1.0\"",
    ]);
    fs::write(env.path("more.yaml"), "word: good day\n").unwrap();
    let args = ["--name", "mine", "--namespace", "there", "-f", "more.yaml", "--version", "2.0.0"];
    let result = env.result(&[&["chart", "render", "charts/app"], &args[..]].concat());
    let object = &result["manifests"][0]["object"];
    assert_eq!(object["metadata"]["name"], "mine-config");
    assert_eq!(
        (&object["data"]["word"], &object["data"]["version"]),
        (&Value::from("good day"), &Value::from("2.0.0"))
    );
    assert_eq!(result["notes"], "Say good day.\n");
    assert!(!env.state().exists(), "rendering leaves nothing behind");
}

#[test]
fn a_package_and_an_extension_are_charts_as_well() {
    let env = TestEnv::new();
    chart(&env);
    env.edk(&["package", "charts", "--dir", "out"]).exits(1).tells(&["keyword"]);
    let helm_style = env.path("charts/app/Chart.yaml");
    let text = fs::read_to_string(&helm_style).unwrap();
    fs::write(&helm_style, text + "keywords: [kaapanaapplication]\n").unwrap();
    fs::remove_dir_all(env.path("charts/base")).unwrap();
    write(&env, &[("charts/app/charts/base/Chart.yaml", "name: base\nversion: 0.0.0\n")]);
    write(
        &env,
        &[(
            "charts/app/charts/base/templates/_names.tpl",
            "{{ define \"base.name\" }}x{{ end }}\n",
        )],
    );
    env.edk(&["package", "charts", "--dir", "out"]).exits(0);
    let rendered = |chart: &str| env.result(&["chart", "render", chart])["manifests"].clone();
    assert_eq!(rendered("out/app-0.1.0.tgz"), rendered("charts"));
}

#[test]
fn what_is_in_a_chart_is_shown_in_parts() {
    let env = TestEnv::new();
    chart(&env);
    let show = |args: &[&str]| env.edk(&[&["chart", "show", "charts/app"], args].concat()).exits(0);
    let values = show(&["--values"]).stdout;
    assert_eq!(values, "# What it says.\nword: hello\nglobal: {}\n");
    assert_eq!(show(&["--notes"]).stdout, "Say {{ .Values.word }}.\n");
    show(&["--dependencies"]).prints(&["base  0.0.0: 0.0.0 of "]);
    show(&["--metadata"]).prints(&["description: An app."]);
    show(&["--templates"]).prints(&["templates/config.yaml", "charts/base/templates/_names.tpl"]);
    show(&[]).prints(&["app 0.1.0", "parameters:\n  none", "values:\n  # What it says."]);
    let shown = env.result(&["chart", "show", "charts/app", "--values", "--notes"]);
    assert_eq!(shown["values"]["word"], "hello");
    assert_eq!(shown.get("metadata"), None);
}

#[test]
fn what_is_no_chart_or_has_a_mistake_is_told_with_its_place() {
    let env = TestEnv::new();
    chart(&env);
    let check = |args: &[&str], parts: &[&str]| {
        env.edk(&[&["chart", "render"], args].concat()).exits(1).tells(parts);
    };
    check(&["nowhere"], &["nowhere"]);
    fs::write(env.path("list.yaml"), "- a\n").unwrap();
    check(&["charts/app", "-f", "list.yaml"], &["list.yaml:1:1", "not a map"]);
    check(&["charts/app", "-f", "missing.yaml"], &["missing.yaml"]);
    write(&env, &[("charts/app/templates/bad.yaml", "a: b\nc: {{ .Values.x.y.z }}\n")]);
    check(&["charts/app"], &["app/templates/bad.yaml:2:"]);
    fs::remove_dir_all(env.path("charts/base")).unwrap();
    check(&["charts/app"], &["needs the chart base"]);
}

#[test]
fn a_chart_is_linted_as_helm_does_it() {
    let env = TestEnv::new();
    chart(&env);
    env.edk(&["chart", "lint", "charts/app"]).exits(0).prints(&[
        "hint  charts/app/Chart.yaml: the chart has no icon (lint/icon-missing)",
        "charts/app passes",
    ]);
    env.edk(&["chart", "lint", "charts/app", "--as-is"]).exits(1).prints(&[
        "charts/app/templates/config.yaml:4:",
        "charts/ lacks what is declared: base",
        "does not pass",
    ]);
    env.edk(&["chart", "lint", "charts/app", "--strict"]).exits(0);
    write(
        &env,
        &[(
            "charts/app/templates/job.yaml",
            "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: a}\n",
        )],
    );
    let old = ["chart", "lint", "charts/app", "--kube-version", "1.20"];
    assert!(!env.edk(&old).exits(0).stdout.contains("lint/deprecated-api"));
    env.edk(&["chart", "lint", "charts/app"]).exits(0).prints(&["use batch/v1"]);
    env.edk(&["chart", "lint", "charts/app", "--strict"]).exits(1).prints(&["does not pass"]);
    write(&env, &[("charts/app/values.yaml", "word: [a\n")]);
    let linted = env.edk(&["chart", "lint", "charts/app", "-o", "json"]).exits(1).document();
    let found = linted["result"]["findings"].as_array().unwrap().clone();
    assert!(
        found.iter().any(|it| it["rule"] == "lint/values" && it["span"]["line"] == 2),
        "{linted}"
    );
}

#[test]
fn values_that_the_schema_does_not_take_are_placed_in_the_users_file() {
    let env = TestEnv::new();
    chart(&env);
    let schema = r#"{"properties": {"word": {"type": "string"}}}"#;
    write(&env, &[("charts/app/values.schema.json", schema), ("mine.yaml", "a: 1\nword: 7\n")]);
    env.edk(&["chart", "render", "charts/app"]).exits(0);
    env.edk(&["chart", "render", "charts/app", "-f", "mine.yaml"])
        .exits(1)
        .tells(&["mine.yaml:2:1: `word`: 7 is not of type \"string\""]);
}
