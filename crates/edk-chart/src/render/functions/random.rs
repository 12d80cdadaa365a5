//! Random texts. They come from a seed, not from chance: rendering twice gives the same.

use std::convert::Infallible;

use base64::{Engine, engine::general_purpose::STANDARD};
use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

use super::{Outcome, Table, args, def};
use crate::render::{engine::Machine, value::Value};

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
/// How long a random text may get.
const MAX_LENGTH: usize = 1_000_000;

/// Bytes without a pattern, fixed by their seed: its digest with a number, again and again.
pub(in crate::render) struct Random {
    seed: Vec<u8>,
    block: u64,
    left: Vec<u8>,
}

impl Random {
    pub(in crate::render) fn new(seed: &str) -> Self {
        Self { seed: Sha256::digest(seed).to_vec(), block: 0, left: Vec::new() }
    }

    fn byte(&mut self) -> u8 {
        if self.left.is_empty() {
            self.block += 1;
            let digest = Sha256::new().chain_update(&self.seed);
            self.left = digest.chain_update(self.block.to_be_bytes()).finalize().to_vec();
        }
        self.left.pop().unwrap_or_default()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    fn number(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// Returns the next number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % limit.max(1) as u64).unwrap_or(0)
    }
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((0..4).fold(0, |number, _| number << 8 | u32::from(self.byte())))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.number())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill_with(|| self.byte());
        Ok(())
    }
}

impl TryCryptoRng for Random {}

pub(super) const TABLE: Table = &[
    def("randAlphaNum", "i", |machine, args| drawn(machine, args, &[LETTERS, DIGITS].concat())),
    def("randAlpha", "i", |machine, args| drawn(machine, args, LETTERS)),
    def("randNumeric", "i", |machine, args| drawn(machine, args, DIGITS)),
    def("randAscii", "i", |machine, args| {
        let printable: String = (' '..='~').collect();
        drawn(machine, args, &printable)
    }),
    def("randBytes", "i", |machine, args| {
        let bytes = machine.engine.random.borrow_mut().bytes(length(args)?);
        Ok(Value::text(STANDARD.encode(bytes)))
    }),
    def("randInt", "ii", |machine, args| {
        let (low, high) = (args::int(args, 0), args::int(args, 1));
        let span = usize::try_from(high.saturating_sub(low)).unwrap_or(0);
        if span == 0 {
            return Err("invalid argument to Intn".into());
        }
        let drawn = machine.engine.random.borrow_mut().below(span);
        Ok(Value::int(low.saturating_add(i64::try_from(drawn).unwrap_or(0))))
    }),
    def("shuffle", "s", |machine, args| {
        let mut letters: Vec<char> = args::text(args, 0).chars().collect();
        let mut random = machine.engine.random.borrow_mut();
        for at in (1..letters.len()).rev() {
            letters.swap(at, random.below(at + 1));
        }
        Ok(Value::text(letters.into_iter().collect::<String>()))
    }),
    def("uuidv4", "", |machine, _| {
        let mut bytes = machine.engine.random.borrow_mut().bytes(16);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = [0..4, 4..6, 6..8, 8..10, 10..16].map(|part| hex[part].concat());
        Ok(Value::text(parts.join("-")))
    }),
];

fn length(args: &[Value]) -> Result<usize, crate::render::fault::Fault> {
    let length = usize::try_from(args::int(args, 0));
    let length = length.map_err(|_| "runtime error: makeslice: len out of range")?;
    match length > MAX_LENGTH {
        true => Err(format!("more than {MAX_LENGTH} random characters").into()),
        false => Ok(length),
    }
}

fn drawn(machine: &Machine<'_>, args: &[Value], alphabet: &str) -> Outcome {
    if args::int(args, 0) < 0 {
        return Ok(Value::text(""));
    }
    let length = length(args)?;
    let alphabet: Vec<char> = alphabet.chars().collect();
    let mut random = machine.engine.random.borrow_mut();
    let text: String = (0..length).map(|_| alphabet[random.below(alphabet.len())]).collect();
    Ok(Value::text(text))
}
