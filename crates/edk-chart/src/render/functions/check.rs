//! Finds calls of functions that don't exist: Go refuses them before it executes anything.

use gotmpl::parse::{Expr, ListNode, Node, PipeNode, Pos, SmolStr};

use super::exists;
use crate::render::{engine::Set, fault::Located};

/// Checks that all functions called in `set` exist.
///
/// # Errors
/// The place of the first call of one that does not.
pub(in crate::render) fn check(set: &Set) -> Result<(), Located> {
    for body in set.values() {
        let mut missing = None;
        list(&body.tree, &mut missing);
        if let Some((pos, name)) = missing {
            let before = body.source.get(..pos.offset).unwrap_or_default();
            let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
            return Err(Located {
                template: body.file.to_string(),
                line: pos.line,
                column,
                message: format!("function \"{name}\" not defined"),
            });
        }
    }
    Ok(())
}

type Missing = Option<(Pos, SmolStr)>;

fn list(nodes: &ListNode, missing: &mut Missing) {
    for node in &nodes.nodes {
        match node {
            Node::List(inner) => list(inner, missing),
            Node::Action(action) => pipe(&action.pipe, missing),
            Node::If(branch) | Node::Range(branch) | Node::With(branch) => {
                pipe(&branch.pipe, missing);
                list(&branch.body, missing);
                branch.else_body.iter().for_each(|body| list(body, missing));
            }
            Node::Template(call) => call.pipe.iter().for_each(|inner| pipe(inner, missing)),
            Node::Text(_) | Node::Define(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
}

fn pipe(pipe: &PipeNode, missing: &mut Missing) {
    for command in &pipe.commands {
        command.args.iter().for_each(|arg| expression(arg, missing));
    }
}

fn expression(expr: &Expr, missing: &mut Missing) {
    match expr {
        Expr::Identifier(pos, name) if missing.is_none() && !exists(name) => {
            *missing = Some((*pos, name.clone()));
        }
        Expr::Pipe(_, inner) => pipe(inner, missing),
        Expr::Chain(_, inner, _) => expression(inner, missing),
        _ => {}
    }
}
