//! A STARK prover and verifier for Cairo programs. Its proofs are byte for byte those of StarkWare's Stone prover (v3)
//! for the same input and parameters.
//!
//! A proof takes these steps: a [`Plan`] chooses layout and parameters, [`Plan::run`] runs the program or the tasks,
//! [`Statement`] checks that public input and parameters fit each other, [`prove`] makes the proof on a device,
//! [`Verifier`] checks it, and [`WrittenProofFile`] is the file that Stone would write.
//!
#![cfg_attr(feature = "runner", doc = "```")]
#![cfg_attr(not(feature = "runner"), doc = "```ignore")]
//! use quarry_prover_core::{
//!     CpuDevice, Executable, Expectation, Plan, ProveOptions, RunOptions, Statement, Verifier, WrittenProofFile,
//!     prove,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cubes");
//! # let input_file = format!("{folder}/input.json");
//! # let program_file = format!("{folder}/program.json");
//! let program = std::fs::read(program_file)?;
//! let input = serde_json::from_slice(&std::fs::read(input_file)?)?;
//!
//! let plan = Plan::default();
//! let execution = plan.run(Executable::program(&program, Some(&input)), &RunOptions::default())?;
//! let (parameters, parameter_file) = plan.parameters.resolve(&execution.public)?;
//! let statement = Statement::new(&execution.public, &parameters)?;
//! let proof = prove(&CpuDevice::new(None)?, &statement, &execution, &ProveOptions::default())?;
//!
//! let verified = Verifier::new(statement)?.verify(&proof.bytes, &Expectation::default())?;
//! assert!(verified.security_bits >= 80);
//! let file = WrittenProofFile::new(proof.bytes, execution.public.to_json(), parameter_file);
//! # let folder = tempfile::tempdir()?;
//! # let proof_file = folder.path().join("proof.json");
//! std::fs::write(proof_file, file.to_text())?;
//! # Ok(())
//! # }
//! ```
//!
//! # Devices
//!
//! [`prove`] runs on every [`Backend`]: [`CpuDevice`], or a GPU of `quarry-kernels` (its features `cuda` and `wgpu`).
//! Every backend gives the same bytes.
//!
//! # Verifying as a gate
//!
//! [`verify_file`] reads nothing but the proof file, so a valid proof shows only what the file itself states. An
//! [`Expectation`] says what it must state: program and builtins, output, layout, form of the run, tasks of a
//! bootloader. `examples/verify.rs` is a gate for one program.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `prover` (default) | the prover |
//! | `runner` (default) | running Cairo programs with `cairo-vm` |
//!
//! Without features the crate is the verifier alone.

#[doc(hidden)]
pub mod air;
pub mod cairo;
pub mod calldata;
#[doc(hidden)]
pub mod channel;
#[cfg(feature = "runner")]
pub mod choice;
pub mod claim;
#[doc(hidden)]
pub mod commit;
#[cfg(feature = "prover")]
pub mod cost;
#[cfg(feature = "runner")]
pub mod demand;
#[cfg(feature = "runner")]
pub mod dynamic_search;
pub mod expectation;
pub mod facts;
pub mod file_kind;
#[doc(hidden)]
pub mod fri;
mod hex;
pub mod inspect;
pub mod json;
#[cfg(feature = "prover")]
pub mod memory_plan;
pub mod parameters;
pub mod plan;
pub mod profiles;
pub mod progress;
pub mod proof;
#[cfg(feature = "prover")]
pub mod prover;
pub mod statement;
#[cfg(feature = "prover")]
pub mod tags;
pub mod verifier;

#[cfg(feature = "runner")]
pub use cairo::runner::{Executable, RunOptions};
pub use claim::Verified;
pub use expectation::Expectation;
pub use json::JsonError;
pub use parameters::Parameters;
pub use plan::Plan;
pub use proof::{ProofFile, WrittenProofFile};
#[cfg(feature = "prover")]
pub use prover::{ProveOptions, prove};
#[cfg(feature = "prover")]
pub use quarry_kernels::{Backend, CpuDevice};
pub use quarry_kernels::{Felt, felt};
pub use statement::Statement;
pub use verifier::{Verifier, verify_file};
