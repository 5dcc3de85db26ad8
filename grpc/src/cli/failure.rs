//! Why a command did not do what it was asked, and the exit code that says so.

use crate::cli::terminal;
use quarry_grpc::failure::chain;
use quarry_grpc::parameters::PlanError;
use serde::Serialize;
use serde_json::{Value, json};
use std::error::Error;
use std::fmt;

/// Kinds of failure: one exit code each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A defect of this program or of the machine under it.
    Internal,
    /// Bad usage or bad input: the caller can mend it.
    BadInput,
    /// The proof is not accepted, or not the one that was expected.
    Rejected,
    /// The service cannot be asked now, or has no room: the same command may succeed later.
    Unavailable,
    /// Somebody asked to stop.
    Interrupted,
}

impl Kind {
    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Internal => 1,
            Kind::BadInput => 2,
            Kind::Rejected => 3,
            Kind::Unavailable => 4,
            Kind::Interrupted => 130,
        }
    }

    /// The kind's name for JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Internal => "internal error",
            Kind::BadInput => "bad input",
            Kind::Rejected => "rejected",
            Kind::Unavailable => "unavailable",
            Kind::Interrupted => "interrupted",
        }
    }
}

/// A failed command.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: Kind,
    /// What was wrong, where, and what to do.
    pub message: String,
    /// More of it for programs.
    pub details: Option<Value>,
}

impl Failure {
    /// A failure with this message.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
            details: None,
        }
    }

    /// Bad usage or bad input.
    pub fn bad_input(message: impl fmt::Display) -> Self {
        Self::new(Kind::BadInput, message)
    }

    /// The failure with more of it for programs.
    pub fn with_details(mut self, details: &impl Serialize) -> Self {
        self.details = serde_json::to_value(details).ok();
        self
    }

    /// The failure as a JSON object.
    pub fn to_json(&self) -> Value {
        let mut error = json!({ "kind": self.kind.name(), "message": self.message });
        if let Some(details) = &self.details {
            error["details"] = details.clone();
        }
        json!({ "error": error })
    }

    /// Tells people, and programs if standard output is for one JSON object.
    pub fn tell(&self, is_json: bool) {
        terminal::tell(format_args!("error: {self}\n"));
        if is_json {
            // A failure to say so adds nothing to the failure.
            // A line, as it may come after other lines of JSON.
            let _ = terminal::print(format_args!("{}\n", self.to_json()));
        }
    }

    /// Somebody asked to stop.
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "interrupted")
    }

    /// A failure for an error and its sources.
    pub fn from_error(kind: Kind, error: &dyn Error) -> Self {
        Self::new(kind, chain(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Parameters that cannot be had are the caller's to mend.
impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::from_error(Kind::BadInput, &error)
    }
}

/// Turns errors into failures: `result.or_bad_input()?`.
pub trait OrFailure<T> {
    /// The error is the caller's to mend.
    fn or_bad_input(self) -> Result<T, Failure>;
}

impl<T, E: Error> OrFailure<T> for Result<T, E> {
    fn or_bad_input(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::from_error(Kind::BadInput, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Chain {
        text: &'static str,
        source: Option<Box<Chain>>,
    }

    #[test]
    fn sources_are_told_once() {
        let inner = Chain {
            text: "no such file",
            source: None,
        };
        let outer = |text| Chain {
            text,
            source: Some(Box::new(Chain {
                text: inner.text,
                source: None,
            })),
        };
        let message = |error: &Chain| Failure::from_error(Kind::BadInput, error).message;
        assert_eq!(message(&outer("cannot read x")), "cannot read x: no such file");
        assert_eq!(message(&outer("x: no such file")), "x: no such file");
    }
}
