//! What a job asks of its calldata, in a usable form.

use quarry_client::protocol::CalldataOptions;
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::run::RunMode;
use quarry_prover_core::calldata::{
    self, BundleOptions, DEFAULT_MAX_FELTS, DEPLOYMENTS, Deployment, JOB_ID_BYTES,
};

/// What a job asks of its calldata.
#[derive(Debug)]
pub struct WantedCalldata {
    /// Limit, mode and contract.
    pub options: BundleOptions,
    /// The id that the calls of the split form name; a random one if missing.
    job_id: Option<Felt>,
}

impl WantedCalldata {
    /// Reads the options of a job.
    ///
    /// # Errors
    /// Which option is wrong, and why.
    pub fn parse(options: &CalldataOptions) -> Result<Self, String> {
        let max_felts = match options.max_felts {
            0 => DEFAULT_MAX_FELTS,
            felts => usize::try_from(felts).unwrap_or(usize::MAX),
        };
        let job_id = match &*options.job_id {
            "" => None,
            id => Some(
                felt::from_hex(id).ok_or_else(|| format!("job_id: '{id}' is not a field element (0x..)"))?,
            ),
        };
        let mode = match &*options.mode {
            "" => None,
            name => Some(
                RunMode::of_integrity(name)
                    .ok_or_else(|| format!("mode: '{name}' is none of strict, relaxed, cairo1"))?,
            ),
        };
        let deployment = match &*options.network {
            "" => &DEPLOYMENTS[0],
            name => Deployment::on(name).ok_or_else(|| {
                let known = DEPLOYMENTS.each_ref().map(|known| known.network).join(", ");
                format!("network: '{name}' is none of {known}")
            })?,
        };
        Ok(Self {
            options: BundleOptions {
                max_felts,
                mode,
                deployment,
            },
            job_id,
        })
    }

    /// The given id, or a random one.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn job_id(&self) -> Result<Felt, getrandom::Error> {
        if let Some(id) = self.job_id {
            return Ok(id);
        }
        let mut random = [0; JOB_ID_BYTES];
        getrandom::fill(&mut random)?;
        Ok(calldata::job_id(random))
    }
}
