//! Operands, and whether they fit what they are given for.

use super::{
    super::{
        functions,
        template::{Expr, ExprKind},
        value::{Uint, Value},
    },
    At, Done, Run,
};

impl<'b> Run<'b, '_, '_> {
    /// Evaluates an operand for a parameter of the type `kind` (see [`Definition`]).
    pub(super) fn argument(&mut self, kind: char, expr: &'b Expr, dot: &Value) -> Done<Value> {
        self.at = Some(At::Expr(expr));
        let value = match &expr.kind {
            ExprKind::Dot => dot.clone(),
            ExprKind::Nil => {
                return match functions::nil_of(kind) {
                    Some(nil) => Ok(nil),
                    None => self.stop(format!("cannot assign nil to {}", functions::type_of(kind))),
                };
            }
            ExprKind::Field(fields) => {
                self.fields(expr, (dot.clone(), self.boxed_dot), fields, &[], dot, None)?
            }
            ExprKind::Variable(name, fields) => {
                self.variable(expr, name, fields, &[], dot, None)?
            }
            ExprKind::Pipe(pipe) => self.pipe(pipe, dot)?,
            ExprKind::Function(name) => {
                self.function(At::Expr(expr), expr, name, &[], dot, None)?
            }
            ExprKind::Chain(inner, fields) => self.chain(expr, inner, fields, &[], dot, None)?,
            _ => return self.literal(kind, expr, dot),
        };
        self.fitting(value, kind)
    }

    /// Returns a constant for a parameter of the type `kind`.
    fn literal(&mut self, kind: char, expr: &'b Expr, dot: &Value) -> Done<Value> {
        let wrong = |wanted: &str| self.stop(format!("expected {wanted}; found {expr}"));
        match (kind, &expr.kind) {
            ('s', ExprKind::Text(..)) | ('b', ExprKind::Bool(_)) | ('a' | 'v' | '_', _) => {
                self.operand(expr, dot)
            }
            ('s', _) => wrong("string"),
            ('b', _) => wrong("bool"),
            ('i' | 'l', ExprKind::Number(number)) => match number.int {
                Some(number) if kind == 'i' => Ok(Value::int(number)),
                Some(number) => Ok(Value::int64(number)),
                None => wrong("integer"),
            },
            ('i' | 'l', _) => wrong("integer"),
            ('u', ExprKind::Number(number)) => {
                match number.int.and_then(|number| u32::try_from(number).ok()) {
                    Some(number) => Ok(Value::Uint(Uint::Uint32, u64::from(number))),
                    None => wrong("unsigned integer"),
                }
            }
            ('u', _) => wrong("unsigned integer"),
            ('f', ExprKind::Number(number)) => match number.float {
                Some(number) => Ok(Value::Float(number)),
                None => wrong("float"),
            },
            ('f', _) => wrong("float"),
            (kind, _) => {
                let kind = functions::type_of(kind);
                self.stop(format!("can't handle {expr} for arg of type {kind}"))
            }
        }
    }

    /// Returns a constant, or the dot.
    pub(super) fn operand(&self, expr: &Expr, dot: &Value) -> Done<Value> {
        Ok(match &expr.kind {
            ExprKind::Dot => dot.clone(),
            ExprKind::Bool(flag) => Value::Bool(*flag),
            ExprKind::Text(_, text) => Value::Text(text.clone()),
            ExprKind::Number(number) => match (number.is_float, number.float, number.int) {
                (true, Some(float), _) => Value::Float(float),
                (_, _, Some(int)) => Value::int(int),
                _ => return self.stop(format!("{} overflows int", number.text)),
            },
            _ => Value::Invalid,
        })
    }

    /// Says whether `value` fits a parameter of the type `kind`, and returns it as one.
    pub(super) fn fitting(&self, value: Value, kind: char) -> Done<Value> {
        if kind == '_' {
            return Ok(value);
        }
        if let Value::Invalid = value {
            let wanted = functions::type_of(kind);
            return functions::nil_of(kind)
                .map_or_else(|| self.stop(format!("invalid value; expected {wanted}")), Ok);
        }
        if functions::fits(&value, kind) {
            // A function gets nil, whatever type nil had.
            return Ok(if kind == 'a' && value.is_nil() { Value::Invalid } else { value });
        }
        let (wanted, given) = (functions::type_of(kind), value.type_of());
        self.stop(format!("wrong type for value; expected {wanted}; got {given}"))
    }
}
