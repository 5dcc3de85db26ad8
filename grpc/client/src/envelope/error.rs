//! Why an envelope is refused.

use super::{
    Kind, MAX_CLOCK_SKEW_SECONDS, MAX_ENVELOPE_BYTES, MAX_LIFETIME_SECONDS, MAX_NETWORK_BYTES,
    MAX_NONCE_BYTES, MAX_PAYLOAD_BYTES, PublicKey, VERSION,
};

/// Why an envelope is refused, or cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// It has too many bytes.
    #[error("the envelope has {bytes} bytes, and at most {MAX_ENVELOPE_BYTES} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A field is missing, too long, or not in its one form; or bytes follow the last one.
    #[error("the envelope is malformed at its field `{field}`")]
    Form {
        /// The field.
        field: &'static str,
    },
    /// It has the form of another version.
    #[error("the envelope has version {version}, and version {VERSION} is known")]
    Version {
        /// Its version.
        version: u8,
    },
    /// No kind has this name.
    #[error("the envelope has a message of an unknown kind")]
    Kind,
    /// A key is not in its one form.
    #[error(
        "the envelope's field `{field}` is no public key: scheme:key, with 64 lower-case hexadecimal digits"
    )]
    Key {
        /// The field.
        field: &'static str,
    },
    /// The message is of another kind.
    #[error("the envelope has a message of kind {got}, and {expected} is expected")]
    OtherKind {
        /// The kind that the receiver expects.
        expected: Kind,
        /// The message's kind.
        got: Kind,
    },
    /// The message is for another network.
    #[error("the envelope is for network `{got}`, and this is `{expected}`")]
    Network {
        /// The receiver's network.
        expected: String,
        /// The message's network.
        got: String,
    },
    /// The message is for another receiver.
    #[error("the envelope is for another receiver, {audience}")]
    Audience {
        /// The key that it is for.
        audience: PublicKey,
    },
    /// It expires before it is issued, or too long after.
    #[error(
        "the envelope is issued at {issued} and expires at {expires}: it must expire after that, and at most \
         {MAX_LIFETIME_SECONDS} s after"
    )]
    Lifetime {
        /// When it is issued.
        issued: u64,
        /// When it expires.
        expires: u64,
    },
    /// It is issued in the future.
    #[error(
        "the envelope is issued at {issued}, and it is {now} now: the sender's clock is more than \
         {MAX_CLOCK_SKEW_SECONDS} s ahead"
    )]
    Early {
        /// When it is issued.
        issued: u64,
        /// The receiver's clock.
        now: u64,
    },
    /// It has expired.
    #[error("the envelope expired at {expires}, and it is {now} now: sign the message again")]
    Expired {
        /// When it expired.
        expires: u64,
        /// The receiver's clock.
        now: u64,
    },
    /// The signature is not valid.
    #[error("the signature is not one of {signer} over this message")]
    Signature {
        /// The key that the envelope names.
        signer: PublicKey,
    },
    /// A field of a new message is not allowed.
    #[error(
        "the message's {field} is not allowed: a nonce has 1 to {MAX_NONCE_BYTES} bytes, a network's name 1 to \
         {MAX_NETWORK_BYTES} of A-Z a-z 0-9 _ . -, a payload at most {MAX_PAYLOAD_BYTES} bytes"
    )]
    Draft {
        /// The field.
        field: &'static str,
    },
}

impl EnvelopeError {
    /// A stable code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "envelope.too_long",
            Self::Form { .. } => "envelope.form",
            Self::Version { .. } => "envelope.version",
            Self::Kind | Self::OtherKind { .. } => "envelope.kind",
            Self::Key { .. } => "envelope.key",
            Self::Network { .. } => "envelope.network",
            Self::Audience { .. } => "envelope.audience",
            Self::Lifetime { .. } => "envelope.lifetime",
            Self::Early { .. } => "envelope.early",
            Self::Expired { .. } => "envelope.expired",
            Self::Signature { .. } => "envelope.signature",
            Self::Draft { .. } => "envelope.draft",
        }
    }
}
