//! What the templates make has no errors, whatever is answered; and no file whatever does harm.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{collections::BTreeMap, fs};

use edk_extension::check::{
    Base, Example, File, Options, Tree, check, example_project, fix, rules,
};
use edk_model::Severity;
use edk_template::Catalog;
use proptest::prelude::*;

/// The project that a template makes of answers; `None` when it refuses one.
fn made(template: &str, given: &BTreeMap<String, String>) -> Option<Tree> {
    let catalog = Catalog::shipped().unwrap();
    let template = catalog.find(template).unwrap();
    let plan = template.plan(&template.answer(given).ok()?).unwrap();
    Some(Tree::of(plan.files.iter().map(|it| File::new(&it.path, &it.bytes))))
}

fn errors(tree: &Tree) -> Vec<String> {
    let report = check(tree, &Options::default());
    let found = report.findings.iter().filter(|it| it.severity == Severity::Error);
    found.map(ToString::to_string).collect()
}

#[test]
fn every_template_makes_a_project_without_errors() {
    for template in Catalog::shipped().unwrap().templates() {
        let tree = made(template.name(), &BTreeMap::new()).unwrap();
        assert_eq!(errors(&tree), Vec::<String>::new(), "{}", template.name());
    }
}

#[test]
fn a_title_in_the_words_of_the_template_languages_is_a_title() {
    for words in ["{{", "}} {{ fail \"\" }}", "{% raw %}", "\\\"", "'", "#", ": x", "${A}", "%s"] {
        let given = ["title", "description"].map(|key| (key.to_owned(), words.to_owned()));
        for template in Catalog::shipped().unwrap().templates() {
            if let Some(tree) = made(template.name(), &given.clone().into()) {
                assert_eq!(errors(&tree), Vec::<String>::new(), "{words}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_answered_there_are_no_errors(
        name in "[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
        title in "[ -~äöü]{1,40}",
        description in "[ -~äöü]{1,60}",
        dag_id in "[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
        bin_width in "[1-9][0-9]{0,2}(\\.[0-9])?",
        classes in proptest::sample::subsequence(vec!["firstorder", "shape", "glcm"], 1..=3),
        experimental: bool,
    ) {
        // Names of the platform's own DAGs are rightly refused.
        prop_assume!(!edk_extension::check::Profile::get().dags.contains(&dag_id));
        let given = [
            ("name", name), ("title", title), ("description", description), ("dag_id", dag_id),
            ("bin_width", bin_width), ("feature_classes", classes.join(",")),
            ("experimental", experimental.to_string()),
        ];
        let given: BTreeMap<String, String> = given.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        if let Some(tree) = made("radiomics", &given) {
            prop_assert_eq!(errors(&tree), Vec::<String>::new());
        }
    }

    #[test]
    fn whatever_an_application_is_called_there_are_no_errors(
        name in "[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
        title in "[ -~äöü]{1,60}",
        description in "[ -~äöü]{1,60}",
    ) {
        let given = [("name", name), ("title", title), ("description", description)];
        let given = given.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        if let Some(tree) = made("application", &given) {
            prop_assert_eq!(errors(&tree), Vec::<String>::new());
        }
    }
}

/// Paths at which rules look, and others.
const PATHS: [&str; 14] = [
    "extension/docker/Dockerfile",
    "extension/docker/.dockerignore",
    "extension/docker/files/dag_lung.py",
    "extension/docker/files/lung/LungOperator.py",
    "extension/lung-workflow/Chart.yaml",
    "extension/lung-workflow/values.yaml",
    "extension/lung-workflow/requirements.yaml",
    "extension/lung-workflow/.helmignore",
    "extension/lung-workflow/templates/more.yaml",
    "workflow-chart/Chart.yaml",
    "workflow-chart/files/workflow.json",
    "workflow-chart/files/smoothing.py",
    "processing-containers/smooth/processing-container.json",
    "processing-containers/lung-segment/Dockerfile",
];

/// Texts that are almost right: a text of an example with a part cut out or doubled.
fn almost() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let texts: Vec<&'static str> = rules::all()
        .flat_map(|rule| rule.bad.files.iter().chain(rule.good.files).map(|(_, text)| *text))
        .collect();
    let text = (
        proptest::sample::select(texts),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        "[-{}\\[\\]:\"'\n#/ .a-z0-9ä\0]{0,8}",
    );
    let bent = text.prop_map(|(text, from, to, put)| {
        let mut bytes = text.as_bytes().to_vec();
        let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
        let (from, to) = (from.min(to), from.max(to));
        // A short cut leaves more to be read.
        let to = to.min(from + 20);
        bytes.splice(from..to, put.into_bytes());
        bytes
    });
    let any_bytes = proptest::collection::vec(any::<u8>(), 0..200);
    let content = prop_oneof![4 => bent, 1 => any_bytes];
    proptest::collection::vec((proptest::sample::select(PATHS.to_vec()), content), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_file_makes_a_check_panic_and_fixes_stay_in_the_project(
        files in almost(),
        base in proptest::sample::select(vec![Base::Workflow, Base::Application, Base::Tasks]),
    ) {
        let mut tree = example_project(&Example { base, files: &[] });
        for (path, data) in files {
            tree = tree.with(path, &data);
        }
        let report = check(&tree, &Options::default());
        for fixed in fix::plan(&tree, &report.findings) {
            prop_assert!(!fixed.file.starts_with('/') && !fixed.file.split('/').any(|it| it == ".."), "{}", fixed.file);
        }
        for finding in &report.findings {
            prop_assert!(finding.file.as_deref().is_none_or(|it| !it.starts_with('/') && !it.contains("..")), "{finding:?}");
        }
    }
}

#[test]
fn nothing_outside_of_the_project_is_read() {
    let outside = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.yaml");
    fs::write(&secret, "password: hunter2\n").unwrap();
    for (path, text) in [
        (
            "a/Dockerfile",
            format!(
                "FROM scratch\nLABEL IMAGE=a\nCOPY ../../..{0} {0} link /x\n",
                secret.display()
            ),
        ),
        (
            "chart/Chart.yaml",
            format!(
                "name: a\nversion: 0.1.0\ndescription: d\nkeywords: [kaapanaapplication]\ndependencies:\n- name: b\n  version: 0.1.0\n  repository: file://{}\n",
                outside.path().display()
            ),
        ),
        ("chart/values.yaml", "global: {}\n".to_owned()),
        ("chart/templates/x.yaml", format!("{{{{ .Files.Get \"{}\" }}}}\n", secret.display())),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    std::os::unix::fs::symlink(&secret, folder.path().join("a/link")).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("chart/charts")).unwrap();
    let tree = Tree::open(folder.path(), None).unwrap();
    let report = check(&tree, &Options::default());
    let shown = format!("{:?}", report.findings);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("leads out of the build context"), "{shown}");
}

#[test]
fn input_that_unfolds_or_nests_without_end_ends() {
    let deep = format!("x = {}1{}\n", "(".repeat(20_000), ")".repeat(20_000));
    let lists = format!("global: {}{}\n", "[".repeat(20_000), "]".repeat(20_000));
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for at in 1..12 {
        let last = format!("*a{},", at - 1).repeat(9);
        bomb.push_str(&format!("a{at}: &a{at} [{last}]\n"));
    }
    let loops = "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}\n";
    for (path, text) in [
        ("extension/docker/files/dag_lung.py", deep.as_str()),
        ("extension/lung-workflow/values.yaml", &lists),
        ("extension/lung-workflow/values.yaml", &bomb),
        ("extension/lung-workflow/templates/loop.yaml", loops),
        ("extension/docker/Dockerfile", &"FROM a AS b\n".repeat(5_000)),
    ] {
        let tree = example_project(&Example::workflow(&[])).with(path, text.as_bytes());
        let report = check(&tree, &Options::default());
        assert!(!report.findings.is_empty(), "{path}");
    }
}
