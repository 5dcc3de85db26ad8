//! The parameters of a proof: from a file, or from a profile and a security target.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::source::read_json;
use quarry_prover_core::params::Parameters;
use quarry_prover_core::profiles::{DEFAULT_SECURITY_BITS, Profile};
use serde_json::Value;
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

/// A choice that was read: what it says does not depend on the number of steps yet.
pub enum Plan {
    /// A parameter file: its content, what it says, and the profile whose limits it must keep.
    File(Value, Parameters, Option<&'static Profile>),
    /// A profile and a security target.
    Profile(&'static Profile, u32),
}

impl Choice {
    /// Reads the parameter file or finds the profile.
    pub fn read(&self) -> Result<Plan, Failure> {
        let profile = self.profile.as_deref().map(Profile::by_name);
        let profile = profile.transpose().or_bad_input()?;
        if let Some(path) = &self.parameter_file {
            let value = read_json(path)?;
            let parameters = Parameters::from_json(&value)
                .map_err(|error| Failure::bad_input(format!("'{}': {error}", path.display())))?;
            if let Some(profile) = profile {
                profile.check(&parameters).or_bad_input()?;
            }
            return Ok(Plan::File(value, parameters, profile));
        }
        let profile = profile.unwrap_or_else(Profile::default_profile);
        Ok(Plan::Profile(profile, self.security_bits))
    }
}

impl Plan {
    /// Where parameters matter to the choice of a layout only.
    pub fn any() -> Result<Self, Failure> {
        let stone = Profile::by_name("stone").or_bad_input()?;
        Ok(Self::Profile(stone, DEFAULT_SECURITY_BITS))
    }

    /// The profile, if it is one.
    pub fn profile(&self) -> Option<&'static Profile> {
        match self {
            Plan::File(_, _, profile) => *profile,
            Plan::Profile(profile, _) => Some(profile),
        }
    }

    /// The parameters for a number of steps, and the file that states them.
    pub fn for_steps(&self, n_steps: u64) -> Result<(Parameters, Value), Failure> {
        let (parameters, file) = match self {
            Plan::File(file, parameters, _) => (parameters.clone(), file.clone()),
            Plan::Profile(profile, security_bits) => {
                let parameters = profile.parameters(n_steps, *security_bits).or_bad_input()?;
                let file = parameters.to_json();
                (parameters, file)
            }
        };
        parameters.fits(n_steps).or_bad_input()?;
        Ok((parameters, file))
    }
}

/// What is allowed but unwise, and what is to be known of the profile's verifier.
pub fn warnings(parameters: &Parameters, profile: Option<&Profile>) -> Vec<String> {
    parameters
        .warnings()
        .into_iter()
        .chain(profile.and_then(Profile::warning))
        .collect()
}
