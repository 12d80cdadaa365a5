//! `helm dependency list` of every range in `tests/golden/constraints.txt`: the table that the room
//! itself is tested with is still what Helm says.

use std::fs;

use crate::{each, expect_none, helm::Helm};

const GOLDEN: &str = include_str!("../golden/constraints.txt");

#[test]
fn the_table_of_ranges_is_what_helm_says() {
    let mut lines = GOLDEN.lines().skip(1);
    let versions = lines.next().and_then(|line| line.strip_prefix("# ")).unwrap();
    let versions: Vec<String> = serde_json::from_str(versions).unwrap();
    let rows: Vec<(&str, &str)> = lines.map(|line| line.split_once(' ').unwrap()).collect();
    assert!(rows.len() * versions.len() >= 4000);
    // Helm's time grows with the square of the number of dependencies.
    let parts: Vec<_> = rows.chunks(16).collect();
    let complaints = each(&parts, |rows| ask(rows, &versions));
    expect_none(&complaints.into_iter().flatten().collect::<Vec<_>>());
}

fn ask(rows: &[(&str, &str)], versions: &[String]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut chart = "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n".to_owned();
    for (row, (_, range)) in rows.iter().enumerate() {
        for (column, version) in versions.iter().enumerate() {
            let name = format!("d{row}-{column}");
            chart += &format!("- name: {name}\n  version: {range}\n");
            let folder = dir.path().join("c/charts").join(&name);
            fs::create_dir_all(&folder).unwrap();
            let text = format!("apiVersion: v2\nname: {name}\nversion: \"{version}\"\n");
            fs::write(folder.join("Chart.yaml"), text).unwrap();
        }
    }
    fs::write(dir.path().join("c/Chart.yaml"), chart).unwrap();
    let done = Helm::Three.run(dir.path(), &["dependency", "list", "c"]);
    assert!(done.ok, "{}", done.stderr);
    let mut signs =
        done.stdout.lines().skip(1).map(|line| match line.rsplit('\t').next().map(str::trim) {
            Some("unpacked") => '+',
            Some("wrong version") => '.',
            Some("invalid version") => 'E',
            other => panic!("{other:?}"),
        });
    let mut wrong = Vec::new();
    for (expected, range) in rows {
        let theirs: String = signs.by_ref().take(versions.len()).collect();
        if theirs != *expected {
            wrong.push(format!("{range}\n  table {expected}\n  Helm  {theirs}"));
        }
    }
    wrong
}
