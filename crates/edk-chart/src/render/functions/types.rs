//! Sprig: "Reflection Functions".

use super::{Table, args, def};
use crate::render::value::Value;

pub(super) const TABLE: Table = &[
    def("kindOf", "a", |_, args| Ok(Value::text(args::any(args, 0).kind_of()))),
    def("kindIs", "sa", |_, args| {
        Ok(Value::Bool(args::text(args, 0) == args::any(args, 1).kind_of()))
    }),
    def("typeOf", "a", |_, args| Ok(Value::text(args::any(args, 0).type_of()))),
    def("typeIs", "sa", |_, args| {
        Ok(Value::Bool(args::text(args, 0) == args::any(args, 1).type_of()))
    }),
    def("typeIsLike", "sa", |_, args| {
        let (wanted, found) = (args::text(args, 0), args::any(args, 1).type_of());
        Ok(Value::Bool(wanted == found || format!("*{wanted}") == found))
    }),
    def("deepEqual", "aa", |_, args| Ok(Value::Bool(same(args::any(args, 0), args::any(args, 1))))),
];

/// Says whether two values are equal in type and content (Go: `reflect.DeepEqual`).
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::Int(kind, one), Value::Int(other_kind, other)) => kind == other_kind && one == other,
        (Value::Uint(kind, one), Value::Uint(other_kind, other)) => {
            kind == other_kind && one == other
        }
        (Value::Float(one), Value::Float(other)) => one == other,
        (Value::Text(one), Value::Text(other)) | (Value::Bytes(one), Value::Bytes(other)) => {
            one == other
        }
        (Value::List(one), Value::List(other)) => {
            let (a, b) = (one.items.borrow(), other.items.borrow());
            one.go == other.go
                && one.nil == other.nil
                && a.len() == b.len()
                && a.iter().zip(b.iter()).all(|(one, other)| same(one, other))
        }
        (Value::Map(one), Value::Map(other)) => {
            if std::rc::Rc::ptr_eq(one, other) {
                return true;
            }
            let (a, b) = (one.entries.borrow(), other.entries.borrow());
            one.go == other.go
                && one.nil == other.nil
                && a.len() == b.len()
                && a.iter().zip(b.iter()).all(|((key, one), (other_key, other))| {
                    key == other_key && same(one, other)
                })
        }
        (Value::Thing(a), Value::Thing(b)) => {
            std::rc::Rc::ptr_eq(a, b)
                || (a.go() == b.go()
                    && crate::render::format::text(one) == crate::render::format::text(other))
        }
        (one, other) => one.is_nil() && other.is_nil(),
    }
}
