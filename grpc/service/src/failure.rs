//! Job failures: their classes, and which of them are retryable.

use crate::text::{MAX_STORED_BYTES, cut};
use quarry_client::protocol::{Failure, FailureClass};
use std::fmt::Display;

/// The stage at which a job failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Running or reading the input.
    Prepare,
    /// Proving.
    Prove,
    /// Verifying the proof.
    Verify,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Prepare => "prepare",
            Stage::Prove => "prove",
            Stage::Verify => "verify",
        }
    }
}

/// Builds a failure. Device failures and internal failures are retryable.
pub fn failure(class: FailureClass, stage: Stage, code: &str, message: impl Display) -> Failure {
    Failure {
        class: class.into(),
        retryable: matches!(class, FailureClass::Device | FailureClass::Internal),
        code: code.to_owned(),
        message: message.to_string(),
        stage: stage.name().to_owned(),
    }
}

/// The failure with a message that can be sent between processes and stored, whatever input it quotes.
pub fn bounded(failure: Failure) -> Failure {
    Failure {
        message: cut(failure.message, MAX_STORED_BYTES),
        ..failure
    }
}

/// Whether the appliance caused the failure. The message of any other failure may quote the input, so only the job's
/// owner may see it.
pub fn is_ours(failure: &Failure) -> bool {
    matches!(failure.class(), FailureClass::Device | FailureClass::Internal)
}

/// The messages of an error and its sources, joined.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        // Many errors already include their source's message.
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        source = error.source();
    }
    message
}
