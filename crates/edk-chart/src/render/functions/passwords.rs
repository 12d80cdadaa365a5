//! Sprig: "Cryptographic and Security Functions", the ones about passwords.

use aes::{
    Aes256,
    cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Outcome, Table, args, def, encoding};
use crate::render::{engine::Machine, fault::Fault, value::Value};

/// The cost which Go's bcrypt has unless told otherwise.
const COST: u32 = 10;

pub(super) const TABLE: Table = &[
    def("bcrypt", "s", |machine, args| Ok(Value::text(hashed(machine, args::bytes(args, 0))?))),
    def("htpasswd", "ss", |machine, args| {
        let user = args::text(args, 0);
        if user.contains(':') {
            return Ok(Value::text(format!("invalid username: {user}")));
        }
        Ok(Value::text(format!("{user}:{}", hashed(machine, args::bytes(args, 1))?)))
    }),
    def("derivePassword", "ussss", |_, args| derived(args)),
    def("encryptAES", "ss", |machine, args| {
        let (key, text) = (key(args), args::bytes(args, 1));
        let start = machine.engine.random.borrow_mut().bytes(16);
        let cipher = cbc::Encryptor::<Aes256>::new_from_slices(&key, &start);
        let cipher = cipher.map_err(|error| error.to_string())?;
        let sealed = cipher.encrypt_padded_vec::<Pkcs7>(text);
        Ok(Value::text(STANDARD.encode([start, sealed].concat())))
    }),
    def("decryptAES", "ss", |_, args| {
        let bytes = encoding::decode_64(args::bytes(args, 1))
            .map_err(|at| format!("illegal base64 data at input byte {at}"))?;
        let (start, sealed) = bytes.split_at_checked(16).ok_or("the text is too short")?;
        let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&key(args), start);
        let cipher = cipher.map_err(|error| error.to_string())?;
        let opened = cipher.decrypt_padded_vec::<Pkcs7>(sealed);
        Ok(Value::text(opened.map_err(|_| "the password or the text is wrong")?))
    }),
];

fn hashed(machine: &Machine<'_>, password: &[u8]) -> Result<String, Fault> {
    if password.len() > 72 {
        let message = "bcrypt: password length exceeds 72 bytes";
        return Ok(format!("failed to encrypt string with bcrypt: {message}"));
    }
    let mut salt = [0; 16];
    salt.copy_from_slice(&machine.engine.random.borrow_mut().bytes(16));
    let parts = bcrypt::hash_with_salt(password, COST, salt).map_err(|error| error.to_string())?;
    Ok(parts.format_for_version(bcrypt::Version::TwoA))
}

/// Returns the first argument as a key: cut or filled with zeros.
fn key(args: &[Value]) -> [u8; 32] {
    let mut key = [0; 32];
    for (slot, byte) in key.iter_mut().zip(args::bytes(args, 0)) {
        *slot = *byte;
    }
    key
}

const SALT: &[u8] = b"com.lyndir.masterpassword";

/// Returns the forms of a kind of password (Master Password, "Password templates").
fn forms(kind: &str) -> &'static [&'static str] {
    match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => &[],
    }
}

/// Returns the letters that a letter of a form stands for.
fn letters(form: char) -> &'static [u8] {
    match form {
        'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        'v' => b"aeiou",
        'c' => b"bcdfghjklmnpqrstvwxyz",
        'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        'n' => b"0123456789",
        'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// Derives a password from a master password (Master Password, "The Algorithm", version 0).
fn derived(args: &[Value]) -> Outcome {
    let counter = u32::try_from(args::int(args, 0)).unwrap_or(0);
    let kind = args::text(args, 1);
    let forms = forms(&kind);
    if forms.is_empty() {
        return Ok(Value::text(format!("cannot find password template {kind}")));
    }
    let named = |name: &[u8]| {
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX).to_be_bytes();
        [SALT, &length, name].concat()
    };
    let params = scrypt::Params::new(15, 8, 2).map_err(|error| error.to_string())?;
    let mut key = [0; 64];
    scrypt::scrypt(args::bytes(args, 2), &named(args::bytes(args, 3)), &params, &mut key)
        .map_err(|error| error.to_string())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| error.to_string())?;
    mac.update(&named(args::bytes(args, 4)));
    mac.update(&counter.to_be_bytes());
    let seed = mac.finalize().into_bytes();
    let form = forms[usize::from(seed[0]) % forms.len()];
    let password = form.chars().zip(&seed[1..]).map(|(form, byte)| {
        let letters = letters(form);
        letters[usize::from(*byte) % letters.len()]
    });
    Ok(Value::text(password.collect::<Vec<u8>>()))
}
