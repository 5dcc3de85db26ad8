//! The tests of whole inputs, in one binary, because each binary links the prover again.
//!
//! Tests run at the same time in one process, so a test must not depend on the state of the process, such as its
//! memory, environment or working directory. What needs a process of its own starts this binary again for one test.

#[path = "../common/mod.rs"]
mod common;
mod corpus;

// Tests of the verifier.
mod air_shape;
mod calldata;
mod data;
mod golden;
#[cfg(target_os = "linux")]
mod hostile_files;
mod mutations;

#[cfg(feature = "prover")]
mod accepted_inputs;
#[cfg(feature = "prover")]
mod air_trace;
#[cfg(feature = "prover")]
mod annotations;
#[cfg(feature = "prover")]
mod bad_builtins;
#[cfg(feature = "prover")]
mod bad_execution;
#[cfg(feature = "prover")]
mod bad_files;
#[cfg(feature = "prover")]
mod changes;
#[cfg(feature = "prover")]
mod memory_plan;

#[cfg(feature = "runner")]
mod choice;
#[cfg(feature = "runner")]
mod claims;
#[cfg(feature = "runner")]
mod demand;
#[cfg(feature = "runner")]
mod dynamic_search;
#[cfg(feature = "runner")]
mod hints;
