//! What `add_mod` and `mul_mod` share.

pub(super) mod constraints;
#[cfg(feature = "prover")]
pub(super) mod witness;
