//! Sprig: "Cryptographic and Security Functions", the ones about keys and certificates.

use std::{net::IpAddr, rc::Rc, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use rsa::{
    PrivateKey,
    pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey},
    pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding},
};

use super::{Outcome, Table, args, def, encoding};
use crate::render::{engine::Machine, fault::Fault, format, thing::Thing, value::Value};

/// Bits of the keys of certificates, and of keys alone, as Sprig makes them.
const CERTIFICATE_BITS: usize = 2048;
const KEY_BITS: usize = 4096;

pub(super) const TABLE: Table = &[
    def("genPrivateKey", "s", |machine, args| {
        Ok(Value::text(private_key(machine, &args::text(args, 0))?))
    }),
    def("genCA", "si", |machine, args| {
        authority(machine, args, &rsa_key(machine, CERTIFICATE_BITS)?)
    }),
    def("genCAWithKey", "sis", |machine, args| authority(machine, args, &args::text(args, 2))),
    def("genSelfSignedCert", "sAAi", |machine, args| {
        self_signed(machine, args, &rsa_key(machine, CERTIFICATE_BITS)?)
    }),
    def("genSelfSignedCertWithKey", "sAAis", |machine, args| {
        self_signed(machine, args, &args::text(args, 4))
    }),
    def("genSignedCert", "sAAic", |machine, args| {
        signed(machine, args, &rsa_key(machine, CERTIFICATE_BITS)?)
    }),
    def("genSignedCertWithKey", "sAAics", |machine, args| {
        signed(machine, args, &args::text(args, 5))
    }),
    def("buildCustomCert", "ss", |_, args| custom(args)),
];

fn said(error: impl ToString) -> Fault {
    Fault::from(error.to_string())
}

fn rsa_key(machine: &Machine<'_>, bits: usize) -> Result<String, Fault> {
    let mut random = machine.engine.random.borrow_mut();
    let key = PrivateKey::new(&mut *random, bits).map_err(said)?;
    Ok(key.to_pkcs1_pem(LineEnding::LF).map_err(said)?.to_string())
}

fn private_key(machine: &Machine<'_>, kind: &str) -> Result<String, Fault> {
    let secret = |count| machine.engine.random.borrow_mut().bytes(count);
    Ok(match kind {
        "" | "rsa" => rsa_key(machine, KEY_BITS)?,
        "ecdsa" => {
            let key = p256::SecretKey::from_slice(&secret(32)).map_err(said)?;
            key.to_sec1_pem(LineEnding::LF).map_err(said)?.to_string()
        }
        "ed25519" => {
            let mut seed = [0; 32];
            seed.copy_from_slice(&secret(32));
            let key = ed25519_dalek::SigningKey::from_bytes(&seed);
            key.to_pkcs8_pem(LineEnding::LF).map_err(said)?.to_string()
        }
        "dsa" => return Err("keys of the type dsa are not made; rsa, ecdsa and ed25519 are".into()),
        other => format!("Unknown type {other}"),
    })
}

/// Reads a private key in any of the forms that `genPrivateKey` writes.
fn key_pair(pem: &str) -> Result<KeyPair, Fault> {
    let der = if pem.contains("RSA PRIVATE KEY") {
        PrivateKey::from_pkcs1_pem(pem).map_err(said)?.to_pkcs8_der().map_err(said)?
    } else if pem.contains("EC PRIVATE KEY") {
        p256::SecretKey::from_sec1_pem(pem).map_err(said)?.to_pkcs8_der().map_err(said)?
    } else if let Ok(key) = PrivateKey::from_pkcs8_pem(pem) {
        key.to_pkcs8_der().map_err(said)?
    } else {
        return KeyPair::from_pem(pem).map_err(|_| no_key());
    };
    let der = rustls_pki_types::PrivatePkcs8KeyDer::from(der.as_bytes());
    KeyPair::try_from(&der).map_err(said)
}

fn no_key() -> Fault {
    "error parsing private key: no PEM data in input".into()
}

fn certificate(cert: &str, key: &str) -> Value {
    let fields = vec![("Cert", Value::text(cert)), ("Key", Value::text(key))];
    Value::Thing(Rc::new(Thing::Struct { go: "sprig.certificate", pointer: false, fields }))
}

/// Returns what all certificates have: the name, the time, and what they are for.
fn params(machine: &Machine<'_>, name: &str, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    let now = u64::try_from(machine.engine.now).unwrap_or(0);
    let days = u64::try_from(days).unwrap_or(0).min(3_000_000);
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(now);
    params.not_after = params.not_before + Duration::from_secs(days * 86_400);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let mut serial = machine.engine.random.borrow_mut().bytes(16);
    serial[0] &= 0x7f;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn authority(machine: &Machine<'_>, args: &[Value], key: &str) -> Outcome {
    let mut params = params(machine, &args::text(args, 0), args::int(args, 1));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    let made = params.self_signed(&key_pair(key)?).map_err(said)?;
    Ok(certificate(&made.pem(), key))
}

/// Returns what the certificate of a server has.
fn server(machine: &Machine<'_>, args: &[Value]) -> Result<CertificateParams, Fault> {
    let mut params = params(machine, &args::text(args, 0), args::int(args, 3));
    params.is_ca = IsCa::ExplicitNoCa;
    for address in args::items(args::any(args, 1)).unwrap_or_default() {
        let Value::Text(text) = &address else {
            let shown = format::shown(&address);
            return Err(format!("error parsing ip: {shown} is not a string").into());
        };
        let text = String::from_utf8_lossy(text);
        let address: IpAddr =
            text.parse().map_err(|_| format!("error parsing ip: {text} is not an IP address"))?;
        params.subject_alt_names.push(SanType::IpAddress(address));
    }
    for name in args::items(args::any(args, 2)).unwrap_or_default() {
        let Value::Text(text) = &name else {
            let shown = format::shown(&name);
            return Err(format!("error processing alternate dns name: {shown} is not a string").into());
        };
        let name = String::from_utf8_lossy(text).into_owned().try_into().map_err(said)?;
        params.subject_alt_names.push(SanType::DnsName(name));
    }
    Ok(params)
}

fn self_signed(machine: &Machine<'_>, args: &[Value], key: &str) -> Outcome {
    let made = server(machine, args)?.self_signed(&key_pair(key)?).map_err(said)?;
    Ok(certificate(&made.pem(), key))
}

fn signed(machine: &Machine<'_>, args: &[Value], key: &str) -> Outcome {
    let Some(Value::Thing(authority)) = args.get(4) else { return Err("no authority".into()) };
    let field = |name: &str| {
        let found = authority.fields().into_iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| format::shown(&text)).unwrap_or_default()
    };
    let issuer = Issuer::from_ca_cert_pem(&field("Cert"), key_pair(&field("Key"))?);
    let made = server(machine, args)?.signed_by(&key_pair(key)?, &issuer.map_err(said)?);
    Ok(certificate(&made.map_err(said)?.pem(), key))
}

fn custom(args: &[Value]) -> Outcome {
    let decoded = |at: usize, what: &str| {
        let bytes = encoding::decode_64(args::bytes(args, at))
            .map_err(|_| Fault::from(format!("unable to decode base64 {what}")))?;
        Ok::<_, Fault>(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (cert, key) = (decoded(0, "certificate")?, decoded(1, "private key")?);
    if !cert.contains("-----BEGIN CERTIFICATE-----") {
        return Err("unable to decode certificate".into());
    }
    if !key.contains("PRIVATE KEY-----") {
        return Err("unable to decode certificate".into());
    }
    key_pair(&key)?;
    Ok(certificate(&cert, &key))
}
