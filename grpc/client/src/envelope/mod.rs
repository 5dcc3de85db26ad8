//! Signed messages between parties that do not trust each other: a sequencer signs the job that it submits, a prover
//! signs what it answers. `docs/envelope.md` specifies the bytes and has test vectors.
//!
//! - The bytes are signed *as sent*. A receiver never writes a message again in order to check it.
//! - The [`Digest`] of the body is the identity of a message, never the signature: of one message there can be several
//!   valid signatures.
//! - Whoever receives an envelope checks what is cheap first:
//!
//! ```
//! use quarry_client::envelope::{Draft, Envelope, Expected, Kind, SecretKey};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SecretKey::ed25519([7; 32]);
//! let now = 1_800_000_000;
//! let draft = Draft::new(Kind::Job, "devnet", now).nonce(b"block 1234").payload(b"a job".to_vec());
//! let sent = draft.sign(&key)?;
//!
//! let envelope = Envelope::parse(sent)?;
//! envelope.check(&Expected { kind: Kind::Job, network: "devnet", audience: None, now })?;
//! // Here a service asks whether it knows the signer, and whether the signer is within its rate limit.
//! let verified = envelope.verify()?;
//! assert_eq!(verified.payload(), b"a job");
//! assert_eq!(verified.signer(), key.public_key());
//! # Ok(())
//! # }
//! ```

mod draft;
mod error;
mod external;
mod fields;
mod file;
mod key;
mod kind;
mod signer;
#[cfg(test)]
mod tests;

pub use draft::Draft;
pub use error::EnvelopeError;
pub use external::ExternalError;
pub use fields::is_network;
pub use file::KeyFileError;
pub use key::{KEY_BYTES, KeyError, PublicKey, Scheme, SecretKey};
pub use kind::Kind;
pub use signer::{Signer, SignerError};

use crate::digest::hex;
use fields::{Fields, Reader};
use sha2::Sha256;
use std::fmt;
use std::ops::Range;

/// First field of every envelope.
const TAG: &[u8] = b"quarry.envelope";
/// Version of the form.
const VERSION: u8 = 1;
/// Comes before the digest in what is signed, so that no signature of another protocol over 32 bytes is one of ours.
const SIGNED_TAG: &[u8] = b"quarry.signed.1:";
/// Maximum length of the payload in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 192 << 10;
/// Maximum length of a whole envelope in bytes: the payload, and what all other fields can take.
pub const MAX_ENVELOPE_BYTES: usize = MAX_PAYLOAD_BYTES + 1024;
/// Maximum length of the nonce in bytes.
pub const MAX_NONCE_BYTES: usize = 64;
/// Maximum length of a network's name in bytes.
pub const MAX_NETWORK_BYTES: usize = 64;
/// How many seconds the sender's clock may be ahead of the receiver's.
pub const MAX_CLOCK_SKEW_SECONDS: u64 = 60;
/// Maximum number of seconds from issue to expiry. A receiver remembers nonces for so long.
pub const MAX_LIFETIME_SECONDS: u64 = 24 * 60 * 60;
/// Length of a signature in bytes, in both schemes.
pub const SIGNATURE_BYTES: usize = 64;

/// SHA-256 of an envelope's body: the identity of the message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    fn of(body: &[u8]) -> Self {
        Self(<Sha256 as sha2::Digest>::digest(body).into())
    }

    /// The bytes that a key signs.
    fn signed_bytes(&self) -> Vec<u8> {
        [SIGNED_TAG, &self.0].concat()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// An envelope of the right form. Its signature is **not** checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    bytes: Vec<u8>,
    kind: Kind,
    network: String,
    audience: Option<PublicKey>,
    signer: PublicKey,
    nonce: Vec<u8>,
    issued: u64,
    expires: u64,
    payload: Range<usize>,
    digest: Digest,
    signature: [u8; SIGNATURE_BYTES],
}

/// What a receiver demands of an envelope before it looks at the signature.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// What the message must be.
    pub kind: Kind,
    /// The receiver's network.
    pub network: &'a str,
    /// The receiver's key. An envelope to any prover is for every receiver; one to a key only for that key.
    pub audience: Option<PublicKey>,
    /// The receiver's clock, in seconds since 1970 UTC.
    pub now: u64,
}

impl Envelope {
    /// Reads an envelope. Every message has exactly one form: a valid envelope with any byte added, left out or written
    /// in another way is refused.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLong`], [`EnvelopeError::Form`], [`EnvelopeError::Version`], [`EnvelopeError::Kind`],
    /// [`EnvelopeError::Key`].
    pub fn parse(bytes: Vec<u8>) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(EnvelopeError::TooLong { bytes: bytes.len() });
        }
        let mut reader = Reader::new(&bytes);
        let fields = Fields::read(&mut reader)?;
        let body = bytes.get(..reader.position()).unwrap_or_default();
        let digest = Digest::of(body);
        let signature = reader.array("signature")?;
        reader.end()?;
        let Fields {
            kind,
            network,
            audience,
            signer,
            nonce,
            issued,
            expires,
            payload,
        } = fields;
        Ok(Self {
            bytes,
            kind,
            network,
            audience,
            signer,
            nonce,
            issued,
            expires,
            payload,
            digest,
            signature,
        })
    }

    /// Whether this message is of the expected kind, for this receiver, and of now.
    ///
    /// # Errors
    /// [`EnvelopeError::OtherKind`], [`EnvelopeError::Network`], [`EnvelopeError::Audience`],
    /// [`EnvelopeError::Lifetime`], [`EnvelopeError::Early`], [`EnvelopeError::Expired`].
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), EnvelopeError> {
        self.check_address(expected)?;
        self.check_times(expected.now)
    }

    fn check_address(&self, expected: &Expected<'_>) -> Result<(), EnvelopeError> {
        if self.kind != expected.kind {
            return Err(EnvelopeError::OtherKind {
                expected: expected.kind,
                got: self.kind,
            });
        }
        if self.network != expected.network {
            return Err(EnvelopeError::Network {
                expected: expected.network.to_owned(),
                got: self.network.clone(),
            });
        }
        match self.audience {
            Some(audience) if Some(audience) != expected.audience => {
                Err(EnvelopeError::Audience { audience })
            }
            _ => Ok(()),
        }
    }

    fn check_times(&self, now: u64) -> Result<(), EnvelopeError> {
        let (issued, expires) = (self.issued, self.expires);
        let lifetime = expires.checked_sub(issued);
        if !lifetime.is_some_and(|seconds| (1..=MAX_LIFETIME_SECONDS).contains(&seconds)) {
            return Err(EnvelopeError::Lifetime { issued, expires });
        }
        if issued > now.saturating_add(MAX_CLOCK_SKEW_SECONDS) {
            return Err(EnvelopeError::Early { issued, now });
        }
        // The receiver remembers the nonces of messages only until they expire by its own clock, so there is no grace.
        if now >= expires {
            return Err(EnvelopeError::Expired { expires, now });
        }
        Ok(())
    }

    /// Checks the signature. With a Stark key this takes about a millisecond.
    ///
    /// # Errors
    /// [`EnvelopeError::Signature`].
    pub fn verify(self) -> Result<Verified, EnvelopeError> {
        let signed = self.digest.signed_bytes();
        if self.signer.verifies(&signed, &self.signature) {
            Ok(Verified(self))
        } else {
            Err(EnvelopeError::Signature { signer: self.signer })
        }
    }

    /// The bytes as sent.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The network that the message is for.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// What the message is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The key of the receiver; `None` for any.
    pub fn audience(&self) -> Option<PublicKey> {
        self.audience
    }

    /// The key that signed, if the signature is valid.
    pub fn signer(&self) -> PublicKey {
        self.signer
    }

    /// What makes this message differ from another one of the signer with the same content.
    pub fn nonce(&self) -> &[u8] {
        &self.nonce
    }

    /// When the message was issued, in seconds since 1970 UTC.
    pub fn issued(&self) -> u64 {
        self.issued
    }

    /// From when on the message counts no more, in seconds since 1970 UTC.
    pub fn expires(&self) -> u64 {
        self.expires
    }

    /// The content: what it is depends on the kind.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(self.payload.clone()).unwrap_or_default()
    }

    /// The identity of the message.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// An envelope whose signature is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified(Envelope);

impl std::ops::Deref for Verified {
    type Target = Envelope;

    fn deref(&self) -> &Envelope {
        &self.0
    }
}
