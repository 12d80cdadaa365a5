//! Sprig: "Math Functions", "Integer Math Functions" and "Float Math Functions".

use super::{Outcome, Table, args, def};
use crate::render::{fault::Fault, value::Value};

pub(super) const TABLE: Table = &[
    def("add", "*a", |_, args| {
        Ok(Value::int64(args.iter().fold(0i64, |sum, arg| sum.wrapping_add(args::as_int(arg)))))
    }),
    def("add1", "a", |_, args| Ok(Value::int64(number(args, 0).wrapping_add(1)))),
    def("sub", "aa", |_, args| Ok(Value::int64(number(args, 0).wrapping_sub(number(args, 1))))),
    def("div", "aa", |_, args| divided(args, i64::wrapping_div)),
    def("mod", "aa", |_, args| divided(args, i64::wrapping_rem)),
    def("mul", "a*a", |_, args| {
        Ok(Value::int64(args.iter().fold(1i64, |all, arg| all.wrapping_mul(args::as_int(arg)))))
    }),
    def("max", "a*a", |_, args| Ok(Value::int64(numbers(args).max().unwrap_or(0)))),
    def("biggest", "a*a", |_, args| Ok(Value::int64(numbers(args).max().unwrap_or(0)))),
    def("min", "a*a", |_, args| Ok(Value::int64(numbers(args).min().unwrap_or(0)))),
    def("maxf", "a*a", |_, args| {
        Ok(Value::Float(args.iter().map(args::as_float).fold(f64::NEG_INFINITY, f64::max)))
    }),
    def("minf", "a*a", |_, args| {
        Ok(Value::Float(args.iter().map(args::as_float).fold(f64::INFINITY, f64::min)))
    }),
    def("floor", "a", |_, args| Ok(Value::Float(args::as_float(args::any(args, 0)).floor()))),
    def("ceil", "a", |_, args| Ok(Value::Float(args::as_float(args::any(args, 0)).ceil()))),
    def("round", "ai*f", |_, args| {
        let up = match args.get(2) {
            Some(Value::Float(up)) => *up,
            _ => 0.5,
        };
        let places = i32::try_from(args::int(args, 1)).unwrap_or(i32::MAX);
        let power = 10f64.powi(places);
        let digit = power * args::as_float(args::any(args, 0));
        let rounded = if digit.fract() >= up { digit.ceil() } else { digit.floor() };
        Ok(Value::Float(rounded / power))
    }),
    def("add1f", "a", |_, args| {
        Ok(Value::Float(decimal(args::any(args, 0), &[Value::Float(1.0)], Decimal::plus, |a, b| a + b)))
    }),
    def("addf", "*a", |_, args| {
        Ok(Value::Float(decimal(&Value::Float(0.0), args, Decimal::plus, |a, b| a + b)))
    }),
    def("subf", "a*a", |_, args| {
        let minus = |one: Decimal, other: Decimal| {
            one.plus(Decimal { digits: -other.digits, exponent: other.exponent })
        };
        Ok(Value::Float(decimal(args::any(args, 0), &args[1..], minus, |a, b| a - b)))
    }),
    def("mulf", "a*a", |_, args| {
        Ok(Value::Float(decimal(args::any(args, 0), &args[1..], Decimal::times, |a, b| a * b)))
    }),
    def("divf", "a*a", |_, args| {
        if args[1..].iter().any(|value| args::as_float(value) == 0.0) {
            return Err("decimal division by 0".into());
        }
        Ok(Value::Float(decimal(args::any(args, 0), &args[1..], Decimal::over, |a, b| a / b)))
    }),
];

fn number(args: &[Value], at: usize) -> i64 {
    args::as_int(args::any(args, at))
}

fn numbers(args: &[Value]) -> impl Iterator<Item = i64> + '_ {
    args.iter().map(args::as_int)
}

fn divided(args: &[Value], by: fn(i64, i64) -> i64) -> Outcome {
    match number(args, 1) {
        0 => Err(Fault::from("runtime error: integer divide by zero")),
        divisor => Ok(Value::int64(by(number(args, 0), divisor))),
    }
}

/// A decimal number: Sprig calculates with these, so that 0.1 and 0.2 are 0.3.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

/// How many digits behind the point a quotient has.
const PLACES: i32 = 16;

impl Decimal {
    fn of(value: f64) -> Option<Self> {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}").parse().ok()?;
        let exponent = exponent.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()?;
        Some(Self { digits, exponent })
    }

    fn float(self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or(0.0)
    }

    /// Returns the same number with the smaller exponent `exponent`.
    fn at(self, exponent: i32) -> Option<i128> {
        let power = u32::try_from(self.exponent - exponent).ok()?;
        self.digits.checked_mul(10i128.checked_pow(power)?)
    }

    fn plus(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        let digits = self.at(exponent)?.checked_add(other.at(exponent)?)?;
        Some(Self { digits, exponent })
    }

    fn times(self, other: Self) -> Option<Self> {
        let digits = self.digits.checked_mul(other.digits)?;
        Some(Self { digits, exponent: self.exponent + other.exponent })
    }

    fn over(self, other: Self) -> Option<Self> {
        let shift = u32::try_from(PLACES + self.exponent - other.exponent).ok()?;
        let dividend = self.digits.checked_mul(10i128.checked_pow(shift)?)?;
        let (quotient, rest) = (dividend / other.digits, dividend % other.digits);
        let up = rest.unsigned_abs().saturating_mul(2) >= other.digits.unsigned_abs();
        let sign = if (dividend < 0) == (other.digits < 0) { 1 } else { -1 };
        Some(Self { digits: quotient + if up { sign } else { 0 }, exponent: -PLACES })
    }
}

fn decimal(
    first: &Value,
    others: &[Value],
    exact: impl Fn(Decimal, Decimal) -> Option<Decimal>,
    rough: fn(f64, f64) -> f64,
) -> f64 {
    let start = args::as_float(first);
    let all = others.iter().try_fold(Decimal::of(start), |sum, value| {
        let other = Decimal::of(args::as_float(value));
        Some(sum.zip(other).and_then(|(sum, other)| exact(sum, other)))
    });
    match all.flatten() {
        Some(sum) => sum.float(),
        None => others.iter().map(args::as_float).fold(start, rough),
    }
}
