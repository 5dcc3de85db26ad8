//! The plan of a proof: which layout and which parameters it gets, decided before the program has run.

use crate::cairo::layouts::{DYNAMIC, Layout, LayoutError, default_dynamic_params};
use crate::cairo::public_input::PublicInput;
use crate::parameters::{Parameters, ParametersError};
use crate::profiles::{DEFAULT_SECURITY_BITS, Profile, ProfileError};
use serde_json::Value;
use std::collections::BTreeMap;

/// The layout and the parameters of a proof. The default takes the cheapest layout, and the parameters of the default
/// profile for [`DEFAULT_SECURITY_BITS`].
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The layout.
    pub layout: PlannedLayout,
    /// The parameters.
    pub parameters: PlannedParameters,
}

/// The layout that a program is run in.
#[derive(Clone, Debug, Default)]
pub enum PlannedLayout {
    /// The cheapest one that has the program's builtins and that the profile's verifier supports.
    #[default]
    Cheapest,
    /// The static layout of this name, which may be unknown.
    Static(String),
    /// Layout `dynamic` with these parameters.
    Dynamic(BTreeMap<String, u64>),
}

impl PlannedLayout {
    /// The layout that a caller names: the cheapest one if it is `auto` or empty, and `dynamic` with the default
    /// parameters.
    pub fn named(name: &str) -> Self {
        match name {
            "" | "auto" => Self::Cheapest,
            DYNAMIC => Self::Dynamic(default_dynamic_params()),
            name => Self::Static(name.to_owned()),
        }
    }
}

/// The parameters, which may depend on the number of steps.
#[derive(Clone, Debug)]
pub enum PlannedParameters {
    /// A parameter file: its JSON, the parsed parameters, and the profile whose limits they keep.
    File(Value, Box<Parameters>, Option<&'static Profile>),
    /// A profile and a security target in bits.
    Profile(&'static Profile, u32),
}

impl Default for PlannedParameters {
    fn default() -> Self {
        Self::Profile(Profile::default_profile(), DEFAULT_SECURITY_BITS)
    }
}

/// Why there are no parameters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The layout is unknown, or its parameters define none.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The profile cannot provide them.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// They are invalid or do not fit the number of steps.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
}

impl PlannedParameters {
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
        Ok(Self::File(file, Box::new(parameters), profile))
    }

    /// The profile, if there is one.
    pub fn profile(&self) -> Option<&'static Profile> {
        match self {
            Self::File(_, _, profile) => *profile,
            Self::Profile(profile, _) => Some(profile),
        }
    }

    /// The parameters for a trace of so many steps. Those of a file need not fit it ([`Parameters::fits`]).
    ///
    /// # Errors
    /// [`ProfileError`].
    pub fn of_steps(&self, n_steps: u64) -> Result<Parameters, ProfileError> {
        match self {
            Self::File(_, parameters, _) => Ok((**parameters).clone()),
            Self::Profile(profile, security_bits) => profile.parameters(n_steps, *security_bits),
        }
    }

    /// The parameters for a public input, and the parameter file that contains them.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn resolve(&self, public: &PublicInput) -> Result<(Parameters, Value), PlanError> {
        let n_steps = Layout::of(public)?.trace_steps(public.n_steps);
        let parameters = self.of_steps(n_steps)?;
        parameters.fits(n_steps)?;
        let file = match self {
            Self::File(file, ..) => file.clone(),
            Self::Profile(..) => parameters.to_json(),
        };
        Ok((parameters, file))
    }
}
