//! A proof as a task of a bootloader: runs StarkWare's verifier of Stone's proofs, a Cairo program, over a proof. The
//! proof of that run (the *wrapped* proof) says that the first proof holds.
//!
//! The program outputs what the first proof shows: `[program hash, output..]`, where the hash is Poseidon over the cells
//! of the program, as Integrity has it.

mod hints;
mod words;
mod wrapping;

pub use wrapping::Wrapping;

use super::guard::guarded;
use super::{RunError, parse};
use crate::calldata::opened::Opened;
use crate::expectation::Expectation;
use crate::parameters::StoneVersion;
use crate::profiles::{CAIRO_VERIFIER, ProfileError};
use crate::verifier::{Recording, Verifier, VerifyError};
use cairo_vm::types::program::Program;
use quarry_tasks::machine::{self, MachineError, Prepared};
use quarry_tasks::pie::CairoPie;
use quarry_tasks::verifiers;
use words::Word;

/// The layout of the wrapped proof, which has exactly the builtins of the verifier programs.
pub const LAYOUT: &str = "recursive_with_poseidon";

/// The name of the profile of proofs that the verifier programs accept.
pub const PROFILE: &str = CAIRO_VERIFIER.name;

/// The name of the bootloader of proofs that are to be wrapped, unless a caller names another: it declares all builtins,
/// as the verifier programs want, and has few words, each of which costs them steps.
pub const BOOTLOADER: &str = "short";

/// The form of the public input of such proofs.
pub const STONE_VERSION: StoneVersion = CAIRO_VERIFIER.stone_version;

/// The number of builtins that the verifier programs require `main` of a proved program to declare: all that there are.
const N_BUILTINS: usize = crate::cairo::run::CANONICAL_BUILTINS.len();

/// Why a verifier program cannot verify a proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifierProgramError {
    /// The proof does not hold.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// No verifier program accepts the layout, the pages or the parameters of the proof.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// No verifier program accepts the run that the proof proves.
    #[error(
        "the Cairo verifiers accept proofs of programs with {N_BUILTINS} builtins only, as bootloaders are: {0}"
    )]
    Form(String),
    /// Quarry brings no verifier program for the layout.
    #[error(
        "Quarry has no Cairo verifier for layout '{0}', only for {known}",
        known = verifiers::layouts().collect::<Vec<_>>().join(", ")
    )]
    Layout(String),
    /// The verifier program has another hash than it must have.
    #[error("the Cairo verifier has the hash {pedersen} (Pedersen) or {poseidon} (Poseidon), not {expected}")]
    Hash {
        /// Its hash by Pedersen, as bootloaders write it.
        pedersen: String,
        /// The same by Poseidon.
        poseidon: String,
        /// The expected hash.
        expected: String,
    },
    /// The bootloader that is to run the verifier program is none, or has another hash than it must have.
    #[error(transparent)]
    Bootloader(Box<RunError>),
    /// The run of the verifier program failed.
    #[error("the Cairo verifier: {0}")]
    Run(#[from] RunError),
    /// The verifier accepted the proof, but its record lacks a part: a defect of Quarry.
    #[error("the record of the verification is incomplete")]
    Record,
}

/// The compiled verifier program that Quarry brings for proofs in a layout.
///
/// # Errors
/// [`VerifierProgramError::Layout`] if there is none.
pub fn program(layout: &str) -> Result<Vec<u8>, VerifierProgramError> {
    verifiers::verifier(layout).ok_or_else(|| VerifierProgramError::Layout(layout.to_owned()))
}

/// Runs a compiled verifier program over a proof, for at most `max_steps` steps.
///
/// # Errors
/// [`VerifierProgramError`]. What no verifier program accepts, and a proof that does not hold, are refused before the
/// run.
pub fn pie(
    program: &[u8],
    verifier: &Verifier<'_>,
    proof: &[u8],
    max_steps: usize,
) -> Result<CairoPie, VerifierProgramError> {
    check(verifier)?;
    let (verified, record) = verifier.verify_recorded(proof, &Expectation::any(), Recording::Fri);
    verified?;
    let opened = Opened::read(proof, &record).ok_or(VerifierProgramError::Record)?;
    let words = words::proof(verifier.statement(), &opened);
    Ok(guarded(|| run(parse(program)?, words, max_steps))?)
}

/// Checks all but the proof: whether a verifier program can accept the statement and its parameters.
///
/// # Errors
/// [`VerifierProgramError`] if not.
pub fn check(verifier: &Verifier<'_>) -> Result<(), VerifierProgramError> {
    let statement = verifier.statement();
    CAIRO_VERIFIER.check_statement(statement.public_input())?;
    CAIRO_VERIFIER.check(statement.parameters())?;
    let run = verifier.run();
    let Some(slots) = &run.slots else {
        return Err(VerifierProgramError::Form(run.form.to_string()));
    };
    match slots.seen().len() {
        N_BUILTINS => Ok(()),
        n => Err(VerifierProgramError::Form(format!("this one has {n}"))),
    }
}

/// Runs the program as a task.
fn run(program: Program, proof: Word, max_steps: usize) -> Result<CairoPie, RunError> {
    let prepared = Prepared {
        program,
        hints: hints::functions(),
        scopes: hints::scopes(proof),
        meaning: machine::only_pc,
    };
    machine::run_to_pie(prepared, max_steps).map_err(|error| match error {
        // The traceback is one of StarkWare's program, without names.
        MachineError::Failed { place, why, .. } => RunError::Failed { place, message: why },
        error => error.into(),
    })
}

#[cfg(test)]
mod tests;
