//! Draining: the service starts no more jobs, and waits for those on devices.

use super::estimate::PROMISE;
use super::{Active, Scheduler};
use crate::log::seconds;
use std::time::{Duration, Instant};

impl Scheduler {
    /// Stops starting jobs and waits until the running ones are done: for `least`, and up to `most` for proofs that are
    /// expected to end by then.
    pub async fn drain(&self, least: Duration, most: Duration) {
        self.state().draining = true;
        self.wake.notify_waiters();
        let time = patience(least, most, self.times_left());
        if self.state().proving.taken() > 0 {
            tracing::info!(at_most_seconds = time.as_secs(), "waiting for proofs on devices");
        }
        let idle = self.when(|state| (state.proving.taken() == 0).then_some(()));
        let begin = Instant::now();
        let is_idle = tokio::time::timeout(time, idle).await.is_ok();
        let seconds = seconds(begin.elapsed());
        match is_idle {
            true => tracing::info!(seconds, "drained"),
            false => tracing::warn!(
                seconds,
                "drain timed out: unfinished proofs start over at the next start"
            ),
        }
    }

    /// Whether the service is draining.
    pub fn is_draining(&self) -> bool {
        self.state().draining
    }

    /// Device time that each running proof still needs; `None` before the first proof that tells a pace.
    fn times_left(&self) -> Vec<Option<Duration>> {
        let time = self.times(PROMISE);
        let left = |active: &Active| {
            let time = time.as_ref()?;
            Some(time(active.work(), active.limits).mul_f64(1.0 - active.progress))
        };
        let state = self.state();
        // A job that a device has just taken may not be recorded as running yet.
        let on_device = |id: &str| state.devices.iter().any(|device| device.job_id == id);
        let running = state
            .active
            .iter()
            .filter(|(id, active)| active.summary.is_proving() || on_device(id));
        running.map(|(_, active)| left(active)).collect()
    }
}

/// How long a drain waits for proofs that need so much device time. Verification and a late proof take `least` more. A
/// proof that would take longer than `most` is not waited for: the wait would be in vain.
fn patience(least: Duration, most: Duration, left: Vec<Option<Duration>>) -> Duration {
    let most = most.max(least);
    let needed = |left: Option<Duration>| left.map_or(most, |left| left.saturating_add(least));
    let in_time = left.into_iter().map(needed).filter(|needed| *needed <= most);
    in_time.max().unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_proof_is_waited_for_within_bounds() {
        let seconds = Duration::from_secs;
        let known = |n| Some(seconds(n));
        for (left, expected) in [
            (vec![], 60),
            (vec![known(0)], 60),
            (vec![known(10), known(600), known(20)], 660),
            (vec![known(5000)], 60),
            (vec![known(10), known(5000)], 70),
            (vec![known(10), None], 3600),
        ] {
            let time = patience(seconds(60), seconds(3600), left.clone());
            assert_eq!(time, seconds(expected), "{left:?}");
        }
        assert_eq!(patience(seconds(60), seconds(0), vec![None]), seconds(60));
    }
}
