//! The container helper alone, for tests that have no `edk` at hand.

use std::process::ExitCode;

fn main() -> ExitCode {
    edk_container::helper_main()
}
