//! `edk chart deps` and `edk chart package`: the charts a chart needs.

use std::fs;

use edk_testkit::TestEnv;

use crate::charts::write;

/// A chart with a dependency beside it, a stale path to one, and one that comes with the program.
fn charts(env: &TestEnv) {
    write(
        env,
        &[
            (
                "charts/app/Chart.yaml",
                "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n\
                 - {name: base, version: ^1}\n\
                 - {name: tools, version: '*', repository: 'file://../gone'}\n\
                 - {name: kaapana-library-chart, version: 0.0.0}\n",
            ),
            ("charts/base/Chart.yaml", "name: base\nversion: 1.2.0\n"),
            ("charts/base/values.yaml", "# mine\na: 1\n"),
            ("charts/tools/Chart.yaml", "name: tools\nversion: 3.0.0\n"),
        ],
    );
}

#[test]
fn charts_are_planned_then_put_in_and_locked() {
    let env = TestEnv::new();
    charts(&env);
    env.edk(&["chart", "deps", "list", "charts/app"]).exits(0).prints(&[
        "base",
        "file://../gone",
        "missing",
    ]);
    env.edk(&["chart", "deps", "update", "charts/app", "--dry-run"])
        .exits(0)
        .prints(&["charts/base", "bundled", "would put base 1.2.0", "would write Chart.lock"])
        .tells(&["file://../gone leads nowhere", "chart/stale-path", "leave the repository out"]);
    assert!(!env.path("charts/app/charts").exists() && !env.path("charts/app/Chart.lock").exists());
    let result = env.result(&["chart", "deps", "update", "charts/app"]);
    assert_eq!(result["dependencies"][1]["healed"], true);
    assert_eq!(result["findings"][0]["rule"], "chart/stale-path");
    assert_eq!(result["written"]["charts"].as_array().unwrap().len(), 3);
    for file in ["charts/base/values.yaml", "charts/tools-3.0.0.tgz", "Chart.lock"] {
        assert!(env.path("charts/app").join(file).is_file(), "{file}");
    }
    let lock = fs::read_to_string(env.path("charts/app/Chart.lock")).unwrap();
    env.edk(&["chart", "deps", "update", "charts/app"]).exits(0);
    assert_eq!(fs::read_to_string(env.path("charts/app/Chart.lock")).unwrap(), lock);
    env.edk(&["chart", "deps", "list", "charts/app"]).exits(0).prints(&["unpacked", "ok"]);
    // What lies in charts/ is the user's: a change elsewhere is told, not taken.
    fs::write(env.path("charts/base/values.yaml"), "a: 2\n").unwrap();
    env.edk(&["chart", "deps", "build", "charts/app"])
        .exits(0)
        .tells(&["chart/vendored-differs", "remove charts/base"]);
    write(
        &env,
        &[("charts/app/requirements.yaml", "dependencies:\n- {name: base, version: 1.2.0}\n")],
    );
    env.edk(&["chart", "deps", "build", "charts/app"])
        .exits(1)
        .tells(&["out of sync", "edk chart deps update"]);
}

#[test]
fn a_package_gets_versions_that_the_files_do_not_have() {
    let env = TestEnv::new();
    charts(&env);
    env.edk(&["chart", "package", "charts/app", "--dry-run", "--version", "2.0.0"])
        .exits(0)
        .prints(&["would write app-2.0.0.tgz"]);
    let args = ["--version", "2.0.0", "--app-version", "x", "--stamp", "base", "--dir", "out"];
    let result = env.result(&[&["chart", "package", "charts/app"], &args[..]].concat());
    let members = result["package"]["members"].as_array().unwrap();
    assert!(members.iter().any(|it| it == "app/charts/kaapana-library-chart/Chart.yaml"));
    let again = env.result(&[&["chart", "package", "charts/app"], &args[..]].concat());
    assert_eq!(again["package"]["digest"], result["package"]["digest"]);
    let shown = env.result(&["chart", "show", "out/app-2.0.0.tgz", "--metadata", "--dependencies"]);
    assert_eq!(shown["metadata"]["appVersion"], "x");
    let version = |name: &str| {
        let all = shown["dependencies"].as_array().unwrap();
        all.iter().find(|it| it["name"] == name).unwrap()["version"].clone()
    };
    assert_eq!((version("base"), version("tools")), ("2.0.0".into(), "3.0.0".into()));
    let own = fs::read_to_string(env.path("charts/app/Chart.yaml")).unwrap();
    assert!(own.contains("version: 0.1.0") && !env.path("charts/app/charts").exists());
}

#[test]
fn what_can_not_be_had_is_told_with_the_next_step() {
    let env = TestEnv::new();
    let needing = |text: &str| {
        let chart =
            format!("apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies:\n- {{{text}}}\n");
        write(&env, &[("a/Chart.yaml", &chart)]);
    };
    let update = ["chart", "deps", "update", "a"];
    needing("name: b, version: ^1, repository: 'http://127.0.0.1:9/charts'");
    env.edk(&[&update[..], &["--offline"]].concat())
        .exits(3)
        .tells(&["http://127.0.0.1:9/charts/index.yaml was never fetched", "without --offline"]);
    env.edk(&update).exits(3).tells(&["could not fetch http://127.0.0.1:9", "proxies"]);
    needing("name: b, version: ^1, repository: '@mine'");
    env.edk(&update).exits(1).tells(&["`@mine`", "--repository name=address"]);
    env.edk(&[&update[..], &["--repository", "mine=http://127.0.0.1:9/x"]].concat())
        .exits(3)
        .tells(&["http://127.0.0.1:9/x/index.yaml"]);
    needing("name: b, version: newest");
    env.edk(&update).exits(1).tells(&["`newest`, which is no range", ">=1.2.0 <2.0.0"]);
    needing("name: dag-instaler-chart, version: 0.0.0");
    env.edk(&update).exits(1).tells(&["Did you mean `dag-installer-chart`?"]);
    write(&env, &[("b/Chart.yaml", "name: b\nversion: 2.0.0\n")]);
    needing("name: b, version: ^1, repository: 'file://../b'");
    env.edk(&update).exits(1).tells(&["no version of b", "There are: 2.0.0"]);
    assert!(!env.path("a/charts").exists() && !env.path("a/Chart.lock").exists());
}
