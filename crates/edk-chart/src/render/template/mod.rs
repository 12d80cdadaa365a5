//! The template language: from text to a tree (Go: "text/template").

mod lex;
mod number;
mod parse;
mod tree;
mod unquote;

pub(super) use number::{Number, float, whole};
pub(super) use parse::{is_blank, parse};
pub(super) use tree::{Branch, Command, Expr, ExprKind, Node, NodeKind, Pipe};

/// What is wrong with a template, and in which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Line, from 1.
    pub(super) line: usize,
    /// Byte at which reading stopped.
    pub(super) offset: usize,
    /// What is wrong, in Go's words.
    pub(super) message: String,
}
