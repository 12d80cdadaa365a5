//! What holds for every build: its layers, applied by whomever, are the file system it saw; and the
//! same input gives the same digest, whatever the clock says.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bench;

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    time::{Duration, SystemTime},
};

use bench::Bench;
use edk_image::{Image, export_rootfs};
use edk_model::{Digest, Monitor};
use proptest::prelude::*;

/// Tells type, mode, owner, and where a link leads or what a file holds, of all below `/w`.
const LOOK: &str = "cd / && busybox find w | sort | while read -r f; do \
    if test -L $f; then echo \"$f link $(stat -c '%u %g' $f) $(readlink $f)\"; \
    elif test -d $f; then echo \"$f dir $(stat -c '%a %u %g' $f)\"; \
    else echo \"$f file $(stat -c '%a %u %g' $f) $(cat $f)\"; fi; done";

/// A path of few names, so that they meet.
fn path() -> impl Strategy<Value = String> {
    "/w/[ab](/[ab]){0,2}"
}

/// Something a command may do to files; what can't be done changes nothing.
fn change() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => path().prop_map(|p| format!("mkdir -p {p}")),
        2 => path().prop_map(|p| format!("rm -rf {p}")),
        // Made again: something else takes its place.
        2 => path().prop_map(|p| format!("rm -rf {p} && mkdir {p}")),
        4 => (path(), 0_u32..1000).prop_map(|(p, n)| format!("rm -f {p}; echo {n} > {p}")),
        1 => (path(), path()).prop_map(|(p, to)| format!("ln -sfn {to} {p}")),
        1 => path().prop_map(|p| format!("ln -sfn ../b {p}")),
        1 => (path(), path()).prop_map(|(p, to)| format!("ln {p} {to}")),
        // A folder onto something: an overlay can't rename what is below it, and busybox, which then
        // copies, takes nothing's place.
        2 => (path(), path()).prop_map(|(p, to)| format!(
            "{{ test -d {p} && {{ test -e {to} || test -L {to}; }}; }} || mv {p} {to}"
        )),
        1 => path().prop_map(|p| format!("test -L {p} || test -f {p} || chmod 2711 {p}")),
        1 => path().prop_map(|p| format!("test -L {p} || test -f {p} || chown 5:6 {p}")),
    ]
}

fn script(changes: &[String]) -> String {
    let mut text = "mkdir -p /w".to_owned();
    for change in changes {
        text.push_str(&format!("; {{ {change}; }} 2>/dev/null"));
    }
    text + "; true"
}

/// The same as [`LOOK`], of an export.
fn exported(bench: &Bench, image: &Image) -> String {
    let out = bench.context.join("out.tar");
    export_rootfs(&bench.store, image, &out, &Monitor::silent()).unwrap();
    let file = fs::File::open(&out).unwrap();
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for entry in tar::Archive::new(file).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().trim_end_matches('/').to_owned();
        if path != "w" && !path.starts_with("w/") {
            continue;
        }
        let header = entry.header();
        let own = format!("{} {}", header.uid().unwrap(), header.gid().unwrap());
        let mode = format!("{:o}", header.mode().unwrap() & 0o7777);
        let link = entry.link_name().unwrap().map(|link| link.to_str().unwrap().to_owned());
        let told = match header.entry_type() {
            tar::EntryType::Directory => format!("dir {mode} {own}"),
            tar::EntryType::Symlink => format!("link {own} {}", link.unwrap()),
            tar::EntryType::Link => found[&link.unwrap()].clone(),
            _ => {
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                format!("file {mode} {own} {}", text.trim_end())
            }
        };
        found.insert(path, told);
    }
    let mut lines: Vec<String> =
        found.iter().map(|(path, told)| format!("{path} {told}")).collect();
    lines.sort();
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn layers_applied_by_anybody_are_the_file_system_of_the_build(
        steps in prop::collection::vec(prop::collection::vec(change(), 1..7), 1..5),
    ) {
        let bench = Bench::new();
        let base = bench.build("FROM local-only/busybox").unwrap().image;
        let all: Vec<String> = steps.iter().map(|changes| script(changes)).collect();
        // In one process, without any layer in between: what the kernel makes of it.
        let expected = bench.sh(&base, &format!("{}; {LOOK}", all.join("; ")));
        let runs: Vec<String> = all.iter().map(|text| format!("RUN {text}\n")).collect();
        let text = format!("FROM local-only/busybox\n{}", runs.concat());
        let built = bench.build(&text).unwrap().image;
        prop_assert_eq!(&bench.sh(&built, LOOK), &expected, "stacked as they were made");
        // The same build elsewhere unpacks what it did not make itself.
        let other = Bench::new();
        for layer in &built.layers {
            let mut blob = bench.store.reader(&layer.descriptor.digest).unwrap();
            let mut writer = other.store.writer().unwrap();
            std::io::copy(&mut blob, &mut writer).unwrap();
            writer.commit(&layer.descriptor.media_type).unwrap();
        }
        prop_assert_eq!(&other.sh(&built, LOOK), &expected, "unpacked");
        prop_assert_eq!(&exported(&bench, &built), &expected, "read from the layers");
        let copied = other.build(&text).unwrap().image;
        prop_assert_eq!(copied.descriptor, built.descriptor, "the same input");
        // COPY takes the files as they look, and its layer is applied as well.
        let copy = format!("{text}FROM scratch\nCOPY --from=0 /bin /bin\nCOPY --from=0 /w /w\n");
        let copied = bench.build(&copy).unwrap().image;
        let as_copied = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(as_copied(&bench.sh(&copied, LOOK)), as_copied(&expected), "copied");
    }
}

#[test]
fn the_times_of_files_and_of_the_clock_leave_no_trace() {
    let digest = |seconds: u64, date: &str| -> Digest {
        let bench = Bench::new();
        bench.write("src/a", "a");
        bench.write("src/sub/b", "b");
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for path in ["src/a", "src/sub/b", "src/sub", "src"] {
            fs::File::open(bench.context.join(path)).unwrap().set_modified(time).unwrap();
        }
        // The date is an input of nothing: it stands in a file that a bind shows.
        bench.write("date", date);
        let text = "FROM local-only/busybox\nCOPY src /x\nWORKDIR /w\n\
                    RUN mkdir d && touch d/f && ln -s f d/l && date > /dev/null\n";
        let dated = "RUN --mount=type=secret,id=date,target=/date \
                     touch -d \"$(cat /date)\" d/f d /x/a && touch -h -d \"$(cat /date)\" d/l || true\n";
        let mut bench = bench;
        bench.plan.secrets.insert("date".to_owned());
        bench.how.secrets.insert("date".to_owned(), edk_container::Content(date.into()));
        bench.build(&format!("{text}{dated}")).unwrap().image.descriptor.digest
    };
    let expected = digest(1_000_000_000, "2001-09-09 01:46:40");
    for (seconds, date) in [
        (0, "1970-01-01 00:00:00"),
        (1, "2037-12-31 23:59:59"),
        (4_000_000_000, "2096-10-02 07:06:40"),
    ] {
        assert_eq!(digest(seconds, date), expected, "{date}");
    }
}
