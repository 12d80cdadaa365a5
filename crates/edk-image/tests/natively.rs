//! What is built without running anything, with whichever half of `machine` this is compiled with:
//! `scripts/test` runs it on Linux as it is, and once more with the half of other systems (feature
//! `elsewhere`). Both come to the very same image.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{collections::BTreeMap, fs, os::unix::fs::symlink, path::Path};

use edk_image::{Builder, Built, Containers, HostSettings, ImageError, PlanRequest};
use edk_model::{Explain as _, Monitor};
use edk_store::Store;
use edk_testkit::{TarEntry, tar};

fn build(folder: &Path, text: &str) -> Result<Built, ImageError> {
    let store = Store::open(&folder.join("store")).unwrap();
    let helper = Path::new(env!("CARGO_BIN_EXE_edk-image-helper"));
    let containers = Containers::open(&folder.join("containers"), helper).unwrap();
    let host = HostSettings::default();
    let builder = Builder { store: &store, containers: &containers, host: &host };
    let (args, context) = (BTreeMap::new(), folder.join("context"));
    let request = PlanRequest::new(text, "Dockerfile", &context, &args);
    let plan = builder.plan(&request, &Monitor::silent())?;
    builder.build(&plan, &Monitor::silent())
}

fn context() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join("context").join(path);
    for (path, text) in [
        ("etc/passwd", "root:x:0:0::/:/x\nann:x:1000:1001::/:/x\n"),
        ("etc/group", "root:x:0:\nstaff:x:50:\n"),
        ("src/a.txt", "a"),
        ("src/sub/b.txt", "b"),
        ("src/sub/deep/c.txt", "c"),
        ("src/skip.log", "no"),
        (".dockerignore", "**/*.log\n"),
    ] {
        fs::create_dir_all(at(path).parent().unwrap()).unwrap();
        fs::write(at(path), text).unwrap();
    }
    fs::hard_link(at("src/a.txt"), at("src/twin")).unwrap();
    symlink("sub/b.txt", at("src/soft")).unwrap();
    symlink("/x/sub", at("src/way")).unwrap();
    let packed = [
        TarEntry::Dir("in", 0o750),
        TarEntry::File("in/f", 0o640, b"packed"),
        TarEntry::Link("in/l", "f"),
    ];
    fs::write(at("packed.tar"), tar(&packed)).unwrap();
    folder
}

const TEXT: &str = "FROM scratch AS make\nCOPY etc /etc\nCOPY src /x\nADD packed.tar /packed\n\
    COPY --chown=ann:staff --chmod=u=rwX,go=rX src/sub /owned\nWORKDIR /w\nCOPY <<EOF here\ntext\nEOF\n\
    FROM make AS more\nCOPY src/a.txt /x/sub/b.txt\nCOPY src/sub/deep /x/way/new/\n\
    FROM scratch\nLABEL a=b\nCOPY --from=more /x /all\nCOPY --from=more /x/*.txt /x/s* /flat/\n\
    COPY --from=more /x/way/deep/c.txt /x/soft /single/\nCOPY --from=more --chown=3:4 /owned /given\n\
    COPY --from=more --exclude=*.txt /x /without\nCOPY --from=make /packed/in /w/here /kept/\n";

#[test]
fn the_same_image_comes_of_it_on_every_system() {
    let folder = context();
    let built = build(folder.path(), TEXT).unwrap();
    assert_eq!(built.steps, 14);
    let digest = built.image.descriptor.digest.to_string();
    assert_eq!(digest, "sha256:64441dc74cc073b1fd9c741913ab0734b631f645ae8e51f5f12b91b7d14b2afe");
    assert!(build(folder.path(), TEXT).unwrap().unchanged);
    let parents = "# syntax=docker/dockerfile:1\nFROM scratch AS make\nCOPY src /x\nFROM scratch\n\
                   COPY --from=make --parents /x/./sub/**/*.txt /x/a.txt /p/\n";
    let digest = build(folder.path(), parents).unwrap().image.descriptor.digest.to_string();
    assert_eq!(digest, "sha256:a03d04e0f4c3c264b72967fe71cfe61b2f2202375904b60576205040f2ade0fc");
}

#[test]
fn what_a_stage_does_not_have_is_told_with_its_line() {
    let folder = context();
    let text = "FROM scratch AS make\nCOPY src /x\nFROM scratch\nCOPY --from=make /x/none* /\n";
    let error = build(folder.path(), text).unwrap_err();
    let ImageError::Findings { findings, .. } = error else { panic!("{error}") };
    let told = findings[0].to_string();
    assert!(told.starts_with("Dockerfile:4:1") && told.contains("/x/none*"), "{told}");
}

/// Every other system hands commands to an engine; it never leaves them out.
#[cfg(feature = "elsewhere")]
#[test]
fn a_command_is_refused_with_the_engines_that_run_it() {
    let folder = context();
    let error = build(folder.path(), "FROM scratch\nCOPY src /x\nRUN true\n").unwrap_err();
    assert_eq!(error.code(), edk_model::Code::Unsupported);
    assert!(error.hints()[0].contains("--engine"), "{:?}", error.hints());
}

#[cfg(not(feature = "elsewhere"))]
#[test]
fn a_command_is_run() {
    let folder = context();
    let error = build(folder.path(), "FROM scratch\nCOPY src /x\nRUN [\"/none\"]\n").unwrap_err();
    assert_ne!(error.code(), edk_model::Code::Unsupported);
}
