//! Progress and cancellation of a long job.

use std::sync::atomic::{AtomicBool, Ordering};

/// A phase of proving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Trace columns from the inputs.
    Trace,
    /// Interpolation, LDE and commitment of the first trace.
    CommitTrace,
    /// Interaction columns, their LDE and commitment.
    CommitInteraction,
    /// Evaluation of the constraints and commitment of the composition polynomial.
    Composition,
    /// Evaluation at the out-of-domain point.
    OutOfDomain,
    /// DEEP quotient.
    Quotient,
    /// FRI layers.
    Fri,
    /// Proof of work.
    ProofOfWork,
    /// Opening of the queries.
    Decommit,
    /// Verification of the finished proof.
    Verify,
}

impl Phase {
    /// The phase's name in messages and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Trace => "trace",
            Phase::CommitTrace => "commit trace",
            Phase::CommitInteraction => "commit interaction",
            Phase::Composition => "composition",
            Phase::OutOfDomain => "out-of-domain sampling",
            Phase::Quotient => "DEEP quotient",
            Phase::Fri => "FRI",
            Phase::ProofOfWork => "proof of work",
            Phase::Decommit => "decommitment",
            Phase::Verify => "verify",
        }
    }
}

/// A receiver of progress reports.
pub trait Observer: Sync {
    /// A phase begins; `fraction` is the completed share of the whole job's work, by operation count.
    fn begin(&self, phase: Phase, fraction: f64);

    /// Progress within a phase; `fraction` is the completed share of the whole job's work.
    fn advance(&self, fraction: f64);
}

/// An observer that ignores all reports.
pub struct Silent;

impl Observer for Silent {
    fn begin(&self, _: Phase, _: f64) {}
    fn advance(&self, _: f64) {}
}

/// A cancellation flag, shared between threads.
#[derive(Debug, Default)]
pub struct Cancel(pub AtomicBool);

impl Cancel {
    /// Asks the work to stop as soon as possible.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether cancellation was requested.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
