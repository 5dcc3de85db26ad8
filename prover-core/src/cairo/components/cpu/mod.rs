//! Component `cpu`.

pub mod constraints;
#[cfg(feature = "prover")]
mod instruction;
#[cfg(feature = "prover")]
pub mod witness;
