//! A step is done again when one of its inputs changes, says which, and is not done again for
//! anything else.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bench;

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    time::{Duration, SystemTime},
};

use bench::Bench;
use edk_container::Content;

const TEXT: &str = "FROM local-only/busybox AS other\nRUN echo o > /o\n\
    FROM local-only/busybox\nARG GIVEN=1\nENV SET=1\nWORKDIR /w\nCOPY src /x\nLABEL l=1\n\
    RUN --mount=type=bind,source=bound,target=/b --mount=type=cache,id=c,target=/c \
    --mount=type=secret,id=s,target=/s cat /b/f > /made\n\
    COPY --from=other /o /from\n";

/// The places of the steps: of the other stage, WORKDIR, COPY, RUN, COPY --from.
const STEPS: [&str; 5] =
    ["Dockerfile:2", "Dockerfile:6", "Dockerfile:7", "Dockerfile:9", "Dockerfile:10"];

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.write("src/f", "one");
    bench.write("src/sub/g", "two");
    bench.write("bound/f", "b");
    bench.write("unused", "u");
    bench.write(".dockerignore", "**/*.log\n");
    bench.write("src/a.log", "hidden");
    symlink("f", bench.context.join("src/link")).unwrap();
    bench.plan.secrets.insert("s".to_owned());
    bench.how.secrets.insert("s".to_owned(), Content(b"1".to_vec()));
    bench
}

/// Builds `TEXT`, does something, builds what `TEXT` became, and expects the steps that are done
/// again, the first of them for the reason that has these words.
#[track_caller]
fn check(words: &str, again: &[usize], change: impl FnOnce(&mut Bench, &mut String)) {
    let mut bench = bench();
    let mut text = TEXT.to_owned();
    bench.build(&text).unwrap();
    assert!(bench.build(&text).unwrap().unchanged);
    change(&mut bench, &mut text);
    let built = bench.build(&text).unwrap();
    let places: Vec<&str> =
        built.explained.iter().filter(|it| !it.reused).map(|it| it.place.as_str()).collect();
    let expected: Vec<&str> = again.iter().map(|&at| STEPS[at]).collect();
    assert_eq!(places, expected, "{words}: {:#?}", built.explained);
    if let Some(first) = built.explained.iter().find(|it| !it.reused) {
        assert!(first.reasons.join("; ").contains(words), "{words}: {first:#?}");
    }
    for step in built.explained.iter().filter(|it| it.reused) {
        assert_eq!(step.reasons, [""; 0]);
    }
}

/// As [`check`], for a change of the Dockerfile.
#[track_caller]
fn edit(words: &str, again: &[usize], from: &str, to: &str) {
    check(words, again, |_, text| {
        assert!(text.contains(from), "{from}");
        *text = text.replacen(from, to, 1);
    });
}

#[test]
fn every_input_of_a_copy_counts_and_is_named() {
    check("file `src/f` changed", &[2, 3, 4], |bench, _| {
        // The same length and the same times: only the content tells.
        let path = bench.context.join("src/f");
        let times = fs::metadata(&path).unwrap();
        fs::write(&path, "two").unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        let times = fs::FileTimes::new()
            .set_modified(times.modified().unwrap())
            .set_accessed(times.accessed().unwrap());
        file.set_times(times).unwrap();
    });
    check("file `src/f` changed", &[2, 3, 4], |bench, _| {
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(bench.context.join("src/f"), mode).unwrap();
    });
    check("file `src/f` changed", &[2, 3, 4], |bench, _| {
        xattr::set(bench.context.join("src/f"), "user.note", b"x").unwrap();
    });
    check("folder `src/sub` changed", &[2, 3, 4], |bench, _| {
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(bench.context.join("src/sub"), mode).unwrap();
    });
    check("file `src/new` is new", &[2, 3, 4], |bench, _| bench.write("src/new", ""));
    check("file `src/sub/g` is gone", &[2, 3, 4], |bench, _| {
        fs::remove_file(bench.context.join("src/sub/g")).unwrap();
    });
    check("file `src/link` changed", &[2, 3, 4], |bench, _| {
        fs::remove_file(bench.context.join("src/link")).unwrap();
        symlink("sub/g", bench.context.join("src/link")).unwrap();
    });
    check("file `src/a.log` is new", &[2, 3, 4], |bench, _| bench.write(".dockerignore", ""));
    edit("the instruction was `COPY src /x`", &[2, 3, 4], "COPY src /x", "COPY src /y");
    edit("the instruction was", &[2, 3, 4], "COPY src", "COPY --chown=1:2 src");
    edit("the instruction was", &[2, 3, 4], "COPY src", "COPY --chmod=700 src");
    edit("file `src/f` is gone", &[2, 3, 4], "COPY src", "COPY --exclude=f src");
    // What a copy from elsewhere takes, and what it lies on.
    edit("the instruction was `RUN echo o > /o`", &[0, 4], "echo o >", "echo p >");
    edit("the instruction was", &[4], "/o /from", "/o /there");
}

#[test]
fn every_input_of_a_command_counts_and_is_named() {
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    check("variable GIVEN changed", &[3], |bench, _| bench.args.extend([variable("GIVEN", "2")]));
    edit("variable SET changed", &[3], "SET=1", "SET=2");
    edit("variable MORE is new", &[3], "SET=1", "SET=1 MORE=1");
    edit("USER changed", &[3], "LABEL l=1", "USER root");
    edit("the instruction was", &[3], "cat /b/f", "cat  /b/f");
    edit(
        "the instruction was",
        &[3],
        "RUN --mount=type=bind",
        "RUN --network=none --mount=type=bind",
    );
    edit("a bind changed", &[3], "target=/b ", "target=/b,rw ");
    edit("a cache changed", &[3], "id=c", "id=d");
    edit("a secret changed", &[3], "target=/s ", "target=/s,mode=0444 ");
    check("file `bound/f` changed", &[3, 4], |bench, _| bench.write("bound/f", "c"));
    // Its result is the same, so what follows is there.
    edit("the instruction was `WORKDIR /w`", &[1, 2, 3, 4], "WORKDIR /w", "WORKDIR /v");
}

#[test]
fn nothing_else_makes_a_step_be_done_again() {
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let old = |bench: &Bench, path: &str| {
        let file = fs::File::options().write(true).open(bench.context.join(path)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    };
    check("", &[], |bench, _| old(bench, "src/f"));
    check("", &[], |bench, _| bench.write("unused", "changed"));
    check("", &[], |bench, _| bench.write("src/a.log", "changed"));
    check("", &[], |bench, _| bench.write("src/b.log", "new"));
    check("", &[], |bench, _| {
        bench.how.secrets.insert("s".to_owned(), Content(b"2".to_vec()));
    });
    check("", &[], |bench, _| bench.args.extend([variable("https_proxy", "http://p:1")]));
    check("", &[], |bench, _| bench.args.extend([variable("UNDECLARED", "1")]));
    check("", &[], |bench, _| bench.host.env.extend([variable("PIP_INDEX_URL", "x")]));
    check("", &[], |bench, _| bench.plan.labels.extend([variable("l", "m")]));
    check("", &[], |_, text| text.push_str("LABEL a=b\nCMD [\"x\"]\n# comment\n"));
    edit("", &[], "FROM local-only/busybox\nARG", "FROM local-only/busybox AS last\nARG");
    // The same files under another inode, as after a fresh clone.
    check("", &[], |bench, _| {
        fs::rename(bench.context.join("src/f"), bench.context.join("moved")).unwrap();
        fs::copy(bench.context.join("moved"), bench.context.join("src/f")).unwrap();
    });
}

#[test]
fn a_linked_copy_does_not_look_at_what_it_lies_on() {
    let bench = bench();
    let text =
        |n: u32| format!("FROM local-only/busybox\nRUN echo {n} > /n\nCOPY --link src /x/y\n");
    let first = bench.build(&text(1)).unwrap();
    let second = bench.build(&text(2)).unwrap();
    assert_eq!(second.reused, 1, "{:#?}", second.explained);
    assert_eq!(first.image.layers[2], second.image.layers[2]);
    assert_eq!(bench.sh(&second.image, "cat /n /x/y/f"), "2\none");
}

#[test]
fn without_the_cache_everything_is_done_again_with_the_same_result() {
    let mut bench = bench();
    let first = bench.build(TEXT).unwrap();
    bench.how.fresh = true;
    let again = bench.build(TEXT).unwrap();
    assert_eq!((again.reused, again.unchanged), (0, true));
    assert_eq!(first.image, again.image);
    assert!(again.explained.iter().all(|it| it.reasons[0].contains("--no-cache")));
}

#[test]
fn a_layer_that_was_collected_is_told_apart_from_a_changed_input() {
    let bench = bench();
    let first = bench.build(TEXT).unwrap();
    bench.store.remove(&first.image.layers.last().unwrap().descriptor.digest).unwrap();
    let again = bench.build(TEXT).unwrap();
    let last = again.explained.last().unwrap();
    assert_eq!((last.reused, last.reasons.len()), (false, 1));
    assert!(last.reasons[0].contains("no longer in the store"), "{last:?}");
}
