//! The program `kaapana-edk`: arguments, environment, signals and exit codes of the desktop app.
#![allow(clippy::print_stderr)]

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use edk_api::{Engine, Failure, Setup, host::HostOptions, instance::Handover, machine};

/// Develop extensions for the Kaapana medical-imaging platform, in a window.
#[derive(Debug, Parser)]
#[command(name = "kaapana-edk", version)]
struct Args {
    /// Folder of an extension to open, or a packaged chart to upload.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Folder for everything that is kept [default: kaapana-edk in the user's data folder]
    #[arg(long, value_name = "DIR", env = "EDK_HOME", hide_env_values = true)]
    home: Option<PathBuf>,
    /// Address of the Debian mirror for bases.
    #[arg(long, value_name = "URL", env = "EDK_DEBIAN_MIRROR", hide_env_values = true)]
    mirror: Option<String>,
    /// Port of the registry; 0 takes any that is free.
    #[arg(long, value_name = "PORT")]
    registry_port: Option<u16>,
}

fn main() -> ExitCode {
    // Before anything else: the helper must be alone in its process.
    if std::env::args_os().nth(1).is_some_and(|first| first == edk_container::HELPER_ARGUMENT) {
        return edk_container::helper_main();
    }
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match start(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.what);
            failure.why.iter().for_each(|why| eprintln!("  because: {why}"));
            failure.hints.iter().for_each(|hint| eprintln!("hint: {hint}"));
            ExitCode::from(3)
        }
    }
}

fn start(args: Args) -> Result<(), Failure> {
    let (variable, home) = (|name: &str| std::env::var_os(name), std::env::home_dir());
    let data = machine::data_folder(args.home.as_deref(), &variable, home.clone())?;
    let paths = args.paths.iter().map(|path| std::path::absolute(path).unwrap_or(path.clone()));
    let startup = std::env::var("DESKTOP_STARTUP_ID").ok();
    let handover = Handover { paths: paths.collect(), startup };
    let options = HostOptions { mirror: args.mirror, registry_port: args.registry_port };
    let setup = Setup {
        data,
        program: "/proc/self/exe".into(),
        host: machine::settings(&variable, home.as_deref()),
        passphrase: machine::passphrase(&variable)?,
        now: std::time::SystemTime::now,
    };
    edk_desktop::run(Engine::new(setup), options, handover)
}
