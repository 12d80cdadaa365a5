//! libFuzzer over one target, which `EDK_FUZZ_TARGET` names; `list` prints their names. Its seeds go into the folder
//! `EDK_FUZZ_SEEDS` first. Run by scripts/fuzz.
#![no_main]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit,
    clippy::expect_used,
    reason = "a program for developers"
)]

use std::{env, fs, panic, path::PathBuf, process, sync::OnceLock};

use edk_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static CHOSEN: OnceLock<&'static Target> = OnceLock::new();

fn choose() -> &'static Target {
    let name = env::var("EDK_FUZZ_TARGET").unwrap_or_default();
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    if name == "list" {
        println!("{}", names.join("\n"));
        process::exit(0);
    }
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        eprintln!("error: there is no target `{name}`; there are {}", names.join(", "));
        process::exit(2);
    };
    if let Some(folder) = env::var_os("EDK_FUZZ_SEEDS").map(PathBuf::from) {
        fs::create_dir_all(&folder).expect("the folder of the seeds can be made");
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed).expect("a seed can be written");
        }
    }
    target
}

fuzz_target!(
    init: {
        CHOSEN.get_or_init(choose);
        // The one before ends the program, also when somebody waits for the panic.
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            if !edk_fuzz::is_known(what) {
                before(what);
            }
        }));
    },
    |data: &[u8]| {
        (CHOSEN.get_or_init(choose).run)(data);
    }
);
