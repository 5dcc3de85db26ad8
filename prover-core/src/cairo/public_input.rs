//! The public input: what a proof is about.

use quarry_kernels::Felt;
use std::collections::BTreeMap;

/// A memory segment as the public input states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First address.
    pub begin_addr: u64,
    /// One past the last address in use.
    pub stop_ptr: u64,
}

/// A cell of public memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicMemoryCell {
    /// Its address.
    pub address: u64,
    /// Its value.
    pub value: Felt,
    /// The page: 0, or a continuous one.
    pub page: u64,
}

/// The public input, as Stone's `public_input.json` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicInput {
    /// Name of the layout.
    pub layout: String,
    /// Number of CPU steps, a power of two.
    pub n_steps: u64,
    /// Least value of the 16-bit range checks.
    pub rc_min: u64,
    /// Greatest value of the 16-bit range checks.
    pub rc_max: u64,
    /// Segments by name.
    pub memory_segments: BTreeMap<String, Segment>,
    /// Public memory in the file's order.
    pub public_memory: Vec<PublicMemoryCell>,
    /// The parameters of layout `dynamic`.
    pub dynamic_params: Option<BTreeMap<String, u64>>,
}
