//! The protocol's messages and services, generated from `proto/quarry/prover/v1/prover.proto`, where they are explained.
#![allow(missing_docs, clippy::all, clippy::pedantic)]

tonic::include_proto!("quarry.prover.v1");

/// The protocol's descriptors, encoded: what reflection serves.
pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("prover");

impl JobState {
    /// Whether a job in this state has ended, for good.
    pub fn has_ended(self) -> bool {
        use JobState::{Cancelled, Expired, Failed, Rejected, Succeeded};
        matches!(self, Succeeded | Failed | Rejected | Cancelled | Expired)
    }

    /// The state's name for people: `succeeded`.
    pub fn name(self) -> String {
        self.as_str_name()
            .trim_start_matches("JOB_STATE_")
            .to_ascii_lowercase()
    }
}
