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
    let force = ["--force", "platform/no-namespace"];
    env.edk(&[&["package", "charts", "--dir", "out"], &force[..]].concat()).exits(0);
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

#[test]
fn values_are_set_on_the_command_line_as_with_helm() {
    let env = TestEnv::new();
    chart(&env);
    write(
        &env,
        &[
            (
                "charts/app/templates/hook.yaml",
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: h\n  annotations: {helm.sh/hook: test}\n",
            ),
            ("word.txt", "from a file"),
        ],
    );
    let word = |args: &[&str]| {
        let result = env.result(
            &[&["chart", "render", "charts/app", "-s", "templates/config.yaml"], args].concat(),
        );
        assert_eq!(result["manifests"].as_array().unwrap().len(), 1);
        result["manifests"][0]["object"]["data"]["word"].clone()
    };
    assert_eq!(word(&["--set", "word=a,other=b"]), "a");
    assert_eq!(word(&["--set-string", "word=7,other=x"]), 7);
    assert_eq!(word(&["--set-json", "word=\"x\""]), "x");
    assert_eq!(word(&["--set-file", "word=word.txt"]), "from a file");
    assert_eq!(word(&["--set-literal", "word=a,b=c"]), "a,b=c");
    let all = env.edk(&["chart", "render", "charts/app"]).exits(0).stdout;
    assert!(all.contains("kind: Pod"), "{all}");
    let less = env.edk(&["chart", "render", "charts/app", "--no-hooks"]).exits(0).stdout;
    assert!(!less.contains("kind: Pod"), "{less}");
    env.edk(&["chart", "render", "charts/app", "-s", "templates/x.yaml"])
        .exits(1)
        .tells(&["templates/x.yaml"]);
    env.edk(&["chart", "render", "charts/app", "--kube-version", "new"]).exits(1).tells(&["1.29"]);
}

#[test]
fn two_charts_and_two_sets_of_values_are_compared() {
    let env = TestEnv::new();
    chart(&env);
    let args = ["chart", "diff", "charts/app", "--to-set", "word=bye"];
    let done = env.edk(&args).exits(0).prints(&[
        "# changed: ConfigMap release-name-config",
        "#   data.word: \"hello\" -> \"bye\"",
        "-  word: hello\n+  word: bye",
    ]);
    assert!(!done.stdout.contains("version:\n-"), "{done}");
    env.edk(&[&args[..], &["--exit-code"]].concat()).exits(1);
    env.edk(&["chart", "diff", "charts/app", "charts/app", "--exit-code"])
        .exits(0)
        .prints(&["the same"]);
    let found = env.result(&["chart", "diff", "charts/app", "charts/app", "--to-set", "word=bye"]);
    assert_eq!(found["objects"][0]["paths"][0]["path"], "data.word");
    env.edk(&["chart", "diff", "charts/app"]).exits(2);
    env.edk(&["chart", "diff", "charts/app", "--release", "gone"])
        .exits(1)
        .tells(&["has no `gone`", "edk status --all"]);
    env.edk(&["chart", "diff", "charts/app", "--release", "x", "--target", "elsewhere"])
        .exits(1)
        .tells(&["does not tell", "OLD.tgz"]);
}

/// Writes a chart that a platform takes, with the parameters `params`.
fn extension(env: &TestEnv, params: &str) {
    write(
        env,
        &[
            (
                "ext/chart/Chart.yaml",
                "apiVersion: v2\nname: ext\nversion: 0.1.0\ndescription: W.\nkeywords: [kaapanaapplication]\n",
            ),
            ("ext/chart/values.yaml", &format!("global: {{}}\nextension_params:\n{params}")),
            (
                "ext/chart/templates/a.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: {{ .Values.global.services_namespace }}\n\
                 data:\n  title: {{ .Values.global.title | quote }}\n",
            ),
        ],
    );
}

#[test]
fn what_a_platform_would_do_is_told_before_anything_is_sent() {
    let env = TestEnv::new();
    extension(&env, "  title: {type: string, default: Lungs}\n");
    env.edk(&["chart", "preflight", "ext"])
        .exits(0)
        .prints(&["can be delivered to a platform 0.6"]);
    write(
        &env,
        &[(
            "ext/chart/Chart.yaml",
            "apiVersion: v2\nname: ext\nversion: 0.1.0\nkeywords: [mine]\n",
        )],
    );
    let done = env.edk(&["chart", "preflight", "ext", "--platform", "0.5.0"]).exits(1);
    done.prints(&[
        "breaks the list for everyone:",
        "(platform/description)",
        "invisible:",
        "(platform/keywords)",
        "must not be delivered to a platform 0.5.0",
    ]);
    env.edk(&["chart", "preflight", "ext", "--platform", "0.3"]).exits(1).tells(&["0.4"]);
    // One rule may be forced, by its name; the other still stands in the way.
    let deploy = |force: &[&str]| env.edk(&[&["deploy", "ext"], force].concat());
    deploy(&[]).exits(1).tells(&["platform/description", "--force platform/description --force"]);
    deploy(&["--force", "platform/keywords"]).exits(1).tells(&["platform/description"]);
    deploy(&["--force", "all"]).exits(1).tells(&["the rule `all` can't be forced"]);
    deploy(&["--force", "platform/chart-name"]).exits(1).tells(&["can't be forced", "correct"]);
}

#[test]
fn what_arrives_of_an_answer_is_shown() {
    let env = TestEnv::new();
    extension(
        &env,
        "  title: {type: string, default: Lungs, definition: Title}\n  on: {type: bool, default: no}\n",
    );
    env.edk(&["chart", "show", "ext", "--params"]).exits(0).prints(&[
        "title  string  Title",
        "  \"Lungs\" arrives as \"Lungs\"",
        "false arrives as false",
    ]);
    let shown = ["chart", "show", "ext", "--params", "--param", "title=Lungs & more"];
    env.edk(&shown).exits(0).prints(&["arrives as nothing", "platform/parameter-dropped"]);
    env.edk(&["chart", "show", "ext", "--param", "titel=x"]).exits(1).tells(&["`titel`", "title"]);
    let render = ["chart", "render", "ext", "--as-platform", "--param", "title=two words"];
    let object = env.result(&render)["manifests"][0]["object"].clone();
    assert_eq!(object["metadata"]["namespace"], "services");
    assert_eq!(object["data"]["title"], "twowords");
}

#[test]
fn a_package_that_would_do_harm_is_not_uploaded() {
    let env = TestEnv::new();
    extension(&env, "  title: {type: string, default: Lungs}\n");
    env.edk(&["package", "ext", "--dir", "out"]).exits(0);
    let file = env.path("out/ext-0.1.0.tgz");
    env.edk(&["ext", "upload", "out/ext-0.1.0.tgz"]).exits(0);
    fs::rename(&file, env.path("out/other-0.1.0.tgz")).unwrap();
    env.edk(&["ext", "upload", "out/other-0.1.0.tgz"])
        .exits(1)
        .tells(&["platform/file-name", "ext-0.1.0.tgz"]);
    fs::write(&file, "no archive").unwrap();
    env.edk(&["ext", "upload", "out/ext-0.1.0.tgz"]).exits(1).tells(&["platform/archive"]);
}

#[test]
fn a_release_of_the_sandbox_is_compared_with_a_chart() {
    let env = TestEnv::new();
    extension(&env, "  title: {type: string, default: Lungs}\n");
    env.edk(&["package", "ext", "--dir", "out"]).exits(0);
    env.edk(&["ext", "upload", "out/ext-0.1.0.tgz"]).exits(0);
    env.edk(&["ext", "install", "ext", "--version", "0.1.0", "--param", "title=Liver"]).exits(0);
    let args = ["chart", "diff", "ext", "--release", "ext"];
    env.edk(&args).exits(0).prints(&["render to the same"]);
    write(
        &env,
        &[(
            "ext/chart/templates/b.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: services}\n",
        )],
    );
    env.edk(&args).exits(0).prints(&["# added: ConfigMap b", "+++ ConfigMap services/b"]);
}
