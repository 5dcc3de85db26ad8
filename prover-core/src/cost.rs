//! Operation counts of a proof, phase by phase: what progress and estimates are made of. Counts come from here,
//! rates from whoever measures a machine.

use crate::air::CompiledAir;
use crate::cairo::air::{CairoAir, CairoAirError};
use crate::params::Parameters;
use crate::progress::Phase;
use quarry_kernels::Hash;

/// What decides the cost of a proof.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Logarithm of the number of trace rows.
    pub log_len: u32,
    /// Number of columns of the first, the interaction and the composition trace.
    pub n_columns: [usize; 3],
    /// Number of columns of the first trace that the interaction trace is computed from.
    pub n_scanned: usize,
    /// Number of mask cells.
    pub n_mask: usize,
    /// Elements of the tables that the constraints' program reads beside the columns, on one coset.
    pub n_table_elements: usize,
    /// Field multiplications a row of the constraints' program.
    pub program_multiplications: usize,
}

/// A hash in field multiplications: one call that absorbs `absorbs` bytes. (Stone's own ratios on one core:
/// multiplication 15 ns, Keccak-f 0.3 us, Blake2s 0.16 us, Poseidon 6.5 us, Pedersen 127 us.)
fn hash_cost(hash: Hash) -> (f64, f64) {
    match hash.unmasked() {
        Hash::Blake256 => (10.0, 64.0),
        Hash::Poseidon3 => (425.0, 64.0),
        Hash::Pedersen => (8300.0, 32.0),
        _ => (20.0, 136.0),
    }
}

impl Shape {
    /// The shape of a proof for this AIR.
    ///
    /// # Errors
    /// [`CairoAirError`] if the layout's scans cannot be placed.
    pub fn new(air: &CairoAir, compiled: &CompiledAir<'_>) -> Result<Self, CairoAirError> {
        let [first, interaction] = air.air.n_columns;
        Ok(Self {
            log_len: air.air.trace_length.ilog2(),
            n_columns: [first, interaction, 2],
            n_scanned: air.scanned_columns()?.len(),
            n_mask: air.air.mask.len(),
            n_table_elements: compiled.table_lengths().sum(),
            program_multiplications: compiled.program.n_multiplications(),
        })
    }

    /// Field multiplications (or their equivalent) in every phase, in the order of the phases.
    pub fn multiplications(&self, params: &Parameters) -> Vec<(Phase, f64)> {
        let rows = (1u64 << self.log_len) as f64;
        let cosets = (1u64 << params.log_n_cosets) as f64;
        let butterflies = rows * f64::from(self.log_len) / 2.0;
        let tree = |rows: f64, n_columns: usize| {
            let (row_cost, absorbs) = hash_cost(params.commitment_hashes.layer(u64::MAX));
            let calls = (n_columns as f64 * 32.0 / absorbs).floor() + 1.0;
            rows * (row_cost * calls + hash_cost(params.commitment_hashes.bottom).0)
        };
        let lde = |n_columns: usize| butterflies * n_columns as f64 * (cosets + 1.0);
        let commit = |n_columns: usize| lde(n_columns) + tree(rows * cosets, n_columns);
        let [first, interaction, composition] = self.n_columns;
        let all = (first + interaction + composition) as f64;
        let recomputed = 2.0 * (first + interaction) as f64 * butterflies;
        let fri_rows = rows * cosets / (1u64 << params.fri.fri_step_list.get(1).copied().unwrap_or(0)) as f64;
        vec![
            (Phase::Trace, rows * first as f64),
            (Phase::CommitTrace, commit(first)),
            (
                Phase::CommitInteraction,
                8.0 * rows * interaction as f64 + commit(interaction),
            ),
            (
                Phase::Composition,
                recomputed + 2.0 * rows * self.program_multiplications as f64 + commit(composition),
            ),
            (Phase::OutOfDomain, rows * self.n_mask as f64),
            (
                Phase::Quotient,
                all * butterflies + rows * self.n_mask as f64 + butterflies * cosets,
            ),
            (Phase::Fri, 2.0 * rows * cosets + tree(fri_rows, 8)),
            (
                Phase::ProofOfWork,
                hash_cost(params.pow_hash).0 * 2f64.powi(params.fri.proof_of_work_bits as i32),
            ),
            (Phase::Decommit, rows * all * params.fri.n_queries as f64),
        ]
    }
}
