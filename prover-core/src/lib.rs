//! A STARK prover and verifier for Cairo whose proofs are byte for byte those of StarkWare's Stone.

pub mod air;
pub mod cairo;
pub mod channel;
#[cfg(feature = "runner")]
pub mod choice;
pub mod claim;
pub mod commit;
#[cfg(feature = "prover")]
pub mod cost;
pub mod expectation;
pub mod facts;
pub mod file_kind;
pub mod fri;
mod hex;
pub mod inspect;
pub mod json;
#[cfg(feature = "prover")]
pub mod memory_plan;
pub mod params;
pub mod profiles;
pub mod progress;
pub mod proof;
#[cfg(feature = "prover")]
pub mod prover;
pub mod verifier;

pub use json::JsonError;
