//! The second leg of a job that wraps: the run of a Cairo verifier over the first proof, under a bootloader.

use super::prepare::{Files, refused, unusable};
use super::run::{Execution, not_run, run_options};
use super::tasks;
use crate::failure::chain;
use crate::job::{CAIRO_VERIFIER, Spec, WRAP_BOOTLOADER};
use quarry_client::protocol::{ArtifactRef, Failure, FailureClass, Limits, WrapOptions};
use quarry_prover_core::cairo::runner::verifier_program::{self, LAYOUT, VerifierProgramError, Wrapping};
use quarry_prover_core::cairo::runner::{self, Executable, RunError};
use quarry_prover_core::plan::{Plan, PlannedLayout, PlannedParameters};
use quarry_prover_core::proof::ProofFile;
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::Verifier;
use std::fs;

/// The name of the first proof in messages.
pub const FIRST_PROOF: &str = "first proof";
/// The code of a first proof that is missing or damaged. The job then makes it again.
pub const FIRST_PROOF_LOST: &str = "wrap.first_proof";

/// The code of a Cairo verifier with another hash than the expected one.
const VERIFIER_HASH: &str = "input.wrap.verifier.hash";
/// The code of a bootloader of the wrapped proof with another hash than the expected one.
const BOOTLOADER_HASH: &str = "input.wrap.bootloader.hash";

impl Files<'_> {
    /// Rejects a proof that no Cairo verifier would accept, and programs that cannot wrap it, before it is made.
    /// Returns the steps of the wrapped proof, as far as they can be foreseen.
    pub(super) fn check_wrapping(
        &self,
        verifier: &Verifier<'_>,
        options: &WrapOptions,
    ) -> Result<u64, Failure> {
        let wrapping = self.wrapping(options)?;
        wrapping
            .check(verifier)
            .and_then(|()| wrapping.foreseen_steps(verifier))
            .map_err(|error| wrap_failed(&error, &wrapping))
    }

    /// Runs a Cairo verifier over the first proof, and the bootloader over that run.
    pub(super) fn wrap(
        &self,
        first: &ArtifactRef,
        spec: &Spec,
        parameters: &PlannedParameters,
        limits: &Limits,
    ) -> Result<Execution, Failure> {
        let path = self.path(FIRST_PROOF, Some(first)).map_err(|failure| Failure {
            code: FIRST_PROOF_LOST.to_owned(),
            ..failure
        })?;
        let mut file = ProofFile::parse(&fs::read_to_string(path).map_err(unusable)?).map_err(unusable)?;
        // The parameter file of a proof does not have it.
        file.parameters.stone_version = verifier_program::STONE_VERSION;
        let options = run_options(spec, limits);
        let wrapping = self.wrapping(&spec.wrap.clone().unwrap_or_default())?;
        let verifier = Statement::new(&file.statement, &file.parameters).and_then(Verifier::new);
        let tasks = wrapping.tasks(&verifier.map_err(unusable)?, &file.proof, options.max_steps);
        let tasks = tasks.map_err(|error| wrap_failed(&error, &wrapping))?;
        let plan = Plan {
            layout: PlannedLayout::Static(LAYOUT.to_owned()),
            parameters: parameters.clone(),
        };
        let input = plan.run(Executable::Tasks(&tasks), &options);
        let input = input.map_err(|error| not_run(&error, bootloader_failed))?;
        let builtins = runner::program_builtins(&runner::bootloader_of(&tasks, LAYOUT));
        let builtins = builtins.map_err(|error| bootloader_failed(&error))?;
        Ok(Execution::of_run(input, &builtins))
    }

    /// How the job wraps, with the files that it names.
    fn wrapping(&self, options: &WrapOptions) -> Result<Wrapping, Failure> {
        let verifier = options.verifier.as_ref();
        let verifier = verifier.map(|file| self.bytes(CAIRO_VERIFIER, Some(file)));
        let expected = |text, code| tasks::expected_hash(text, code);
        Ok(Wrapping {
            verifier: verifier.transpose()?,
            expected_verifier_hash: expected(&options.expected_verifier_hash, VERIFIER_HASH)?,
            bootloader: self.bootloader(
                WRAP_BOOTLOADER,
                options.bootloader.as_ref(),
                &options.bootloader_name,
            )?,
            expected_bootloader_hash: expected(&options.expected_bootloader_hash, BOOTLOADER_HASH)?,
            hash_function: tasks::hash_function(&options.program_hash_function).map_err(tasks::unreadable)?,
        })
    }
}

/// The failure of a proof that cannot be wrapped in this way.
fn wrap_failed(error: &VerifierProgramError, wrapping: &Wrapping) -> Failure {
    use FailureClass::{InputInvalid, Internal, Resource, Unsupported};
    let (class, code) = match error {
        VerifierProgramError::Profile(_) => (Unsupported, "input.wrap.profile"),
        VerifierProgramError::Form(_) => (Unsupported, "input.wrap.form"),
        VerifierProgramError::Layout(_) => (Unsupported, "input.wrap.layout"),
        VerifierProgramError::Hash { .. } => (InputInvalid, VERIFIER_HASH),
        VerifierProgramError::Bootloader(error) => return bootloader_failed(error),
        VerifierProgramError::Run(RunError::Memory(_)) => (Resource, "limits.memory"),
        VerifierProgramError::Run(RunError::StepLimit(_) | RunError::TooLarge(_)) => {
            (Resource, "limits.max_steps")
        }
        // A Cairo verifier that Quarry brings accepts every proof that was verified before.
        VerifierProgramError::Run(_) if wrapping.verifier.is_some() => {
            (InputInvalid, "input.wrap.verifier.program")
        }
        _ => (Internal, "wrap.run"),
    };
    refused(class, code, chain(error))
}

/// The failure of a run under the bootloader of the wrapped proof. Its codes are those of tasks, but name the wrapping
/// where that bootloader is at fault.
fn bootloader_failed(error: &RunError) -> Failure {
    let failure = tasks::run_failed(error);
    match failure.code.strip_prefix("input.bootloader.") {
        Some(code) => Failure {
            code: format!("input.wrap.bootloader.{code}"),
            message: format!("wrap: {}", failure.message),
            ..failure
        },
        None => failure,
    }
}
