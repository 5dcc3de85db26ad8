//! Cairo: layouts, components, inputs, and the program runner.

pub mod air;
pub mod capacity;
pub mod components;
#[cfg(feature = "prover")]
pub mod error;
#[cfg(feature = "prover")]
pub mod input;
pub mod layouts;
#[cfg(feature = "prover")]
pub mod memory;
#[cfg(feature = "prover")]
pub mod private_input;
pub mod public_input;
pub mod run;
#[cfg(feature = "runner")]
pub mod runner;
mod statement;
#[cfg(feature = "prover")]
pub mod trace;
