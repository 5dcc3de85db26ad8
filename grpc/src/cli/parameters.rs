//! The parameters of a proof: from a file, or from a profile and a security target.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::source::read_stone_json;
pub use quarry_grpc::parameters::Plan;
use quarry_grpc::parameters::PlanError;
use quarry_prover_core::params::Parameters;
use quarry_prover_core::profiles::{DEFAULT_SECURITY_BITS, Profile};
use std::path::PathBuf;

/// Where parameters come from.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Choice {
    /// Derive the parameters from this profile (`quarry params --list` shows all) [default:
    /// integrity-stone6-keccak160]; with --parameter-file, refuse what this profile's verifier does not take
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Conjectured security to reach, in bits
    #[arg(long, value_name = "BITS", default_value_t = DEFAULT_SECURITY_BITS)]
    #[arg(conflicts_with = "parameter_file")]
    security_bits: u32,
    /// Take the parameters from this file in Stone's format instead
    #[arg(long, value_name = "FILE")]
    parameter_file: Option<PathBuf>,
}

impl Choice {
    /// Reads the parameter file or finds the profile.
    pub fn read(&self) -> Result<Plan, Failure> {
        let profile = self.profile.as_deref().map(Profile::by_name);
        let profile = profile.transpose().or_bad_input()?;
        if let Some(path) = &self.parameter_file {
            let value = read_stone_json(path)?;
            return Plan::from_file(value, profile).map_err(|error| match error {
                error @ PlanError::Profile(_) => error.into(),
                error => Failure::bad_input(format!("'{}': {error}", path.display())),
            });
        }
        let profile = profile.unwrap_or_else(Profile::default_profile);
        Ok(Plan::Profile(profile, self.security_bits))
    }
}

/// Where parameters matter to the choice of a layout only.
pub fn any() -> Result<Plan, Failure> {
    let stone = Profile::by_name("stone").or_bad_input()?;
    Ok(Plan::Profile(stone, DEFAULT_SECURITY_BITS))
}

/// What is allowed but unwise, and what is to be known of the profile's verifier.
pub fn warnings(parameters: &Parameters, profile: Option<&Profile>) -> Vec<String> {
    parameters
        .warnings()
        .into_iter()
        .chain(profile.and_then(Profile::warning))
        .collect()
}
