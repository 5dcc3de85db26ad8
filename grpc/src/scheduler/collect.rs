//! What goes after its time: jobs that ended long ago, inputs of jobs that ended, files that nobody refers to. If the disk
//! is short, all of that goes sooner, but no job and no proof.

use super::{Scheduler, SubmitError, blocking};
use crate::store::Listing;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How often is collected.
const INTERVAL: Duration = Duration::from_secs(600);
/// The least time between two collections, however short the disk is: each looks at all there is.
const LEAST_INTERVAL: Duration = Duration::from_secs(60);
/// Files that nobody refers to yet are kept for so long even if the disk is short: a job may be submitted with them.
const UPLOADING: Duration = Duration::from_secs(600);
/// Jobs that are forgotten in one step, between which others may write.
const STEP: usize = 256;
/// A clock that is off by so much since the last look has been set, and tells nothing of ages.
const JUMP: Duration = Duration::from_secs(600);
/// For so long after that nothing goes: time to set it right.
const DOUBT: Duration = Duration::from_secs(3600);

/// A service that had no job for so long, when it starts, waits before it collects.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Files that no job refers to.
    pub unreferenced: Duration,
    /// Inputs of jobs, after these ended.
    pub inputs: Duration,
    /// Jobs with their results and proofs, after they ended.
    pub jobs: Duration,
}

/// Tells a clock that goes from one that is set.
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

    fn doubt(&mut self, now: Instant) {
        self.doubted_until = Some(now + DOUBT);
    }

    /// Whether ages can be told: the clock was not set lately.
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
                "the clock was set: nothing is collected for an hour"
            );
            self.doubt(now.0);
        }
        self.doubted_until.is_none_or(|until| until <= now.0)
    }
}

impl Scheduler {
    /// Collects now and then, and soon after the disk was found short.
    pub(super) async fn collect_forever(self: Arc<Self>) {
        let mut clock = Clock::new((Instant::now(), SystemTime::now()));
        if self.is_long_idle().await {
            clock.doubt(Instant::now());
        }
        loop {
            if clock.is_trusted((Instant::now(), SystemTime::now())) {
                match self.collect().await {
                    Ok((0, 0)) => {}
                    Ok((jobs, files)) => tracing::info!(jobs, files, "what had its time is gone"),
                    Err(error) => tracing::error!(%error, "nothing is collected"),
                }
            }
            tokio::time::sleep(LEAST_INTERVAL).await;
            let rest = INTERVAL.saturating_sub(LEAST_INTERVAL);
            let _ = tokio::time::timeout(rest, self.disk_is_short.notified()).await;
        }
    }

    /// Whether nothing has happened for so long that the clock may have been set while the service did not run.
    async fn is_long_idle(&self) -> bool {
        let newest = Listing {
            page_size: 1,
            ..Listing::default()
        };
        let Ok(page) = self.with_store(move |store| store.list(&newest)).await else {
            return true;
        };
        let touched = page.jobs.first().and_then(|job| job.updated_at);
        let touched = touched.and_then(|at| SystemTime::try_from(at).ok());
        let idle = touched.and_then(|at| at.elapsed().ok()).unwrap_or_default();
        if idle > LONG {
            tracing::warn!(
                seconds = idle.as_secs(),
                "no job for long, or the clock was set: nothing is collected for an hour"
            );
        }
        idle > LONG
    }

    /// Has what had its time go; gives how many jobs and files went.
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
            tracing::warn!("the disk is short: inputs of jobs that have ended go");
            keep.inputs = Duration::ZERO;
            keep.unreferenced = keep.unreferenced.min(UPLOADING);
        }
        let _no_submission = self.collecting.write().await;
        let since = ago(keep.inputs);
        let referred = self.with_store(move |store| store.references(since)).await?;
        let artifacts = Arc::clone(&self.artifacts);
        let n_files = blocking(move || artifacts.collect(&referred, keep.unreferenced)).await?;
        Ok((n_jobs, n_files))
    }

    /// Says that an upload found too little of the disk free.
    pub fn disk_is_short(&self) {
        self.disk_is_short.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
