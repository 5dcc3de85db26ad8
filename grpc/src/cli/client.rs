//! The commands that ask a service: `watch`, `get`, `list`, `cancel`, `capabilities`.

use crate::cli::failure::{Failure, Kind};
use crate::cli::grid::Grid;
use crate::cli::source::read;
use crate::cli::terminal;
use quarry_grpc::client::{Client, ClientError, Connection};
use quarry_grpc::protocol::{
    FailureClass, Job, JobEvent, JobResult, JobState, ListJobsRequest, WatchJobsRequest,
};
use serde_json::{Value, json};
use std::future::Future;
use std::path::PathBuf;

/// Where the service is.
#[derive(Debug, clap::Args)]
pub struct Server {
    /// The service
    #[arg(
        long,
        value_name = "URL",
        env = "QUARRY_SERVER",
        default_value = "http://127.0.0.1:7474"
    )]
    server: String,
    /// File with the token that the service asks for
    #[arg(long, value_name = "FILE", env = "QUARRY_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Certificates (PEM) of the authority that signed the service's
    #[arg(long, value_name = "FILE", env = "QUARRY_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// This client's certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
}

impl Server {
    /// Connects and asks.
    pub fn ask<T, F>(&self, ask: impl FnOnce(Client) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let token = self.token_file.as_deref().map(read).transpose()?;
        let token = token.map(|token| String::from_utf8_lossy(&token).trim().to_owned());
        let identity = match (&self.cert_file, &self.key_file) {
            (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
            _ => None,
        };
        let connection = Connection {
            server: self.server.clone(),
            token,
            authority: self.ca_file.as_deref().map(read).transpose()?,
            identity,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|why| Failure::new(Kind::Internal, why))?;
        runtime.block_on(async { ask(Client::connect(&connection).await?).await })
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let kind = match &error {
            ClientError::Status(status) if matches!(status.code(), tonic::Code::Internal) => Kind::Internal,
            _ => Kind::BadInput,
        };
        Self::from_error(kind, &error)
    }
}

/// Arguments of `watch`.
#[derive(Debug, clap::Args)]
pub struct Watch {
    /// The job [default: all jobs, without end]
    id: Option<String>,
    /// Events after this cursor alone
    #[arg(long, value_name = "CURSOR", default_value_t = 0)]
    after: u64,
    #[command(flatten)]
    server: Server,
}

/// Prints events, a JSON object a line.
pub fn watch(args: &Watch) -> Result<(), Failure> {
    args.server.ask(async |mut client| {
        let request = WatchJobsRequest {
            after: args.after,
            job_id: args.id.clone().unwrap_or_default(),
        };
        let mut events = client.watch(request).await?;
        while let Some(event) = events.message().await.map_err(ClientError::from)? {
            terminal::print(format_args!("{}\n", event_json(&event)))?;
        }
        Ok(())
    })
}

/// Arguments of `get`.
#[derive(Debug, clap::Args)]
pub struct Get {
    /// The job
    id: String,
    /// Write its proof here, if it has succeeded
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    server: Server,
}

/// Shows a job, and gets its proof.
pub fn get(args: &Get) -> Result<(), Failure> {
    args.server.ask(async |mut client| {
        let job = client.get(&args.id).await?;
        let result = match job.state() {
            JobState::Succeeded => Some(client.result(&args.id).await?),
            _ => None,
        };
        show(&job, result.as_ref(), args.json)?;
        match &args.out {
            Some(out) => fetch(&mut client, &job, out).await,
            None => Ok(()),
        }
    })
}

/// Downloads the proof of a job that has succeeded; fails as the job did if it has not.
pub async fn fetch(client: &mut Client, job: &Job, out: &std::path::Path) -> Result<(), Failure> {
    if job.state() != JobState::Succeeded {
        return Err(no_proof(job));
    }
    let result = client.result(&job.id).await?;
    let proof = result.proof.unwrap_or_default();
    Ok(client.download_of(&job.tenant, &proof, out).await?)
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

/// Prints a job, and its result.
pub fn show(job: &Job, result: Option<&JobResult>, json: bool) -> Result<(), Failure> {
    let mut value = job_json(job);
    if let Some(result) = result {
        value["result"] = result_json(result);
    }
    if json {
        return terminal::print_json(&value);
    }
    terminal::print(format!("{value:#}\n"))
}

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// With this label
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse_label)]
    labels: Vec<(String, String)>,
    /// Print JSON, a job a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Reads `key=value`.
pub fn parse_label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("give KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Lists jobs.
pub fn list(args: &List) -> Result<(), Failure> {
    args.server.ask(async |mut client| {
        let mut request = ListJobsRequest {
            labels: args.labels.iter().cloned().collect(),
            ..Default::default()
        };
        let mut grid = Grid::new(["job", "state", "steps", "layout", "phase"]);
        loop {
            let page = client.list(request.clone()).await?;
            for job in &page.jobs {
                if args.json {
                    terminal::print(format_args!("{}\n", job_json(job)))?;
                    continue;
                }
                let statement = job.statement.clone().unwrap_or_default();
                grid.row([
                    job.id.clone(),
                    job.state().name(),
                    statement.n_steps.to_string(),
                    statement.layout,
                    job.stage.clone(),
                ]);
            }
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        if args.json { Ok(()) } else { terminal::print(grid) }
    })
}

/// Arguments of `cancel`.
#[derive(Debug, clap::Args)]
pub struct Cancel {
    /// The job
    id: String,
    #[command(flatten)]
    server: Server,
}

/// Cancels a job.
pub fn cancel(args: &Cancel) -> Result<(), Failure> {
    args.server.ask(async |mut client| {
        let job = client.cancel(&args.id).await?;
        terminal::tell(format_args!("{}: {}\n", job.id, job.state().name()));
        Ok(())
    })
}

/// Arguments of `capabilities`.
#[derive(Debug, clap::Args)]
pub struct Capabilities {
    #[command(flatten)]
    server: Server,
}

/// Shows what a service can do, as JSON.
pub fn capabilities(args: &Capabilities) -> Result<(), Failure> {
    args.server.ask(async |mut client| {
        let capabilities = client.capabilities().await?;
        let limits = capabilities.limits.unwrap_or_default();
        let devices = capabilities.devices.iter().map(|device| {
            json!({"name": device.name, "description": device.description, "job": device.job_id,
                   "starts": device.starts})
        });
        let profiles = capabilities.profiles.iter().map(|profile| &profile.name);
        let value = json!({
            "version": capabilities.version,
            "devices": devices.collect::<Vec<_>>(),
            "layouts": capabilities.layouts,
            "profiles": profiles.collect::<Vec<_>>(),
            "max_steps": limits.max_steps,
            "max_device_seconds": limits.max_device_seconds,
            "max_artifact_bytes": capabilities.max_artifact_bytes,
            "max_queued_jobs": capabilities.max_queued_jobs,
            "paused": capabilities.paused,
        });
        terminal::print(format!("{value:#}\n"))
    })
}

fn failure_json(failure: &quarry_grpc::protocol::Failure) -> Value {
    let class = failure.class().as_str_name().trim_start_matches("FAILURE_CLASS_");
    json!({"class": class, "code": failure.code, "message": failure.message, "stage": failure.stage,
           "retryable": failure.retryable})
}

fn event_json(event: &JobEvent) -> Value {
    json!({
        "cursor": event.cursor,
        "at": event.at.map(|at| at.to_string()),
        "job": event.job_id,
        "state": event.state().name(),
        "stage": event.stage,
        "progress": event.progress,
        "failure": event.failure.as_ref().map(failure_json),
        "lease_epoch": event.lease_epoch,
    })
}

fn job_json(job: &Job) -> Value {
    let statement = job.statement.as_ref();
    let spec = job.spec.clone().unwrap_or_default();
    json!({
        "id": job.id,
        "state": job.state().name(),
        "stage": job.stage,
        "progress": job.progress,
        "validation_done": job.validation_done,
        "failure": job.failure.as_ref().map(failure_json),
        "failed_attempts": job.failed_attempts,
        "lease_epoch": job.lease_epoch,
        "created_at": job.created_at.map(|at| at.to_string()),
        "updated_at": job.updated_at.map(|at| at.to_string()),
        "dedup_key": spec.dedup_key,
        "labels": spec.labels,
        "statement": statement.map(|statement| json!({
            "layout": statement.layout,
            "n_steps": statement.n_steps,
            "program_hash_pedersen": statement.program_hash_pedersen,
            "program_hash_poseidon": statement.program_hash_poseidon,
            "output": statement.output,
            "security_bits": statement.security_bits,
        })),
    })
}

fn result_json(result: &JobResult) -> Value {
    let proof = result.proof.clone().unwrap_or_default();
    let bytes = result.proof_bytes.clone().unwrap_or_default();
    let phases = result.phases.iter().map(|phase| {
        let time = phase.time.unwrap_or_default();
        json!({"phase": phase.phase, "seconds": time.seconds as f64 + f64::from(time.nanos) / 1e9,
               "device_peak_bytes": phase.device_peak_bytes})
    });
    json!({
        "proof_file": {"sha256": proof.sha256, "size": proof.size},
        "proof": {"sha256": bytes.sha256, "size": bytes.size},
        "profile_digest": result.profile_digest,
        "device": result.device,
        "build": result.build,
        "phases": phases.collect::<Vec<_>>(),
    })
}
