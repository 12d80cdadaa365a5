//! Real builds on a base of one static program.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bench;

use std::{fs, io::Read as _};

use bench::Bench;
use edk_container::{Content, Network, RunSpec};
use edk_image::{Compression, Image, ImageError, installer_base};
use edk_model::{Monitor, media};

const APP: &str = "FROM local-only/busybox:latest\nWORKDIR /app\nCOPY needs.txt .\n\
                   RUN cat needs.txt > installed; echo $FROM_BASE >> installed\nCOPY src/ .\nCMD [\"sh\", \"/app/main.sh\"]\n";

fn app() -> Bench {
    let bench = Bench::new();
    bench.write("needs.txt", "one\n");
    bench.write("src/main.sh", "echo main");
    bench.write("src/sub/more.sh", "echo more");
    bench
}

#[test]
fn an_image_is_built_and_runs() {
    let bench = app();
    let built = bench.build(APP).unwrap();
    assert_eq!((built.steps, built.reused, built.unchanged), (4, 0, false));
    let script = "cat /app/installed; sh /app/main.sh; sh /app/sub/more.sh; stat -c '%a %u %Y' /app /app/main.sh";
    assert_eq!(
        bench.sh(&built.image, script),
        "one\n1\nmain\nmore\n755 0 315532800\n644 0 315532800"
    );
    assert_eq!(built.image.config().command(), ["sh", "/app/main.sh"]);
    assert_eq!(built.image.config().working_dir, "/app");
}

#[test]
fn a_build_without_a_change_reuses_everything_and_says_so() {
    let bench = app();
    let first = bench.build(APP).unwrap();
    let second = bench.build(APP).unwrap();
    assert_eq!((second.reused, second.unchanged), (4, true));
    assert_eq!(second.image, first.image);
}

#[test]
fn an_edit_makes_only_the_layers_after_it_again() {
    let bench = app();
    let first = bench.build(APP).unwrap();
    bench.write("src/main.sh", "echo edited");
    let second = bench.build(APP).unwrap();
    assert_eq!((second.reused, second.unchanged), (3, false));
    assert_eq!(second.image.layers[..4], first.image.layers[..4]);
    assert_eq!(bench.sh(&second.image, "sh /app/main.sh"), "edited");
    bench.write("needs.txt", "two\n");
    assert_eq!(bench.build(APP).unwrap().reused, 1);
}

#[test]
fn a_folder_made_anew_is_no_trace_of_one_deleted_layers_ago() {
    let bench = Bench::new();
    let text = "FROM local-only/busybox\nRUN mkdir -p /w/a/a\nRUN rm -rf /w/a\n\
                RUN mkdir /w/a\nRUN mkdir /w/a/a\n";
    let built = bench.build(text).unwrap().image;
    assert!(bench.paths(&built, 4).contains(&"w/a/a/".to_owned()));
}

#[test]
fn two_stores_give_the_same_digest() {
    let digests: Vec<_> =
        [app(), app()].iter().map(|bench| bench.build(APP).unwrap().image.descriptor).collect();
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_copy_brings_along_only_folders_that_are_not_there() {
    let bench = app();
    let text = "FROM local-only/busybox\nCOPY needs.txt /tmp/a/b/\nCOPY --chown=5:6 --chmod=700 src /tmp/src\nCOPY src/main.sh /bin";
    let image = bench.build(text).unwrap().image;
    assert_eq!(bench.paths(&image, 1), ["tmp/a/", "tmp/a/b/", "tmp/a/b/needs.txt"]);
    let script = "stat -c '%a' /tmp; stat -c '%a %u %g' /tmp/src/main.sh; cat /bin/main.sh";
    assert_eq!(bench.sh(&image, script), "1777\n700 5 6\necho main");
}

#[test]
fn a_copy_follows_the_links_of_the_image() {
    let bench = app();
    let text = "FROM local-only/busybox\nRUN mkdir -p /usr/lib && ln -s usr/lib /lib\nCOPY needs.txt /lib/x/";
    let image = bench.build(text).unwrap().image;
    assert_eq!(bench.paths(&image, 2), ["usr/lib/x/", "usr/lib/x/needs.txt"]);
    assert_eq!(bench.sh(&image, "readlink /lib; cat /usr/lib/x/needs.txt"), "usr/lib\none");
}

#[test]
fn a_stage_can_stand_on_an_earlier_one() {
    let bench = app();
    let text = "FROM local-only/busybox AS base\nENV A=1\nRUN echo base > /f\nFROM nowhere AS unused\nFROM base\nCOPY needs.txt /n";
    let image = bench.build(text).unwrap().image;
    assert_eq!(bench.sh(&image, "cat /f /n; echo $A"), "base\none\n1");
}

#[test]
fn files_are_copied_from_stages_and_images_as_they_look_there() {
    let bench = app();
    let text = "FROM local-only/busybox AS make\nRUN mkdir -p /out/sub && echo a > /out/a.whl && echo b > /out/b.whl \
                && ln /out/a.whl /out/sub/hard && ln -s ../b.whl /out/sub/soft && chown 7:7 /out/a.whl && chmod 4755 /out/b.whl\n\
                FROM local-only/busybox AS unused\nRUN exit 1\nFROM local-only/busybox\n\
                COPY --from=make /out /all\nCOPY --from=0 /out/*.whl /wheels/\nCOPY --from=make /out/a.whl /one\n\
                COPY --from=local-only/busybox --chown=ann /etc/group /etc/copied";
    let image = bench.build(text).unwrap().image;
    let script = "stat -c '%n %a %u %g %h' /all/a.whl /all/b.whl /all/sub/hard /wheels/a.whl /one /etc/copied; readlink /all/sub/soft; cat /all/sub/hard /one";
    assert_eq!(
        bench.sh(&image, script),
        "/all/a.whl 644 7 7 2\n/all/b.whl 4755 0 0 1\n/all/sub/hard 644 7 7 2\n/wheels/a.whl 644 7 7 1\n\
         /one 644 7 7 1\n/etc/copied 644 1000 1000 1\n../b.whl\na\na"
    );
    assert_eq!(bench.build(text).unwrap().reused, 5);
    let error = bench
        .build("FROM local-only/busybox AS a\nFROM local-only/busybox\nCOPY --from=a /nope /x")
        .unwrap_err();
    let ImageError::Findings { findings, .. } = error else { panic!("{error}") };
    assert!(
        findings[0].to_string().starts_with("Dockerfile:3:1: `COPY --from=a /nope /x`"),
        "{findings:?}"
    );
}

#[test]
fn here_documents_are_scripts_and_files() {
    let bench = app();
    let text = "FROM local-only/busybox\nENV A=1\nRUN <<EOF\necho one > /f\necho $A >> /f\nEOF\n\
                RUN cat <<'EOF' > /g\n$A \"q\"\nEOF\nCOPY <<EOF <<'RAW' needs.txt /d/\n$A 'x' ${B:-y}\nEOF\n$A\nRAW\n";
    let image = bench.build(text).unwrap().image;
    assert_eq!(
        bench.sh(&image, "cat /f /g /d/EOF /d/RAW /d/needs.txt"),
        "one\n1\n$A \"q\"\n1 'x' y\n$A\none"
    );
}

#[test]
fn mounts_of_a_command_leave_nothing_in_the_image_and_caches_stay() {
    let bench = app();
    let text = |n: u32| {
        format!(
            "FROM local-only/busybox\nWORKDIR /w\nRUN --mount=type=cache,target=/c --mount=type=bind,source=src,target=/b \
             --mount=type=tmpfs,target=t echo {n} >> /c/log && cat /c/log /b/main.sh > /got && touch t/x"
        )
    };
    bench.build(&text(1)).unwrap();
    let image = bench.build(&text(2)).unwrap().image;
    assert_eq!(bench.sh(&image, "cat /got; ls /c /b /w/t 2>/dev/null; ls /w"), "1\n2\necho main");
    assert!(bench.build(&text(2)).unwrap().unchanged);
    bench.write("src/main.sh", "echo edited");
    assert!(!bench.build(&text(2)).unwrap().unchanged, "what a bind shows is an input");
}

#[test]
fn the_triggers_of_a_base_run_in_those_who_take_it_and_only_there() {
    let bench = app();
    let base = bench
        .build("FROM local-only/busybox\nONBUILD COPY needs.txt /n\nONBUILD ENV T=1")
        .unwrap()
        .image;
    bench.store.tag("local-only/onbuild", "latest", &base.descriptor).unwrap();
    let image = bench.build("FROM local-only/onbuild\nRUN echo $T > /t").unwrap().image;
    assert_eq!(bench.sh(&image, "cat /n /t"), "one\n1");
    assert_eq!(image.config().on_build, [""; 0]);
}

#[test]
fn a_command_without_a_network_has_none() {
    let bench = app();
    let image = bench
        .build("FROM local-only/busybox\nRUN --network=none cat /proc/net/dev > /dev-list")
        .unwrap()
        .image;
    assert!(!bench.sh(&image, "cat /dev-list").contains("eth"));
}

#[test]
fn a_failing_command_is_told_with_its_place_and_last_words() {
    let bench = app();
    let error = bench.build("FROM local-only/busybox\nRUN echo why; exit 3").unwrap_err();
    let ImageError::CommandFailed { place, code, output, .. } = error else { panic!("{error}") };
    assert_eq!((place.as_str(), code, output), ("Dockerfile:2", 3, vec!["why".to_owned()]));
    let error = bench.build("FROM local-only/busybox\nRUN [\"/no/such\"]").unwrap_err();
    let ImageError::Findings { findings, .. } = error else { panic!("{error}") };
    assert!(findings[0].to_string().contains("Dockerfile:2:1"), "{findings:?}");
}

#[test]
fn settings_of_the_host_reach_a_command_but_not_the_image() {
    let mut bench = app();
    bench.host.env.push(("PIP_CERT".to_owned(), "/etc/ca.pem".to_owned()));
    bench.host.env.push(("FROM_BASE".to_owned(), "overridden".to_owned()));
    let image =
        bench.build("FROM local-only/busybox\nRUN echo $PIP_CERT $FROM_BASE > /f").unwrap().image;
    assert_eq!(bench.sh(&image, "cat /f; echo [$PIP_CERT]"), "/etc/ca.pem 1\n[]");
    bench.host.env.clear();
    assert!(
        bench
            .build("FROM local-only/busybox\nRUN echo $PIP_CERT $FROM_BASE > /f")
            .unwrap()
            .unchanged
    );
}

#[test]
fn the_installer_base_is_one_small_static_program() {
    let bench = app();
    let image = installer_base(&bench.store).unwrap();
    assert_eq!(installer_base(&bench.store).unwrap().descriptor, image.descriptor);
    assert_eq!(bench.paths(&image, 0), ["installer"]);
    assert!(image.size() < 1_500_000, "{}", image.size());
    let text = "FROM local-only/base-installer:latest\nCOPY src/main.sh /kaapana/tmp/dags/";
    let dag = bench.build(text).unwrap().image;
    assert_eq!(dag.config().command(), ["/installer"]);
    let spec = RunSpec {
        layers: dag.prepare(&bench.store, &bench.containers, &Monitor::silent()).unwrap(),
        argv: dag.config().command(),
        env: Vec::new(),
        cwd: "/".to_owned(),
        user: String::new(),
        binds: Vec::new(),
        mounts: Vec::new(),
        network: Network::None,
    };
    // Without an ACTION the installer refuses: what counts here is that it starts in an empty root.
    let exit = bench.containers.run(&spec, &mut |_| {}, &Monitor::silent()).unwrap();
    assert_eq!(exit.code, 1);
}

#[test]
fn a_layer_of_the_store_is_a_gzip_stream() {
    let bench = app();
    let image = bench.build(APP).unwrap().image;
    let mut magic = [0; 2];
    bench.store.reader(&image.layers[1].descriptor.digest).unwrap().read_exact(&mut magic).unwrap();
    assert_eq!(magic, [0x1f, 0x8b]);
    assert_eq!(image.layers[1].descriptor.media_type, media::LAYER_GZIP);
}

#[test]
fn layers_may_be_compressed_with_zstd_and_stand_on_others() {
    let mut bench = app();
    let gzip = bench.build(APP).unwrap().image;
    bench.plan.compression = Compression::Zstd;
    let built = bench.build(APP).unwrap();
    let reasons = &built.explained[0].reasons;
    assert!(reasons[0].contains("the compression"), "{reasons:?}");
    let zstd = built.image;
    let diff_ids = |image: &Image| image.layers.iter().map(|it| it.diff_id).collect::<Vec<_>>();
    assert_eq!(diff_ids(&zstd), diff_ids(&gzip));
    assert_eq!(zstd.layers[0], gzip.layers[0], "the base is as it was");
    for layer in &zstd.layers[1..] {
        assert_eq!(layer.descriptor.media_type, media::LAYER_ZSTD);
        let mut magic = [0; 4];
        bench.store.reader(&layer.descriptor.digest).unwrap().read_exact(&mut magic).unwrap();
        assert_eq!(magic, [0x28, 0xb5, 0x2f, 0xfd], "RFC 8878, section 3.1.1");
    }
    // Unpacked elsewhere, indexed for a copy, and built on with gzip.
    bench.store.tag("local-only/small", "latest", &zstd.descriptor).unwrap();
    bench.plan.compression = Compression::Gzip;
    let mut elsewhere = Bench::new();
    std::mem::swap(&mut bench.containers, &mut elsewhere.containers);
    let text = "FROM local-only/small\nCOPY needs.txt /app/again\nRUN cat installed again > all\n";
    let image = bench.build(text).unwrap().image;
    assert_eq!(bench.sh(&image, "cat /app/all"), "one\n1\none");
    assert_eq!(image.layers.last().unwrap().descriptor.media_type, media::LAYER_GZIP);
}

#[test]
fn a_script_is_run_by_the_interpreter_it_names() {
    let bench = app();
    let text = "FROM local-only/busybox\nRUN <<EOF\n#!/bin/sh -x\necho $0 > /f\nEOF\n\
                RUN <<EOF\n#!/bin/touch\nEOF";
    let image = bench.build(text).unwrap().image;
    assert_eq!(bench.sh(&image, "cat /f; ls /dev/pipes 2>&1 | wc -l"), "/dev/pipes/EOF\n1");
    assert_eq!(bench.paths(&image, 2), [""; 0]);
}

#[test]
fn a_secret_reaches_its_command_and_nothing_of_the_image() {
    let mut bench = app();
    let content = Content(b"hunter2hunter2".to_vec());
    bench.plan.secrets.insert("key".to_owned());
    bench.how.secrets.insert("key".to_owned(), content);
    let text = "FROM local-only/busybox\n\
        RUN --mount=type=secret,id=key --mount=type=secret,id=key,env=KEY \
        test \"$KEY\" = \"$(cat /run/secrets/key)\" && stat -c '%a %u' /run/secrets/key > /mode\n\
        RUN --mount=type=secret,id=key,target=/x/y,mode=0440,uid=5,gid=6 stat -c '%a %u %g' /x/y > /look\n\
        RUN test -z \"$KEY\" && test ! -e /run/secrets/key";
    let image = bench.build(text).unwrap().image;
    assert_eq!(bench.sh(&image, "cat /mode /look; ls /run /x 2>/dev/null; true"), "400 0\n440 5 6");
    for entry in fs::read_dir(bench.store.root().join("blobs/sha256")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let mut all = bytes.clone();
        let _ = flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut all);
        assert!(!all.windows(14).any(|part| part == b"hunter2hunter2"));
    }
    bench.plan.secrets.clear();
    let error = bench.build("FROM scratch\nRUN --mount=type=secret,id=key,required a").unwrap_err();
    let ImageError::Findings { findings, .. } = error else { panic!("{error}") };
    assert!(findings[0].to_string().starts_with("Dockerfile:2:1: the secret `key` is required"));
}

#[test]
fn stages_that_do_not_need_each_other_are_built_at_the_same_time() {
    let mut bench = app();
    bench.how.workers = 2;
    // Each waits for the other.
    let stage = |name: &str, other: &str| {
        format!(
            "FROM local-only/busybox AS {name}\nRUN --mount=type=cache,id=meet,target=/m touch /m/{name}; \
             until test -e /m/{other}; do sleep 0.05; done; echo {name} > /f\n"
        )
    };
    let text = stage("a", "b")
        + &stage("b", "a")
        + "FROM local-only/busybox\nCOPY --from=a /f /a\nCOPY --from=b /f /b\n";
    let image = bench.build(&text).unwrap().image;
    assert_eq!(bench.sh(&image, "cat /a /b"), "a\nb");
}

#[test]
fn the_same_step_of_two_stages_is_done_once() {
    let mut bench = app();
    bench.how.workers = 2;
    let same = "RUN --mount=type=cache,id=count,target=/c echo x >> /c/n; sleep 0.2\n";
    let text = format!(
        "FROM local-only/busybox AS a\n{same}FROM local-only/busybox AS b\n{same}\
         FROM local-only/busybox\nCOPY --from=a /etc /a\nCOPY --from=b /etc /b\n\
         RUN --mount=type=cache,id=count,target=/c cat /c/n > /n"
    );
    let built = bench.build(&text).unwrap();
    assert_eq!(bench.sh(&built.image, "cat /n"), "x");
    assert_eq!(built.reused, 1);
}

#[test]
fn a_stage_that_fails_ends_the_others_and_is_what_is_told() {
    let mut bench = app();
    bench.how.workers = 2;
    let text = "FROM local-only/busybox AS a\nRUN sleep 100\nFROM local-only/busybox AS b\nRUN exit 7\n\
                FROM local-only/busybox\nCOPY --from=a /etc /a\nCOPY --from=b /etc /b\n";
    let error = bench.build(text).unwrap_err();
    let ImageError::CommandFailed { place, code, .. } = error else { panic!("{error}") };
    assert_eq!((place.as_str(), code), ("Dockerfile:4", 7));
}

#[test]
fn copies_keep_folders_leave_out_and_change_modes_as_they_are_told() {
    let bench = app();
    bench.write("src/skip.md", "");
    bench.write("src/sub/skip.md", "");
    let text = "FROM local-only/busybox AS a\nCOPY --parents --exclude=**/*.md src/./s* src/main.sh /p/\n\
                COPY --exclude=*.md --exclude=sub/*.md src /x\nCOPY --chmod=u=rwX,go= src /m\n\
                FROM local-only/busybox\nCOPY --from=a --parents /p/./**/*.sh /q/\nCOPY --from=a --exclude=sub /x /y\n\
                COPY --from=a /m /m";
    let image = bench.build(text).unwrap().image;
    let script = "cd /q && ls -d * */* */*/*; ls /y; stat -c '%a %n' /m/sub /m/main.sh";
    let expected = "src\nsrc/main.sh\nsub\nsub/more.sh\nmain.sh\n700 /m/sub\n600 /m/main.sh";
    assert_eq!(
        bench.sh(&image, script).replace("ls: */*/*: No such file or directory\n", ""),
        expected
    );
}

#[test]
fn an_archive_never_leads_out_of_the_image_or_takes_what_is_not_its_own() {
    let bench = app();
    let host = tempfile::tempdir().unwrap();
    let outside = host.path().to_str().unwrap().to_owned();
    let archive = |build: &dyn Fn(&mut tar::Builder<Vec<u8>>)| {
        let mut builder = tar::Builder::new(Vec::new());
        build(&mut builder);
        fs::write(bench.context.join("evil.tar"), builder.into_inner().unwrap()).unwrap();
        bench.build("FROM local-only/busybox\nADD evil.tar /x/")
    };
    let header = |kind: tar::EntryType| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header
    };
    let raw = |name: &'static [u8], kind: tar::EntryType, link: &'static str| {
        move |builder: &mut tar::Builder<Vec<u8>>| {
            let mut header = header(kind);
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
            header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
            header.set_cksum();
            builder.append(&header, std::io::empty()).unwrap();
        }
    };
    for (name, build) in [
        ("leads out", raw(b"../../up", tar::EntryType::Regular, "")),
        ("leads out", raw(b"a/../../up", tar::EntryType::Regular, "")),
        ("device or pipe", raw(b"disk", tar::EntryType::Block, "")),
        ("device or pipe", raw(b"pipe", tar::EntryType::Fifo, "")),
        ("hard link", raw(b"stolen", tar::EntryType::Link, "/etc/shadow")),
    ] {
        let error = archive(&build).unwrap_err();
        let found = format!("{:?}", edk_model::Explain::findings(&error));
        assert!(found.contains(name), "{name}: {found} {error}");
    }
    // Through a link, it lands where the link leads inside of the image.
    let built = archive(&|builder| {
        builder.append_link(&mut header(tar::EntryType::Symlink), "l", &outside).unwrap();
        let mut file = header(tar::EntryType::Regular);
        file.set_size(1);
        builder.append_data(&mut file, "l/f", &b"x"[..]).unwrap();
        file.as_old_mut().name[..5].copy_from_slice(b"/abs\0");
        file.set_cksum();
        builder.append(&file, &b"y"[..]).unwrap();
    });
    let image = built.unwrap().image;
    assert_eq!(fs::read_dir(host.path()).unwrap().count(), 0);
    assert_eq!(bench.sh(&image, &format!("cat {outside}/f /x/abs")), "xy");
}

#[test]
fn predefined_arguments_reach_commands_and_are_kept_nowhere() {
    let mut bench = app();
    bench.args.insert("HTTPS_PROXY".to_owned(), "http://user:pw@proxy".to_owned());
    let image =
        bench.build("FROM local-only/busybox\nRUN echo $HTTPS_PROXY | wc -c > /n").unwrap().image;
    assert_eq!(bench.sh(&image, "cat /n"), "21");
    let config = format!("{:?}", image.config());
    assert!(!config.contains("user:pw"), "{config}");
}
