//! Commitments to tables.

#[cfg(feature = "prover")]
pub mod prover;
pub mod verifier;
