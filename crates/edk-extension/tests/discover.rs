//! Extensions on disk.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;

use edk_extension::{ExtensionError, Project, Role, build_order};

fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Project, ExtensionError>) {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let project = Project::discover(folder.path());
    (folder, project)
}

fn findings(files: &[(&str, &str)]) -> Vec<String> {
    match project(files).1 {
        Err(ExtensionError::Findings { findings, .. }) => {
            findings.iter().map(ToString::to_string).collect()
        }
        other => panic!("{other:?}"),
    }
}

const CHART: &str =
    "name: x-workflow\nversion: 0.1.0\ndescription: d\nkeywords: [kaapanaworkflow]\n";

#[test]
fn charts_images_and_their_roles_are_found_wherever_they_lie() {
    let (_folder, project) = project(&[
        (
            "extension/docker/Dockerfile",
            "FROM local-only/base-installer:latest\nLABEL IMAGE=\"dag-x\"\n",
        ),
        ("extension/chart/Chart.yaml", CHART),
        ("extension/chart/values.yaml", "global:\n  image: dag-x\n"),
        ("extension/chart/charts/sub/Chart.yaml", CHART),
        ("containers/a/Dockerfile", "FROM local-only/own:latest\nLABEL IMAGE=a\n"),
        ("containers/own/Dockerfile", "FROM scratch\nLABEL REGISTRY=\"local-only\" IMAGE=own\n"),
        (".git/Dockerfile", "nonsense"),
        ("containers/a/node_modules/Dockerfile", "nonsense"),
    ]);
    let project = project.unwrap();
    assert_eq!(project.charts.len(), 1);
    assert_eq!(project.charts[0].dag_image.as_deref(), Some("dag-x"));
    let roles: Vec<_> =
        project.images.iter().map(|image| (image.name.as_str(), image.role)).collect();
    assert_eq!(roles, [("a", Role::Container), ("own", Role::Base), ("dag-x", Role::Dag)]);
    let order: Vec<_> =
        build_order(&project).unwrap().iter().map(|image| image.name.clone()).collect();
    assert_eq!(order, ["own", "a", "dag-x"]);
    assert_eq!(project.container(None).unwrap().name, "a");
    assert!(matches!(project.container(Some("b")), Err(ExtensionError::Unknown { .. })));
    let (_folder, imageless) = self::project(&[("chart/Chart.yaml", CHART)]);
    let error = imageless.unwrap().container(None).unwrap_err();
    assert_eq!(error.to_string(), "the extension has no processing container");
}

#[test]
fn names_the_platform_would_refuse_are_found_with_their_place() {
    let found = findings(&[
        ("a/Dockerfile", "FROM scratch\nLABEL IMAGE=Bad_Name\n"),
        ("b/Dockerfile", "FROM scratch\n"),
        ("c/Dockerfile", "FROM local-only/base-installer:latest\nLABEL IMAGE=dag.x\n"),
        ("d/Dockerfile", "FROM scratch\nCOPPY a b\n"),
        ("e/Chart.yaml", "name: Bad\nversion: 0.1.0\n"),
    ]);
    let starts = [
        "a/Dockerfile:2:1: image name `Bad_Name`",
        "b/Dockerfile: there is no LABEL IMAGE",
        "c/Dockerfile:2:1: DAG image name `dag.x`",
        "d/Dockerfile:2:1: unknown instruction `COPPY`",
        "e/Chart.yaml: chart name `Bad`",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found}");
    }
}

#[test]
fn twins_and_circles_are_refused() {
    let image = |base: &str, name: &str| format!("FROM {base}\nLABEL IMAGE={name}\n");
    let twin = image("scratch", "a");
    let found = findings(&[("x/Dockerfile", &twin), ("y/Dockerfile", &twin)]);
    assert!(found[0].contains("`a` is also made by x/Dockerfile"), "{found:?}");
    let (one, two) = (image("local-only/b:1", "a"), image("local-only/a:1", "b"));
    let (_folder, project) = project(&[("x/Dockerfile", &one), ("y/Dockerfile", &two)]);
    let error = build_order(&project.unwrap()).unwrap_err();
    assert!(matches!(error, ExtensionError::Findings { .. }));
}

#[test]
fn a_folder_without_an_extension_is_told_apart_from_none() {
    assert!(matches!(project(&[("readme", "")]).1, Err(ExtensionError::Empty { .. })));
    let missing = Project::discover(std::path::Path::new("/nonexistent/x"));
    assert!(matches!(missing, Err(ExtensionError::NoFolder { .. })));
}

#[test]
fn what_is_broken_does_not_hide_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("a/Dockerfile", "FROM scratch\nLABEL IMAGE=a\nCOPPY x y\n");
    write("b/Dockerfile", "FROM scratch\nLABEL IMAGE=b\n");
    write("chart/Chart.yaml", CHART);
    write("other/Chart.yaml", "name: [\n");
    let (project, findings) = Project::survey(folder.path()).unwrap();
    let images: Vec<_> = project.images.iter().map(|image| image.name.as_str()).collect();
    assert_eq!((images, project.charts.len()), (vec!["a", "b"], 1));
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(matches!(Project::discover(folder.path()), Err(ExtensionError::Findings { .. })));
}

#[test]
fn the_forms_of_dags_are_read_from_the_dag_image() {
    let (_folder, project) = project(&[
        ("d/Dockerfile", "FROM local-only/base-installer:latest\nLABEL IMAGE=dag-x\n"),
        (
            "d/files/dag_x.py",
            "DAG('x', default_args={'ui_forms': {'workflow_form': {'properties': {'a': {}}}}})\n",
        ),
        ("d/files/operator.py", "class DAGless: pass\n"),
        ("c/Dockerfile", "FROM scratch\nLABEL IMAGE=c\n"),
        ("c/other.py", "DAG('none')\n"),
    ]);
    let (dags, findings) = project.unwrap().dags();
    assert_eq!((dags.len(), findings), (1, vec![]));
    assert_eq!((dags[0].file.as_str(), dags[0].id.as_deref()), ("d/files/dag_x.py", Some("x")));
    let names: Vec<_> = dags[0].questions().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a"]);
}

#[test]
fn what_is_kept_from_being_built_is_left_out_unless_another_stands_on_it() {
    let (_folder, project) = project(&[
        ("a/Dockerfile", "FROM local-only/own:latest\nLABEL IMAGE=a BUILD_IGNORE=False\n"),
        (
            "b/Dockerfile",
            "FROM local-only/lone:latest\nLABEL IMAGE=b\nLABEL BUILD_IGNORE=\"True\"\n",
        ),
        (
            "lone/Dockerfile",
            "FROM scratch\nLABEL IMAGE=lone REGISTRY=local-only BUILD_IGNORE=yes\n",
        ),
        ("own/Dockerfile", "FROM scratch\nLABEL IMAGE=own REGISTRY=local-only BUILD_IGNORE=1\n"),
    ]);
    let project = project.unwrap();
    let order: Vec<_> =
        build_order(&project).unwrap().iter().map(|image| image.name.clone()).collect();
    assert_eq!(order, ["own", "a"]);
    assert_eq!(project.images.len(), 4, "they are still images of the extension");
}
