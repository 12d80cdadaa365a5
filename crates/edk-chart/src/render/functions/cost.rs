//! What a call costs beyond itself, in steps of the engine (a step takes less than a microsecond):
//! without it, a loop over a slow function would take days within the limit of steps.

use crate::render::value::Value;

/// Texts are read at this many bytes in the time of a step, lists and maps at this many items.
const BYTES: usize = 256;
const ITEMS: usize = 8;

/// Returns how many steps a call of the function `name` takes.
pub(in crate::render) fn of(name: &str, args: &[Value]) -> usize {
    let slow = match name {
        // Each is made to be slow: some fifty milliseconds.
        "bcrypt" | "htpasswd" => 50_000,
        "derivePassword" => 200_000,
        // RSA keys: up to a second.
        "genPrivateKey" | "genCA" | "genSelfSignedCert" | "genSignedCert" => 200_000,
        _ if name.to_ascii_lowercase().contains("regex") => args.first().map_or(0, pattern),
        _ => 0,
    };
    args.iter().map(size).fold(slow, usize::saturating_add)
}

/// Expressions are compiled again for each call; what repeats much becomes large.
fn pattern(value: &Value) -> usize {
    let Value::Text(text) = value else { return 0 };
    let repeats = text.contains(&b'{');
    100 + text.len().saturating_mul(10) + if repeats { 2_000 } else { 0 }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) | Value::Bytes(text) => text.len() / BYTES,
        Value::List(list) => list.items.borrow().len() / ITEMS,
        Value::Map(map) => map.entries.borrow().len() / ITEMS,
        _ => 0,
    }
}
