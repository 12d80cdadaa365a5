//! Executes a parsed template (Go: `text/template`, "Actions" and "Pipelines").
//!
//! The parser is a crate's; the execution is ours, because a checker needs what the crate leaves
//! out: the place of every fault, the fault of asking nothing for a field, and methods.

use gotmpl::{
    Value,
    parse::{BranchNode, CommandNode, Expr, ListNode, Node, Number, PipeNode, Pos, SmolStr},
};

use super::{
    engine::{Body, Machine},
    fault::{Fault, Located},
    functions,
    value::{text, text_or, type_of},
};

/// Why a list of nodes was left early.
enum Stop {
    Fault(Box<Located>),
    Break,
    Continue,
}

impl From<Located> for Stop {
    fn from(located: Located) -> Self {
        Self::Fault(Box::new(located))
    }
}

type Done<T = ()> = Result<T, Stop>;

/// One execution of one template.
pub(super) struct Run<'m> {
    machine: &'m Machine<'m>,
    body: &'m Body,
    /// The variables in sight, the last declared one last.
    variables: Vec<(SmolStr, Value)>,
}

impl<'m> Run<'m> {
    pub(super) fn new(machine: &'m Machine<'_>, body: &'m Body) -> Self {
        Self { machine, body, variables: Vec::new() }
    }

    /// Returns what the template writes for `dot`.
    pub(super) fn execute(&mut self, dot: &Value) -> Result<String, Located> {
        let mut out = String::new();
        let body = self.body;
        self.variables.push((SmolStr::new_static("$"), dot.clone()));
        match self.walk(&mut out, &body.tree, dot) {
            Ok(()) => Ok(out),
            Err(Stop::Fault(located)) => Err(*located),
            Err(_) => Err(self.located(body.tree.pos, "break or continue outside of range")),
        }
    }

    fn located(&self, pos: Pos, message: impl Into<String>) -> Located {
        let end = pos.offset.min(self.body.source.len());
        let before = self.body.source.get(..end).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Located {
            template: self.body.file.to_string(),
            line: pos.line,
            column: before[start..].chars().count() + 1,
            message: message.into(),
        }
    }

    fn stop(&self, pos: Pos, message: impl Into<String>) -> Stop {
        self.located(pos, message).into()
    }

    /// Places a fault of a function at its call.
    fn caught(&self, pos: Pos, name: &str, fault: Fault) -> Stop {
        match fault {
            Fault::Here(message) => self.stop(pos, format!("error calling {name}: {message}")),
            Fault::There(located) => Stop::Fault(located),
        }
    }

    fn walk(&mut self, out: &mut String, list: &ListNode, dot: &Value) -> Done {
        list.nodes.iter().try_for_each(|node| self.node(out, node, dot))
    }

    fn node(&mut self, out: &mut String, node: &Node, dot: &Value) -> Done {
        match node {
            Node::Text(text) => out.push_str(&text.text),
            Node::Action(action) => {
                let value = self.pipe(&action.pipe, dot)?;
                if action.pipe.decl.is_empty() {
                    out.push_str(&text_or(&value, "<no value>"));
                }
            }
            Node::If(branch) => self.scoped(|run| run.branch(out, branch, dot, false))?,
            Node::With(branch) => self.scoped(|run| run.branch(out, branch, dot, true))?,
            Node::Range(branch) => self.scoped(|run| run.range(out, branch, dot))?,
            Node::Template(call) => {
                let value = match &call.pipe {
                    Some(pipe) => self.pipe(pipe, dot)?,
                    None => Value::Nil,
                };
                let result = self.machine.execute(&call.name, &value);
                out.push_str(&result.map_err(|fault| self.caught(call.pos, "template", fault))?);
            }
            Node::List(list) => self.walk(out, list, dot)?,
            Node::Define(_) => {}
            Node::Break(_) => return Err(Stop::Break),
            Node::Continue(_) => return Err(Stop::Continue),
        }
        Ok(())
    }

    /// Runs `inner`, then forgets the variables it declared.
    fn scoped(&mut self, inner: impl FnOnce(&mut Self) -> Done) -> Done {
        let known = self.variables.len();
        let result = inner(self);
        self.variables.truncate(known);
        result
    }

    fn branch(&mut self, out: &mut String, branch: &BranchNode, dot: &Value, with: bool) -> Done {
        let value = self.pipe(&branch.pipe, dot)?;
        if value.is_truthy() {
            return self.walk(out, &branch.body, if with { &value } else { dot });
        }
        branch.else_body.as_ref().map_or(Ok(()), |other| self.walk(out, other, dot))
    }

    fn range(&mut self, out: &mut String, branch: &BranchNode, dot: &Value) -> Done {
        let pipe = &branch.pipe;
        let value = self.commands(pipe, dot)?;
        let pairs: Vec<(Value, Value)> = match &value {
            Value::Nil => Vec::new(),
            Value::List(items) => (0_i64..).map(Value::Int).zip(items.iter().cloned()).collect(),
            Value::Map(map) => {
                map.iter().map(|(key, value)| (Value::String(key.clone()), value.clone())).collect()
            }
            Value::Int(count @ ..=1_000_000) => {
                (0..*count).map(|at| (Value::Int(at), Value::Int(at))).collect()
            }
            other => {
                let message = format!("range can't iterate over {}", text(other));
                return Err(self.stop(pipe.pos, message));
            }
        };
        if pairs.is_empty() {
            return branch.else_body.as_ref().map_or(Ok(()), |other| self.walk(out, other, dot));
        }
        for (key, item) in pairs {
            let known = self.variables.len();
            match pipe.decl.as_slice() {
                [] => {}
                [one] => self.bind(one, &item, pipe)?,
                [first, second, ..] => {
                    self.bind(first, &key, pipe)?;
                    self.bind(second, &item, pipe)?;
                }
            }
            let result = self.walk(out, &branch.body, &item);
            self.variables.truncate(known);
            match result {
                Err(Stop::Break) => break,
                Ok(()) | Err(Stop::Continue) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Declares the variable `name`, or gives it a new value if `pipe` assigns.
    fn bind(&mut self, name: &SmolStr, value: &Value, pipe: &PipeNode) -> Done {
        if !pipe.is_assign {
            self.variables.push((name.clone(), value.clone()));
            return Ok(());
        }
        match self.variables.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, slot)) => *slot = value.clone(),
            None => return Err(self.stop(pipe.pos, format!("undefined variable: {name}"))),
        }
        Ok(())
    }

    fn pipe(&mut self, pipe: &PipeNode, dot: &Value) -> Done<Value> {
        let value = self.commands(pipe, dot)?;
        for name in &pipe.decl {
            self.bind(name, &value, pipe)?;
        }
        Ok(value)
    }

    fn commands(&mut self, pipe: &PipeNode, dot: &Value) -> Done<Value> {
        let mut piped = None;
        for command in &pipe.commands {
            piped = Some(self.command(command, dot, piped)?);
        }
        Ok(piped.unwrap_or(Value::Nil))
    }

    fn command(&mut self, command: &CommandNode, dot: &Value, piped: Option<Value>) -> Done<Value> {
        let Some((first, rest)) = command.args.split_first() else { return Ok(Value::Nil) };
        match first {
            Expr::Identifier(pos, name) => self.call(*pos, name, rest, dot, piped),
            Expr::Chain(pos, inner, fields) if matches!(**inner, Expr::Identifier(..)) => {
                let Expr::Identifier(at, name) = &**inner else { return Ok(Value::Nil) };
                let value = self.call(*at, name, rest, dot, piped)?;
                self.fields(*pos, value, fields)
            }
            _ if rest.is_empty() && piped.is_none() => match first {
                Expr::Nil(pos) => Err(self.stop(*pos, "nil is not a command")),
                _ => self.value(first, dot),
            },
            Expr::Field(pos, fields) => self.method(*pos, dot.clone(), fields, rest, dot, piped),
            Expr::Variable(pos, name, fields) if !fields.is_empty() => {
                let value = self.variable(*pos, name)?;
                self.method(*pos, value, fields, rest, dot, piped)
            }
            Expr::Chain(pos, inner, fields) => {
                let value = self.value(inner, dot)?;
                self.method(*pos, value, fields, rest, dot, piped)
            }
            _ => Err(self.stop(first.pos(), "can't give argument to non-function")),
        }
    }

    fn call(
        &mut self,
        pos: Pos,
        name: &str,
        args: &[Expr],
        dot: &Value,
        piped: Option<Value>,
    ) -> Done<Value> {
        if name == "and" || name == "or" {
            return self.short_circuit(pos, name, args, dot, piped);
        }
        let mut values = self.values(args, dot)?;
        values.extend(piped);
        let value = functions::call(self.machine, name, &values).map_err(|fault| match fault {
            Some(fault) => self.caught(pos, name, fault),
            None => self.stop(pos, format!("function \"{name}\" not defined")),
        })?;
        // Maps don't change; for the usual `$_ := set $map "key" "value"` the variable does.
        if functions::CHANGE_THEIR_MAP.contains(&name)
            && let Some(Expr::Variable(_, variable, fields)) = args.first()
            && fields.is_empty()
            && let Some((_, slot)) =
                self.variables.iter_mut().rev().find(|(known, _)| known == variable)
        {
            *slot = value.clone();
        }
        Ok(value)
    }

    /// Evaluates `and` and `or` up to the argument that decides.
    fn short_circuit(
        &mut self,
        pos: Pos,
        name: &str,
        args: &[Expr],
        dot: &Value,
        piped: Option<Value>,
    ) -> Done<Value> {
        let mut last = None;
        for arg in args {
            let value = self.value(arg, dot)?;
            if value.is_truthy() == (name == "or") {
                return Ok(value);
            }
            last = Some(value);
        }
        let message = format!("wrong number of args for {name}: want at least 1 got 0");
        piped.or(last).ok_or_else(|| self.stop(pos, message))
    }

    fn values(&mut self, args: &[Expr], dot: &Value) -> Done<Vec<Value>> {
        args.iter().map(|arg| self.value(arg, dot)).collect()
    }

    /// Calls the method that the last of `fields` names.
    fn method(
        &mut self,
        pos: Pos,
        receiver: Value,
        fields: &[SmolStr],
        args: &[Expr],
        dot: &Value,
        piped: Option<Value>,
    ) -> Done<Value> {
        let Some((name, way)) = fields.split_last() else {
            return Err(self.stop(pos, "can't give argument to non-function"));
        };
        let receiver = self.fields(pos, receiver, way)?;
        let mut values = self.values(args, dot)?;
        values.extend(piped);
        match functions::method(self.machine, &receiver, name, &values) {
            Some(result) => result.map_err(|fault| self.caught(pos, name, fault)),
            None if matches!(receiver, Value::Nil) => self.field(pos, &receiver, name),
            None => {
                let message = format!("{name} has arguments but cannot be invoked as function");
                Err(self.stop(pos, message))
            }
        }
    }

    fn variable(&self, pos: Pos, name: &str) -> Done<Value> {
        let found = self.variables.iter().rev().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.clone())
            .ok_or_else(|| self.stop(pos, format!("undefined variable: {name}")))
    }

    fn fields(&self, pos: Pos, mut value: Value, fields: &[SmolStr]) -> Done<Value> {
        for field in fields {
            value = self.field(pos, &value, field)?;
        }
        Ok(value)
    }

    fn field(&self, pos: Pos, value: &Value, name: &str) -> Done<Value> {
        if let Value::Map(map) = value
            && let Some(found) = map.get(name)
        {
            return Ok(found.clone());
        }
        if let Some(result) = functions::method(self.machine, value, name, &[]) {
            return result.map_err(|fault| self.caught(pos, name, fault));
        }
        match value {
            Value::Map(_) => Ok(Value::Nil),
            Value::Nil => {
                Err(self.stop(pos, format!("nil pointer evaluating interface {{}}.{name}")))
            }
            other => {
                let message = format!("can't evaluate field {name} in type {}", type_of(other));
                Err(self.stop(pos, message))
            }
        }
    }

    fn value(&mut self, expr: &Expr, dot: &Value) -> Done<Value> {
        Ok(match expr {
            Expr::Dot(_) => dot.clone(),
            Expr::Nil(_) => Value::Nil,
            Expr::Bool(_, flag) => Value::Bool(*flag),
            Expr::String(_, text) => Value::String(text.clone()),
            Expr::Number(_, Number::Int(number)) => Value::Int(*number),
            Expr::Number(_, Number::Float(number)) => Value::Float(*number),
            Expr::Number(pos, Number::Uint(number)) => {
                return Err(self.stop(*pos, format!("{number} overflows int")));
            }
            Expr::Field(pos, fields) => self.fields(*pos, dot.clone(), fields)?,
            Expr::Variable(pos, name, fields) => {
                let value = self.variable(*pos, name)?;
                self.fields(*pos, value, fields)?
            }
            Expr::Identifier(pos, name) => self.call(*pos, name, &[], dot, None)?,
            Expr::Pipe(_, pipe) => self.pipe(pipe, dot)?,
            Expr::Chain(pos, inner, fields) => {
                let value = self.value(inner, dot)?;
                self.fields(*pos, value, fields)?
            }
        })
    }
}
