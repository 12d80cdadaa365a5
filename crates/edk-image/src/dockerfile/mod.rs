//! The text of a Dockerfile -> instructions with their places. Pure.
//!
//! The grammar is that of the Dockerfile reference
//! (<https://docs.docker.com/reference/dockerfile/>). What is known but not built here yet is a
//! finding that names the instruction, so that nothing is ever approximated.

mod copy;
mod directives;
mod expand;
mod flags;
mod heredoc;
mod instruction;
mod lines;
mod mount;
mod parse;
mod run;

pub(crate) use expand::{expand, expand_document};
pub use instruction::{
    Command, Copy, Dockerfile, Healthcheck, Inline, Instruction, Located, Look, Mount, Run,
    Sharing, Stage,
};
pub use parse::parse;
