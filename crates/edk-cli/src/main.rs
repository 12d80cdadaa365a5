//! The program `edk`.
//!
//! It reads the command line and the environment, hands a command to the door (`edk-api`) and shows
//! what comes of it: results on standard output, everything on the way on standard error. It decides
//! nothing about extensions; what it adds is words, colours, questions and exit codes.
//!
//! Exit codes: 0 done; 1 the user's input or files; 2 the command line itself; 3 the world outside
//! (target, registry, disk, missing program); 4 our mistake; 130 cancelled.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod ask;
mod base;
mod build;
mod chart;
mod check;
mod deploy;
mod deps;
mod ext;
mod image;
mod interrupt;
mod later;
mod looks;
mod lsp;
mod new;
mod registry;
mod report;
mod run;
mod sandbox;
mod serve;
mod show;
mod target;

use std::process::ExitCode;

use args::{Args, OutputFormat};
use clap::Parser as _;
use edk_api::{
    CancellationToken, Command, Engine, Failure, Response, Setup, call, document, machine, text,
};

fn main() -> ExitCode {
    // Before anything else: the helper must be alone in its process.
    if std::env::args_os().nth(1).is_some_and(|first| first == edk_container::HELPER_ARGUMENT) {
        return edk_container::helper_main();
    }
    let args = Args::parse();
    // A panic is caught at the door and told like every failure, once.
    std::panic::set_hook(Box::new(|_| {}));
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if args.is_lsp() {
        return match lsp::run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                report::failure(&failure);
                ExitCode::from(report::exit_code(failure.code))
            }
        };
    }
    run(&args)
}

fn run(args: &Args) -> ExitCode {
    if let Some(options) = args.serve() {
        return serve_host(args, options);
    }
    let token = interrupt::token();
    match prepare(args) {
        Err(failure) => present(args, &args.command_name(), Err(failure)),
        Ok((engine, Command::Check(request))) if args.is_watching() => {
            check::watch::run(args, &engine, &request, &token)
        }
        Ok((engine, command)) => {
            let name = command.name().to_owned();
            present(args, &name, carry_out(args, &engine, command, &token))
        }
    }
}

/// Shows what came of a command, and returns the exit code.
fn present(args: &Args, name: &str, result: Result<Response, Failure>) -> ExitCode {
    if let (Ok(Response::Check(outcome)), OutputFormat::Text) = (&result, args.output)
        && let Some(text) = check::formatted(outcome, args.format())
    {
        show::line(&text);
        return ExitCode::from(u8::from(outcome.failed));
    }
    match args.output() {
        OutputFormat::Json => show::line(&document(name, &result).to_string()),
        OutputFormat::Text => {
            if let Ok(response) = &result {
                show::line(&text(response));
            }
        }
    }
    match result {
        Ok(response) if response.is_failed() => ExitCode::from(1),
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => {
            report::failure(&failure);
            ExitCode::from(report::exit_code(failure.code))
        }
    }
}

/// Serves a window until it is told to stop; what it does is shown there.
fn serve_host(args: &Args, options: serve::Options) -> ExitCode {
    let token = interrupt::token();
    match engine(args).and_then(|engine| serve::run(engine, options, &token)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report::failure(&failure);
            ExitCode::from(report::exit_code(failure.code))
        }
    }
}

fn prepare(args: &Args) -> Result<(Engine, Command), Failure> {
    let engine = engine(args)?;
    let command = args.command(&engine)?;
    Ok((engine, command))
}

fn engine(args: &Args) -> Result<Engine, Failure> {
    let (variable, home) = (|name: &str| std::env::var_os(name), std::env::home_dir());
    let setup = Setup {
        data: machine::data_folder(args.home.as_deref(), &variable, home.clone())?,
        program: "/proc/self/exe".into(),
        host: machine::settings(&variable, home.as_deref()),
        passphrase: machine::passphrase(&variable)?,
        now: std::time::SystemTime::now,
    };
    Ok(Engine::new(setup))
}

fn carry_out(
    args: &Args,
    engine: &Engine,
    mut command: Command,
    token: &CancellationToken,
) -> Result<Response, Failure> {
    let events = show::Events::new(args)?;
    loop {
        let result = call(engine, &command, events.sink(), token);
        events.clear();
        // Files are never replaced without asking; where nobody can be asked, they stay.
        match &result {
            Err(failure) if ask::may_overwrite(args, &command, failure) => {
                ask::set_overwrite(&mut command);
            }
            Err(failure) if ask::may_send(args, &command, failure) => {
                ask::set_send(&mut command);
            }
            _ => {
                if let Some(send) = result.as_ref().ok().and_then(|it| ask::offered(args, it)) {
                    command = send;
                    continue;
                }
                events.finish()?;
                return result;
            }
        }
    }
}
