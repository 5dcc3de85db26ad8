//! Server side of TLS. Its files can be read again while the service runs.

use crate::config::{ConfigError, Tls};
use quarry_client::digest::digest;
use std::fmt::Display;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use tokio_rustls::rustls::{CertificateError, Error, RootCertStore, ServerConfig};

/// Keys of the files in the configuration.
const FILES: [&str; 3] = ["tls.certificate", "tls.key", "tls.client_authority"];

/// TLS as its files were last read.
pub struct Loaded {
    acceptor: TlsAcceptor,
    /// SHA-256 of each of [`FILES`] that there is.
    digests: [Option<String>; 3],
    /// The files with certificates, and when the first certificate of each expires, in seconds since 1970.
    pub expiries: Vec<(&'static str, i64)>,
}

/// TLS of the server. Connections that are open keep the certificate that they began with.
pub struct ServerTls(RwLock<Loaded>);

impl ServerTls {
    /// Shares what was loaded.
    pub fn new(loaded: Loaded) -> Arc<Self> {
        Arc::new(Self(RwLock::new(loaded)))
    }

    fn loaded(&self) -> RwLockReadGuard<'_, Loaded> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acceptor of new connections.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.loaded().acceptor.clone()
    }

    /// See [`Loaded::expiries`].
    pub fn expiries(&self) -> Vec<(&'static str, i64)> {
        self.loaded().expiries.clone()
    }

    /// Replaces what was loaded; returns the keys of the files whose contents have changed.
    pub fn set(&self, loaded: Loaded) -> Vec<&'static str> {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let pairs = held.digests.iter().zip(&loaded.digests);
        let changed = FILES.into_iter().zip(pairs).filter(|(_, (old, new))| old != new);
        let changed = changed.map(|(key, _)| key).collect();
        *held = loaded;
        changed
    }
}

/// Reads the files of the configuration.
///
/// # Errors
/// [`ConfigError`], which names the file.
pub fn load(tls: &Tls) -> Result<Loaded, ConfigError> {
    let [certificate, key, authority] = FILES;
    let chain = File::read(certificate, &tls.certificate)?;
    let key = File::read(key, &tls.key)?;
    let roots = tls.client_authority.as_deref();
    let roots = roots.map(|path| File::read(authority, path)).transpose()?;
    let with_certificates = std::iter::once(&chain).chain(&roots);
    let expiries = with_certificates.map(|file| Ok(file.expiry()?.map(|expiry| (file.key, expiry))));
    Ok(Loaded {
        acceptor: acceptor(&chain, &key, roots.as_ref())?,
        expiries: expiries
            .filter_map(Result::transpose)
            .collect::<Result<_, ConfigError>>()?,
        digests: [
            Some(chain.digest()?),
            Some(key.digest()?),
            roots.map(|file| file.digest()).transpose()?,
        ],
    })
}

/// Builds the acceptor from the contents of the files.
fn acceptor(chain: &File<'_>, key: &File<'_>, roots: Option<&File<'_>>) -> Result<TlsAcceptor, ConfigError> {
    let provider = Arc::new(ring::default_provider());
    let certificates = chain.certificates()?;
    let private = PrivateKeyDer::from_pem_slice(&key.content).map_err(|why| key.refused(&why))?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|why| chain.refused(&why))?;
    let builder = match roots {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in file.certificates()? {
                roots.add(certificate).map_err(|why| file.refused(&why))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|why| file.refused(&why))?)
        }
    };
    let config = builder.with_single_cert(certificates, private);
    let mut config = config.map_err(|why| refused("tls.certificate and tls.key", chain.path, &why))?;
    config.alpn_protocols.push(b"h2".to_vec());
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn refused(what: &str, path: &Path, why: &dyn Display) -> ConfigError {
    ConfigError::Refused(format!("{what} '{}': {why}", path.display()))
}

/// A file of the configuration.
struct File<'a> {
    key: &'static str,
    path: &'a Path,
    content: Vec<u8>,
}

impl<'a> File<'a> {
    fn read(key: &'static str, path: &'a Path) -> Result<Self, ConfigError> {
        let content = std::fs::read(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self { key, path, content })
    }

    fn refused(&self, why: &dyn Display) -> ConfigError {
        refused(self.key, self.path, why)
    }

    fn digest(&self) -> Result<String, ConfigError> {
        let digest = digest(&*self.content).map_err(|why| self.refused(&why))?;
        Ok(digest.sha256)
    }

    /// All certificates; at least one is required.
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.content).collect();
        let found = found.map_err(|why| self.refused(&why))?;
        match found.is_empty() {
            true => Err(self.refused(&"no certificate (PEM) is in it")),
            false => Ok(found),
        }
    }

    /// When the first of its certificates expires, in seconds since 1970; `None` if no certificate tells.
    fn expiry(&self) -> Result<Option<i64>, ConfigError> {
        Ok(self.certificates()?.iter().filter_map(expiry).min())
    }
}

/// When a certificate expires, in seconds since 1970. rustls tells it only of a certificate that has expired, so it is
/// asked about the end of time.
fn expiry(certificate: &CertificateDer<'_>) -> Option<i64> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    let end = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
    let algorithms = ring::default_provider().signature_verification_algorithms.all;
    let roots = RootCertStore::empty();
    match verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], end, algorithms) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            i64::try_from(not_after.as_secs()).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Valid until Nov  6 11:45:58 2126 GMT.
    const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUSS3/SzCR7Ajm4DNYRNyBwou7mt0wCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOcXVhcnJ5LmV4YW1wbGUwIBcNMjYxMTMwMTE0NTU4WhgPMjEy
NjExMDYxMTQ1NThaMBkxFzAVBgNVBAMMDnF1YXJyeS5leGFtcGxlMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEsXiPFd93I0W4N/COJz3Yrr0b7r/wGKSYS2EQ0Gxz
YMZbHWnpfWO/G/5Iq9A9ZmiR1RCooaeo2tkh7VnroDTfkqNTMFEwHQYDVR0OBBYE
FEAGqnomTtse8QVg4nuDLA0oWB1gMB8GA1UdIwQYMBaAFEAGqnomTtse8QVg4nuD
LA0oWB1gMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhANGvvPVK
1lv7Dq2HdV4TsE6afgG4DkOaVSj0uQHAR7yAAiBO5zzQNY5nNdu8k4ii+FXrIgsm
1QpFZC7RGk14rZh0iQ==
-----END CERTIFICATE-----
";

    #[test]
    fn a_file_expires_with_its_first_certificate() {
        let file = |content: String| File {
            key: FILES[0],
            path: Path::new("cert.pem"),
            content: content.into_bytes(),
        };
        assert_eq!(
            file(CERTIFICATE.to_owned()).expiry().unwrap(),
            Some(4_949_639_158)
        );
        assert_eq!(file(CERTIFICATE.repeat(2)).expiry().unwrap(), Some(4_949_639_158));
        let why = file("no certificate".to_owned())
            .expiry()
            .unwrap_err()
            .to_string();
        assert!(why.contains("tls.certificate 'cert.pem'"), "{why}");
    }
}
