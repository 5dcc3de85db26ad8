//! Jobs as the service knows them. Requests, answers, records and messages to children are protobuf messages, which are
//! converted where they come in or go out.

mod asked;
mod calldata;
mod digest;
mod leg;
mod message;
mod spec;

pub use asked::Asked;
pub use calldata::WantedCalldata;
pub use leg::{FIRST, ONLY, SECOND};
pub use spec::{
    ARGUMENTS, BOOTLOADER, CAIRO_VERIFIER, EXECUTABLE, PIE, PROGRAM, PROGRAM_INPUT, Run, Spec,
    WRAP_BOOTLOADER,
};

use crate::failure::bounded;
use crate::text::cut;
use quarry_client::protocol::{
    Failure, FailureClass, FirstProof, JobResult, JobState, SignedRequest, Statement,
};
use std::time::SystemTime;

/// How many failed attempts a job tells the cause of.
pub const MAX_ATTEMPT_FAILURES: usize = 16;
/// Longest message of such a cause, in bytes.
const MAX_ATTEMPT_MESSAGE: usize = 1 << 10;

/// A recorded job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Tenant that submitted it.
    pub tenant: String,
    /// What to prove, and how.
    pub spec: Spec,
    /// Its state.
    pub state: JobState,
    /// Current proving phase.
    pub stage: String,
    /// Fraction of the proving that is done.
    pub progress: f64,
    /// Why it ended without a proof.
    pub failure: Option<Failure>,
    /// Whether the input was found to be provable, independent of the state.
    pub validation_done: bool,
    /// Number of failed attempts not caused by the input.
    pub failed_attempts: u32,
    /// Why each of them failed; at most [`MAX_ATTEMPT_FAILURES`].
    pub attempt_failures: Vec<Failure>,
    /// Number of the current lease.
    pub lease: u64,
    /// When it was submitted.
    pub created: SystemTime,
    /// When it last changed.
    pub updated: SystemTime,
    /// Cursor of its first event; 0 before it is recorded.
    pub first_event: u64,
    /// Cursor of its latest event; 0 before it is recorded.
    pub last_event: u64,
    /// What its proof states. Set once the input was validated.
    pub statement: Option<Statement>,
    /// Its result. Set when it succeeds.
    pub result: Option<JobResult>,
    /// How often it started over after it had succeeded.
    pub times_reopened: u32,
    /// Which of its proofs it works on: [`ONLY`], or [`FIRST`] and then [`SECOND`] if it wraps.
    pub leg: u32,
    /// The first proof of a job that wraps, once it is made.
    pub first: Option<FirstProof>,
    /// The signed message that asked for it.
    pub signed_request: Option<SignedRequest>,
}

impl Job {
    /// A job that is submitted now.
    pub fn new(id: String, tenant: String, spec: Spec, lease: u64) -> Self {
        let now = SystemTime::now();
        Self {
            leg: spec.first_leg(),
            id,
            tenant,
            spec,
            state: JobState::Received,
            stage: String::new(),
            progress: 0.0,
            failure: None,
            validation_done: false,
            failed_attempts: 0,
            attempt_failures: Vec::new(),
            lease,
            created: now,
            updated: now,
            first_event: 0,
            last_event: 0,
            statement: None,
            result: None,
            times_reopened: 0,
            first: None,
            signed_request: None,
        }
    }

    /// Whether its state is final.
    pub fn has_ended(&self) -> bool {
        self.state.has_ended()
    }

    /// Lets it start over.
    pub fn reset(&mut self) {
        self.state = JobState::Received;
        self.stage.clear();
        self.progress = 0.0;
    }

    /// Whether it may start over after its end: only a job that has succeeded once, so that a reopened job that then
    /// failed can be reopened again.
    pub fn may_reopen(&self) -> bool {
        self.state == JobState::Succeeded || (self.has_ended() && self.times_reopened > 0)
    }

    /// Lets it start over after its end, as it was when it was submitted. Its deadline was met or missed long ago.
    pub fn reopen(&mut self) {
        self.reset();
        self.back_to_first_leg();
        self.failure = None;
        self.failed_attempts = 0;
        self.attempt_failures.clear();
        self.result = None;
        self.spec.deadline = None;
        self.times_reopened += 1;
    }

    /// Counts a failed attempt that the input is not to blame for.
    pub fn count_failure(&mut self, failure: Failure) {
        self.failed_attempts += 1;
        if self.attempt_failures.len() < MAX_ATTEMPT_FAILURES {
            let message = cut(failure.message, MAX_ATTEMPT_MESSAGE);
            self.attempt_failures.push(Failure { message, ..failure });
        }
    }

    /// Ends it without a proof. This is where failures enter the store.
    pub fn end(&mut self, failure: Failure) {
        self.state = match failure.class() {
            FailureClass::InputInvalid | FailureClass::Unsupported => JobState::Rejected,
            FailureClass::Cancelled => JobState::Cancelled,
            FailureClass::Deadline => JobState::Expired,
            _ => JobState::Failed,
        };
        self.failure = Some(bounded(failure));
    }
}

/// A job for tests, of a program that is not there.
#[cfg(test)]
pub(crate) fn example(tenant: &str) -> Job {
    let spec = quarry_client::protocol::JobSpec::default();
    Job::new(String::new(), tenant.to_owned(), spec.into(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_of_failed_attempts_are_kept_within_bounds() {
        let mut job = example("");
        for n in 0..20 {
            let message = format!("{n}{}", "\u{e9}".repeat(MAX_ATTEMPT_MESSAGE));
            job.count_failure(Failure {
                message,
                ..Failure::default()
            });
        }
        let causes = &job.attempt_failures;
        assert_eq!((job.failed_attempts, causes.len()), (20, MAX_ATTEMPT_FAILURES));
        assert!(
            causes
                .iter()
                .all(|cause| cause.message.len() <= MAX_ATTEMPT_MESSAGE)
        );
        assert!(causes[1].message.starts_with('1'));
    }
}
