//! Sprig: "Semantic Version Functions".

use std::rc::Rc;

use super::{Table, args, def};
use crate::{
    render::{thing::Thing, value::Value},
    version::{Version, satisfies},
};

pub(super) const TABLE: Table = &[
    def("semverCompare", "ss", |_, args| {
        let (range, version) = (args::text(args, 0), args::text(args, 1));
        if range.trim().is_empty() {
            return Err(format!("improper constraint: {range}").into());
        }
        if let Some(result) = satisfies(&range, &version) {
            return Ok(Value::Bool(result));
        }
        Err(match satisfies(&range, "1.0.0") {
            Some(_) => "Invalid Semantic Version".into(),
            None => format!("improper constraint: {range}").into(),
        })
    }),
    def("semver", "s", |_, args| {
        let text = args::text(args, 0);
        let version = Version::lenient(&text).ok_or("Invalid Semantic Version")?;
        Ok(Value::Thing(Rc::new(Thing::Semver(version, text.into_owned()))))
    }),
];
