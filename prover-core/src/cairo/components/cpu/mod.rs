//! Component `cpu`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;
