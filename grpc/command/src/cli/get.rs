//! `quarry get`: shows a job and downloads its proof.

use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::job_calldata;
use crate::cli::job_json::{job_json, result_json};
use crate::cli::job_text;
use crate::cli::new_folder::NewFolder;
use crate::cli::output::Target;
use crate::cli::server::Server;
use crate::cli::source::read;
use crate::cli::terminal;
use quarry_client::protocol::{ArtifactRef, FailureClass, Job, JobResult, JobState};
use quarry_client::{Client, ClientError};
use std::path::PathBuf;

/// Examples for `get --help`.
pub const GET_EXAMPLES: &str = "\
Examples:
  quarry get 0192f0c4d5e67890
  quarry get 0192f0c4d5e67890 --out proof.json && quarry verify proof.json
  quarry get 0192f0c4d5e67890 --calldata calldata
      writes what `quarry calldata` writes: the calls for Integrity on Starknet
  quarry get 0192f0c4d5e67890 --first first.json
      of a job that wraps, the proof that was wrapped
  quarry get 0192f0c4d5e67890 --fact-topologies topologies.json
      of a job with --continuous-pages, the trees of its tasks' pages
  quarry get 0192f0c4d5e67890 --receipt receipt.bin && quarry receipt verify receipt.bin
      what the service signed of the job";

/// Arguments of `get`.
#[derive(Debug, clap::Args)]
pub struct Get {
    /// Job id
    id: String,
    /// Download the proof to this file; fails if the job has not succeeded
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Download the first proof of a job that was submitted with --wrap to this file
    #[arg(long, value_name = "FILE")]
    first: Option<PathBuf>,
    /// Download the calldata to this folder, which must be new; for a job that was submitted with --calldata
    #[arg(long, value_name = "FOLDER")]
    calldata: Option<PathBuf>,
    /// Download the fact topologies of the job's tasks (JSON) to this file; for a job with --continuous-pages
    #[arg(long, value_name = "FILE")]
    fact_topologies: Option<PathBuf>,
    /// Download the receipt to this file: what the service signs of a job that it has proved
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    server: Server,
}

/// Shows a job and downloads its proof.
pub fn get(args: &Get) -> Result<(), Failure> {
    let target = args.out.as_deref().map(Target::check).transpose()?;
    let first = args.first.as_deref().map(Target::check).transpose()?;
    let calldata = args.calldata.as_deref().map(NewFolder::check).transpose()?;
    let topologies = args.fact_topologies.as_deref().map(Target::check).transpose()?;
    let receipt = args.receipt.as_deref().map(Target::check).transpose()?;
    args.server.ask(async |mut client| {
        let job = client.get(&args.id).await?;
        let result = match job.state() {
            JobState::Succeeded => Some(client.result(&args.id).await?),
            _ => None,
        };
        let with_proof = || {
            let no_proof = || no_proof(&job).with_details(&job_json(&job));
            result.as_ref().ok_or_else(no_proof)
        };
        if let Some(target) = &target {
            let result = with_proof()?;
            fetch(&mut client, &job, result, target).await?;
            terminal::tell(format_args!("{}\n", job_text::written(&job, result, target)));
        }
        if let Some(target) = &first {
            let proof = job.first.as_ref().and_then(|first| first.proof.as_ref());
            let none =
                || Failure::bad_input("the job has no first proof: it does not wrap, or has not made it yet");
            download(&mut client, &job, proof.ok_or_else(none)?, target).await?;
            let path = target.path().display();
            terminal::tell(format_args!("first proof written to '{path}'\n"));
        }
        if let Some(target) = &receipt {
            with_proof()?;
            target.write(&client.receipt(&args.id).await?)?;
            let path = target.path().display();
            terminal::tell(format_args!("receipt written to '{path}'\n"));
        }
        if let Some(target) = &topologies {
            fetch_topologies(&mut client, &job, target).await?;
        }
        if let (Some(target), Some(path)) = (&calldata, &args.calldata) {
            job_calldata::fetch(&mut client, &job, with_proof()?, target).await?;
            terminal::tell(format_args!("calldata written to '{}'\n", path.display()));
        }
        Ok(match args.json {
            true => json(&job, result.as_ref()),
            false => job_text::table(&job, result.as_ref()).to_string(),
        })
    })
}

/// Downloads the proof of a job that has succeeded.
pub async fn fetch(
    client: &mut Client,
    job: &Job,
    result: &JobResult,
    target: &Target,
) -> Result<(), Failure> {
    let proof = result.proof.clone().unwrap_or_default();
    download(client, job, &proof, target).await
}

/// Downloads the fact topologies of a job's tasks.
pub async fn fetch_topologies(client: &mut Client, job: &Job, target: &Target) -> Result<(), Failure> {
    let kept = job
        .statement
        .as_ref()
        .and_then(|statement| statement.fact_topologies.as_ref());
    let none = || {
        Failure::bad_input(
            "the job has no fact topologies: it has no tasks on continuous pages, they have not been read yet, or an \
             older service read them",
        )
    };
    download(client, job, kept.ok_or_else(none)?, target).await?;
    let path = target.path().display();
    terminal::tell(format_args!("fact topologies written to '{path}'\n"));
    Ok(())
}

/// Downloads a file of a job.
async fn download(
    client: &mut Client,
    job: &Job,
    artifact: &ArtifactRef,
    target: &Target,
) -> Result<(), Failure> {
    if !target.is_stream() {
        let downloaded = client.download_of(&job.tenant, artifact, target.path()).await;
        return downloaded.map_err(|error| no_download(job, error));
    }
    // Download and check the whole file first: bytes written to a pipe cannot be taken back.
    let folder = tempfile::tempdir().or_bad_input()?;
    let file = folder.path().join("file");
    let downloaded = client.download_of(&job.tenant, artifact, &file).await;
    downloaded.map_err(|error| no_download(job, error))?;
    target.write(&read(&file)?)
}

/// Why a file of a job that has succeeded cannot be downloaded. Only an operator can have it made again.
pub fn no_download(job: &Job, error: ClientError) -> Failure {
    let is_missing = matches!(&error, ClientError::Status(status) if status.code() == tonic::Code::NotFound);
    if !is_missing && !error.is_damage() {
        return error.into();
    }
    let Failure { message, .. } = error.into();
    let remedy = format!(
        "an operator can have the proof made again: quarry admin reprove {}",
        job.id
    );
    Failure::new(Kind::Internal, format!("{message}; {remedy}"))
}

/// Why a job has no proof.
pub fn no_proof(job: &Job) -> Failure {
    let Some(failure) = &job.failure else {
        let message = format!("the job is {}: there is no proof yet", job.state().name());
        return Failure::bad_input(message);
    };
    let kind = match failure.class() {
        FailureClass::Cancelled => Kind::Interrupted,
        FailureClass::InputInvalid | FailureClass::Unsupported => Kind::BadInput,
        // Limits of the job or of the service: a retry would fail in the same way.
        FailureClass::Resource if failure.code.starts_with("limits.") => Kind::BadInput,
        FailureClass::Resource | FailureClass::Deadline => Kind::Unavailable,
        _ => Kind::Internal,
    };
    let message = format!(
        "the job is {}: {} ({})",
        job.state().name(),
        failure.message,
        failure.code
    );
    Failure::new(kind, message)
}

/// A job and its result as JSON.
pub fn json(job: &Job, result: Option<&JobResult>) -> String {
    let mut value = job_json(job);
    if let Some(result) = result {
        value["result"] = result_json(result);
    }
    format!("{value:#}\n")
}
