//! `edk check --watch`: again whenever a file changes.

use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use edk_api::{CancellationToken, CheckRequest, Command, Engine, Failure};
use edk_model::Code;

use super::Format;
use crate::{args::Args, carry_out, present, report};

/// Clears the screen and what was scrolled away; the cursor goes to its beginning.
const CLEAR: &str = "\x1b[2J\x1b[3J\x1b[H";

/// Checks until Ctrl-C, which is its proper end.
pub(crate) fn run(
    args: &Args,
    engine: &Engine,
    request: &CheckRequest,
    token: &CancellationToken,
) -> ExitCode {
    match rounds(args, engine, request, token) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report::failure(&failure);
            ExitCode::from(report::exit_code(failure.code))
        }
    }
}

fn rounds(
    args: &Args,
    engine: &Engine,
    request: &CheckRequest,
    token: &CancellationToken,
) -> Result<(), Failure> {
    if !matches!(args.format(), Format::Text | Format::Json) {
        let what = "--watch goes with the formats text and json";
        return Err(
            Failure::new(Code::InvalidInput, what).hint("write a report once: leave --watch out")
        );
    }
    let mut watch = engine.watch(&request.folder).map_err(|error| Failure::explain(&error))?;
    stop_with(token.clone(), watch.stopper())?;
    let terminal = std::io::stdout().is_terminal();
    loop {
        if terminal {
            // A terminal that went away is told of by what is written next.
            let _ = write!(std::io::stdout(), "{CLEAR}");
        }
        let command = Command::Check(request.clone());
        let result = carry_out(args, engine, command, token);
        if token.is_cancelled() {
            return Ok(());
        }
        present(args, "check", result);
        if !args.quiet {
            eprintln!("watching {}; Ctrl-C ends it", request.folder.display());
        }
        if watch.next().is_none() {
            return Ok(());
        }
    }
}

/// Ends the watch when the token is cancelled.
fn stop_with(token: CancellationToken, stop: edk_api::Stop) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| Failure::new(Code::of_io(&error), "could not wait for Ctrl-C"))?;
    std::thread::spawn(move || {
        runtime.block_on(token.cancelled());
        stop.stop();
    });
    Ok(())
}
