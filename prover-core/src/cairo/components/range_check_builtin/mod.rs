//! Component `range_check_builtin`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;
