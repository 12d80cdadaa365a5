//! Real processes in real root file systems, as whoever runs the tests.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use edk_container::{
    Bind, CacheSharing, Captured, ContainerError, Containers, Content, Exit, Gate, Mount, Network,
    RunSpec, Way, gate,
};
use edk_model::{CancellationToken, Digest, Monitor, Silent};
use edk_testkit::{TarEntry, busybox_layer, tar};

struct Bench {
    _folder: tempfile::TempDir,
    root: PathBuf,
    containers: Containers,
    layers: Vec<Digest>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("containers");
        let helper = Path::new(env!("CARGO_BIN_EXE_edk-container-helper"));
        let containers = Containers::open(&root, helper).unwrap();
        let mut bench = Self { _folder: folder, root, containers, layers: Vec::new() };
        bench.add(&busybox_layer());
        bench
    }

    fn add(&mut self, layer: &[u8]) {
        self.layers.push(Digest::of(layer));
        self.containers.unpack(&self.layers, &mut &*layer, &Monitor::silent()).unwrap();
    }

    fn spec(&self, script: &str) -> RunSpec {
        RunSpec {
            layers: self.layers.clone(),
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            env: vec![("PATH".to_owned(), "/bin".to_owned())],
            cwd: "/".to_owned(),
            user: String::new(),
            binds: Vec::new(),
            mounts: Vec::new(),
            network: Network::Host,
        }
    }

    fn run(&self, spec: &RunSpec) -> (Exit, String) {
        let mut lines = Vec::new();
        let mut keep = |line: &str| lines.push(line.to_owned());
        let exit = self.containers.run(spec, &mut keep, &Monitor::silent()).unwrap();
        (exit, lines.join("\n"))
    }

    fn sh(&self, script: &str) -> String {
        let (exit, output) = self.run(&self.spec(script));
        assert_eq!(exit.code, 0, "{output}");
        output
    }

    fn capture(&self, script: &str) -> (Captured, Vec<u8>) {
        let mut layer = Vec::new();
        let mut output = String::new();
        let mut keep = |line: &str| output.push_str(line);
        let captured = self
            .containers
            .capture(&self.spec(script), &mut keep, &mut layer, &Monitor::silent())
            .unwrap();
        assert_eq!(captured.exit.code, 0, "{output}");
        (captured, layer)
    }

    fn left_behind(&self) -> usize {
        ["work", "incoming"]
            .map(|d| std::fs::read_dir(self.root.join(d)).unwrap().count())
            .iter()
            .sum()
    }
}

/// Paths of a tar, each with its mode and content or link.
fn listing(layer: &[u8]) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(layer);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        let link = entry.link_name().unwrap().map(|link| format!(" -> {}", link.display()));
        assert_eq!(entry.header().mtime().unwrap(), edk_model::SOURCE_DATE_EPOCH, "{path}");
        (
            path,
            format!("{:o} {content}{}", entry.header().mode().unwrap(), link.unwrap_or_default()),
        )
    });
    entries.collect()
}

#[test]
fn a_process_sees_its_own_root_and_nothing_of_the_host() {
    let bench = Bench::new();
    assert_eq!(bench.sh("ls / | sort"), "bin\ndev\netc\nproc\nsys\ntmp");
    assert_eq!(bench.sh("hostname; id -u; echo $$"), "edk\n0\n1");
    assert_eq!(bench.left_behind(), 0);
}

#[test]
fn exit_code_output_and_peak_memory_are_told() {
    let bench = Bench::new();
    let (exit, output) = bench.run(&bench.spec("echo one; echo two >&2; exit 7"));
    assert_eq!((exit.code, output.as_str()), (7, "one\ntwo"));
    assert!(exit.peak_memory > 100_000 && exit.peak_memory < 1 << 30, "{}", exit.peak_memory);
    let (exit, _) = bench.run(&bench.spec("kill -9 $$; sleep 1 & kill -9 $!; wait $!"));
    assert_eq!(exit.code, 137);
}

#[test]
fn what_a_process_changed_becomes_a_layer_and_nothing_else_does() {
    let mut bench = Bench::new();
    bench.add(&tar(&[
        TarEntry::Dir("data", 0o750),
        TarEntry::File("data/gone", 0o644, b"x"),
        TarEntry::File("data/kept", 0o644, b"x"),
        TarEntry::Dir("old", 0o755),
        TarEntry::File("old/inside", 0o644, b"x"),
    ]));
    let script = "rm /data/gone; echo new > /data/new; chmod 600 /data/new; rm -r /old; mkdir /old; \
                  echo a > /tmp/a; ln /tmp/a /tmp/b; ln -s a /tmp/c; touch /data/kept-not; rm /data/kept-not";
    let (captured, layer) = bench.capture(script);
    let listing = listing(&layer);
    let expected = [
        ("data/", "750 "),
        ("data/.wh.gone", "600 "),
        ("data/new", "600 new\n"),
        ("old/", "755 "),
        ("old/.wh..wh..opq", "600 "),
        ("tmp/", "1777 "),
        ("tmp/a", "644 a\n"),
        ("tmp/b", "644  -> tmp/a"),
        ("tmp/c", "777  -> a"),
    ];
    let expected: BTreeMap<_, _> =
        expected.iter().map(|&(path, look)| (path.to_owned(), look.to_owned())).collect();
    assert_eq!(listing, expected);
    bench.containers.forget(captured);
    assert_eq!(bench.left_behind(), 0);
}

#[test]
fn an_adopted_and_an_unpacked_layer_look_the_same() {
    let look =
        "ls -lAR /data /tmp /etc; stat -c '%n %a %u %g %Y' /data /tmp /data/sub/f /etc/passwd";
    let change = "mkdir -p /data/sub; echo 1 > /data/sub/f; chown ann /data/sub/f; rm /etc/group";
    let mut adopted = Bench::new();
    let (captured, layer) = adopted.capture(change);
    adopted.layers.push(Digest::of(&layer));
    adopted.containers.adopt(captured, &adopted.layers).unwrap();
    assert!(adopted.containers.has_layer(&adopted.layers));
    let mut unpacked = Bench::new();
    unpacked.add(&layer);
    assert_eq!(adopted.sh(look), unpacked.sh(look));
}

#[test]
fn the_same_change_gives_the_same_bytes() {
    let change = "mkdir /x; for i in 3 1 2; do echo $i > /x/$i; done";
    let layers: Vec<_> = [Bench::new(), Bench::new()].iter().map(|b| b.capture(change).1).collect();
    assert_eq!(Digest::of(&layers[0]), Digest::of(&layers[1]));
}

#[test]
fn a_layer_that_only_implies_a_folder_leaves_it_as_it_is_below() {
    let mut bench = Bench::new();
    bench.add(&tar(&[
        TarEntry::Dir("usr", 0o755),
        TarEntry::Dir("usr/lib", 0o711),
        TarEntry::Link("lib", "usr/lib"),
    ]));
    bench.add(&tar(&[TarEntry::File("tmp/f", 0o644, b"f"), TarEntry::File("lib/g", 0o644, b"g")]));
    assert_eq!(
        bench.sh("stat -c %a /tmp /usr/lib; cat /usr/lib/g; readlink /lib"),
        "1777\n711\ngusr/lib"
    );
}

#[test]
fn a_layer_that_climbs_out_is_refused_and_leaves_nothing() {
    let mut bench = Bench::new();
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.as_old_mut().name[..8].copy_from_slice(b"../../xx");
    header.set_mode(0o644);
    header.set_cksum();
    let mut evil = header.as_bytes().to_vec();
    evil.extend([0; 1024]);
    bench.layers.push(Digest::of(&evil));
    let error =
        bench.containers.unpack(&bench.layers, &mut &*evil, &Monitor::silent()).unwrap_err();
    assert!(error.to_string().contains("climbs out"), "{error}");
    assert!(!bench.containers.has_layer(&bench.layers));
    assert_eq!(bench.left_behind(), 0);
}

#[test]
fn files_of_the_host_show_only_where_they_were_asked_for() {
    let bench = Bench::new();
    let host = tempfile::tempdir().unwrap();
    std::fs::write(host.path().join("in"), "from host").unwrap();
    let mut spec =
        bench.spec("cat /data/in; echo out > /data/out; echo x > /config && exit 9; true");
    let bind = |source: PathBuf, target: &str, read_only| Bind {
        source,
        target: target.into(),
        read_only,
    };
    spec.binds = vec![
        bind(host.path().to_owned(), "/data", false),
        bind(host.path().join("in"), "/config", true),
    ];
    let (exit, output) = bench.run(&spec);
    assert_eq!(exit.code, 0, "{output}");
    assert!(output.starts_with("from host"), "{output}");
    assert_eq!(std::fs::read_to_string(host.path().join("out")).unwrap(), "out\n");
    assert_eq!(bench.sh("ls /"), "bin\ndev\netc\nproc\nsys\ntmp");
}

#[test]
fn files_are_exported_as_they_look_with_all_layers_stacked() {
    let mut bench = Bench::new();
    bench.add(&tar(&[
        TarEntry::Dir("out", 0o755),
        TarEntry::File("out/a.whl", 0o640, b"a"),
        TarEntry::File("out/b.whl", 0o644, b"b"),
        TarEntry::Dir("out/sub", 0o700),
        TarEntry::Link("out/sub/l", "../a.whl"),
        TarEntry::Link("result", "out"),
    ]));
    bench.add(&tar(&[TarEntry::File("out/.wh.b.whl", 0o600, b"")]));
    let export = |patterns: &[&str]| {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        bench.containers.export(&bench.layers, &patterns, false, |tar| {
            let mut bytes = Vec::new();
            tar.read_to_end(&mut bytes).unwrap();
            Ok::<_, ContainerError>(listing(&bytes))
        })
    };
    let found = export(&["/result", "/out/*.whl", "/etc/passwd"]).unwrap();
    let names: Vec<_> = found.keys().map(String::as_str).collect();
    assert_eq!(names, ["0/d/a.whl", "0/d/sub/", "0/d/sub/l", "1/f/a.whl", "2/f/passwd"]);
    assert_eq!(found["0/d/a.whl"], "640 a");
    assert_eq!(found["0/d/sub/l"], "777  -> ../a.whl");
    let error = export(&["/out/nope"]).unwrap_err();
    assert!(error.to_string().contains("find `/out/nope`"), "{error}");
    assert_eq!(bench.left_behind(), 0);
}

#[test]
fn a_scratch_folder_is_empty_and_leaves_nothing() {
    let bench = Bench::new();
    let mut spec = bench.spec("ls /etc /made; echo x > /etc/x; echo y > /made/y; echo z > /z");
    let scratch = |target: &str| Mount::Scratch { target: target.into(), size: None };
    spec.mounts = vec![scratch("/etc"), scratch("/made")];
    let mut layer = Vec::new();
    let captured =
        bench.containers.capture(&spec, &mut |_| {}, &mut layer, &Monitor::silent()).unwrap();
    assert_eq!(captured.exit.code, 0);
    assert_eq!(listing(&layer).into_keys().collect::<Vec<_>>(), ["z"]);
    bench.containers.forget(captured);
}

#[test]
fn a_mount_point_is_no_part_of_the_layer() {
    let bench = Bench::new();
    let host = tempfile::NamedTempFile::new().unwrap();
    let mut spec = bench.spec("echo x > /etc/own");
    let target = "/etc/deep/er/pip.conf".into();
    spec.binds = vec![Bind { source: host.path().to_owned(), target, read_only: true }];
    let mut layer = Vec::new();
    let captured =
        bench.containers.capture(&spec, &mut |_| {}, &mut layer, &Monitor::silent()).unwrap();
    assert_eq!(listing(&layer).into_keys().collect::<Vec<_>>(), ["etc/", "etc/own"]);
    bench.containers.forget(captured);
}

#[test]
fn another_user_and_working_directory_are_taken() {
    let bench = Bench::new();
    let mut spec = bench.spec("id -u; id -g; pwd; touch /etc/x 2>/dev/null || echo refused");
    spec.user = "ann".to_owned();
    spec.cwd = "/made/for/it".to_owned();
    assert_eq!(bench.run(&spec).1, "1000\n1000\n/made/for/it\nrefused");
}

#[test]
fn without_a_network_only_loopback_is_there() {
    let bench = Bench::new();
    let mut spec = bench.spec("cat /proc/net/dev");
    spec.network = Network::None;
    let (exit, output) = bench.run(&spec);
    assert_eq!(exit.code, 0);
    assert!(output.contains("lo:") && !output.contains("eth"), "{output}");
}

#[test]
fn a_cancelled_process_is_gone_with_its_children() {
    let bench = Bench::new();
    // Another user's as well: the kernel forgets a tie to the parent when the user changes.
    for user in ["", "1000:1000"] {
        let token = CancellationToken::new();
        let monitor = Monitor::new(Arc::new(Silent), token.clone(), "");
        let mut spec = bench.spec("sleep 987654 & echo ready; sleep 987654");
        user.clone_into(&mut spec.user);
        let mut output = |line: &str| {
            assert_eq!(line, "ready");
            token.cancel();
        };
        let error = bench.containers.run(&spec, &mut output, &monitor).unwrap_err();
        assert!(matches!(error, ContainerError::Cancelled(_)), "{error}");
        let mut look = std::process::Command::new("pgrep");
        let alive = look.args(["-f", "sleep 987654"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&alive.stdout), "");
        assert_eq!(bench.left_behind(), 0);
    }
}

#[test]
fn what_can_not_be_started_is_told_by_name() {
    let bench = Bench::new();
    let mut spec = bench.spec("");
    spec.argv = vec!["no-such-program".to_owned()];
    let error = bench.containers.run(&spec, &mut |_| {}, &Monitor::silent()).unwrap_err();
    assert!(error.to_string().contains("start `no-such-program`"), "{error}");
    spec = bench.spec("true");
    spec.user = "nobody-here".to_owned();
    let error = bench.containers.run(&spec, &mut |_| {}, &Monitor::silent()).unwrap_err();
    assert!(error.to_string().contains("nobody-here"), "{error}");
}

#[test]
fn a_sweep_removes_the_folders_of_runs_that_were_killed() {
    let bench = Bench::new();
    let work = bench.root.join("work");
    std::fs::write(work.join("run-dead.lock"), "").unwrap();
    std::fs::create_dir_all(work.join("run-dead.d/upper/x")).unwrap();
    bench.containers.sweep().unwrap();
    assert_eq!(bench.left_behind(), 0);
}

#[test]
fn what_reaches_beyond_the_container_is_denied() {
    let bench = Bench::new();
    let status =
        bench.sh("grep -E '^(Seccomp|NoNewPrivs|CapBnd):' /proc/self/status | tr -d '\\t '");
    assert_eq!(status, "CapBnd:00000000a80425fb\nNoNewPrivs:0\nSeccomp:2");
    // A user namespace asks for no capability: the filter alone keeps it out.
    for (attempt, refusal) in [
        ("unshare -U true", "Operation not permitted"),
        ("mount -t tmpfs x /tmp", ""),
        ("echo x > /proc/sys/kernel/domainname", "Read-only file system"),
        ("echo h > /proc/sysrq-trigger", ""),
        ("mkdir /sys/fs/cgroup/edk", "Read-only file system"),
        ("mknod /dev/sda b 8 0 && head -c1 /dev/sda", ""),
        // busybox tells, and ends well all the same.
        ("! date -s 2020-01-01 2>&1 | grep -q 'not permitted'", ""),
    ] {
        let (exit, output) = bench.run(&bench.spec(&format!("{attempt} 2>&1")));
        assert_ne!(exit.code, 0, "{attempt}: {output}");
        assert!(output.contains(refusal), "{attempt}: {output}");
    }
    assert_eq!(
        bench.sh("head -c 9 /proc/kcore 2>/dev/null | wc -c; cat /proc/keys; ls /sys/firmware"),
        "0"
    );
}

#[test]
fn more_layers_than_fit_into_one_page_of_options_are_stacked() {
    let mut bench = Bench::new();
    for number in 0..130 {
        let name = format!("n/{number}");
        let text = number.to_string();
        bench.add(&tar(&[
            TarEntry::Dir("n", 0o755),
            TarEntry::File(&name, 0o644, text.as_bytes()),
            TarEntry::File("top", 0o644, text.as_bytes()),
        ]));
    }
    assert_eq!(bench.sh("ls /n | wc -l; cat /top /n/0 /n/129"), "130\n1290129");
}

#[test]
fn files_trees_and_folders_show_where_they_are_asked_for_and_leave_nothing() {
    let mut bench = Bench::new();
    let other = tar(&[
        TarEntry::Dir("d", 0o755),
        TarEntry::File("d/f", 0o644, b"tree\n"),
        TarEntry::Link("l", "/d"),
    ]);
    let layers = vec![Digest::of(&other)];
    bench.containers.unpack(&layers, &mut &*other, &Monitor::silent()).unwrap();
    let monitor = Monitor::silent();
    let cache = bench.containers.cache("c", CacheSharing::Locked, &monitor).unwrap();
    let file = |target: &str, mode, content: &str| {
        let (target, content) = (target.into(), Content(content.as_bytes().to_vec()));
        Mount::File { target, content, mode, uid: 0, gid: 0 }
    };
    let tree = |source: &str, target: &str, read_only| Mount::Tree {
        layers: layers.clone(),
        source: source.into(),
        target: target.into(),
        read_only,
    };
    let mut spec = bench.spec(
        "cat /run/s; stat -c %a /run/s; /dev/pipes/script; cat /t/f; echo x > /t/x || echo ro; \
         cat /one; echo y > /rw/y && cat /rw/y; echo kept > /cache/k; stat -c %a /cache",
    );
    spec.mounts = vec![
        file("/run/s", 0o400, "secret\n"),
        file("/dev/pipes/script", 0o755, "#!/bin/sh\necho script\n"),
        tree("/l", "/t", true),
        tree("/d/f", "/one", true),
        tree("/d", "/rw", false),
        Mount::Folder {
            source: cache.path().to_owned(),
            target: "/cache".into(),
            read_only: false,
            mode: 0o700,
            uid: 0,
            gid: 0,
        },
    ];
    assert!(!format!("{spec:?}").contains("115, 101"), "a secret shows: {spec:?}");
    let mut layer = Vec::new();
    let mut lines = Vec::new();
    let mut keep = |line: &str| lines.push(line.to_owned());
    let captured = bench.containers.capture(&spec, &mut keep, &mut layer, &monitor).unwrap();
    assert_eq!(captured.exit.code, 0, "{lines:?}");
    lines.retain(|line| !line.contains("Read-only"));
    assert_eq!(lines.join(" "), "secret 400 script tree ro tree y 700");
    bench.containers.forget(captured);
    assert_eq!(listing(&layer).into_keys().collect::<Vec<_>>(), [""; 0]);
    assert_eq!(std::fs::read_to_string(cache.path().join("k")).unwrap(), "kept\n");
    // Whoever wants it alone gets another.
    let private = bench.containers.cache("c", CacheSharing::Private, &monitor).unwrap();
    assert_ne!(private.path(), cache.path());
    drop(cache);
    assert!(bench.containers.cache("c", CacheSharing::Locked, &monitor).is_ok());
    bench.layers.clear();
    assert_eq!(bench.left_behind(), 0);
}

#[test]
fn a_hard_link_of_a_layer_never_reaches_the_host() {
    let host = tempfile::tempdir().unwrap();
    std::fs::write(host.path().join("secret"), "of the host").unwrap();
    let outside = host.path().to_str().unwrap();
    let link = |name: &str, target: &str| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Link);
        header.set_size(0);
        header.set_mode(0o644);
        header.set_mtime(edk_model::SOURCE_DATE_EPOCH);
        builder.append_link(&mut header, name, target).unwrap();
        builder.into_inner().unwrap()
    };
    // A link to a link, and a link through a folder that was a link to the host below.
    let mut bench = Bench::new();
    bench.add(&tar(&[TarEntry::Link("a", outside), TarEntry::Link("l", "/etc/hostname")]));
    bench.add(&tar(&[TarEntry::File(".wh.a", 0o600, b"")]));
    bench.add(&tar(&[TarEntry::Dir("a", 0o755)]));
    bench.add(&link("m", "l"));
    assert_eq!(bench.sh("readlink /m"), "/etc/hostname");
    let evil = link("stolen", "a/secret");
    bench.layers.push(Digest::of(&evil));
    let result = bench.containers.unpack(&bench.layers, &mut &*evil, &Monitor::silent());
    assert!(result.is_err(), "it took a file of the host");
}

#[test]
fn a_folder_made_again_in_one_that_hides_is_there() {
    let mut bench = Bench::new();
    bench.add(&tar(&[
        TarEntry::Dir("x", 0o755),
        TarEntry::Dir("x/sub", 0o755),
        TarEntry::File("x/sub/f", 0o644, b""),
    ]));
    let (captured, layer) = bench.capture("rm -r /x; mkdir -p /x/sub/deep");
    bench.containers.forget(captured);
    let names: Vec<_> = listing(&layer).into_keys().collect();
    assert_eq!(names, ["x/", "x/.wh..wh..opq", "x/sub/", "x/sub/deep/"]);
}

fn gated(bench: &Bench, name: &str, script: &str, ways: Vec<Way>) -> RunSpec {
    let socket = bench.root.join(format!("{name}.gate"));
    RunSpec { network: Network::Gate(Gate { socket, ways }), ..bench.spec(script) }
}

/// What the server behind a gate sends; nothing while there is none.
fn page_at(socket: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut stream) = gate::connect(socket, 80) {
        let _ = stream.write_all(b"GET /word HTTP/1.0\r\n\r\n");
        let _ = stream.read_to_string(&mut text);
    }
    text.rsplit("\r\n").next().unwrap_or_default().to_owned()
}

#[test]
fn two_containers_with_the_same_port_are_reached_through_their_gates() {
    let bench = Bench::new();
    let token = CancellationToken::new();
    let serve = "echo $WORD > /tmp/word; exec /bin/busybox httpd -f -p 80 -h /tmp";
    std::thread::scope(|scope| {
        // Also when an assertion fails.
        let end = token.clone().drop_guard();
        for word in ["one", "two"] {
            let mut spec = gated(&bench, word, serve, Vec::new());
            spec.env.push(("WORD".to_owned(), word.to_owned()));
            let monitor = Monitor::new(Arc::new(Silent), token.clone(), "");
            let containers = &bench.containers;
            scope.spawn(move || {
                let ended = containers.run(&spec, &mut |_| {}, &monitor);
                assert!(matches!(ended, Err(ContainerError::Cancelled(_))), "{ended:?}");
            });
        }
        let patience = Duration::from_secs(20);
        for word in ["one", "two"] {
            let socket = bench.root.join(format!("{word}.gate"));
            edk_testkit::wait_until(word, 20, || page_at(&socket) == format!("{word}\n"));
            let exec = |argv: &[&str]| {
                let argv: Vec<_> = argv.iter().map(|&word| word.to_owned()).collect();
                gate::exec(&socket, &argv, patience)
            };
            let test = format!("test $WORD = {word} && test -f /tmp/word");
            assert_eq!(exec(&["/bin/sh", "-c", &test]).unwrap(), 0);
            assert_eq!(exec(&["sh", "-c", "exit 7"]).unwrap(), 7);
            assert!(exec(&["/bin/nothing"]).is_err());
            assert!(gate::connect(&socket, 81).is_err());
        }
        let to = bench.root.join("one.gate");
        let way = Way { loopback: "127.1.0.1:8080".parse().unwrap(), to, port: 80 };
        let fetch = "wget -q -O - http://127.1.0.1:8080/word";
        let (exit, output) = bench.run(&gated(&bench, "three", fetch, vec![way]));
        assert_eq!((exit.code, output.as_str()), (0, "one"));
        drop(end);
    });
    assert_eq!(bench.left_behind(), 0);
    assert_eq!(edk_testkit::processes_below(&bench.root), Vec::<String>::new());
}
