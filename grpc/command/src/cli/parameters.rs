//! The parameters of a proof: from a file, or from a profile and a security target.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::kinds::OrWrongKind;
use crate::cli::source::read_stone_json;
use quarry_prover_core::file_kind::FileKind;
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::plan::{PlanError, PlannedParameters};
use quarry_prover_core::profiles::{DEFAULT_SECURITY_BITS, Profile};
use std::path::PathBuf;

/// The options that select the parameters.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct ParameterArgs {
    /// Profile: the verifier that the proof is for, from which the parameters follow; `quarry params --list` shows all
    /// [default: integrity-stone6-keccak160]. With --parameter-file, reject parameters that the profile's verifier does
    /// not accept
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Target for the conjectured security, in bits
    #[arg(long, value_name = "BITS", default_value_t = DEFAULT_SECURITY_BITS)]
    #[arg(conflicts_with = "parameter_file")]
    security_bits: u32,
    /// Read the parameters from this file in Stone's format, instead of deriving them
    #[arg(long, value_name = "FILE")]
    parameter_file: Option<PathBuf>,
}

impl ParameterArgs {
    /// Reads the parameter file or looks up the profile.
    pub fn read(&self) -> Result<PlannedParameters, Failure> {
        let profile = self.profile.as_deref().map(Profile::by_name);
        let profile = profile.transpose().or_bad_input()?;
        if let Some(path) = &self.parameter_file {
            let parse = |value| {
                PlannedParameters::from_file(value, profile).map_err(|error| match error {
                    error @ PlanError::Profile(_) => error.into(),
                    error => Failure::bad_input(format!("'{}': {error}", path.display())),
                })
            };
            return read_stone_json(path)
                .and_then(parse)
                .or_wrong_kind(path, FileKind::Parameters);
        }
        let profile = profile.unwrap_or_else(Profile::default_profile);
        Ok(PlannedParameters::Profile(profile, self.security_bits))
    }
}

/// Parameters for commands where they only affect the choice of a layout.
pub fn any() -> Result<PlannedParameters, Failure> {
    let stone = Profile::by_name("stone").or_bad_input()?;
    Ok(PlannedParameters::Profile(stone, DEFAULT_SECURITY_BITS))
}

/// Warnings about parameters that are allowed but unwise, and about the profile's verifier.
pub fn warnings(parameters: &Parameters, profile: Option<&Profile>) -> Vec<String> {
    parameters
        .warnings()
        .into_iter()
        .chain(profile.and_then(Profile::warning))
        .collect()
}
