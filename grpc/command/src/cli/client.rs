//! The commands that query a service: `watch`, `get`, `list`, `cancel`.

use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::grid::Grid;
use crate::cli::job_json::{event_json, job_json, result_json};
use crate::cli::output::Target;
use crate::cli::source::read;
use crate::cli::terminal;
use quarry_client::protocol::{FailureClass, Job, JobResult, JobState, ListJobsRequest, WatchJobsRequest};
use quarry_client::{Client, ClientError, Connection};
use quarry_service::failure::chain;
use serde_json::json;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tonic_types::StatusExt;

/// How to reach the service.
#[derive(Debug, clap::Args)]
pub struct Server {
    /// Address of the service
    #[arg(
        long,
        value_name = "URL",
        env = "QUARRY_SERVER",
        default_value = "http://127.0.0.1:7474"
    )]
    server: String,
    /// File with the token that identifies this client, if the service requires one
    #[arg(long, value_name = "FILE", env = "QUARRY_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// CA certificates (PEM) that the service's certificate is checked against
    #[arg(long, value_name = "FILE", env = "QUARRY_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// Certificate of this client (PEM), if the service requires one
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// Private key of --cert-file (PEM)
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
}

impl Server {
    /// Connects and runs `ask`. SIGINT or SIGTERM ends it with [`Failure::interrupted`].
    pub fn ask<T, F>(&self, ask: impl FnOnce(Client) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        self.ask_until(ask, Failure::interrupted)
    }

    /// [`Server::ask`] with the failure to return on SIGINT or SIGTERM.
    pub fn ask_until<T, F>(
        &self,
        ask: impl FnOnce(Client) -> F,
        on_stop: impl FnOnce() -> Failure,
    ) -> Result<T, Failure>
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
        let asked = runtime.block_on(async {
            let internal = |why| Failure::new(Kind::Internal, why);
            let mut interrupt = signal(SignalKind::interrupt()).map_err(internal)?;
            let mut terminate = signal(SignalKind::terminate()).map_err(internal)?;
            tokio::select! {
                asked = async { ask(Client::connect(&connection).await?).await } => asked,
                _ = interrupt.recv() => Err(on_stop()),
                _ = terminate.recv() => Err(on_stop()),
            }
        });
        // Do not wait for a file that is still being read.
        runtime.shutdown_background();
        asked
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let kind = match &error {
            ClientError::Connect { source, .. } if !is_away(source) => Kind::BadInput,
            ClientError::Status(status) if status.code() == tonic::Code::Internal => Kind::Internal,
            error if error.is_damage() => Kind::Internal,
            error if error.is_transient() => Kind::Unavailable,
            _ => Kind::BadInput,
        };
        let ClientError::Status(status) = &error else {
            return Self::from_error(kind, &error);
        };
        let message = match std::error::Error::source(&**status) {
            Some(source) => format!("{}: {}", status.message(), chain(source)),
            None => status.message().to_owned(),
        };
        let hint = match status.get_details_retry_info().and_then(|info| info.retry_delay) {
            Some(delay) => format!("; try again in {} s", delay.as_secs_f64().ceil()),
            None if status.code() == tonic::Code::Unknown => {
                "; is this the gRPC address (default port 7474) or the status page's (7475)?".to_owned()
            }
            None => String::new(),
        };
        Self::new(kind, message + &hint)
    }
}

/// Whether the connection failed because no service answers, not because the address or a certificate is wrong.
fn is_away(error: &(dyn std::error::Error + 'static)) -> bool {
    let sources = std::iter::successors(Some(error), |error| error.source());
    let mut io = sources.filter_map(|error| error.downcast_ref::<io::Error>());
    io.next()
        .is_some_and(|error| error.kind() != io::ErrorKind::InvalidData)
}

/// Examples for `watch --help`.
pub const WATCH_EXAMPLES: &str = "\
Examples:
  quarry watch
  quarry watch 0192f0c4d5e67890
      until the job has ended
  quarry watch --after 4711
      resumes after the event with that cursor: no event is repeated or skipped";

/// Arguments of `watch`.
#[derive(Debug, clap::Args)]
pub struct Watch {
    /// Job id [default: all jobs, until interrupted]
    id: Option<String>,
    /// Print only events after this cursor
    #[arg(long, value_name = "CURSOR", default_value_t = 0)]
    after: u64,
    #[command(flatten)]
    server: Server,
}

/// Prints events, one JSON object per line.
pub fn watch(args: &Watch) -> Result<(), Failure> {
    args.server.ask(async |mut client| {
        let mut after = args.after;
        let request = WatchJobsRequest {
            after,
            job_id: args.id.clone().unwrap_or_default(),
        };
        let mut events = client.watch(request).await?;
        let broken = loop {
            match events.message().await {
                Ok(Some(event)) => {
                    after = event.cursor;
                    let line = format!("{}\n", event_json(&event));
                    if terminal::print_some_aside(line).await?.is_break() {
                        return Ok(());
                    }
                }
                Ok(None) => break None,
                Err(status) => break Some(Failure::from(ClientError::from(status))),
            }
        };
        // A job's stream ends with the job; any other end was caused by the service.
        if broken.is_none()
            && let Some(id) = &args.id
            && client.get(id).await?.state().has_ended()
        {
            return Ok(());
        }
        let ended = || Failure::new(Kind::Unavailable, "the service ended the stream");
        let mut broken = broken.unwrap_or_else(ended);
        broken.message += &format!("; resume with --after {after}");
        Err(broken.with_details(&json!({ "after": after })))
    })
}

/// Examples for `get --help`.
pub const GET_EXAMPLES: &str = "\
Examples:
  quarry get 0192f0c4d5e67890
  quarry get 0192f0c4d5e67890 --out proof.json && quarry verify proof.json";

/// Arguments of `get`.
#[derive(Debug, clap::Args)]
pub struct Get {
    /// Job id
    id: String,
    /// Download the proof to this file; fails if the job has not succeeded
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    server: Server,
}

/// Shows a job and downloads its proof.
pub fn get(args: &Get) -> Result<(), Failure> {
    let target = args.out.as_deref().map(Target::check).transpose()?;
    args.server.ask(async |mut client| {
        let job = client.get(&args.id).await?;
        let result = match job.state() {
            JobState::Succeeded => Some(client.result(&args.id).await?),
            _ => None,
        };
        if let Some(target) = &target {
            let no_proof = || no_proof(&job).with_details(&job_json(&job));
            let result = result.as_ref().ok_or_else(no_proof)?;
            fetch(&mut client, &job, result, target).await?;
        }
        show(&job, result.as_ref(), args.json)
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
    if !target.is_stream() {
        let downloaded = client.download_of(&job.tenant, &proof, target.path()).await;
        return downloaded.map_err(|error| no_download(job, error));
    }
    // Download and check the whole file first: bytes written to a pipe cannot be taken back.
    let folder = tempfile::tempdir().or_bad_input()?;
    let file = folder.path().join("proof.json");
    let downloaded = client.download_of(&job.tenant, &proof, &file).await;
    downloaded.map_err(|error| no_download(job, error))?;
    target.write(&read(&file)?)
}

/// Why the proof of a job that has succeeded cannot be downloaded. Only an operator can have it made again.
fn no_download(job: &Job, error: ClientError) -> Failure {
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

/// Prints a job and its result.
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

/// Examples for `list --help`.
pub const LIST_EXAMPLES: &str = "\
Examples:
  quarry list
  quarry list --label chain=test --json | jq -r 'select(.state == \"failed\") | .id'";

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// List only jobs with this label; repeat it to require several
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse_label)]
    labels: Vec<(String, String)>,
    /// Print one JSON object per line for each job
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    server: Server,
}

/// Reads `key=value`.
pub fn parse_label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
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
                    let line = format!("{}\n", job_json(job));
                    if terminal::print_some_aside(line).await?.is_break() {
                        return Ok(());
                    }
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

/// Examples for `cancel --help`.
pub const CANCEL_EXAMPLES: &str = "\
Examples:
  quarry cancel 0192f0c4d5e67890";

/// Arguments of `cancel`.
#[derive(Debug, clap::Args)]
pub struct Cancel {
    /// Job id
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

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Status;

    #[test]
    fn damage_is_no_bad_input() {
        let kind = |error: ClientError| Failure::from(error).kind;
        assert_eq!(kind(ClientError::Damaged("ab12".to_owned())), Kind::Internal);
        assert_eq!(
            kind(Status::data_loss("its content differs").into()),
            Kind::Internal
        );
        assert_eq!(kind(Status::not_found("no such job").into()), Kind::BadInput);
    }
}
