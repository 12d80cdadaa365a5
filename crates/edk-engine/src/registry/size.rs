/// Reads a number of bytes with an optional unit: powers of 1000 (`kB`, `MB`, `GB`, `TB`) or of
/// 1024 (`KiB`, `MiB`, `GiB`, `TiB`).
///
/// # Errors
/// What is wrong, in words.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || "it is not a size such as 500MB or 20GB".to_owned();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err(wrong()),
    };
    Ok((number * factor) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_with_or_without_a_unit() {
        for (text, expected) in [
            ("0", Some(0)),
            ("20GB", Some(20_000_000_000)),
            ("1.5 MB", Some(1_500_000)),
            ("2k", Some(2000)),
            ("1GiB", Some(1 << 30)),
            ("", None),
            ("GB", None),
            ("-1", None),
            ("1.2.3MB", None),
            ("1 parsec", None),
        ] {
            assert_eq!(parse_size(text).ok(), expected, "{text}");
        }
    }
}
