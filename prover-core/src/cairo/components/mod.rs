//! The components of layouts. Each defines its constraints once for all layouts and fills its own trace cells.

pub mod add_mod;
pub mod bitwise;
#[cfg(feature = "prover")]
mod builtin;
pub mod cpu;
pub mod diluted_check;
pub mod ec;
pub mod ec_op;
pub mod ecdsa;
pub mod keccak;
pub mod memory;
mod modulo;
pub mod mul_mod;
pub mod pedersen;
pub mod permutation;
pub mod poseidon;
pub mod range_check16;
pub mod range_check96_builtin;
pub mod range_check_builtin;
pub mod scope;
#[cfg(feature = "prover")]
mod subset_sum;
#[cfg(feature = "prover")]
pub(crate) mod table_check;
