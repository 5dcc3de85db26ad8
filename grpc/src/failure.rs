//! Failures of jobs: their classes, and which of them a later attempt may mend.

use crate::protocol::{Failure, FailureClass};
use std::fmt::Display;

/// What was done when a job failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The input was run or read.
    Prepare,
    /// It was proved.
    Prove,
    /// The proof was verified.
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

/// A failure. Those of devices, and of the appliance itself, may be mended by another attempt.
pub fn failure(class: FailureClass, stage: Stage, code: &str, message: impl Display) -> Failure {
    Failure {
        class: class.into(),
        retryable: matches!(class, FailureClass::Device | FailureClass::Internal),
        code: code.to_owned(),
        message: message.to_string(),
        stage: stage.name().to_owned(),
    }
}

/// Whether a failure is the appliance's. What is said of an input may quote it: that is for its owner alone.
pub fn is_ours(failure: &Failure) -> bool {
    matches!(failure.class(), FailureClass::Device | FailureClass::Internal)
}

/// The text of an error with those of its sources.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        // Many errors tell their source's text already.
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        source = error.source();
    }
    message
}
