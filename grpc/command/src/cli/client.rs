//! The commands that follow or change the jobs of a service: `watch`, `cancel`, `delete`.

use crate::cli::failure::{Failure, Kind};
use crate::cli::job_json::event_json;
use crate::cli::server::Server;
use crate::cli::terminal;
use quarry_client::ClientError;
use quarry_client::protocol::WatchJobsRequest;
use serde_json::json;

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
                        return Ok(String::new());
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
            return Ok(String::new());
        }
        let ended = || Failure::new(Kind::Unavailable, "the service ended the stream");
        let mut broken = broken.unwrap_or_else(ended);
        if broken.kind == Kind::Unavailable {
            broken.message += &format!("; resume with --after {after}");
        }
        Err(broken.with_details(&json!({ "after": after })))
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
        Ok(String::new())
    })
}

/// Examples for `delete --help`.
pub const DELETE_EXAMPLES: &str = "\
Examples:
  quarry delete 0192f0c4d5e67890
  quarry delete $(quarry list --label chain=test --json | jq -r 'select(.failure) | .id')

Only jobs that have ended can be deleted: cancel others first. The idempotency key is free again. The
service removes the files of a deleted job later, with other files of no job.";

/// Arguments of `delete`.
#[derive(Debug, clap::Args)]
pub struct Delete {
    /// Ids of jobs that have ended
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    server: Server,
}

/// Deletes jobs. A job that cannot be deleted does not keep the others.
pub fn delete(args: &Delete) -> Result<(), Failure> {
    args.server.ask(async |mut client| {
        let mut failed: Option<Failure> = None;
        for id in &args.ids {
            match (client.delete(id).await, &mut failed) {
                (Ok(()), _) => terminal::tell(format_args!("{id}: deleted\n")),
                // The others would fail in the same way.
                (Err(error), _) if error.is_transient() => return Err(error.into()),
                (Err(error), None) => failed = Some(error.into()),
                (Err(error), Some(failed)) => failed.message += &format!("\n{}", Failure::from(error)),
            }
        }
        failed.map_or(Ok(String::new()), Err)
    })
}
