//! Texts and letters as Go writes them in quotes.

/// Returns what a text in double or back quotes means.
pub(super) fn text(quoted: &str) -> Option<Vec<u8>> {
    let inner = quoted.get(1..quoted.len().checked_sub(1)?)?;
    if quoted.starts_with('`') {
        return Some(inner.replace('\r', "").into_bytes());
    }
    let mut out = Vec::new();
    let mut rest = inner;
    while !rest.is_empty() {
        let (sign, after) = one(rest, '"')?;
        match sign {
            Sign::Letter(letter) => {
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Sign::Byte(byte) => out.push(byte),
        }
        rest = after;
    }
    Some(out)
}

/// Returns the letter in single quotes; `Some(None)` if there are more.
pub(super) fn letter(quoted: &str) -> Option<Option<char>> {
    let inner = quoted.get(1..quoted.len().checked_sub(1)?)?;
    Some(match one(inner, '\'')? {
        (Sign::Letter(letter), "") => Some(letter),
        (Sign::Byte(byte), "") => Some(char::from(byte)),
        _ => None,
    })
}

enum Sign {
    Letter(char),
    Byte(u8),
}

/// Takes one letter or escape from the start.
fn one(text: &str, quote: char) -> Option<(Sign, &str)> {
    let mut rest = text.chars();
    let first = rest.next()?;
    if first != '\\' {
        return Some((Sign::Letter(first), rest.as_str()));
    }
    let escape = rest.next()?;
    let plain = |letter| Some((Sign::Letter(letter), rest.as_str()));
    match escape {
        'a' => plain('\u{7}'),
        'b' => plain('\u{8}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\u{b}'),
        '\\' => plain('\\'),
        c if c == quote => plain(c),
        'x' => code(rest.as_str(), 2, 16).map(|(code, rest)| (Sign::Byte(code as u8), rest)),
        'u' => code(rest.as_str(), 4, 16)
            .and_then(|(code, rest)| Some((Sign::Letter(char::from_u32(code)?), rest))),
        'U' => code(rest.as_str(), 8, 16)
            .and_then(|(code, rest)| Some((Sign::Letter(char::from_u32(code)?), rest))),
        '0'..='7' => {
            let (code, rest) = code(&text[1..], 3, 8)?;
            Some((Sign::Byte(u8::try_from(code).ok()?), rest))
        }
        _ => None,
    }
}

fn code(text: &str, digits: usize, radix: u32) -> Option<(u32, &str)> {
    let number = text.get(..digits)?;
    let valid = number.chars().all(|digit| digit.is_digit(radix));
    let code = valid.then(|| u32::from_str_radix(number, radix).ok())??;
    Some((code, &text[digits..]))
}
