//! Messages and services of the public protocol, generated from `proto/quarry/prover/v1/prover.proto`, which documents
//! them.
#![allow(missing_docs, clippy::all, clippy::pedantic)]

tonic::include_proto!("quarry.prover.v1");

/// Encoded file descriptors of the protocol, for reflection.
pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("prover");

impl JobState {
    /// Whether this state is final.
    pub fn has_ended(self) -> bool {
        use JobState::{Cancelled, Expired, Failed, Rejected, Succeeded};
        matches!(self, Succeeded | Failed | Rejected | Cancelled | Expired)
    }

    /// The state's name in lower case: `succeeded`.
    pub fn name(self) -> String {
        self.as_str_name()
            .trim_start_matches("JOB_STATE_")
            .to_ascii_lowercase()
    }
}
