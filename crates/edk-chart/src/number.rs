//! Floating-point numbers as Go prints them.

/// Returns the shortest digits that read back as `value`, with an exponent below -4 or from 6 on
/// (Go: `%v` of a `float64`).
pub(crate) fn general(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    format!("{value}")
}

/// Returns `value` as a whole number if it is one and fits 64 bits.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
pub(crate) fn whole(value: f64) -> Option<i64> {
    let whole = value as i64;
    (whole as f64 == value && value.abs() < 9.2e18).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_in_go() {
        let table = [
            (0.0, "0"),
            (5.0, "5"),
            (-1.5, "-1.5"),
            (100_000.0, "100000"),
            (1_000_000.0, "1e+06"),
            (123_456_789.0, "1.23456789e+08"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1e21, "1e+21"),
        ];
        for (value, text) in table {
            assert_eq!(general(value), text);
        }
    }

    #[test]
    fn only_whole_numbers_are_whole() {
        assert_eq!(whole(5.0), Some(5));
        assert_eq!(whole(5.5), None);
        assert_eq!(whole(1e20), None);
    }
}
