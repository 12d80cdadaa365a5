//! Random texts. They come from the release, not from chance: rendering twice gives the same.

use edk_model::Digest;
use gotmpl::Value;

use super::{Outcome, Table, args};
use crate::render::{engine::Machine, value::string};

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
/// How long a random text may get.
const MAX_LENGTH: usize = 100_000;

/// A sequence of numbers without a pattern, fixed by its seed. Not for secrets that matter.
pub(in crate::render) struct Random(u64);

impl Random {
    pub(in crate::render) fn new(seed: &str) -> Self {
        let hex = Digest::of(seed.as_bytes()).hex();
        Self(u64::from_str_radix(&hex[..16], 16).unwrap_or_default())
    }

    /// Returns the next number below `limit` (Steele et al., "SplitMix64").
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % limit.max(1) as u64).unwrap_or(0)
    }
}

pub(super) const TABLE: Table = &[
    ("randAlphaNum", |machine, args| drawn(machine, args, &[LETTERS, DIGITS].concat())),
    ("randAlpha", |machine, args| drawn(machine, args, LETTERS)),
    ("randNumeric", |machine, args| drawn(machine, args, DIGITS)),
    ("randAscii", |machine, args| {
        let printable: String = (' '..='~').collect();
        drawn(machine, args, &printable)
    }),
    ("randInt", |machine, args| {
        let (low, high) = (args::as_int(args::any(args, 0)?), args::as_int(args::any(args, 1)?));
        let span = usize::try_from(high.saturating_sub(low)).unwrap_or(0);
        let drawn = machine.engine.random.borrow_mut().below(span);
        Ok(Value::Int(low.saturating_add(i64::try_from(drawn).unwrap_or(0))))
    }),
    ("shuffle", |machine, args| {
        let mut letters: Vec<char> = args::string(args, 0)?.chars().collect();
        let mut random = machine.engine.random.borrow_mut();
        for at in (1..letters.len()).rev() {
            letters.swap(at, random.below(at + 1));
        }
        Ok(string(letters.into_iter().collect::<String>()))
    }),
    ("uuidv4", |machine, _| {
        let mut random = machine.engine.random.borrow_mut();
        let mut digit = |at: usize| match at {
            12 => '4',
            16 => ['8', '9', 'a', 'b'][random.below(4)],
            _ => char::from_digit(u32::try_from(random.below(16)).unwrap_or(0), 16).unwrap_or('0'),
        };
        let mut text = String::new();
        for at in 0..32 {
            if matches!(at, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(digit(at));
        }
        Ok(string(text))
    }),
];

fn drawn(machine: &Machine<'_>, args: &[Value], alphabet: &str) -> Outcome {
    let length = args::count(args, 0)?;
    if length > MAX_LENGTH {
        return Err(format!("more than {MAX_LENGTH} characters").into());
    }
    let alphabet: Vec<char> = alphabet.chars().collect();
    let mut random = machine.engine.random.borrow_mut();
    let text: String = (0..length).map(|_| alphabet[random.below(alphabet.len())]).collect();
    Ok(string(text))
}
