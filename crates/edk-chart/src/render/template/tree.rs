use std::{fmt, rc::Rc};

use super::Number;

/// A part of a template, with the byte where it begins.
#[derive(Debug)]
pub(in crate::render) struct Node {
    pub(in crate::render) pos: usize,
    pub(in crate::render) kind: NodeKind,
}

#[derive(Debug)]
pub(in crate::render) enum NodeKind {
    Text(Rc<str>),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { name: Rc<str>, quoted: String, pipe: Option<Pipe> },
    Break,
    Continue,
}

/// A part with a condition.
#[derive(Debug)]
pub(in crate::render) struct Branch {
    pub(in crate::render) pipe: Pipe,
    pub(in crate::render) then: Vec<Node>,
    pub(in crate::render) otherwise: Vec<Node>,
}

/// Commands that give their result on, and the variables that get the last one.
#[derive(Debug)]
pub(in crate::render) struct Pipe {
    pub(in crate::render) pos: usize,
    pub(in crate::render) variables: Vec<Rc<str>>,
    /// Whether the variables exist already (`=`, not `:=`).
    pub(in crate::render) assigns: bool,
    pub(in crate::render) commands: Vec<Command>,
}

#[derive(Debug)]
pub(in crate::render) struct Command {
    /// At least one.
    pub(in crate::render) args: Vec<Expr>,
}

/// An operand, with the byte where it begins.
#[derive(Debug)]
pub(in crate::render) struct Expr {
    pub(in crate::render) pos: usize,
    pub(in crate::render) kind: ExprKind,
}

#[derive(Debug)]
pub(in crate::render) enum ExprKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    /// The text as written, and what it means.
    Text(String, Rc<[u8]>),
    Field(Vec<Rc<str>>),
    Variable(Rc<str>, Vec<Rc<str>>),
    Function(Rc<str>),
    Pipe(Pipe),
    Chain(Box<Expr>, Vec<Rc<str>>),
}

impl fmt::Display for Pipe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            out.write_str(&self.variables.join(", "))?;
            out.write_str(if self.assigns { " = " } else { " := " })?;
        }
        for (at, command) in self.commands.iter().enumerate() {
            if at > 0 {
                out.write_str(" | ")?;
            }
            write!(out, "{command}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, arg) in self.args.iter().enumerate() {
            if at > 0 {
                out.write_str(" ")?;
            }
            match &arg.kind {
                ExprKind::Pipe(pipe) => write!(out, "({pipe})")?,
                _ => write!(out, "{arg}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dotted = |out: &mut fmt::Formatter<'_>, fields: &[Rc<str>]| {
            fields.iter().try_for_each(|field| write!(out, ".{field}"))
        };
        match &self.kind {
            ExprKind::Dot => out.write_str("."),
            ExprKind::Nil => out.write_str("nil"),
            ExprKind::Bool(flag) => write!(out, "{flag}"),
            ExprKind::Number(number) => out.write_str(&number.text),
            ExprKind::Text(quoted, _) => out.write_str(quoted),
            ExprKind::Field(fields) => dotted(out, fields),
            ExprKind::Variable(name, fields) => {
                out.write_str(name)?;
                dotted(out, fields)
            }
            ExprKind::Function(name) => out.write_str(name),
            ExprKind::Pipe(pipe) => write!(out, "{pipe}"),
            ExprKind::Chain(inner, fields) => {
                match &inner.kind {
                    ExprKind::Pipe(pipe) => write!(out, "({pipe})")?,
                    _ => write!(out, "{inner}")?,
                }
                dotted(out, fields)
            }
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let branch = |out: &mut fmt::Formatter<'_>, name: &str, branch: &Branch| {
            write!(out, "{{{{{name} {}}}}}", branch.pipe)?;
            branch.then.iter().try_for_each(|node| write!(out, "{node}"))?;
            if !branch.otherwise.is_empty() {
                out.write_str("{{else}}")?;
                branch.otherwise.iter().try_for_each(|node| write!(out, "{node}"))?;
            }
            out.write_str("{{end}}")
        };
        match &self.kind {
            NodeKind::Text(text) => out.write_str(text),
            NodeKind::Action(pipe) => write!(out, "{{{{{pipe}}}}}"),
            NodeKind::If(inner) => branch(out, "if", inner),
            NodeKind::With(inner) => branch(out, "with", inner),
            NodeKind::Range(inner) => branch(out, "range", inner),
            NodeKind::Template { quoted, pipe, .. } => match pipe {
                Some(pipe) => write!(out, "{{{{template {quoted} {pipe}}}}}"),
                None => write!(out, "{{{{template {quoted}}}}}"),
            },
            NodeKind::Break => out.write_str("{{break}}"),
            NodeKind::Continue => out.write_str("{{continue}}"),
        }
    }
}
