//! Sprig: digests of texts.

use std::fmt::Write as _;

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Table, args, def};
use crate::render::value::Value;

pub(super) const TABLE: Table = &[
    def("sha1sum", "s", |_, args| Ok(Value::text(hex(&Sha1::digest(args::bytes(args, 0)))))),
    def("sha256sum", "s", |_, args| Ok(Value::text(hex(&Sha256::digest(args::bytes(args, 0)))))),
    def("sha512sum", "s", |_, args| Ok(Value::text(hex(&Sha512::digest(args::bytes(args, 0)))))),
    def("adler32sum", "s", |_, args| Ok(Value::text(adler32(args::bytes(args, 0)).to_string()))),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns the checksum of zlib (RFC 1950).
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65521;
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % MODULUS;
        (a, (b + a) % MODULUS)
    });
    b << 16 | a
}
