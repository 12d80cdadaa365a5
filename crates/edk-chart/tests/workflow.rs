//! A workflow chart from its files to its package and its objects.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::Path;

use edk_chart::{Capabilities, Chart, Error, File, Release, Rendered, Sources, render, resolve};
use serde_json::json;

fn workflow() -> Chart {
    let file = |name: &str, text: &str| File { name: name.to_owned(), data: text.into() };
    let files = vec![
        file(
            "Chart.yaml",
            "# a comment\nversion: 0.0.0\nname: my-workflow\napiVersion: v1\n\
             description: Does something with many words, so many that the line has to be folded \
             when it is written again\n\
             keywords: [kaapanaworkflow]\nkaapana_type: x\n",
        ),
        file("requirements.yaml", "dependencies:\n- name: dag-installer-chart\n  version: 0.0.0\n"),
        file("values.yaml", "# mine\nglobal:\n  image: dag-my-workflow\n  action: copy\n"),
    ];
    let chart = Chart::from_files("my-workflow", files).unwrap();
    resolve(&chart, &Sources::default()).unwrap().stamp("1.2.3")
}

fn rendered(globals: &serde_json::Value) -> Result<Rendered, Error> {
    let release = Release {
        name: "my-workflow".to_owned(),
        namespace: "admin".to_owned(),
        revision: 1,
        is_install: true,
    };
    render(&workflow(), &release, &json!({ "global": globals }), &Capabilities::default())
}

fn platform() -> serde_json::Value {
    json!({
        "registry_url": "registry.example.org/kaapana",
        "kaapana_build_version": "0.6.0",
        "services_namespace": "services",
        "admin_namespace": "admin",
        "main_node_name": "node-1",
        "pull_policy_images": "Always",
    })
}

fn shown(rendered: &Rendered) -> String {
    let texts = rendered.manifests.iter();
    texts
        .map(|manifest| format!("---\n# Source: {}\n{}\n", manifest.source, manifest.text))
        .collect()
}

#[test]
fn the_dag_installer_renders_to_its_two_jobs() {
    let rendered = rendered(&platform()).unwrap();
    assert_eq!(shown(&rendered), include_str!("golden/dag-installer.yaml"));
    let [install, remove] = rendered.manifests.as_slice() else { panic!("two jobs") };
    assert_eq!((install.name.as_str(), install.hook.as_ref()), ("dag-my-workflow", None));
    assert_eq!(install.namespace.as_deref(), Some("services"));
    let image = install.object.pointer("/spec/template/spec/containers/0/image").unwrap();
    assert_eq!(image, "registry.example.org/kaapana/dag-my-workflow:1.2.3");
    let hook = remove.hook.as_ref().unwrap();
    assert_eq!((remove.name.as_str(), hook.weight), ("remove-dag-my-workflow", -5));
    assert_eq!(hook.events, ["pre-delete"]);
    assert_eq!(hook.delete_policies, ["hook-succeeded", "hook-failed"]);
    assert_eq!(rendered.notes, None);
}

#[test]
fn a_custom_registry_brings_its_own_secret() {
    let mut globals = platform();
    globals["custom_registry_url"] = json!("example.org/mine");
    let rendered = rendered(&globals).unwrap();
    for manifest in &rendered.manifests {
        let pod = manifest.object.pointer("/spec/template/spec").unwrap();
        assert_eq!(pod["containers"][0]["image"], "example.org/mine/dag-my-workflow:1.2.3");
        assert_eq!(pod["imagePullSecrets"][1]["name"], "registry-secret-f4f9");
    }
}

#[test]
fn a_missing_image_is_told_with_the_line_that_needs_it() {
    let mut globals = platform();
    globals["image"] = json!("");
    let error = rendered(&globals).unwrap_err();
    let Error::Template { template, line, message, .. } = error else { panic!("{error}") };
    assert_eq!(template, "my-workflow/charts/dag-installer-chart/templates/install.yaml");
    assert_eq!(line, 4);
    assert!(message.contains("global.image must name the image"), "{message}");
}

#[test]
fn the_package_holds_what_helm_packs_and_is_the_same_each_time() {
    let packaged = workflow().package().unwrap();
    assert_eq!(packaged.file_name, "my-workflow-1.2.3.tgz");
    let inner = "my-workflow/charts/dag-installer-chart";
    assert_eq!(
        packaged.entries,
        [
            "my-workflow/Chart.yaml".to_owned(),
            "my-workflow/values.yaml".to_owned(),
            "my-workflow/requirements.yaml".to_owned(),
            format!("{inner}/Chart.yaml"),
            format!("{inner}/values.yaml"),
            format!("{inner}/templates/_pod.tpl"),
            format!("{inner}/templates/install.yaml"),
            format!("{inner}/templates/remove.yaml"),
        ]
    );
    assert_eq!(packaged, workflow().package().unwrap());
    assert_eq!(packaged.digest.short(), "a09a3ba353c6");
}

#[test]
fn a_package_is_read_back_as_the_same_chart() {
    let folder = tempfile::tempdir().unwrap();
    let path = workflow().package().unwrap().write(folder.path()).unwrap();
    assert_eq!(path, folder.path().join("my-workflow-1.2.3.tgz"));
    let chart = Chart::read(std::fs::File::open(&path).unwrap(), "package").unwrap();
    assert_eq!(chart.metadata, workflow().metadata);
    assert_eq!(chart.package().unwrap(), workflow().package().unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn chart_yaml_is_written_the_way_of_helm() {
    assert_eq!(
        workflow().chart_yaml(),
        "apiVersion: v1\n\
         description: Does something with many words, so many that the line has to be folded\n  \
         when it is written again\n\
         keywords:\n- kaapanaworkflow\nname: my-workflow\nversion: 1.2.3\n"
    );
}

#[test]
fn what_should_be_a_text_becomes_one_as_in_helm() {
    let text = "name: y\nversion: 1.10\nappVersion: 20\nkeywords: [1, on]\ndeprecated: yes\n";
    let file = File { name: "Chart.yaml".to_owned(), data: text.into() };
    let metadata = Chart::from_files("a", vec![file]).unwrap().metadata;
    assert_eq!((metadata.name.as_str(), metadata.version.as_str()), ("true", "1.1"));
    assert_eq!((metadata.app_version.as_str(), metadata.deprecated), ("20", true));
    assert_eq!(metadata.keywords, ["1", "true"]);
}

#[test]
fn a_chart_without_its_dependencies_is_not_packed() {
    let mut chart = workflow();
    chart.subcharts.clear();
    assert!(matches!(chart.package(), Err(Error::Broken { .. })));
}

#[test]
fn a_folder_is_loaded_without_what_it_ignores() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "Chart.yaml",
        "\u{feff}name: a\nversion: 1.0.0\napiVersion: v2\ndependencies:\n- name: b\n",
    );
    write(".helmignore", "*.md\ndocs/\n");
    write("README.md", "x");
    write("docs/x.txt", "x");
    write("crds/c.yaml", "x");
    write("templates/a.yaml", "x");
    write("templates/.swp", "x");
    write("charts/b/Chart.yaml", "name: b\nversion: 1.0.0\n");
    write("charts/b/README.md", "x");
    write("charts/_c/Chart.yaml", "broken: [");
    let chart = Chart::load(folder.path()).unwrap();
    let names = |files: &[File]| files.iter().map(|file| file.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&chart.files), [".helmignore", "crds/c.yaml"]);
    assert_eq!(names(&chart.templates), ["templates/a.yaml"]);
    assert_eq!(chart.subcharts[0].files.len(), 0);
    let archive = chart.subcharts[0].package().unwrap().bytes;
    std::fs::remove_dir_all(folder.path().join("charts")).unwrap();
    std::fs::create_dir(folder.path().join("charts")).unwrap();
    std::fs::write(folder.path().join("charts/b-1.0.0.tgz"), archive).unwrap();
    let again = Chart::load(folder.path()).unwrap();
    assert_eq!(again.package().unwrap(), chart.package().unwrap());
}

#[test]
fn broken_files_are_found_with_their_place() {
    #[track_caller]
    fn check(name: &str, text: &str, line: usize) {
        let file = |name: &str, text: &str| File { name: name.to_owned(), data: text.into() };
        let mut files = vec![file(name, text)];
        if name != "Chart.yaml" {
            files.push(file("Chart.yaml", "name: a\nversion: 1.0.0\n"));
        }
        let error = Chart::from_files("a", files).unwrap_err();
        let Error::Broken { findings, .. } = error else { panic!("{error}") };
        assert_eq!(findings[0].file.as_deref(), Some(format!("a/{name}").as_str()));
        assert_eq!(findings[0].span.map(|span| span.line), Some(line), "{}", findings[0]);
    }
    check("Chart.yaml", "name: a\nversion: [1.0]\n", 2);
    check("Chart.yaml", "name: a\n b: c\n", 2);
    check("values.yaml", "a: 1\nb: [\n", 3);
    check("values.yaml", "- a\n", 1);
}

#[test]
fn a_folder_without_a_chart_is_told() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Chart::load(folder.path()), Err(Error::NotAChart { .. })));
    assert!(matches!(Chart::load(Path::new("/nonexistent/x")), Err(Error::Io { .. })));
}
