//! What leaves in streams: files and events.

use super::status::{of_artifacts, of_store};
use crate::artifacts::ArtifactError;
use crate::protocol::{ArtifactChunk, JobEvent};
use crate::scheduler::Scheduler;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use tokio::sync::mpsc;
use tonic::Status;

/// Bytes of a chunk that is downloaded.
const CHUNK: usize = 1 << 18;
/// Events that are read from the store at a time.
const EVENTS: usize = 256;

/// Sends a file from an offset on, and checks all of it.
pub fn send_file(
    mut file: File,
    sha256: &str,
    offset: u64,
    to: &mpsc::Sender<Result<ArtifactChunk, Status>>,
) -> Result<(), Status> {
    let fails = |error| of_artifacts(&ArtifactError::Io(error));
    let mut hasher = Sha256::new();
    let mut at = 0u64;
    loop {
        let mut data = Vec::new();
        (&mut file)
            .take(CHUNK as u64)
            .read_to_end(&mut data)
            .map_err(fails)?;
        if data.is_empty() {
            break;
        }
        hasher.update(&data);
        let begin = at;
        at += data.len() as u64;
        let skipped = usize::try_from(offset.saturating_sub(begin)).unwrap_or(usize::MAX);
        if let Some(rest) = data.get(skipped..).filter(|rest| !rest.is_empty()) {
            let chunk = ArtifactChunk {
                offset: begin + skipped as u64,
                data: rest.to_vec(),
            };
            if to.blocking_send(Ok(chunk)).is_err() {
                return Ok(());
            }
        }
    }
    let found: String = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if found != sha256 {
        tracing::error!(sha256, "an artifact is damaged");
        return Err(of_artifacts(&ArtifactError::Damaged(sha256.to_owned())));
    }
    Ok(())
}

/// Sends events until the job has ended, or whoever watches has, or may not see them any more.
pub async fn send_events(
    scheduler: &Scheduler,
    mut after: u64,
    job: Option<String>,
    may_see: impl Fn() -> Result<(), Status>,
    to: &mpsc::Sender<Result<JobEvent, Status>>,
) -> Result<(), Status> {
    let mut changes = scheduler.events();
    loop {
        // All events up to this cursor are in the store.
        let known = *changes.borrow_and_update();
        let wanted = job.clone();
        let events = scheduler.with_store(move |store| store.events(after, wanted.as_deref(), EVENTS));
        let events = events.await.map_err(|error| of_store(&error))?;
        may_see()?;
        let n_events = events.len();
        for event in events {
            after = event.cursor;
            let ended = event.state().has_ended();
            if to.send(Ok(event)).await.is_err() || (ended && job.is_some()) {
                return Ok(());
            }
        }
        if n_events == EVENTS {
            continue;
        }
        after = after.max(known);
        if scheduler.is_closing() {
            return Err(Status::unavailable(
                "the service ends: watch again from the last cursor",
            ));
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() {
                return Ok(());
            },
            () = to.closed() => return Ok(()),
        }
    }
}
