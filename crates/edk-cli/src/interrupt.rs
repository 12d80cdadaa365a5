//! Ctrl-C: the first asks the work to stop cleanly, the second ends the program.

use edk_api::CancellationToken;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// Returns a token that the signals SIGINT, SIGTERM and SIGHUP cancel.
#[allow(clippy::exit)]
pub(crate) fn token() -> CancellationToken {
    let token = CancellationToken::new();
    let cancel = token.clone();
    if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) {
        std::thread::spawn(move || {
            for _ in &mut signals {
                if cancel.is_cancelled() {
                    // Everything below dies with us, and what is left is removed by the next run.
                    std::process::exit(130);
                }
                cancel.cancel();
            }
        });
    }
    token
}
