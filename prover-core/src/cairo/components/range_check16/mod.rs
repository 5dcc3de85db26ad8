//! Component `range_check16`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;
