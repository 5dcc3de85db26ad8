//! Signed messages: those that clients send, and what the service answers with its own key.

use crate::config::{Admission, Config, ConfigError};
use crate::job::Job;
use prost::Message;
use quarry_client::envelope::{
    Draft, Envelope, EnvelopeError, Expected, Kind, PublicKey, SecretKey, Signer, SignerError, Verified,
};
use quarry_client::protocol::{Acceptance, Refusal, Signing};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Name and version of the prover.
pub const BUILD: &str = concat!("quarry ", env!("CARGO_PKG_VERSION"));

/// The service's network, and the key with which it signs.
pub struct OwnKey {
    network: String,
    key: SecretKey,
}

/// The time, in seconds since 1970 UTC.
pub fn now() -> u64 {
    seconds(SystemTime::now())
}

/// A time in seconds since 1970 UTC.
pub(super) fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl OwnKey {
    /// The key of the configuration; `None` if it has none.
    ///
    /// # Errors
    /// [`ConfigError::Refused`] for a key that cannot be read.
    pub fn of(config: &Config) -> Result<Option<Arc<Self>>, ConfigError> {
        let Some(signing) = &config.signing else {
            return Ok(None);
        };
        let key = SecretKey::read(&signing.key);
        let key = key.map_err(|why| ConfigError::Refused(format!("signing: {why}")))?;
        Ok(Some(Arc::new(Self {
            network: signing.network.clone(),
            key,
        })))
    }

    /// The key's public part.
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// The name of the network.
    pub(super) fn network(&self) -> &str {
        &self.network
    }

    /// The key.
    pub(super) fn key(&self) -> &SecretKey {
        &self.key
    }

    /// What a client is told.
    pub fn told(&self, admission: Admission) -> Signing {
        Signing {
            network: self.network.clone(),
            public_key: self.public_key().to_string(),
            admission: admission.name().to_owned(),
        }
    }

    /// Reads a message of a kind that is for this service, and of now. Its signature is not checked yet.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn receive(&self, bytes: Vec<u8>, kind: Kind) -> Result<Envelope, EnvelopeError> {
        let envelope = Envelope::parse(bytes)?;
        envelope.check(&Expected {
            kind,
            network: &self.network,
            audience: Some(self.public_key()),
            now: now(),
        })?;
        Ok(envelope)
    }

    /// The acceptance of a job for which a message asked. It is the same whenever it is made: nothing of it is stored.
    ///
    /// # Errors
    /// [`SignerError`].
    pub async fn accept(&self, job: &Job, asked: &Verified) -> Result<Vec<u8>, SignerError> {
        let payload = Acceptance {
            request_digest: asked.digest().to_string(),
            job_id: job.id.clone(),
            deadline: job.spec.deadline.map(Into::into),
            build: BUILD.to_owned(),
        };
        self.answer(
            Kind::Acceptance,
            asked,
            seconds(job.created),
            payload.encode_to_vec(),
        )
        .await
    }

    /// The refusal of a message.
    ///
    /// # Errors
    /// [`SignerError`].
    pub async fn refuse(&self, asked: &Verified, refusal: &Refusal) -> Result<Vec<u8>, SignerError> {
        self.answer(Kind::Refusal, asked, now(), refusal.encode_to_vec())
            .await
    }

    /// An answer to the signer of a message, whose digest is its nonce: of one kind there is one answer at a time.
    async fn answer(
        &self,
        kind: Kind,
        asked: &Verified,
        at: u64,
        payload: Vec<u8>,
    ) -> Result<Vec<u8>, SignerError> {
        let draft = Draft::new(kind, &self.network, at)
            .audience(Some(asked.signer()))
            .nonce(&asked.digest().0)
            .payload(payload);
        Signer::from(self.key.clone()).seal(draft).await
    }
}

/// Checks a signature on another thread: with a Stark key that takes about a millisecond.
///
/// # Errors
/// [`EnvelopeError::Signature`].
pub async fn verify(envelope: Envelope) -> Result<Verified, EnvelopeError> {
    let signer = envelope.signer();
    let verified = tokio::task::spawn_blocking(move || envelope.verify()).await;
    verified.unwrap_or(Err(EnvelopeError::Signature { signer }))
}
