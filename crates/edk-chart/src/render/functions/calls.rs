//! Helm's functions that call templates, fail, or ask the cluster.

use std::rc::Rc;

use super::{Table, args, def};
use crate::render::{
    engine::{self, Machine},
    fault::Fault,
    format,
    value::Value,
};

pub(super) const TABLE: Table = &[
    def("include", "sa", |machine, args| {
        let text = machine.include(&args::text(args, 0), args::any(args, 1))?;
        Ok(Value::text(text))
    }),
    def("tpl", "sa", |machine, args| {
        let text = args::text(args, 0);
        let name = "gotpl";
        let mut set = (*machine.set).clone();
        set.insert(name.into(), Rc::new(engine::Body {
            file: name.into(),
            source: "".into(),
            tree: Vec::new(),
        }));
        let quoted = format::quoted(args::bytes(args, 0));
        engine::parse(&mut set, name, &text)
            .map_err(|fault| Fault::from(fault).wrapped(&format!("cannot parse template {quoted}")))?;
        let inner = Machine { engine: machine.engine, set: Rc::new(set) };
        let out = inner.execute(name, args::any(args, 1)).map_err(|fault| {
            fault.wrapped(&format!("error during tpl function execution for {quoted}"))
        })?;
        Ok(Value::text(without_no_value(&out)))
    }),
    def("required", "sa", |_, args| match args::any(args, 1) {
        Value::Invalid | Value::Null => Err(author(args)),
        Value::Text(text) if text.is_empty() => Err(author(args)),
        value => Ok(value.clone()),
    }),
    def("fail", "s", |_, args| Err(author(args))),
    def("lookup", "ssss", |_, _| Ok(Value::map(Default::default()))),
    def("getHostByName", "s", |_, _| Ok(Value::text(""))),
];

fn author(args: &[Value]) -> Fault {
    Fault::Author(args::text(args, 0).into_owned())
}

/// Drops what Go writes for nil.
pub(in crate::render) fn without_no_value(text: &[u8]) -> Vec<u8> {
    const NONE: &[u8] = b"<no value>";
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(NONE) {
            at += NONE.len();
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}
