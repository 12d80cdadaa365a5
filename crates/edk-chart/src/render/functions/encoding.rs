//! Sprig: "Encoding Functions" (Go: "encoding/base64", "encoding/base32").

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Table, args, def};
use crate::render::value::Value;

pub(super) const TABLE: Table = &[
    def("b64enc", "s", |_, args| Ok(Value::text(STANDARD.encode(args::bytes(args, 0))))),
    def("b64dec", "s", |_, args| {
        Ok(Value::text(match decoded(args::bytes(args, 0), &BASE64) {
            Ok(bytes) => bytes,
            Err(at) => format!("illegal base64 data at input byte {at}").into_bytes(),
        }))
    }),
    def("b32enc", "s", |_, args| Ok(Value::text(encoded_32(args::bytes(args, 0))))),
    def("b32dec", "s", |_, args| {
        Ok(Value::text(match decoded(args::bytes(args, 0), &BASE32) {
            Ok(bytes) => bytes,
            Err(at) => format!("illegal base32 data at input byte {at}").into_bytes(),
        }))
    }),
];

const LETTERS_32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LETTERS_64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct Base {
    letters: &'static [u8],
    bits: u32,
    /// Letters of one group.
    group: usize,
    /// How many letters the last group may have.
    ends: &'static [usize],
}

const BASE64: Base = Base { letters: LETTERS_64, bits: 6, group: 4, ends: &[2, 3] };
const BASE32: Base = Base { letters: LETTERS_32, bits: 5, group: 8, ends: &[2, 4, 5, 7] };

fn encoded_32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let mut group = [0u8; 5];
        group[..chunk.len()].copy_from_slice(chunk);
        let number = group.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        let letters = (chunk.len() * 8).div_ceil(5);
        for at in 0..8 {
            let index = usize::try_from(number >> (35 - 5 * at) & 31).unwrap_or(0);
            out.push(if at < letters { char::from(LETTERS_32[index]) } else { '=' });
        }
    }
    out
}

/// Returns the bytes, or the place where the text is wrong.
pub(super) fn decode_64(text: &[u8]) -> Result<Vec<u8>, usize> {
    decoded(text, &BASE64)
}

fn decoded(text: &[u8], base: &Base) -> Result<Vec<u8>, usize> {
    let mut out = Vec::new();
    let mut letters = text.iter().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n'));
    loop {
        let mut group = Vec::new();
        let mut padding = None;
        for (at, byte) in letters.by_ref() {
            match base.letters.iter().position(|letter| letter == byte) {
                Some(value) => group.push(value as u64),
                None if *byte == b'=' => {
                    padding = Some(at);
                    break;
                }
                None => return Err(at),
            }
            if group.len() == base.group {
                break;
            }
        }
        if group.is_empty() && padding.is_none() {
            return Ok(out);
        }
        if group.len() < base.group {
            let Some(at) = padding else { return Err(text.len() - group.len()) };
            if !base.ends.contains(&group.len()) {
                return Err(at);
            }
            for _ in group.len() + 1..base.group {
                match letters.next() {
                    Some((_, b'=')) => {}
                    Some((at, _)) => return Err(at),
                    None => return Err(text.len()),
                }
            }
        }
        let number = group.iter().fold(0u64, |number, value| number << base.bits | value);
        let bits = u32::try_from(group.len()).unwrap_or(0) * base.bits;
        let aligned = number << (64 - bits);
        let count = usize::try_from(bits / 8).unwrap_or(0);
        out.extend_from_slice(&aligned.to_be_bytes()[..count]);
        if padding.is_some() {
            return match letters.next() {
                Some((at, _)) => Err(at),
                None => Ok(out),
            };
        }
    }
}
