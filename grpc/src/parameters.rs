//! Proof parameters: from a file, or from a profile and a security target.

use quarry_prover_core::params::{Parameters, ParametersError};
use quarry_prover_core::profiles::{Profile, ProfileError};
use serde_json::Value;

/// A choice of parameters that does not depend on the number of steps yet.
#[derive(Clone, Debug)]
pub enum Plan {
    /// A parameter file: its JSON, the parsed parameters, and the profile whose limits they must keep.
    File(Value, Parameters, Option<&'static Profile>),
    /// A profile and a security target in bits.
    Profile(&'static Profile, u32),
}

/// Why there are no parameters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The profile cannot provide them.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// They are invalid or do not fit the number of steps.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
}

impl Plan {
    /// Reads a parameter file in Stone's format. If a profile is given, the parameters must be within its verifier's
    /// limits.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn from_file(file: Value, profile: Option<&'static Profile>) -> Result<Self, PlanError> {
        let parameters = Parameters::from_json(&file)?;
        if let Some(profile) = profile {
            profile.check(&parameters)?;
        }
        Ok(Self::File(file, parameters, profile))
    }

    /// The profile, if there is one.
    pub fn profile(&self) -> Option<&'static Profile> {
        match self {
            Plan::File(_, _, profile) => *profile,
            Plan::Profile(profile, _) => Some(profile),
        }
    }

    /// Returns the parameters for a number of steps, and the parameter file that contains them.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn for_steps(&self, n_steps: u64) -> Result<(Parameters, Value), PlanError> {
        let (parameters, file) = match self {
            Plan::File(file, parameters, _) => (parameters.clone(), file.clone()),
            Plan::Profile(profile, security_bits) => {
                let parameters = profile.parameters(n_steps, *security_bits)?;
                let file = parameters.to_json();
                (parameters, file)
            }
        };
        parameters.fits(n_steps)?;
        Ok((parameters, file))
    }
}
