//! Charts found by name: in which source, in which version, and what is odd about the sources.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use edk_chart::{Chart, Error, Origin, Plan, Resolver, Sources};
use edk_model::Monitor;

/// Folders with charts; the text of each is what stands below name and version.
struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn chart(&self, folder: &str, name: &str, version: &str, needs: &[&str]) -> PathBuf {
        let dir = self.path(folder);
        fs::create_dir_all(&dir).unwrap();
        let needs: String = needs.iter().map(|need| format!("- {{{need}}}\n")).collect();
        let text =
            format!("apiVersion: v2\nname: {name}\nversion: {version}\ndependencies:\n{needs}");
        fs::write(dir.join("Chart.yaml"), text).unwrap();
        dir
    }

    fn packaged(&self, to: &str, name: &str, version: &str) {
        let dir = self.chart(&format!("made/{name}-{version}"), name, version, &[]);
        Chart::load(&dir).unwrap().package().unwrap().write(&self.path(to)).unwrap();
    }
}

fn plan(sources: &Sources, chart: &Path) -> Result<Plan, Error> {
    let monitor = Monitor::silent();
    Resolver { sources, remote: None, monitor: &monitor }.plan(&Chart::load(chart).unwrap())
}

fn rules(findings: &[edk_model::Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule.as_str()).collect()
}

#[test]
fn the_nearest_source_wins_and_the_best_version_in_it() {
    let world = World::new();
    let app = world.chart("app", "app", "1.0.0", &["name: x, version: ^1"]);
    world.chart("checkout/deep/x", "x", "1.9.0", &[]);
    for version in ["1.0.0", "1.2.0", "2.0.0"] {
        world.packaged("collection", "x", version);
    }
    let near = world.chart("near/x", "x", "0.5.0", &[]);
    let checkout = || {
        let monitor = Monitor::silent();
        Sources::default().with_checkout(&world.path("checkout"), &monitor).unwrap()
    };
    let collection = [world.path("collection")];
    let found = plan(&checkout(), &app).unwrap().dependencies.remove(0);
    assert!(matches!(found.origin, Origin::Checkout(_)) && found.version == "1.9.0");
    let found = plan(&checkout().with_collection(&collection).unwrap(), &app).unwrap();
    assert!(matches!(found.dependencies[0].origin, Origin::Collection(_)));
    assert_eq!(found.dependencies[0].version, "1.2.0");
    let workspace = Sources::new(vec![("x".to_owned(), near)]);
    let found = plan(&workspace.with_collection(&collection).unwrap(), &app).unwrap();
    assert_eq!(found.dependencies[0].version, "0.5.0");
    assert_eq!(rules(&found.findings), ["chart/version-range"]);
    // Without one in the range, the highest is taken and told.
    let app = world.chart("app", "app", "1.0.0", &["name: x, version: ^7"]);
    let found = plan(&Sources::default().with_collection(&collection).unwrap(), &app).unwrap();
    assert_eq!(found.dependencies[0].version, "2.0.0");
    assert_eq!(rules(&found.findings), ["chart/version-range"]);
}

#[test]
fn twins_and_circles_of_a_checkout_are_told() {
    let world = World::new();
    world.chart("c/one/x", "x", "1.0.0", &["name: yy"]);
    world.chart("c/two/x", "x", "2.0.0", &[]);
    world.chart("c/yy", "yy", "1.0.0", &["name: zz"]);
    world.chart("c/zz", "zz", "1.0.0", &["name: yy"]);
    world.chart("c/yy/charts/inner", "inner", "1.0.0", &[]);
    world.chart("c/node_modules/w", "w", "1.0.0", &[]);
    fs::create_dir(world.path("c/broken")).unwrap();
    fs::write(world.path("c/broken/Chart.yaml"), "a: [").unwrap();
    let sources = Sources::default().with_checkout(&world.path("c"), &Monitor::silent()).unwrap();
    let findings = sources.findings();
    assert_eq!(rules(findings), ["chart/unreadable", "chart/duplicate-name", "chart/circle"]);
    let twin = &findings[1];
    assert!(twin.message.contains("one/x") && twin.file.as_ref().unwrap().contains("two/x"));
    assert!(findings[2].message.contains("yy -> zz -> yy"), "{}", findings[2]);
    for hidden in ["inner", "w"] {
        let need = format!("name: {hidden}");
        let app = world.chart("app", "app", "1.0.0", &[&need]);
        assert!(matches!(plan(&sources, &app), Err(Error::DependencyNotFound { .. })), "{hidden}");
    }
    let app = world.chart("app", "app", "1.0.0", &["name: yy"]);
    let Err(Error::Circle { chain }) = plan(&sources, &app) else { panic!("a circle") };
    assert_eq!(chain, ["yy", "zz", "yy"]);
}

#[test]
fn what_can_not_be_read_in_a_collection_is_told_and_passed_over() {
    let world = World::new();
    world.packaged("collection", "x", "1.0.0");
    fs::write(world.path("collection/bad-1.tgz"), "rubbish").unwrap();
    let app = world.chart("app", "app", "1.0.0", &["name: x"]);
    let sources = Sources::default().with_collection(&[world.path("collection")]).unwrap();
    assert_eq!(rules(sources.findings()), ["chart/unreadable"]);
    assert!(plan(&sources, &app).is_ok());
    let gone = Sources::default().with_collection(&[world.path("gone")]);
    assert!(matches!(gone, Err(Error::Io { .. })));
}

#[test]
fn a_stale_path_is_healed_by_name_and_told() {
    let world = World::new();
    let x = world.chart("real/x", "x", "1.0.0", &[]);
    world.chart("other", "other", "1.0.0", &[]);
    let sources = Sources::new(vec![("x".to_owned(), x.clone())]);
    for (path, healed) in [
        ("file://../real/x".to_owned(), false),
        (format!("file://{}", x.display()), false),
        ("file://../gone/x".to_owned(), true),
        ("file:///gone/x".to_owned(), true),
        ("file://../other".to_owned(), true),
    ] {
        let need = format!("name: x, version: '*', repository: '{path}'");
        let app = world.chart("app", "app", "1.0.0", &[&need]);
        let plan = plan(&sources, &app).unwrap();
        assert_eq!(plan.dependencies[0].healed, healed, "{path}");
        let expected: &[&str] = if healed { &["chart/stale-path"] } else { &[] };
        assert_eq!(rules(&plan.findings), expected, "{path}");
    }
}

#[test]
fn an_update_is_the_same_the_second_time() {
    let world = World::new();
    let x = world.chart("x", "x", "0.3.0", &["name: yy, version: 0.0.0"]);
    let y = world.chart("yy", "yy", "7.0.0", &[]);
    let app = world.chart(
        "app",
        "app",
        "1.0.0",
        &[
            "name: x, version: 0.0.0",
            "name: yy, alias: z, version: 7.x",
            "name: x, version: 0.0.0, alias: again",
        ],
    );
    let sources = Sources::new(vec![("x".to_owned(), x), ("yy".to_owned(), y)]);
    let monitor = Monitor::silent();
    let resolver = Resolver { sources: &sources, remote: None, monitor: &monitor };
    let update = |now: u64| {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(now);
        let update = resolver.update(&Chart::load(&app).unwrap(), now).unwrap();
        resolver.write(&update).unwrap()
    };
    let first = update(1);
    assert_eq!((first.charts.len(), first.lock.is_some()), (2, true));
    assert!(app.join("charts/x/charts/yy/Chart.yaml").is_file());
    let lock = fs::read(app.join("Chart.lock")).unwrap();
    let second = update(2);
    assert_eq!((second.charts.len(), second.lock), (0, None));
    assert_eq!(fs::read(app.join("Chart.lock")).unwrap(), lock);
    let names: Vec<_> = fs::read_dir(app.join("charts")).unwrap().collect();
    assert_eq!(names.len(), 2, "nothing is left beside them");
    // Where versions are chosen, a range that is no `0.0.0` counts.
    world.chart("app", "app", "1.0.0", &["name: yy, version: ^8"]);
    fs::remove_dir_all(app.join("charts")).unwrap();
    let refused = resolver.update(&Chart::load(&app).unwrap(), SystemTime::UNIX_EPOCH);
    assert!(matches!(refused, Err(Error::NoVersion { .. })), "{refused:?}");
}
