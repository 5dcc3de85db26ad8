//! A message that is to be signed.

use super::fields::{is_network, write};
use super::{
    Digest, EnvelopeError, Kind, MAX_LIFETIME_SECONDS, MAX_NONCE_BYTES, MAX_PAYLOAD_BYTES, PublicKey,
    SIGNATURE_BYTES, SecretKey, TAG, VERSION,
};

/// Seconds from issue to expiry, unless the sender says otherwise.
const DEFAULT_LIFETIME_SECONDS: u64 = 10 * 60;

/// A message that is to be signed.
#[derive(Clone, Debug)]
pub struct Draft {
    kind: Kind,
    network: String,
    audience: Option<PublicKey>,
    nonce: Vec<u8>,
    issued: u64,
    expires: u64,
    payload: Vec<u8>,
}

impl Draft {
    /// A message to any receiver, issued now (seconds since 1970 UTC), without payload. It needs a nonce.
    pub fn new(kind: Kind, network: &str, now: u64) -> Self {
        Self {
            kind,
            network: network.to_owned(),
            audience: None,
            nonce: Vec::new(),
            issued: now,
            expires: now.saturating_add(DEFAULT_LIFETIME_SECONDS),
            payload: Vec::new(),
        }
    }

    /// Makes it a message to one receiver, by its key.
    #[must_use]
    pub fn audience(mut self, key: Option<PublicKey>) -> Self {
        self.audience = key;
        self
    }

    /// What makes it differ from other messages of the signer: 1 to 64 bytes. A signer uses a nonce once. Whoever sends
    /// a message again, because no answer came, sends the same bytes.
    #[must_use]
    pub fn nonce(mut self, nonce: &[u8]) -> Self {
        self.nonce = nonce.to_vec();
        self
    }

    /// When it expires, in seconds after its issue: at most a day. Ten minutes if nothing is said.
    #[must_use]
    pub fn lifetime(mut self, seconds: u64) -> Self {
        self.expires = self.issued.saturating_add(seconds.min(MAX_LIFETIME_SECONDS));
        self
    }

    /// The content.
    #[must_use]
    pub fn payload(mut self, payload: Vec<u8>) -> Self {
        self.payload = payload;
        self
    }

    /// The body, for a signer that holds its key elsewhere.
    ///
    /// # Errors
    /// [`EnvelopeError::Draft`].
    pub fn body(&self, signer: PublicKey) -> Result<Body, EnvelopeError> {
        let refuse = |field| Err(EnvelopeError::Draft { field });
        if !is_network(&self.network) {
            return refuse("network");
        }
        if !(1..=MAX_NONCE_BYTES).contains(&self.nonce.len()) {
            return refuse("nonce");
        }
        if self.payload.len() > MAX_PAYLOAD_BYTES {
            return refuse("payload");
        }
        let audience = self.audience.map(|key| key.to_string()).unwrap_or_default();
        let mut bytes = Vec::new();
        for content in [
            TAG,
            &[VERSION],
            self.kind.name().as_bytes(),
            self.network.as_bytes(),
            audience.as_bytes(),
            signer.to_string().as_bytes(),
            &self.nonce,
            &self.issued.to_be_bytes(),
            &self.expires.to_be_bytes(),
            &self.payload,
        ] {
            write(&mut bytes, content);
        }
        Ok(Body { bytes, signer })
    }

    /// The envelope: signed by a key at hand.
    ///
    /// # Errors
    /// [`EnvelopeError::Draft`].
    pub fn sign(&self, key: &SecretKey) -> Result<Vec<u8>, EnvelopeError> {
        let body = self.body(key.public_key())?;
        let signature = key.sign(&body.signed_bytes());
        body.with(&signature)
    }
}

/// An envelope without its signature.
#[derive(Clone, Debug)]
pub struct Body {
    bytes: Vec<u8>,
    signer: PublicKey,
}

impl Body {
    /// The bytes of the body.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The identity of the message.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// What the key must sign: 16 bytes of a tag, and the digest. The scheme says how.
    pub fn signed_bytes(&self) -> Vec<u8> {
        self.digest().signed_bytes()
    }

    /// The envelope.
    ///
    /// # Errors
    /// [`EnvelopeError::Signature`] if the signature is not one of the signer over this body.
    pub fn with(self, signature: &[u8; SIGNATURE_BYTES]) -> Result<Vec<u8>, EnvelopeError> {
        let Self { mut bytes, signer } = self;
        if !signer.verifies(&Digest::of(&bytes).signed_bytes(), signature) {
            return Err(EnvelopeError::Signature { signer });
        }
        write(&mut bytes, signature);
        Ok(bytes)
    }
}
