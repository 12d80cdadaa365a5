//! Sprig: "Math Functions" and "Float Math Functions".

use gotmpl::Value;

use super::{Outcome, Table, args};

pub(super) const TABLE: Table = &[
    ("int", |_, args| Ok(Value::Int(args::as_int(args::any(args, 0)?)))),
    ("int64", |_, args| Ok(Value::Int(args::as_int(args::any(args, 0)?)))),
    ("float64", |_, args| Ok(Value::Float(args::as_float(args::any(args, 0)?)))),
    ("atoi", |_, args| Ok(Value::Int(args::string(args, 0)?.parse().unwrap_or(0)))),
    ("toDecimal", |_, args| {
        let text = args::printed(args, 0)?;
        Ok(Value::Int(i64::from_str_radix(&text, 8).unwrap_or(0)))
    }),
    ("add", |_, args| whole(args, i64::checked_add)),
    ("add1", |_, args| whole(&[args::any(args, 0)?.clone(), Value::Int(1)], i64::checked_add)),
    ("sub", |_, args| whole(args, i64::checked_sub)),
    ("mul", |_, args| whole(args, i64::checked_mul)),
    ("div", |_, args| whole(args, i64::checked_div)),
    ("mod", |_, args| whole(args, i64::checked_rem)),
    ("max", |_, args| whole(args, |a, b| Some(a.max(b)))),
    ("biggest", |_, args| whole(args, |a, b| Some(a.max(b)))),
    ("min", |_, args| whole(args, |a, b| Some(a.min(b)))),
    ("addf", |_, args| float(args, |a, b| a + b)),
    ("add1f", |_, args| float(&[args::any(args, 0)?.clone(), Value::Int(1)], |a, b| a + b)),
    ("subf", |_, args| float(args, |a, b| a - b)),
    ("mulf", |_, args| float(args, |a, b| a * b)),
    ("divf", |_, args| float(args, |a, b| a / b)),
    ("maxf", |_, args| float(args, f64::max)),
    ("minf", |_, args| float(args, f64::min)),
    ("floor", |_, args| Ok(Value::Float(args::as_float(args::any(args, 0)?).floor()))),
    ("ceil", |_, args| Ok(Value::Float(args::as_float(args::any(args, 0)?).ceil()))),
    ("round", |_, args| {
        let places = i32::try_from(args::as_int(args::any(args, 1)?)).unwrap_or(0);
        let scale = 10_f64.powi(places);
        Ok(Value::Float((args::as_float(args::any(args, 0)?) * scale).round() / scale))
    }),
];

fn whole(args: &[Value], join: fn(i64, i64) -> Option<i64>) -> Outcome {
    let mut numbers = args.iter().map(args::as_int);
    let first = numbers.next().ok_or("wrong number of args: want at least 1 got 0")?;
    let result = numbers.try_fold(first, join);
    result.map(Value::Int).ok_or_else(|| "the result is not a whole number of 64 bits".into())
}

fn float(args: &[Value], join: fn(f64, f64) -> f64) -> Outcome {
    let numbers = args.iter().map(args::as_float);
    let result = numbers.reduce(join);
    result.map(Value::Float).ok_or_else(|| "wrong number of args: want at least 1 got 0".into())
}
