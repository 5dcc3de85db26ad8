//! Server side of TLS.

use crate::config::{ConfigError, Tls};
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// Builds the TLS acceptor from the configuration.
///
/// # Errors
/// [`ConfigError`], which names the file.
pub fn acceptor(tls: &Tls) -> Result<TlsAcceptor, ConfigError> {
    let provider = Arc::new(ring::default_provider());
    let chain = certificates("tls.certificate", &tls.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read(&tls.key)?);
    let key = key.map_err(|why| refused("tls.key", &tls.key, &why))?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|why| refused("tls.certificate", &tls.certificate, &why))?;
    let builder = match &tls.client_authority {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let what = "tls.client_authority";
            let mut roots = RootCertStore::empty();
            for certificate in certificates(what, path)? {
                roots.add(certificate).map_err(|why| refused(what, path, &why))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|why| refused(what, path, &why))?)
        }
    };
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|why| refused("tls.certificate and tls.key", &tls.certificate, &why))?;
    config.alpn_protocols.push(b"h2".to_vec());
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn refused(what: &str, path: &Path, why: &dyn Display) -> ConfigError {
    ConfigError::Refused(format!("{what} '{}': {why}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Reads all certificates of a file; at least one is required.
fn certificates(what: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|why| refused(what, path, &why))?;
    match found.is_empty() {
        true => Err(refused(what, path, &"no certificate (PEM) is in it")),
        false => Ok(found),
    }
}
