//! Checks what a job asks of its calldata.

use super::{Refused, short};
use crate::child::prepare::planned_parameters;
use crate::job::WantedCalldata;
use quarry_client::protocol::{CalldataOptions, JobSpec};
use quarry_prover_core::facts::MemoryVerification;
use quarry_prover_core::facts::integrity::Configuration;
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::plan::PlannedParameters;
use tonic::Status;

/// A layout that Integrity accepts, in place of one that is not known yet.
const ANY_LAYOUT: &str = "recursive_with_poseidon";
/// Steps for which a profile's parameters are computed here: how many there are does not matter to Integrity.
const ANY_STEPS: u64 = 1 << 16;

/// Rejects options that are wrong, and parameters or a layout with which Integrity can register no proof.
pub fn check(spec: &JobSpec, options: &CalldataOptions) -> Refused {
    short("calldata: job_id", &options.job_id)?;
    short("calldata: mode", &options.mode)?;
    short("calldata: network", &options.network)?;
    let refuse = |why: &dyn std::fmt::Display| Status::invalid_argument(format!("calldata: {why}"));
    WantedCalldata::parse(options).map_err(|why| refuse(&why))?;
    let layout = match &*spec.layout {
        "" | "auto" => ANY_LAYOUT,
        name => name,
    };
    // Parameters that are wrong in themselves are told when the job is prepared.
    let Some(parameters) = parameters_of(spec) else {
        return Ok(());
    };
    match Configuration::of(layout, MemoryVerification::Relaxed, &parameters) {
        Ok(_) => Ok(()),
        Err(why) => Err(refuse(&why)),
    }
}

fn parameters_of(spec: &JobSpec) -> Option<Parameters> {
    match planned_parameters(spec.parameters.as_ref()).ok()? {
        PlannedParameters::File(_, parameters, _) => Some(*parameters),
        PlannedParameters::Profile(profile, bits) => profile.parameters(ANY_STEPS, bits).ok(),
    }
}
