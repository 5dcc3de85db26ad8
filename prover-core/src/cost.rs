//! Operation counts of a proof, phase by phase, for progress reports and estimates. This module counts operations; the
//! rates come from measurements of a machine.

use crate::air::CompiledAir;
use crate::cairo::air::{CairoAir, CairoAirError};
use crate::parameters::Parameters;
use crate::progress::Phase;
use quarry_kernels::{Felt, Hash};
use std::ops::Add;

/// What determines the cost of a proof.
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
    /// Number of elements of each table that the constraint program reads beside the columns, on one coset.
    pub table_lengths: Vec<usize>,
    /// Number of registers of the constraint program.
    pub n_registers: usize,
    /// Field multiplications per row of the constraint program.
    pub program_multiplications: usize,
}

/// The work of a phase, independent of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Field multiplications.
    pub multiplications: f64,
    /// The hash of most calls.
    pub hash: Hash,
    /// Number of permutations (or compressions) of this hash: one per absorbed block.
    pub permutations: f64,
    /// Lower bound of the memory traffic in bytes: columns and digests only, each read and written once per pass.
    pub bytes: f64,
}

impl Work {
    /// The total in field multiplications.
    fn in_multiplications(&self) -> f64 {
        self.multiplications + self.permutations * hash_cost(self.hash).multiplications
    }
}

/// A permutation of a hash.
struct HashCost {
    /// What it costs, in field multiplications.
    multiplications: f64,
    /// Bytes that it absorbs.
    bytes: f64,
}

/// The cost of a hash. (Stone's own ratios on one core: multiplication 15 ns, Keccak-f 0.3 us, Blake2s 0.16 us,
/// Poseidon 6.5 us, Pedersen 127 us.)
fn hash_cost(hash: Hash) -> HashCost {
    let (multiplications, bytes) = match hash.unmasked() {
        Hash::Blake256 => (10.0, 64.0),
        Hash::Poseidon3 => (425.0, 64.0),
        Hash::Pedersen => (8300.0, 32.0),
        _ => (20.0, 136.0),
    };
    HashCost {
        multiplications,
        bytes,
    }
}

/// The number of permutations for a message of `bytes` bytes. Behind a full block the padding fills another one, except
/// for Blake2s, which has no padding.
pub fn permutations(hash: Hash, bytes: usize) -> f64 {
    let blocks = bytes as f64 / hash_cost(hash).bytes;
    match hash.unmasked() {
        Hash::Blake256 => blocks.ceil().max(1.0),
        _ => blocks.floor() + 1.0,
    }
}

/// Bytes of an element and of a digest.
const WORD: f64 = 32.0;

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
            table_lengths: compiled.table_lengths().collect(),
            n_registers: compiled.program.n_registers,
            program_multiplications: compiled.program.n_multiplications(),
        })
    }

    /// Field multiplications (or their equivalent) of every phase, in the order of the phases.
    pub fn multiplications(&self, parameters: &Parameters) -> Vec<(Phase, f64)> {
        let phases = self.work(parameters).into_iter();
        phases
            .map(|(phase, work)| (phase, work.in_multiplications()))
            .collect()
    }

    /// The work of every phase, in the order of the phases.
    pub fn work(&self, parameters: &Parameters) -> Vec<(Phase, Work)> {
        let rows = (1u64 << self.log_len) as f64;
        let cosets = (1u64 << parameters.log_n_cosets) as f64;
        let hash = parameters.commitment_hashes.bottom;
        let nothing = Work {
            multiplications: 0.0,
            hash,
            permutations: 0.0,
            bytes: 0.0,
        };
        // The transform of a column reads and writes it at least once.
        let butterflies = rows * f64::from(self.log_len) / 2.0;
        let transforms = |n: f64| Work {
            multiplications: n * butterflies,
            bytes: n * 2.0 * WORD * rows,
            ..nothing
        };
        let tree = |rows: f64, n_columns: usize| Work {
            permutations: rows * (permutations(hash, n_columns * size_of::<Felt>()) + 1.0),
            bytes: rows * WORD * (n_columns as f64 + 4.0),
            ..nothing
        };
        let commit = |n: usize| transforms(n as f64 * (cosets + 1.0)) + tree(rows * cosets, n);
        let pass = |n_columns: f64, multiplications: f64| Work {
            multiplications: rows * multiplications,
            bytes: rows * WORD * n_columns,
            ..nothing
        };
        let [first, interaction, composition] = self.n_columns;
        let trace = (first + interaction) as f64;
        let all = trace + composition as f64;
        let program = self.program_multiplications as f64;
        let mask = self.n_mask as f64;
        let fri_row = 1 << parameters.fri.fri_step_list.get(1).copied().unwrap_or(0);
        vec![
            (Phase::Trace, pass(first as f64, first as f64)),
            (Phase::CommitTrace, commit(first)),
            (
                Phase::CommitInteraction,
                pass((self.n_scanned + interaction) as f64, 8.0 * interaction as f64) + commit(interaction),
            ),
            (
                Phase::Composition,
                transforms(2.0 * trace) + pass(2.0 * trace, 2.0 * program) + commit(composition),
            ),
            (Phase::OutOfDomain, pass(all, mask)),
            (Phase::Quotient, transforms(all + 1.0) + pass(all + 1.0, mask)),
            (
                Phase::Fri,
                transforms(2.0 * cosets)
                    + pass(2.0 * cosets, 2.0 * cosets)
                    + tree(rows * cosets / fri_row as f64, fri_row),
            ),
            (
                Phase::ProofOfWork,
                Work {
                    hash: parameters.pow_hash,
                    permutations: 2f64.powi(parameters.fri.proof_of_work_bits as i32),
                    ..nothing
                },
            ),
            (Phase::Decommit, pass(all, all * parameters.fri.n_queries as f64)),
        ]
    }
}

impl Add for Work {
    type Output = Self;

    /// The sum of both; at most one of them hashes, or both use the same hash.
    fn add(self, other: Self) -> Self {
        Self {
            multiplications: self.multiplications + other.multiplications,
            hash: self.hash,
            permutations: self.permutations + other.permutations,
            bytes: self.bytes + other.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_messages() {
        for (hash, bytes, expected) in [
            (Hash::Keccak256, 64, 1.0),
            (Hash::Keccak256, 136, 2.0),
            (Hash::Keccak256, 320, 3.0),
            (Hash::Blake256, 64, 1.0),
            (Hash::Blake256, 320, 5.0),
            (Hash::Blake256Masked248Lsb, 321, 6.0),
        ] {
            assert_eq!(permutations(hash, bytes), expected, "{bytes} bytes");
        }
    }
}
