//! The signed message that asked for a job.

use quarry_client::envelope::Verified;
use quarry_client::protocol::SignedRequest;

/// What a store must remember of the message that asks for a job, so that it makes one job only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Public key of the signer.
    pub signer: String,
    /// Digest of the message.
    pub digest: String,
    /// What the signer uses once.
    pub nonce: Vec<u8>,
    /// When the message counts no more, in seconds since 1970 UTC.
    pub expires: u64,
}

impl From<&Verified> for Asked {
    fn from(message: &Verified) -> Self {
        Self {
            signer: message.signer().to_string(),
            digest: message.digest().to_string(),
            nonce: message.nonce().to_vec(),
            expires: message.expires(),
        }
    }
}

impl From<&Asked> for SignedRequest {
    fn from(asked: &Asked) -> Self {
        Self {
            signer: asked.signer.clone(),
            digest: asked.digest.clone(),
        }
    }
}
