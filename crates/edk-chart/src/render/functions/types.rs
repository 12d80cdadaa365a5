//! Sprig: "Reflection Functions".

use gotmpl::Value;

use super::{Table, args};
use crate::render::value::{kind_of, string, type_of};

pub(super) const TABLE: Table = &[
    ("kindOf", |_, args| Ok(string(kind_of(args::any(args, 0)?)))),
    ("kindIs", |_, args| Ok(Value::Bool(args::string(args, 0)? == kind_of(args::any(args, 1)?)))),
    ("typeOf", |_, args| Ok(string(type_of(args::any(args, 0)?)))),
    ("typeIs", |_, args| Ok(Value::Bool(args::string(args, 0)? == type_of(args::any(args, 1)?)))),
    ("typeIsLike", |_, args| {
        let wanted = args::string(args, 0)?;
        let found = type_of(args::any(args, 1)?);
        Ok(Value::Bool(wanted.strip_prefix('*').unwrap_or(wanted) == found))
    }),
    ("deepEqual", |_, args| Ok(Value::Bool(args::any(args, 0)? == args::any(args, 1)?))),
];
