//! `edk lsp`: a language server over standard streams.

use std::io::{BufReader, stdin, stdout};

use edk_model::Failure;

/// Serves the editor on standard streams until it says goodbye.
pub(crate) fn run() -> Result<(), Failure> {
    edk_lsp::serve(BufReader::new(stdin()), stdout()).map_err(|error| Failure::explain(&error))
}
