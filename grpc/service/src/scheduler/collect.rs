//! Removes expired data: old finished jobs, inputs of finished jobs, unreferenced files. If disk space is low, inputs
//! and unreferenced files expire sooner, but jobs and proofs do not.

use super::{Scheduler, SubmitError, blocking, joined};
use crate::log::seconds;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Notify, RwLock, RwLockReadGuard};

/// Interval between collections.
const INTERVAL: Duration = Duration::from_secs(600);
/// Minimum interval between collections, even if disk space is low: each scans everything.
const MIN_INTERVAL: Duration = Duration::from_secs(60);
/// Minimum retention of unreferenced files even if disk space is low: a job may still be submitted with them.
const UPLOADING: Duration = Duration::from_secs(600);
/// Jobs removed per transaction; others may write in between.
const STEP: usize = 256;
/// Clock jump since the last check from which ages are not trusted.
const JUMP: Duration = Duration::from_secs(600);
/// How long collection stays off after a clock jump, to leave time to correct the clock.
const DOUBT: Duration = Duration::from_secs(3600);

/// Retention times.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Unreferenced files.
    pub unreferenced: Duration,
    /// Inputs of finished jobs.
    pub inputs: Duration,
    /// Finished jobs with their results and proofs.
    pub jobs: Duration,
}

/// Detects jumps of the wall clock.
#[derive(Clone, Copy, Debug)]
struct Clock {
    seen: (Instant, SystemTime),
    doubted_until: Option<Instant>,
}

impl Clock {
    fn new(seen: (Instant, SystemTime)) -> Self {
        Self {
            seen,
            doubted_until: None,
        }
    }

    /// Trusts no age for a time, or for longer if that was said before.
    fn doubt(&mut self, now: Instant, time: Duration) {
        self.doubted_until = self.doubted_until.max(now.checked_add(time));
    }

    /// Whether ages can be trusted: the clock has not jumped recently.
    fn is_trusted(&mut self, now: (Instant, SystemTime)) -> bool {
        let expected = self.seen.1 + now.0.saturating_duration_since(self.seen.0);
        let off = match now.1.duration_since(expected) {
            Ok(ahead) => ahead,
            Err(behind) => behind.duration(),
        };
        self.seen = now;
        if off > JUMP {
            tracing::error!(
                seconds = off.as_secs(),
                "the clock jumped: collection is off for an hour"
            );
            self.doubt(now.0, DOUBT);
        }
        self.doubted_until.is_none_or(|until| until <= now.0)
    }
}

/// When collection may run.
#[derive(Debug, Default)]
pub(super) struct Collection {
    /// Locked for reading to put collection off, for writing to collect.
    running: RwLock<()>,
    /// Notified when an upload finds too little free disk space.
    disk_is_short: Notify,
}

impl Collection {
    /// Puts collection off while the guard is held: no file is removed between the check that it exists and the record
    /// of its job.
    pub(super) async fn put_off(&self) -> RwLockReadGuard<'_, ()> {
        self.running.read().await
    }
}

impl Scheduler {
    /// Collects periodically, and soon after an upload found too little disk space.
    pub(super) async fn collect_forever(self: Arc<Self>) {
        let mut clock = Clock::new((Instant::now(), SystemTime::now()));
        let doubt = self.settings.doubt;
        if !doubt.is_zero() {
            let seconds = doubt.as_secs();
            tracing::warn!(
                seconds,
                "the store was created or restored recently, or had no job for a day: collection is off"
            );
            clock.doubt(Instant::now(), doubt);
        }
        loop {
            if clock.is_trusted((Instant::now(), SystemTime::now())) {
                self.collect_once().await;
            }
            tokio::time::sleep(MIN_INTERVAL).await;
            let rest = INTERVAL.saturating_sub(MIN_INTERVAL);
            let _ = tokio::time::timeout(rest, self.collection.disk_is_short.notified()).await;
        }
    }

    /// Collects, and tells what came of it. A panic ends here, because the loop knows how long ages are in doubt.
    pub(super) async fn collect_once(self: &Arc<Self>) {
        let scheduler = Arc::clone(self);
        let begin = Instant::now();
        match joined(tokio::spawn(async move { scheduler.collect().await })).await {
            Ok(Ok((0, 0))) => {}
            Ok(Ok((jobs, files))) => {
                let seconds = seconds(begin.elapsed());
                tracing::info!(jobs, files, seconds, "removed expired jobs and files");
            }
            Ok(Err(error)) => tracing::error!(%error, "collection failed"),
            Err(_) => tracing::error!("collection panicked"),
        }
    }

    /// Removes expired data; returns the numbers of jobs and of files removed.
    async fn collect(&self) -> Result<(usize, usize), SubmitError> {
        let mut keep = self.settings.retention;
        let ago = |age| {
            SystemTime::now()
                .checked_sub(age)
                .unwrap_or(SystemTime::UNIX_EPOCH)
        };
        let mut n_jobs = 0;
        loop {
            let before = ago(keep.jobs);
            match self.with_store(move |store| store.expire(before, STEP)).await? {
                0 => break,
                n => n_jobs += n,
            }
        }
        let artifacts = Arc::clone(&self.artifacts);
        if blocking(move || artifacts.is_short()).await? {
            tracing::warn!("low disk space: removing inputs of ended jobs");
            keep.inputs = Duration::ZERO;
            keep.unreferenced = keep.unreferenced.min(UPLOADING);
        }
        let _no_submission = self.collection.running.write().await;
        let since = ago(keep.inputs);
        let referred = self.with_store(move |store| store.references(since)).await?;
        let artifacts = Arc::clone(&self.artifacts);
        let n_files = blocking(move || artifacts.collect(&referred, keep.unreferenced)).await?;
        Ok((n_jobs, n_files))
    }

    /// Signals that an upload found too little free disk space.
    pub fn disk_is_short(&self) {
        self.collection.disk_is_short.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_store_is_doubted_for_its_time() {
        let (instant, wall) = (Instant::now(), SystemTime::now());
        let mut clock = Clock::new((instant, wall));
        clock.doubt(instant, DOUBT);
        clock.doubt(instant, Duration::from_secs(60));
        let mut trusts = |after: Duration| clock.is_trusted((instant + after, wall + after));
        assert!(!trusts(DOUBT / 2), "the longer doubt holds");
        assert!(trusts(DOUBT));
    }

    #[test]
    fn a_clock_that_was_set_is_doubted_for_an_hour() {
        let minute = Duration::from_secs(60);
        let (mut instant, mut wall) = (Instant::now(), SystemTime::now());
        let mut clock = Clock::new((instant, wall));
        let mut pass = |monotonic: Duration, set: i64| {
            instant += monotonic;
            wall += monotonic;
            let by = Duration::from_secs(set.unsigned_abs());
            wall = if set < 0 { wall - by } else { wall + by };
            clock.is_trusted((instant, wall))
        };
        assert!(pass(10 * minute, 0));
        assert!(pass(10 * minute, 5), "it is a little off");
        assert!(!pass(10 * minute, 86_400));
        assert!(!pass(59 * minute, 0));
        assert!(pass(2 * minute, 0));
        assert!(!pass(10 * minute, -86_400), "back is a jump too");
        assert!(!pass(30 * minute, 86_400), "every jump is another hour");
        assert!(!pass(59 * minute, 0));
        assert!(pass(2 * minute, 0));
    }
}
