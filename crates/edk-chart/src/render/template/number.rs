//! Numbers as they are written in templates: like Go's, with bases, underscores and letters.

use super::unquote;

/// A number, in every form that it can take.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::render) struct Number {
    /// As written.
    pub(in crate::render) text: String,
    pub(in crate::render) int: Option<i64>,
    pub(in crate::render) float: Option<f64>,
    /// Whether it is meant as a floating-point number.
    pub(in crate::render) is_float: bool,
}

impl Number {
    /// Reads a number or a letter in single quotes.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.starts_with('\'') {
            let letter = unquote::letter(text).ok_or("invalid syntax")?;
            let letter = letter.ok_or_else(|| format!("malformed character constant: {text}"))?;
            let code = i64::from(u32::from(letter));
            #[allow(clippy::cast_precision_loss, reason = "a letter's number is small")]
            let float = Some(code as f64);
            return Ok(Self { text: text.to_owned(), int: Some(code), float, is_float: false });
        }
        let number = |int, float, is_float| Self { text: text.to_owned(), int, float, is_float };
        if let Some(int) = whole(text) {
            let fits = i64::try_from(int).ok();
            if fits.is_some() || (0..=i128::from(u64::MAX)).contains(&int) {
                #[allow(clippy::cast_precision_loss, reason = "so does Go")]
                return Ok(number(fits, Some(int as f64), false));
            }
        }
        let float = float(text).ok_or_else(|| format!("illegal number syntax: {text:?}"))?;
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {text:?}"));
        }
        let hex = text.contains(['x', 'X']);
        let is_float = !hex || text.contains(['p', 'P']);
        Ok(number(crate::number::whole(float), Some(float), is_float))
    }
}

/// Reads a whole number with an optional base (Go: `strconv.ParseInt` with base 0).
pub(in crate::render) fn whole(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let grouped = radix != 10 && !digits.starts_with("__");
    let misplaced = digits.ends_with('_') || digits.contains("__");
    if (digits.contains('_') && (misplaced || (!grouped && radix == 10 && digits.starts_with('_'))))
        || digits.starts_with(['+', '-'])
    {
        return None;
    }
    let magnitude = i128::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// Reads a floating-point number (Go: `strconv.ParseFloat`).
pub(in crate::render) fn float(text: &str) -> Option<f64> {
    let plain = text.trim_start_matches(['+', '-']);
    if text.len() - plain.len() > 1 {
        return None;
    }
    let lower = plain.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        return hexadecimal(hex).map(|value| if text.starts_with('-') { -value } else { value });
    }
    let special = matches!(lower.as_str(), "inf" | "infinity" | "nan");
    if !special && !lower.bytes().all(|b| b.is_ascii_digit() || b".e+-_".contains(&b)) {
        return None;
    }
    if lower.contains('_') {
        return None;
    }
    text.parse().ok()
}

fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let value = u64::from_str_radix(&digits, 16).ok()?;
    let shift = exponent.parse::<i32>().ok()? - 4 * i32::try_from(fraction.len()).ok()?;
    #[allow(clippy::cast_precision_loss, reason = "so does Go")]
    Some(value as f64 * 2f64.powi(shift))
}
