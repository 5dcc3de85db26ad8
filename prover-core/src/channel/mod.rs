//! The channel between prover and verifier, made non-interactive: everything sent is hashed into a transcript, and the
//! verifier's random values are drawn from it.

mod annotations;
mod felt_chain;
mod hash_chain;
#[cfg(feature = "prover")]
mod prover;
mod transcript;
mod verifier;

pub use annotations::{FriQuery, FriState, Kind, Record, Recording, Section, Statistics};
#[cfg(feature = "prover")]
pub use prover::ProverChannel;
pub use verifier::{ChannelError, VerifierChannel};

use crate::hex;
use crate::parameters::{CommitmentHashes, Parameters};
use annotations::Annotations;
use quarry_kernels::{Digest, Felt, Hash, felt};
use transcript::Transcript;

/// The outermost annotation scope: the name of Stone's statement.
const STATEMENT: &str = "cpu air";

/// One end of the channel: `End` is the prover's or the verifier's. Both ends draw the same randomness.
pub struct Channel<End> {
    transcript: Transcript,
    annotations: Annotations,
    commitment_hashes: CommitmentHashes,
    in_query_phase: bool,
    end: End,
}

impl<End> Channel<End> {
    fn open(parameters: &Parameters, seed: &[u8], recording: Recording, end: End) -> Self {
        Self {
            transcript: Transcript::new(parameters, seed),
            annotations: Annotations::new(recording, STATEMENT),
            commitment_hashes: parameters.commitment_hashes,
            in_query_phase: false,
            end,
        }
    }

    /// Begins a scope of annotations.
    pub fn enter(&mut self, scope: &str) {
        self.annotations.enter(scope);
    }

    /// Ends the innermost scope of annotations.
    pub fn exit(&mut self) {
        self.annotations.exit();
    }

    /// Counts of what was sent so far.
    pub fn statistics(&self) -> &Statistics {
        &self.annotations.statistics
    }

    /// A random field element.
    pub fn draw_felt(&mut self, name: &str) -> Felt {
        let value = self.transcript.draw_felt();
        let text = || format!("{name}: Field Element({})", felt::to_hex(&value));
        self.annotations.note_drawn(text);
        value
    }

    /// A random number below `bound`, a power of two below 2^48.
    pub fn draw_number(&mut self, bound: u64, name: &str) -> u64 {
        let number = self.transcript.draw_number(bound);
        let text = || format!("{name}: Number({number})");
        self.annotations.note_drawn(text);
        number
    }

    /// The indices of `n_queries` queries below `domain_size`, in ascending order, with repeats.
    pub fn draw_queries(&mut self, domain_size: u64, n_queries: usize) -> Vec<u64> {
        self.enter("QueryIndices");
        let mut queries: Vec<_> = (0..n_queries)
            .map(|i| self.draw_number(domain_size, &i.to_string()))
            .collect();
        self.exit();
        queries.sort_unstable();
        queries
    }

    /// Begins the query phase. No more randomness is drawn, so what is sent no longer enters the transcript.
    pub fn begin_query_phase(&mut self) {
        self.in_query_phase = true;
    }

    /// The hash of the proof of work.
    pub fn proof_of_work_hash(&self) -> Hash {
        self.transcript.proof_of_work_hash()
    }

    /// The prefix of the nonce in the proof of work: the hash of magic number, transcript state and `bits`.
    pub fn proof_of_work_prefix(&self, bits: u32) -> Digest {
        const MAGIC: [u8; 8] = 0x0123_4567_89ab_cded_u64.to_be_bytes();
        let bytes = [&MAGIC[..], &self.transcript.state(), &[bits as u8]].concat();
        self.proof_of_work_hash().hash_bytes(&bytes)
    }

    /// The hash as whose digest Stone reads a node of a Merkle tree: that of the node's parent, or of the root itself.
    fn node_hash(&self, node_index: u64) -> Hash {
        self.commitment_hashes
            .layer(node_index.max(1).ilog2().saturating_sub(1).into())
    }
}

/// A digest as Stone prints it: only the hashes that keep the low bytes are printed with leading zeros.
fn digest_text(hash: Hash, digest: &Digest) -> String {
    match hash {
        Hash::Keccak256Masked160Lsb | Hash::Blake256Masked248Lsb => hex::digest(digest),
        _ => trimmed_text(digest),
    }
}

/// Bytes as a hexadecimal number without leading zeros.
fn trimmed_text(bytes: &[u8]) -> String {
    let digits = hex::bytes(bytes);
    let trimmed = digits.trim_start_matches('0');
    format!("0x{}", if trimmed.is_empty() { "0" } else { trimmed })
}

fn felts_text(name: &str, values: &[Felt]) -> String {
    let values: Vec<_> = values.iter().map(felt::to_hex).collect();
    format!("{name}: Field Elements({})", values.join(", "))
}

fn package_name(row: u64) -> String {
    format!("To complete packages, element #{row}")
}
