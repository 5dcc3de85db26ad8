//! The second leg of a job that wraps: the run of a Cairo verifier over the first proof, under a bootloader.

use super::prepare::{Files, refused, unusable};
use super::run::{Execution, not_run, run_options};
use super::tasks;
use crate::failure::chain;
use crate::job::Spec;
use quarry_client::protocol::{ArtifactRef, Failure, FailureClass, Limits};
use quarry_prover_core::cairo::runner::verifier_program::{self, LAYOUT, VerifierProgramError};
use quarry_prover_core::cairo::runner::{self, Executable, RunError};
use quarry_prover_core::plan::{Plan, PlannedLayout, PlannedParameters};
use quarry_prover_core::proof::ProofFile;
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::Verifier;
use quarry_tasks::bootloader::Tasks;
use std::fs;

/// The name of the first proof in messages.
pub const FIRST_PROOF: &str = "first proof";
/// The code of a first proof that is missing or damaged. The job then makes it again.
pub const FIRST_PROOF_LOST: &str = "wrap.first_proof";

/// Rejects a proof that no Cairo verifier would accept, before it is made.
pub fn check(verifier: &Verifier<'_>) -> Result<(), Failure> {
    let layout = &verifier.statement().public_input().layout;
    verifier_program::check(verifier)
        .and_then(|()| verifier_program::program(layout).map(drop))
        .map_err(|error| wrap_failed(&error))
}

impl Files<'_> {
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
        let verifier = Statement::new(&file.statement, &file.parameters).and_then(Verifier::new);
        let verifier = verifier.map_err(unusable)?;
        let pie = verifier_program::program(&file.statement.layout)
            .and_then(|program| verifier_program::pie(&program, &verifier, &file.proof, options.max_steps));
        let tasks = Tasks::new(vec![pie.map_err(|error| wrap_failed(&error))?]);
        let plan = Plan {
            layout: PlannedLayout::Static(LAYOUT.to_owned()),
            parameters: parameters.clone(),
        };
        let input = plan.run(Executable::Tasks(&tasks), &options);
        let input = input.map_err(|error| not_run(&error, tasks::run_failed))?;
        let builtins = runner::program_builtins(&runner::bootloader_of(&tasks, LAYOUT));
        let builtins = builtins.map_err(|error| tasks::run_failed(&error))?;
        Ok(Execution::of_run(input, &builtins))
    }
}

/// The failure of a proof that cannot be wrapped.
fn wrap_failed(error: &VerifierProgramError) -> Failure {
    use FailureClass::{Internal, Resource, Unsupported};
    let (class, code) = match error {
        VerifierProgramError::Profile(_) => (Unsupported, "input.wrap.profile"),
        VerifierProgramError::Form(_) => (Unsupported, "input.wrap.form"),
        VerifierProgramError::Layout(_) => (Unsupported, "input.wrap.layout"),
        VerifierProgramError::Run(RunError::Memory(_)) => (Resource, "limits.memory"),
        VerifierProgramError::Run(RunError::StepLimit(_) | RunError::TooLarge(_)) => {
            (Resource, "limits.max_steps")
        }
        // The first proof was verified before.
        _ => (Internal, "wrap.run"),
    };
    refused(class, code, chain(error))
}
