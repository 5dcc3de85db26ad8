//! The error of a client call.

use crate::envelope::{KeyError, PublicKey, SignerError};
use std::io;
use tonic::{Code, Status};

/// Error of a client call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The connection cannot be established.
    #[error("cannot connect to {server}: {source}")]
    Connect {
        /// The server.
        server: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// The token contains characters that a header cannot carry.
    #[error("the token contains characters that a header cannot carry")]
    Token,
    /// A token, also that of a signer's session, or a client certificate would be sent in clear text, or a CA certificate
    /// is given for a connection without TLS.
    #[error(
        "{server}: certificates need https://; tokens and signed jobs need https:// or a loopback address"
    )]
    Plain {
        /// The server.
        server: String,
    },
    /// The response has a value that this client version does not know.
    #[error("{0}: unknown to this client, which is older than the appliance: upgrade it")]
    Newer(String),
    /// The appliance rejected the request, or the connection broke.
    #[error("{}", .0.message())]
    Status(Box<Status>),
    /// A local file cannot be read or written.
    #[error("'{path}': {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The downloaded bytes do not match the requested digest.
    #[error("artifact {0}: the downloaded bytes do not match the digest")]
    Damaged(String),
    /// The client and the appliance cannot exchange signed messages.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

/// Why a client and an appliance cannot exchange signed messages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The appliance is older than signed messages.
    #[error("this appliance takes no signed messages: it is older than this client")]
    Older,
    /// The key that the appliance names is none.
    #[error("the appliance's public key: {0}")]
    Key(#[source] KeyError),
    /// The appliance has another key than the expected one.
    #[error("the appliance has the key {got}, not the expected {expected}: nothing was sent to it")]
    OtherProver {
        /// The expected key.
        expected: PublicKey,
        /// The appliance's key.
        got: PublicKey,
    },
    /// The signer was to sign for an appliance that is not on this machine, and the connection does not name its key.
    #[error(
        "{server}: to sign for this appliance, name its public key (as its operator gave it to you): without it, \
         another appliance could pass on what you sign"
    )]
    Unnamed {
        /// The server.
        server: String,
    },
    /// The connection has no signer.
    #[error("the connection has no signer")]
    NoSigner,
    /// The message was not signed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The system has no random numbers.
    #[error("no random nonce: {0}")]
    Random(getrandom::Error),
    /// The appliance has signed no acceptance.
    #[error(
        "the appliance has signed no acceptance of this request: another signer, or nobody who signs, has asked for the job before"
    )]
    NoAcceptance,
    /// The acceptance is not one that others would accept.
    #[error("the appliance's acceptance proves nothing: {0}")]
    Acceptance(String),
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl ClientError {
    /// Whether a retry may help: the appliance is unreachable or busy.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } => true,
            Self::Status(status) => matches!(
                status.code(),
                Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::Unknown
            ),
            Self::Signing(SigningError::Signer(SignerError::External { why, .. })) => why.is_transient(),
            _ => false,
        }
    }

    /// Whether the appliance's copy of a file is damaged, or the copy that arrived.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Status(status) => status.code() == Code::DataLoss,
            _ => false,
        }
    }
}

impl SigningError {
    /// Whether the appliance is not the expected one, or has not promised what it was asked for.
    pub fn is_rejection(&self) -> bool {
        matches!(
            self,
            Self::OtherProver { .. } | Self::NoAcceptance | Self::Acceptance(_)
        )
    }
}
