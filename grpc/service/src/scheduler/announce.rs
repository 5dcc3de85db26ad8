//! Tells watchers of job changes.

use crate::job::Job;
use crate::log::{non_empty, seconds};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{broadcast, watch};

/// Capacity of the broadcast channel of job changes.
const MAX_CHANGES: usize = 1024;

/// Where job changes are announced.
pub(super) struct Announcer {
    /// Cursor of the latest event.
    last_event: watch::Sender<u64>,
    /// Cursor of the latest event of each watched job. An event wakes only those who wait for it.
    of_jobs: Mutex<HashMap<String, watch::Sender<u64>>>,
    /// Broadcasts every job change.
    changes: broadcast::Sender<Arc<Job>>,
}

impl Announcer {
    /// Announces events after `last_event`.
    pub(super) fn new(last_event: u64) -> Self {
        Self {
            last_event: watch::Sender::new(last_event),
            of_jobs: Mutex::default(),
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
        advance(&self.last_event, job.last_event);
        if let Some(of_job) = self.of_jobs().get(&job.id) {
            advance(of_job, job.last_event);
        }
    }

    /// Wakes everyone who waits for an event, though there is none.
    pub(super) fn wake(&self) {
        self.last_event.send_modify(|_| {});
        self.of_jobs()
            .values()
            .for_each(|of_job| of_job.send_modify(|_| {}));
    }

    /// Wakes those who wait for an event of a job, though there is none.
    pub(super) fn wake_for(&self, job: &str) {
        if let Some(of_job) = self.of_jobs().get(job) {
            of_job.send_modify(|_| {});
        }
    }

    /// Subscribes to job changes.
    pub(super) fn changes(&self) -> broadcast::Receiver<Arc<Job>> {
        self.changes.subscribe()
    }

    /// Subscribes to the cursor of the latest event.
    pub(super) fn events(&self) -> watch::Receiver<u64> {
        self.last_event.subscribe()
    }

    /// Subscribes to the cursor of the latest event of a job. It is 0 before the next one.
    pub(super) fn events_of(&self, job: &str) -> watch::Receiver<u64> {
        let mut of_jobs = self.of_jobs();
        of_jobs.retain(|_, of_job| of_job.receiver_count() > 0);
        of_jobs.entry(job.to_owned()).or_default().subscribe()
    }

    fn of_jobs(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<u64>>> {
        self.of_jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells a later cursor.
fn advance(to: &watch::Sender<u64>, cursor: u64) {
    to.send_if_modified(|last| {
        let is_later = cursor > *last;
        *last = cursor.max(*last);
        is_later
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::example;

    #[test]
    fn an_event_wakes_only_the_watchers_of_its_job() {
        let announcer = Announcer::new(5);
        let job = |id: &str, last_event| Job {
            id: id.to_owned(),
            last_event,
            ..example("a")
        };
        let (mut one, other, all) = (
            announcer.events_of("1"),
            announcer.events_of("2"),
            announcer.events(),
        );
        announcer.announce(&job("1", 6));
        let has_changed = |watcher: &watch::Receiver<u64>| watcher.has_changed().unwrap();
        assert!(has_changed(&one) && !has_changed(&other) && has_changed(&all));
        assert_eq!((*one.borrow_and_update(), *all.borrow()), (6, 6));
        announcer.announce(&job("1", 4));
        assert!(!has_changed(&one), "a cursor never goes back");
        announcer.wake_for("2");
        assert!(has_changed(&other) && !has_changed(&one));
        announcer.wake();
        assert!(has_changed(&one));
        drop((one, other));
        drop(announcer.events_of("3"));
        drop(announcer.events_of("4"));
        assert_eq!(
            announcer.of_jobs().len(),
            1,
            "jobs without watchers are forgotten"
        );
    }
}
