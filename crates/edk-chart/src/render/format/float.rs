//! Floating-point numbers.

/// Returns `value` in the format of `verb` (`e`, `f` or `g`), with all digits it needs or with
/// `precision` ones (Go: `strconv.FormatFloat`).
pub(in crate::render) fn general(value: f64, verb: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match (verb, precision) {
        ('e', None) => exponent(&format!("{value:e}")),
        ('e', Some(digits)) => exponent(&format!("{value:.digits$e}")),
        ('f', None) => format!("{value}"),
        ('f', Some(digits)) => format!("{value:.digits$}"),
        ('x', precision) => hexadecimal(value, precision),
        (_, precision) => shortest(value, precision),
    }
}

fn exponent(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

fn shortest(value: f64, precision: Option<usize>) -> String {
    let scientific = match precision {
        None => format!("{value:e}"),
        Some(digits) => format!("{value:.*e}", digits.max(1) - 1),
    };
    let (mantissa, exp) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => mantissa,
    };
    let exp: i32 = exp.parse().unwrap_or(0);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let digits = i32::try_from(digits).unwrap_or(0);
    let limit = match precision {
        None => 21,
        Some(wanted) => {
            let wanted = i32::try_from(wanted.max(1)).unwrap_or(i32::MAX);
            if wanted > digits && digits > exp { digits } else { wanted }
        }
    };
    let limit = if precision.is_none() { 6.min(limit) } else { limit };
    if exp < -4 || exp >= limit.max(if precision.is_none() { 6 } else { 1 }) {
        return exponent(&format!("{mantissa}e{exp}"));
    }
    let after = usize::try_from(digits - exp - 1).unwrap_or(0);
    format!("{value:.after$}")
}

fn hexadecimal(value: f64, precision: Option<usize>) -> String {
    let bits = value.to_bits();
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let raw = (bits >> 52) & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    if value == 0.0 {
        return format!("{sign}0x0p+00");
    }
    let exp = i64::try_from(raw).unwrap_or(0) - 1023;
    let digits = format!("{fraction:013x}");
    let digits = match precision {
        None => digits.trim_end_matches('0'),
        Some(count) => &digits[..count.min(13)],
    };
    let point = if digits.is_empty() { "" } else { "." };
    let exp_sign = if exp < 0 { '-' } else { '+' };
    format!("{sign}0x1{point}{digits}p{exp_sign}{:02}", exp.abs())
}
