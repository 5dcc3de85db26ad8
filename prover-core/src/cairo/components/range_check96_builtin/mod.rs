//! Component `range_check96_builtin`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;
