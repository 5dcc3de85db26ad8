//! Cairo: layouts, components, inputs, and the runner of programs.

pub mod air;
pub mod components;
#[cfg(feature = "prover")]
pub mod input;
pub mod layouts;
#[cfg(feature = "prover")]
pub mod memory;
pub mod public_input;
#[cfg(feature = "runner")]
pub mod runner;
#[cfg(feature = "prover")]
pub mod trace;
