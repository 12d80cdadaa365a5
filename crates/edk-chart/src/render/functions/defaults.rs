//! Sprig: "Default Functions".

use gotmpl::Value;

use super::{Table, args};

pub(super) const TABLE: Table = &[
    ("default", |_, args| {
        let default = args::any(args, 0)?;
        let given = args.get(1).filter(|value| value.is_truthy());
        Ok(given.unwrap_or(default).clone())
    }),
    ("empty", |_, args| Ok(Value::Bool(!args::any(args, 0)?.is_truthy()))),
    ("coalesce", |_, args| {
        Ok(args.iter().find(|value| value.is_truthy()).cloned().unwrap_or(Value::Nil))
    }),
    ("all", |_, args| Ok(Value::Bool(args.iter().all(Value::is_truthy)))),
    ("any", |_, args| Ok(Value::Bool(args.iter().any(Value::is_truthy)))),
    ("ternary", |_, args| match args::any(args, 2)? {
        Value::Bool(flag) => Ok(args[usize::from(!flag)].clone()),
        other => Err(args::wrong("bool", other)),
    }),
];
