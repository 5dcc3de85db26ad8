//! Cairo: layouts, components, inputs, and the program runner.

pub mod air;
#[cfg(feature = "prover")]
mod canvas;
pub mod capacity;
pub mod components;
pub mod diluted;
#[cfg(feature = "prover")]
pub mod error;
mod fit;
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
