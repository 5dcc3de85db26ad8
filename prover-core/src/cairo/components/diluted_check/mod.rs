//! Component `diluted_check`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;
