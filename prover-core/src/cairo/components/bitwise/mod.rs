//! Component `bitwise`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;
