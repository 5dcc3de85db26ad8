//! How long a job will take: its work in field multiplications, at the pace of the proofs before it.

use super::{Scheduler, SubmitError};
use crate::protocol::{Estimate, Failure, Job, JobSpec, JobState, Statement};
use crate::store::{Listing, StoreError};
use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

/// Proofs that the pace is measured by: the latest.
const SAMPLES: usize = 64;

/// The pace of the latest proofs.
#[derive(Debug, Default)]
pub struct Pace {
    /// Work in field multiplications, and seconds on the device.
    samples: VecDeque<(f64, f64)>,
}

impl Pace {
    /// Adds a proof.
    pub fn add(&mut self, work: f64, seconds: f64) {
        if work > 0.0 && seconds > 0.0 {
            self.samples.push_back((work, seconds));
            if self.samples.len() > SAMPLES {
                self.samples.pop_front();
            }
        }
    }

    /// Seconds a multiplication, such that this share of the proofs took no more; `None` before the first.
    pub fn seconds(&self, share: f64) -> Option<f64> {
        let mut paces: Vec<f64> = self
            .samples
            .iter()
            .map(|(work, seconds)| seconds / work)
            .collect();
        paces.sort_by(f64::total_cmp);
        let last = paces.len().checked_sub(1)?;
        paces.get((share * last as f64).ceil() as usize).copied()
    }

    /// The work of a proof of which nothing is known: the mean.
    pub fn usual_work(&self) -> f64 {
        let sum: f64 = self.samples.iter().map(|(work, _)| work).sum();
        sum / self.samples.len().max(1) as f64
    }
}

impl Scheduler {
    /// Takes the pace from the proofs that were made before this start.
    pub(super) async fn recall_pace(&self) -> Result<(), StoreError> {
        let listing = Listing {
            states: vec![JobState::Succeeded],
            page_size: SAMPLES,
            ..Listing::default()
        };
        let results = self.with_store(move |store| {
            let jobs = store.list(&listing)?.jobs;
            let result = |job: &Job| Ok(store.get(&job.id)?.result);
            jobs.iter()
                .rev()
                .map(result)
                .collect::<Result<Vec<_>, StoreError>>()
        });
        for result in results.await?.into_iter().flatten() {
            let work = result
                .statement
                .map_or(0.0, |statement| statement.multiplications);
            self.add_pace(work, &result.phases);
        }
        Ok(())
    }

    /// Adds a proof to the pace.
    pub(super) fn add_pace(&self, work: f64, phases: &[crate::protocol::PhaseTime]) {
        let time =
            |phase: &crate::protocol::PhaseTime| phase.time.and_then(|time| Duration::try_from(time).ok());
        let seconds: Duration = phases.iter().filter_map(time).sum();
        self.state().pace.add(work, seconds.as_secs_f64());
    }

    /// Seconds that half of the latest proofs would have taken for this work; `None` before the first proof.
    pub(super) fn usual_seconds(&self, work: f64) -> Option<f64> {
        Some(self.state().pace.seconds(0.5)? * work)
    }

    /// How long the jobs that are here keep the devices busy; `None` before the first proof.
    pub(super) fn backlog(&self) -> Option<Duration> {
        let state = self.state();
        let pace = state.pace.seconds(0.5)?;
        let usual = state.pace.usual_work();
        let left = |active: &super::Active| active.work.unwrap_or(usual) * (1.0 - active.progress);
        let work: f64 = state.active.values().map(left).sum();
        let n_devices = self.settings.devices.len().max(1) as f64;
        Duration::try_from_secs_f64(work * pace / n_devices).ok()
    }

    /// Refuses a job whose deadline passes before the jobs that are here are done.
    pub(super) fn check_deadline(&self, spec: &JobSpec) -> Result<(), SubmitError> {
        let deadline = spec.deadline.and_then(|at| SystemTime::try_from(at).ok());
        if let Some(deadline) = deadline
            && let Some(backlog) = self.backlog()
        {
            let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
            if left < backlog {
                return Err(SubmitError::Busy { left, backlog });
            }
        }
        Ok(())
    }

    /// What a job would take, and when it would be done. Its program is run, or its files are read, in a child, as for a
    /// job; nothing is recorded.
    ///
    /// # Errors
    /// [`Failure`]: why there would be no proof.
    pub async fn estimate(&self, spec: JobSpec) -> Result<Estimate, Failure> {
        let _one_at_a_time = self.estimating.lock().await;
        let deadline = spec.deadline.and_then(|at| SystemTime::try_from(at).ok());
        let prepared = self.run_prepare("estimate", spec).await;
        self.forget("estimate");
        let statement = prepared?.statement.unwrap_or_default();
        let backlog = self.backlog();
        let seconds = |share| {
            let pace = self.state().pace.seconds(share)?;
            Some(pace * statement.multiplications)
        };
        let (p50, p95) = (seconds(0.5), seconds(0.95));
        let meets = |deadline: SystemTime| {
            let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
            let all = backlog? + Duration::try_from_secs_f64(p95?).ok()?;
            Some(all <= left)
        };
        Ok(Estimate {
            wait_seconds: backlog.map(|backlog| backlog.as_secs_f64()),
            seconds_p50: p50,
            seconds_p95: p95,
            would_meet_deadline: deadline.and_then(meets),
            statement: Some(Statement {
                public_input: None,
                parameters: None,
                ..statement
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_latest_proofs() {
        let mut pace = Pace::default();
        assert_eq!(pace.seconds(0.5), None);
        pace.add(0.0, 1.0);
        pace.add(1e9, 0.0);
        assert_eq!(pace.seconds(0.5), None, "what says nothing is not counted");
        for n in 1..=100 {
            pace.add(1e9, f64::from(n));
        }
        // 37 to 100 are left.
        assert_eq!(pace.seconds(0.0), Some(37.0 / 1e9));
        assert_eq!(pace.seconds(1.0), Some(100.0 / 1e9));
        let (half, most) = (pace.seconds(0.5).unwrap(), pace.seconds(0.95).unwrap());
        assert!(
            (68.0 / 1e9..=70.0 / 1e9).contains(&half) && most > 96.0 / 1e9,
            "{half} {most}"
        );
        assert_eq!(pace.usual_work(), 1e9);
    }
}
