//! Component `ec_op`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;
