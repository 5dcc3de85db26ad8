//! Calldata of jobs: what is asked of it at submission, and how it is downloaded.

use crate::cli::facts;
use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::get::no_download;
use crate::cli::job_json::{job_json, result_json};
use crate::cli::new_folder::NewFolder;
use crate::cli::source::read_json;
use crate::cli::statement::parse_felt;
use quarry_client::Client;
use quarry_client::protocol::{CalldataOptions, Job, JobResult};
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::run::RunMode;
use quarry_prover_core::calldata::{DEPLOYMENTS, Deployment, INDEX_FILE, files_of};

/// The options of a job's calldata.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct CalldataArgs {
    /// Also make the calldata with which Integrity, on Starknet, verifies the proof; `quarry get --calldata` writes it
    #[arg(long)]
    calldata: bool,
    /// Maximum number of felts in the calldata of a transaction; 0 for Starknet's limit
    #[arg(long, value_name = "FELTS", default_value_t = 0, requires = "calldata")]
    calldata_split: u64,
    /// Id of the job that the calls of the split form name, decimal or 0x hexadecimal [default: random]
    #[arg(long, value_name = "ID", value_parser = parse_felt, requires = "calldata")]
    calldata_job_id: Option<Felt>,
    /// Integrity's mode for the run [default: the strictest mode that accepts it]
    #[arg(long, value_name = "strict|relaxed|cairo1", value_parser = facts::parse_mode, requires = "calldata")]
    calldata_run: Option<RunMode>,
    /// Network whose contract the calldata names
    #[arg(long, value_name = "sepolia|mainnet", value_parser = parse_network, requires = "calldata")]
    #[arg(default_value = DEPLOYMENTS[0].network)]
    calldata_network: &'static Deployment,
}

/// Finds a network of Integrity.
pub fn parse_network(name: &str) -> Result<&'static Deployment, String> {
    let known = || DEPLOYMENTS.each_ref().map(|known| known.network).join(", ");
    Deployment::on(name).ok_or_else(|| format!("expected one of {}", known()))
}

impl CalldataArgs {
    /// What the job asks for; `None` without calldata.
    pub fn options(&self) -> Option<CalldataOptions> {
        self.calldata.then(|| CalldataOptions {
            max_felts: self.calldata_split,
            job_id: self
                .calldata_job_id
                .as_ref()
                .map(felt::to_hex)
                .unwrap_or_default(),
            mode: self.calldata_run.map_or("", RunMode::name).to_owned(),
            network: self.calldata_network.network.to_owned(),
        })
    }
}

/// The failure of a job that has a proof, but not the calldata that it asked for.
pub fn check(job: &Job, result: &JobResult) -> Result<(), Failure> {
    match &*result.calldata_refused {
        "" => Ok(()),
        why => {
            let message = format!("job {} has a proof, but no calldata: {why}", job.id);
            let mut details = job_json(job);
            details["result"] = result_json(result);
            Err(Failure::bad_input(message).with_details(&details))
        }
    }
}

/// Downloads the calldata of a job that has succeeded, and writes it as `quarry calldata` does.
pub async fn fetch(
    client: &mut Client,
    job: &Job,
    result: &JobResult,
    target: &NewFolder,
) -> Result<(), Failure> {
    let Some(calldata) = &result.calldata else {
        let why = match &*result.calldata_refused {
            "" => "it was not submitted with --calldata",
            why => why,
        };
        return Err(Failure::bad_input(format!("the job has no calldata: {why}")));
    };
    let folder = tempfile::tempdir().or_bad_input()?;
    let file = folder.path().join(INDEX_FILE);
    let downloaded = client.download_of(&job.tenant, calldata, &file).await;
    downloaded.map_err(|error| no_download(job, error))?;
    let files = files_of(&read_json(&file)?);
    target.write(&files.map_err(|why| Failure::new(Kind::Internal, why))?)
}
