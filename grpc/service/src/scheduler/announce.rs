//! Tells watchers of job changes.

use crate::job::Job;
use crate::log::{non_empty, seconds};
use std::sync::Arc;
use tokio::sync::{broadcast, watch};

/// Capacity of the broadcast channel of job changes.
const MAX_CHANGES: usize = 1024;

/// Where job changes are announced.
pub(super) struct Announcer {
    /// Cursor of the latest event.
    last_event: watch::Sender<u64>,
    /// Broadcasts every job change.
    changes: broadcast::Sender<Arc<Job>>,
}

impl Announcer {
    /// Announces events after `last_event`.
    pub(super) fn new(last_event: u64) -> Self {
        Self {
            last_event: watch::Sender::new(last_event),
            changes: broadcast::Sender::new(MAX_CHANGES),
        }
    }

    /// Logs a job change and notifies all watchers.
    pub(super) fn announce(&self, job: &Job) {
        if job.stage.is_empty() {
            let took = job.updated.duration_since(job.created).unwrap_or_default();
            tracing::info!(
                id = job.id,
                tenant = non_empty(&job.tenant),
                state = job.state.name(),
                lease = job.lease,
                code = job.failure.as_ref().map(|failure| &*failure.code),
                seconds = job.has_ended().then(|| seconds(took)),
                "job changed"
            );
        }
        if self.changes.receiver_count() > 0 {
            let _ = self.changes.send(Arc::new(job.clone()));
        }
        let cursor = job.last_event;
        self.last_event.send_if_modified(|last| {
            let is_later = cursor > *last;
            *last = cursor.max(*last);
            is_later
        });
    }

    /// Wakes everyone who waits for an event, though there is none.
    pub(super) fn wake(&self) {
        self.last_event.send_modify(|_| {});
    }

    /// Subscribes to job changes.
    pub(super) fn changes(&self) -> broadcast::Receiver<Arc<Job>> {
        self.changes.subscribe()
    }

    /// Subscribes to the cursor of the latest event.
    pub(super) fn events(&self) -> watch::Receiver<u64> {
        self.last_event.subscribe()
    }
}
