//! The Debian package which `scripts/package` has made: what is in it, that it installs, and that
//! what it installs starts.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use edk_testkit::{Done, is_root, program, wait_until};

use crate::app::Desktop;

/// The largest package, in bytes. The bar is 12 MB (#3); `scripts/bench desktop` shows where it stands.
const LARGEST: u64 = 12_000_000;

fn package() -> PathBuf {
    let target = program().parent().and_then(Path::parent).unwrap().join("release");
    let mut files = std::fs::read_dir(&target).into_iter().flatten().flatten().map(|it| it.path());
    let found = files.find(|it| it.extension().is_some_and(|it| it == "deb"));
    found.unwrap_or_else(|| panic!("no package in {}: run `scripts/package`", target.display()))
}

fn field(package: &Path, name: &str) -> String {
    let output = Command::new("dpkg-deb").arg("--field").arg(package).arg(name).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Installs the package into a folder, as dpkg does it for `/`.
fn install(desktop: &Desktop) -> PathBuf {
    let root = desktop.env.path("root");
    let state = root.join("var/lib/dpkg");
    for folder in ["info", "updates"] {
        std::fs::create_dir_all(state.join(folder)).unwrap();
    }
    std::fs::write(state.join("status"), "").unwrap();
    // Only root may own what it installs; without, it is root in a user namespace.
    let mut dpkg = match is_root() {
        true => desktop.env.other("dpkg"),
        false => {
            let mut command = desktop.env.other("unshare");
            command.args(["--map-root-user", "dpkg"]);
            command
        }
    };
    dpkg.arg(format!("--root={}", root.display()));
    // What it depends on is below `/`; that it is there is looked at by itself.
    dpkg.args(["--force-depends", "--install"]).arg(package());
    Done::of(&mut dpkg).exits(0);
    root
}

#[test]
fn the_package_installs_and_what_it_installs_starts() {
    let desktop = Desktop::new();
    let root = install(&desktop);
    let edk = root.join("usr/bin/edk");
    Done::of(desktop.command(&edk).arg("--version")).exits(0).prints(&["edk 0."]);
    let app = desktop.start_program(&root.join("usr/bin/kaapana-edk"), &[]);
    app.shows("See the whole way once");
    wait_until("the page is painted", 20, || desktop.windows.shows_text());
    app.close();
    app.ends();
}

#[test]
fn the_package_says_what_it_is_and_needs() {
    let package = package();
    assert_eq!(field(&package, "Package"), "kaapana-edk");
    assert_eq!(field(&package, "Section"), "devel");
    let needed = field(&package, "Depends");
    for name in ["libwebkit2gtk-4.1-0", "libgtk-3-0", "uidmap"] {
        assert!(needed.contains(name), "{name}: {needed}");
    }
    for name in needed.split(',') {
        let name = name.split(['(', '|']).next().unwrap().trim();
        let status = Command::new("dpkg-query").args(["--show", name]).output().unwrap().status;
        assert!(status.success(), "{name} is no package of this system");
    }
    let size = package.metadata().unwrap().len();
    assert!(size < LARGEST, "{size} bytes");
}

#[test]
fn the_package_brings_a_sound_entry_for_the_menu() {
    let desktop = Desktop::new();
    let root = install(&desktop);
    let entry = root.join("usr/share/applications/kaapana-edk.desktop");
    let mut validate = desktop.env.other("desktop-file-validate");
    Done::of(validate.arg("--warn-kde").arg(&entry)).exits(0);
    let text = std::fs::read_to_string(&entry).unwrap();
    for line in ["Name=Kaapana EDK", "Exec=kaapana-edk %F", "Icon=kaapana-edk"] {
        assert!(text.lines().any(|it| it == line), "{line}:\n{text}");
    }
    let icons = root.join("usr/share/icons/hicolor");
    for icon in [
        "32x32/apps/kaapana-edk.png",
        "128x128/apps/kaapana-edk.png",
        "scalable/apps/kaapana-edk.svg",
    ] {
        assert!(icons.join(icon).is_file(), "{icon}");
    }
}

#[test]
fn nothing_in_the_package_names_the_machine_it_was_made_on() {
    let desktop = Desktop::new();
    let root = install(&desktop);
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for name in ["edk", "kaapana-edk"] {
        let bytes = std::fs::read(root.join("usr/bin").join(name)).unwrap();
        for place in [checkout.to_str().unwrap(), "/.cargo/registry"] {
            let found = bytes.windows(place.len()).position(|it| it == place.as_bytes());
            let words = found.map(|at| String::from_utf8_lossy(&bytes[at..at + 120]).into_owned());
            assert_eq!(words, None, "{name} names {place}");
        }
    }
}
