//! TLS for the registry: a certificate of the user's, or one made here.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::serve::Listener;
use edk_archive::{Readers, write_whole};
use edk_model::{Code, Digest, Explain};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How long a client may take to agree on a key.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How many clients may have agreed on a key and wait for their turn.
const WAITING: usize = 64;

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// File of the certificate, for clients that are to trust it.
    pub file: PathBuf,
    /// SHA-256 of the certificate in pairs of hex digits, as browsers and openssl show it.
    pub fingerprint: String,
    config: Arc<ServerConfig>,
}

/// Why a certificate can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file can't be read or written.
    #[error("could not read or write `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The files hold no certificate, no key, or two that do not belong together.
    #[error("the certificate in `{}` can't be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Explain for CertificateError {
    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } => Code::of_io(source),
            Self::Unusable { .. } => Code::InvalidInput,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Io { .. } => Vec::new(),
            Self::Unusable { .. } => {
                vec!["give certificate and key as PEM, or neither: then one is made".to_owned()]
            }
        }
    }
}

impl Certificate {
    /// Reads a certificate, with those above it if any, and its key, both PEM.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let unusable =
            |reason: String| CertificateError::Unusable { path: certificate.to_owned(), reason };
        let text = |path: &Path| {
            std::fs::read(path)
                .map_err(|source| CertificateError::Io { path: path.to_owned(), source })
        };
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(&text(certificate)?).collect();
        let chain = chain.map_err(|error| unusable(error.to_string()))?;
        let first = chain.first().ok_or_else(|| unusable("it is not there".to_owned()))?;
        let fingerprint = fingerprint(first);
        let key = PrivateKeyDer::from_pem_slice(&text(key)?);
        let key = key.map_err(|error| unusable(format!("its key is not there: {error}")))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|it| it.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| unusable(error.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (file, config) = (certificate.to_owned(), Arc::new(config));
        Ok(Self { file, fingerprint, config })
    }

    /// Returns the certificate kept in `folder`, making it when it is not there or was made for
    /// other `names` (host names and addresses).
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn keep(folder: &Path, names: &[String]) -> Result<Self, CertificateError> {
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        let (list, wanted) = (folder.join("names"), names.join("\n"));
        let same = std::fs::read_to_string(&list).is_ok_and(|text| text == wanted);
        if same && let Ok(kept) = Self::read(&certificate, &key) {
            return Ok(kept);
        }
        let made = generate_simple_self_signed(names);
        let CertifiedKey { cert, signing_key } = made.map_err(|error| {
            CertificateError::Unusable { path: certificate.clone(), reason: error.to_string() }
        })?;
        // The list last: without it, both are made anew.
        for (path, text, readers) in [
            (&key, signing_key.serialize_pem(), Readers::Owner),
            (&certificate, cert.pem(), Readers::Everybody),
            (&list, wanted, Readers::Everybody),
        ] {
            write_whole(path, text.as_bytes(), readers)
                .map_err(|source| CertificateError::Io { path: path.clone(), source })?;
        }
        Self::read(&certificate, &key)
    }
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let hex = Digest::of(certificate).hex().to_uppercase();
    let pairs = hex.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned());
    pairs.collect::<Vec<_>>().join(":")
}

/// Accepts TLS connections. Handshakes run beside each other, so that one that hangs stops nobody.
#[derive(Debug)]
pub(crate) struct TlsListener {
    address: io::Result<SocketAddr>,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    accepting: JoinHandle<()>,
}

impl TlsListener {
    pub(crate) fn new(mut listener: TcpListener, certificate: &Certificate) -> Self {
        let address = listener.local_addr();
        let acceptor = TlsAcceptor::from(Arc::clone(&certificate.config));
        let (sender, ready) = mpsc::channel(WAITING);
        let accepting = tokio::spawn(async move {
            loop {
                // Waits and tries again when the machine runs out of something.
                let (stream, address) = Listener::accept(&mut listener).await;
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    // Only a matter of speed.
                    let _ = stream.set_nodelay(true);
                    if let Ok(Ok(stream)) = time::timeout(HANDSHAKE, acceptor.accept(stream)).await
                    {
                        // Nobody takes it only when the server ends.
                        let _ = sender.send((stream, address)).await;
                    }
                });
            }
        });
        Self { address, ready, accepting }
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The task ends only with us.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        match &self.address {
            Ok(address) => Ok(*address),
            Err(error) => Err(io::Error::from(error.kind())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_kept_until_its_names_change() {
        let folder = tempfile::tempdir().unwrap();
        let names = |text: &str| vec![text.to_owned(), "127.0.0.1".to_owned()];
        let keep = |text| Certificate::keep(folder.path(), &names(text)).unwrap().fingerprint;
        let first = keep("one");
        assert_eq!(first.len(), 95, "{first}");
        assert_eq!(keep("one"), first);
        let second = keep("two");
        assert_ne!(second, first);
        std::fs::write(folder.path().join("key.pem"), "broken").unwrap();
        assert_ne!(keep("two"), second);
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn files_that_are_no_certificate_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let own = Certificate::keep(folder.path(), &["a".to_owned()]).unwrap().file;
        let other = tempfile::tempdir().unwrap();
        Certificate::keep(other.path(), &["b".to_owned()]).unwrap();
        let text = folder.path().join("text");
        std::fs::write(&text, "no certificate").unwrap();
        for (certificate, key) in [
            (text.clone(), folder.path().join("key.pem")),
            (own.clone(), text),
            (own.clone(), other.path().join("key.pem")),
            (own, folder.path().join("none.pem")),
        ] {
            assert!(Certificate::read(&certificate, &key).is_err(), "{}", key.display());
        }
    }
}
