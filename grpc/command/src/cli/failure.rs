//! The failure of a command: its kind, exit code and message.

use crate::cli::terminal;
use quarry_prover_core::plan::PlanError;
use quarry_service::failure::chain;
use serde::Serialize;
use serde_json::{Value, json};
use std::error::Error;
use std::fmt;

/// Kinds of failure: one exit code each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A defect of this program or of the machine under it.
    Internal,
    /// Bad usage or bad input: the caller can fix it.
    BadInput,
    /// The proof is invalid or not the expected one, or the trace violates a constraint.
    Rejected,
    /// The service cannot be reached or is busy: the same command may succeed later.
    Unavailable,
    /// A signal (Ctrl-C or a request to terminate) ended the command, or the job was cancelled.
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
    /// Whether the connection to a service failed, rather than what was asked of it.
    pub is_broken: bool,
    /// Details for the JSON output.
    pub details: Option<Value>,
}

impl Failure {
    /// A failure with this message.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
            is_broken: false,
            details: None,
        }
    }

    /// Bad usage or bad input.
    pub fn bad_input(message: impl fmt::Display) -> Self {
        Self::new(Kind::BadInput, message)
    }

    /// Adds details for the JSON output.
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

    /// Prints the failure on standard error and, if `is_json`, as JSON on standard output.
    pub fn tell(&self, is_json: bool) {
        // A message may quote another client's input.
        let message = self.to_string();
        let lines: Vec<_> = message.split('\n').map(terminal::printable).collect();
        let error = format!("error: {}\n", lines.join("\n"));
        // One line, as other lines of JSON may precede it.
        let json = is_json.then(|| format!("{}\n", self.to_json()));
        // The command fails already, so an error here is ignored.
        let print = |json| drop(terminal::print(json));
        if self.kind == Kind::Interrupted {
            // The signal may have interrupted a print to a reader that stalls.
            terminal::last(move || terminal::tell(error));
            json.into_iter()
                .for_each(|json| terminal::last(move || print(json)));
        } else {
            terminal::tell(error);
            json.into_iter().for_each(print);
        }
    }

    /// The failure after Ctrl-C or a request to terminate.
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

/// Parameters that cannot be derived or do not fit are bad input.
impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::from_error(Kind::BadInput, &error)
    }
}

/// Turns errors into failures: `result.or_bad_input()?`.
pub trait OrFailure<T> {
    /// Turns an error into [`Kind::BadInput`].
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
