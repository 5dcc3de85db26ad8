//! Shared code of `add_mod` and `mul_mod`.

pub(super) mod constraints;
#[cfg(feature = "prover")]
pub(super) mod witness;
