//! FRI.

#[cfg(feature = "prover")]
pub mod prover;
pub mod verifier;
