//! Functions that reach back into the templates, or out of them.

use std::rc::Rc;

use gotmpl::Value;

use super::{Table, args};
use crate::render::{
    engine::{self, Machine},
    fault::Fault,
    value::{Map, string},
};

pub(super) const TABLE: Table = &[
    ("include", |machine, args| {
        let name = args::string(args, 0)?;
        machine
            .execute(name, args::any(args, 1)?)
            .map(|text| string(text.replace("<no value>", "")))
    }),
    ("tpl", |machine, args| {
        let source = args::string(args, 0)?;
        if !source.contains("{{") {
            return Ok(string(source));
        }
        tpl(machine, source, args::any(args, 1)?).map(string)
    }),
    ("required", |_, args| {
        let value = args::any(args, 1)?;
        let missing = matches!(value, Value::Nil) || value.as_str() == Some("");
        if missing { Err(args::printed(args, 0)?.into()) } else { Ok(value.clone()) }
    }),
    ("fail", |_, args| Err(args::printed(args, 0)?.into())),
    // Without a cluster nothing is found, as with `helm template`.
    ("lookup", |_, _| Ok(Value::Map(Map::new().into()))),
    ("getHostByName", |_, _| Ok(string(""))),
];

/// Executes a text as a template that sees all others.
fn tpl(machine: &Machine<'_>, source: &str, dot: &Value) -> Result<String, Fault> {
    const NAME: &str = "gotpl";
    let mut set = (*machine.set).clone();
    set.remove(NAME);
    engine::parse(&mut set, NAME, source)?;
    let inner = Machine { engine: machine.engine, set: Rc::new(set) };
    inner.execute(NAME, dot).map(|text| text.replace("<no value>", ""))
}
