//! Builds the static program of `installer/` with the compiler that builds this crate, so that the
//! DAG base needs no file beside `edk`.
//!
//! The program is linked statically against the C library of the target that is there (glibc),
//! since a second target can't be assumed to be installed.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::{env, path::PathBuf, process::Command};

fn main() {
    let sources = PathBuf::from("../../installer/src");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("installer");
    let status = Command::new(env::var_os("RUSTC").expect("cargo sets RUSTC"))
        .args(["--edition", "2024", "--crate-name", "installer", "--crate-type", "bin"])
        .args(["-C", "opt-level=s", "-C", "lto=fat", "-C", "codegen-units=1"])
        .args(["-C", "panic=abort", "-C", "strip=symbols", "-C", "target-feature=+crt-static"])
        .args(["--cap-lints", "allow", "--remap-path-prefix", "../../installer=installer"])
        .arg("-o")
        .arg(&out)
        .arg(sources.join("main.rs"))
        .status()
        .expect("the compiler can be started");
    assert!(status.success(), "the installer does not compile");
    println!("cargo::rustc-env=EDK_INSTALLER={}", out.display());
    println!("cargo::rerun-if-changed={}", sources.display());
}
