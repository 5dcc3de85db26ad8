//! Component `mul_mod`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;
