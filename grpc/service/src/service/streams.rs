//! Response streams: files and events.

use super::status::{of_artifacts, of_store};
use crate::artifacts::ArtifactError;
use crate::scheduler::Scheduler;
use quarry_client::digest::hex;
use quarry_client::protocol::{ArtifactChunk, JobEvent};
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Bytes per downloaded chunk.
const CHUNK: usize = 1 << 18;
/// Events read from the store at a time.
const EVENTS: usize = 256;

/// A file that is read to its end, with its digest so far if it is read from its beginning.
struct Reading {
    file: File,
    hasher: Option<Sha256>,
    at: u64,
}

impl Reading {
    /// Begins at an offset. What comes before it is not read: a request for the last byte would cost as much as one for
    /// the file.
    fn begin(mut file: File, offset: u64) -> Result<Self, ArtifactError> {
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self {
            file,
            hasher: (offset == 0).then(Sha256::new),
            at: offset,
        })
    }

    /// Reads the next chunk; returns its offset and its bytes, which are empty at the end.
    fn next(mut self) -> Result<(Self, u64, Vec<u8>), ArtifactError> {
        let mut data = Vec::with_capacity(CHUNK);
        (&mut self.file).take(CHUNK as u64).read_to_end(&mut data)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&data);
        }
        let begin = self.at;
        self.at += data.len() as u64;
        Ok((self, begin, data))
    }
}

/// Sends a file from an offset on. If it is sent whole, checks its digest. A client that does not read holds an open
/// file until the timeout but no thread: nothing is read before the channel has room.
pub async fn send_file(
    file: File,
    sha256: &str,
    offset: u64,
    stall: Duration,
    to: &mpsc::Sender<Result<ArtifactChunk, Status>>,
) -> Result<(), Status> {
    let mut reading = blocking(move || Reading::begin(file, offset)).await?;
    loop {
        let room = timeout(stall, to.reserve()).await;
        let room = room.map_err(|_| {
            Status::deadline_exceeded("the client read nothing for too long: resume the download")
        })?;
        let Ok(room) = room else {
            return Ok(());
        };
        let (read, offset, data) = blocking(move || reading.next()).await?;
        reading = read;
        if data.is_empty() {
            break;
        }
        room.send(Ok(ArtifactChunk { offset, data }));
    }
    if reading
        .hasher
        .is_some_and(|hasher| hex(&hasher.finalize()) != sha256)
    {
        tracing::error!(sha256, "an artifact is damaged");
        return Err(of_artifacts(&ArtifactError::Damaged(sha256.to_owned())));
    }
    Ok(())
}

/// Closes the connection of a stream whose end the client does not take: a stream without room for data cannot be ended
/// otherwise, and would keep its slot and its buffers.
pub async fn cut_unless_taken(
    taken: oneshot::Receiver<Infallible>,
    stall: Duration,
    cut: &CancellationToken,
) {
    if timeout(stall, taken).await.is_err() {
        tracing::info!("closing the connection of a client that does not read its streams");
        cut.cancel();
    }
}

/// Runs a blocking action off the async threads.
pub async fn blocking<T: Send + 'static>(
    action: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(action).await;
    let done = done.map_err(|error| Status::internal(error.to_string()))?;
    done.map_err(|error| of_artifacts(&error))
}

/// Sends events until the job has ended or is deleted, the client disconnects, or `may_see` fails. If an operator
/// reopened an ended job, its later events follow.
pub async fn send_events(
    scheduler: &Scheduler,
    mut after: u64,
    job: Option<String>,
    may_see: impl Fn() -> Result<(), Status>,
    stall: Duration,
    to: &mpsc::Sender<Result<JobEvent, Status>>,
) -> Result<(), Status> {
    let mut changes = match &job {
        Some(job) => scheduler.events_of(job),
        None => scheduler.events(),
    };
    let mut has_ended = false;
    loop {
        // All events up to this cursor are in the store.
        let known = *changes.borrow_and_update();
        let wanted = job.clone();
        // NOT_FOUND ends the streams of a deleted job.
        let events = scheduler.with_store(move |store| store.events(after, wanted.as_deref(), EVENTS));
        let events = events.await.map_err(|error| of_store(&error))?;
        may_see()?;
        let n_events = events.len();
        for event in events {
            after = event.cursor;
            has_ended = event.state().has_ended();
            match timeout(stall, to.send(Ok(event))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ok(()),
                Err(_) => {
                    return Err(Status::deadline_exceeded(
                        "the client read nothing for too long: watch again from the last cursor",
                    ));
                }
            }
        }
        if n_events == EVENTS {
            continue;
        }
        if has_ended && job.is_some() {
            return Ok(());
        }
        after = after.max(known);
        if scheduler.is_closing() {
            return Err(Status::unavailable(
                "the service is shutting down: watch again from the last cursor",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::job::Job;
    use crate::service::open::Data;
    use crate::store::{Fence, JobStore, Renew};
    use quarry_client::protocol::{JobSpec, JobState};
    use std::sync::Arc;
    use tonic::Code;

    #[tokio::test]
    async fn the_stream_of_a_deleted_job_ends() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data: folder.path().join("data"),
            devices: Vec::new(),
            ..Config::default()
        };
        let data = Data::open(&config).unwrap();
        let settings = data.settings(&config);
        let job = data
            .store
            .submit("", JobSpec::default().into(), None)
            .unwrap()
            .job;
        let mut end = |job: &mut Job| job.state = JobState::Succeeded;
        let job = data
            .store
            .change(&job.id, Fence::Any, Renew::Keep, &mut end)
            .unwrap();
        let scheduler = Scheduler::start(settings, data.store, data.artifacts)
            .await
            .unwrap();
        // It has seen all events, so that it waits for more.
        let (watcher, id) = (Arc::clone(&scheduler), job.id.clone());
        let (send, _events) = mpsc::channel(1);
        let watching = tokio::spawn(async move {
            send_events(
                &watcher,
                job.last_event,
                Some(id),
                || Ok(()),
                Duration::MAX,
                &send,
            )
            .await
        });
        scheduler.delete(&job.id).await.unwrap();
        let ended = timeout(Duration::from_secs(60), watching).await;
        let ended = ended.expect("the stream ends").unwrap();
        assert_eq!(ended.unwrap_err().code(), Code::NotFound);
    }
}
