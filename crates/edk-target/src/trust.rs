//! Which certificates of a target are believed.

use std::{
    fmt,
    str::FromStr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use edk_model::{Digest, Monitor};
use reqwest::ClientBuilder;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};

use crate::TargetError;

/// How long a server may take to show its certificate.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Those the machine believes.
    System,
    /// Also those of this PEM text.
    Also(Vec<u8>),
    /// The one with this fingerprint, whoever signed it, whatever its names and dates say.
    Pinned(Fingerprint),
    /// All. The caller has to tell the user what that means.
    Anything,
}

/// The SHA-256 of a certificate: what browsers and `openssl x509 -fingerprint` show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(Digest);

impl Fingerprint {
    /// Returns the fingerprint of a certificate (DER).
    pub fn of(certificate: &[u8]) -> Self {
        Self(Digest::of(certificate))
    }
}

impl fmt::Display for Fingerprint {
    /// Pairs of capital digits with colons between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.0.hex().to_uppercase();
        let pairs: Vec<&str> = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]).collect();
        f.write_str(&pairs.join(":"))
    }
}

impl FromStr for Fingerprint {
    type Err = String;

    /// Reads 64 hexadecimal digits, with or without colons or `sha256:` before them.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().to_lowercase();
        let digits = text.strip_prefix("sha256:").unwrap_or(&text).replace(':', "");
        let digest = format!("sha256:{digits}").parse();
        digest.map(Self).map_err(|_| "it is not the SHA-256 of a certificate".to_owned())
    }
}

impl Trust {
    /// Returns the trust in the authorities of a PEM text beside those of the machine.
    ///
    /// # Errors
    /// What is wrong with the text, as the end of a sentence about it.
    pub fn also(pem: Vec<u8>) -> Result<Self, &'static str> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match certificates {
            Ok(found) if !found.is_empty() => Ok(Self::Also(pem)),
            Ok(_) => Err("holds no certificate in PEM form"),
            Err(_) => Err("holds a damaged certificate"),
        }
    }

    /// Says whether the certificates (DER, the server's own first) of `host`, which this machine
    /// does not believe, are believed at `now`. For a connection that another program makes, as a
    /// web view does.
    pub fn believes(&self, chain: &[Vec<u8>], host: &str, now: SystemTime) -> bool {
        let Some((own, above)) = chain.split_first() else { return false };
        match self {
            Self::System => false,
            Self::Also(pem) => is_signed(pem, own, above, host, now).unwrap_or(false),
            Self::Pinned(fingerprint) => Fingerprint::of(own) == *fingerprint,
            Self::Anything => true,
        }
    }

    /// Returns `builder` with this trust.
    ///
    /// # Errors
    /// The certificates are no certificates.
    pub(crate) fn apply(&self, builder: ClientBuilder) -> reqwest::Result<ClientBuilder> {
        // Another part of the program may have chosen a provider first; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(match self {
            Self::System => builder,
            Self::Also(pem) => {
                let certificates = reqwest::Certificate::from_pem_bundle(pem)?;
                certificates.into_iter().fold(builder, ClientBuilder::add_root_certificate)
            }
            Self::Pinned(fingerprint) => builder.tls_backend_preconfigured(pinned(*fingerprint)),
            Self::Anything => builder.tls_danger_accept_invalid_certs(true),
        })
    }
}

/// Returns the fingerprint of the certificate which the server at `url` shows, whether it is
/// believed or not, so that a user can compare it with what an administrator says.
///
/// # Errors
/// The server can't be reached, shows no certificate ([`TargetError::Address`]), or cancelled.
pub async fn fingerprint_at(
    target: &str,
    url: &str,
    monitor: &Monitor,
) -> Result<Fingerprint, TargetError> {
    let unreachable = |source| TargetError::unreachable(target, url, source);
    let builder = Trust::Anything.apply(reqwest::Client::builder().tls_info(true));
    let client = builder.and_then(ClientBuilder::build).map_err(unreachable)?;
    let asked = client.head(url).timeout(PATIENCE).send();
    let answer = tokio::select! {
        () = monitor.token().cancelled() => return Err(edk_model::Cancelled.into()),
        answer = asked => answer.map_err(unreachable)?,
    };
    let shown = answer.extensions().get::<reqwest::tls::TlsInfo>();
    let certificate = shown.and_then(reqwest::tls::TlsInfo::peer_certificate);
    certificate
        .map(Fingerprint::of)
        .ok_or_else(|| TargetError::Address { target: target.to_owned(), url: url.to_owned() })
}

/// Says whether the authorities of `pem` have signed a certificate, for this host and time; `None`
/// when one of these things is none.
fn is_signed(
    pem: &[u8],
    own: &[u8],
    above: &[Vec<u8>],
    host: &str,
    now: SystemTime,
) -> Option<bool> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.ok()?).ok()?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = builder.build().ok()?;
    let above: Vec<_> = above.iter().map(|it| CertificateDer::from_slice(it)).collect();
    let name = ServerName::try_from(host).ok()?;
    let now = UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH).ok()?);
    let own = CertificateDer::from_slice(own);
    Some(verifier.verify_server_cert(&own, &above, &name, &[], now).is_ok())
}

fn pinned(fingerprint: Fingerprint) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Pin { fingerprint, provider: provider.clone() });
    let builder = ClientConfig::builder_with_provider(provider);
    // Only a provider without cipher suites has no default versions.
    let builder = match builder.with_safe_default_protocol_versions() {
        Ok(builder) => builder,
        Err(_) => ClientConfig::builder(),
    };
    builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
}

/// Believes one certificate. That its owner speaks is still proven by the handshake.
#[derive(Debug)]
struct Pin {
    fingerprint: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match Fingerprint::of(certificate) == self.fingerprint {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Says whether a connection failed because the certificate is not believed.
pub(crate) fn is_distrust(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return matches!(error, rustls::Error::InvalidCertificate(_));
        }
        // The error of TLS lies inside an error of input and output, which names no source of it.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_in_every_form_in_which_it_is_shown() {
        let fingerprint = Fingerprint::of(b"a certificate");
        let shown = fingerprint.to_string();
        assert_eq!((shown.len(), shown.matches(':').count()), (95, 31));
        let plain = shown.replace(':', "").to_lowercase();
        for text in [shown, plain.clone(), format!("sha256:{plain}"), format!(" {plain}\n")] {
            assert_eq!(text.parse(), Ok(fingerprint), "{text}");
        }
        for text in ["", "12:34", &plain[1..], &format!("{plain}0")] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_chain_is_believed_as_its_target_says() {
        use rcgen::{BasicConstraints, CertificateParams, Issuer, KeyPair};
        let (above_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(BasicConstraints::Unconstrained);
        let above = params.self_signed(&above_key).unwrap();
        let host = "kaapana.example.org";
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let issuer = Issuer::new(CertificateParams::default(), &above_key);
        let own = params.signed_by(&key, &issuer).unwrap();
        let alone = params.self_signed(&key).unwrap().der().to_vec();
        let chain = [own.der().to_vec(), above.der().to_vec()];
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let also = Trust::also(above.pem().into_bytes()).unwrap();

        assert!(also.believes(&chain, host, now));
        assert!(also.believes(&chain[..1], host, now));
        assert!(!also.believes(&chain, "other.example.org", now));
        assert!(!also.believes(&chain, host, SystemTime::UNIX_EPOCH));
        assert!(!also.believes(std::slice::from_ref(&alone), host, now));
        assert!(!also.believes(&[b"no certificate".to_vec()], host, now));
        let pin = Trust::Pinned(Fingerprint::of(&alone));
        assert!(pin.believes(std::slice::from_ref(&alone), "any", now));
        assert!(!pin.believes(&chain, host, now));
        assert!(!Trust::System.believes(&chain, host, now));
        assert!(Trust::Anything.believes(&chain, host, now));
        assert!(!Trust::Anything.believes(&[], host, now));
    }
}
