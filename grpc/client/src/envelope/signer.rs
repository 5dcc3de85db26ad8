//! What signs messages.

use super::external::External;
use super::{Draft, EnvelopeError, ExternalError, KeyFileError, PublicKey, SecretKey};
use std::path::Path;

/// Signs messages with a key, at hand or elsewhere.
#[derive(Clone, Debug)]
pub struct Signer(Source);

#[derive(Clone, Debug)]
enum Source {
    Key(SecretKey),
    External(External),
}

/// Why a message was not signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The message cannot be signed, or the signature is not valid.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The key file cannot be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The external signer did not sign.
    #[error("the signer {url}: {why}")]
    External {
        /// Its address.
        url: String,
        /// Why.
        why: ExternalError,
    },
    /// The process is ending.
    #[error("the message was not signed: {0}")]
    Stopped(String),
}

impl From<SecretKey> for Signer {
    fn from(key: SecretKey) -> Self {
        Self(Source::Key(key))
    }
}

impl Signer {
    /// The signer at a place: the key of a file, or the external signer of an address `http://HOST:PORT/PATH`, which
    /// is asked for its public key. HOST must be a loopback address.
    ///
    /// # Errors
    /// [`SignerError::File`], [`SignerError::External`].
    pub async fn open(place: &str) -> Result<Self, SignerError> {
        if place.contains("://") {
            Ok(Self(Source::External(External::open(place).await?)))
        } else {
            Ok(SecretKey::read(Path::new(place))?.into())
        }
    }

    /// The key's public part.
    pub fn public_key(&self) -> PublicKey {
        match &self.0 {
            Source::Key(key) => key.public_key(),
            Source::External(signer) => signer.public_key(),
        }
    }

    /// The envelope of a message. Its signature is valid, whoever made it. Signing with a Stark key takes milliseconds,
    /// so another thread does it.
    ///
    /// # Errors
    /// [`SignerError`].
    pub async fn seal(&self, draft: Draft) -> Result<Vec<u8>, SignerError> {
        match &self.0 {
            Source::Key(key) => {
                let key = key.clone();
                let signed = tokio::task::spawn_blocking(move || draft.sign(&key)).await;
                Ok(signed.map_err(|error| SignerError::Stopped(error.to_string()))??)
            }
            Source::External(signer) => {
                let body = draft.body(signer.public_key())?;
                let signature = signer.sign(&body).await?;
                Ok(body.with(&signature)?)
            }
        }
    }
}
