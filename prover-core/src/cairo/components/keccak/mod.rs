//! Component `keccak`.

pub mod constraints;
#[cfg(feature = "prover")]
mod permutation;
#[cfg(feature = "prover")]
pub mod witness;
