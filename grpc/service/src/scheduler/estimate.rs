//! Estimates job times: work in field multiplications at the pace of recent proofs.

use super::commitments::{Missed, Work, missed};
use super::queue::aged;
use super::{Active, Scheduler, SubmitError, to_its_end};
use crate::job::Spec;
use crate::store::{Listing, StoreError};
use quarry_client::protocol::{Estimate, Failure, JobState, PhaseTime, Statement};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Number of recent proofs kept.
const SAMPLES: usize = 64;
/// Number of those used for an estimate: the ones whose work is closest. Small and large proofs have different paces.
const NEAREST: usize = 16;
/// Quantile used for deadline commitments.
pub const PROMISE: f64 = 0.95;

/// Pace of recent proofs.
#[derive(Debug, Default)]
pub struct Pace {
    /// Work in field multiplications, and device seconds.
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

    /// Device time that a `share` of proofs of this work do not exceed; unknown work counts as the mean. `None` before
    /// the first proof.
    pub fn time(&self, work: Option<f64>, share: f64) -> Option<Duration> {
        let work = work.unwrap_or_else(|| self.usual_work()).max(1.0);
        let unlike = |sample: &(f64, f64)| (sample.0 / work).ln().abs();
        let mut samples: Vec<_> = self.samples.iter().copied().collect();
        samples.sort_by(|a, b| unlike(a).total_cmp(&unlike(b)));
        samples.truncate(NEAREST);
        let mut paces: Vec<f64> = samples.iter().map(|(work, seconds)| seconds / work).collect();
        paces.sort_by(f64::total_cmp);
        let last = paces.len().checked_sub(1)?;
        let pace = paces.get((share * last as f64).ceil() as usize)?;
        Duration::try_from_secs_f64(pace * work).ok()
    }

    /// Mean work, used for proofs whose work is unknown.
    fn usual_work(&self) -> f64 {
        let sum: f64 = self.samples.iter().map(|(work, _)| work).sum();
        sum / self.samples.len().max(1) as f64
    }
}

impl Scheduler {
    /// Loads the pace from the proofs made before this start.
    pub(super) async fn recall_pace(&self) -> Result<(), StoreError> {
        let listing = Listing {
            states: vec![JobState::Succeeded],
            page_size: SAMPLES,
            ..Listing::default()
        };
        let page = self.with_store(move |store| store.list(&listing)).await?;
        for result in page.jobs.into_iter().rev().filter_map(|job| job.result) {
            let work = result
                .statement
                .map_or(0.0, |statement| statement.multiplications);
            self.add_pace(work, &result.phases);
        }
        Ok(())
    }

    /// Adds a proof to the pace.
    pub(super) fn add_pace(&self, work: f64, phases: &[PhaseTime]) {
        let time = |phase: &PhaseTime| phase.time.and_then(|time| Duration::try_from(time).ok());
        let seconds: Duration = phases.iter().filter_map(time).sum();
        self.state().pace.add(work, seconds.as_secs_f64());
    }

    /// Median device seconds for this work; `None` before the first proof.
    pub(super) fn usual_seconds(&self, work: f64) -> Option<f64> {
        let time = self.state().pace.time(Some(work), 0.5)?;
        Some(time.as_secs_f64())
    }

    /// Time until the devices have done all active jobs; `None` before the first proof.
    fn backlog(&self) -> Option<Duration> {
        let state = self.state();
        let usual = state.pace.time(None, 0.5)?;
        let left = |active: &Active| {
            let known = active.work().and_then(|work| state.pace.time(Some(work), 0.5));
            known.unwrap_or(usual).mul_f64(1.0 - active.progress)
        };
        let all: Duration = state.active.values().map(left).sum();
        Some(all / u32::try_from(self.settings.devices.len().max(1)).unwrap_or(u32::MAX))
    }

    /// Rejects a job that would miss its deadline or make an accepted one miss its own.
    pub(super) fn check_commitments(&self, spec: &Spec) -> Result<(), SubmitError> {
        match self.missed(spec, None) {
            Some(missed) => Err(SubmitError::Busy(missed)),
            None => Ok(()),
        }
    }

    /// The first deadline that would be missed with this additional job. Unless its work is known, it counts as a mean
    /// one.
    fn missed(&self, spec: &Spec, work: Option<f64>) -> Option<Missed> {
        let state = self.state();
        let now = SystemTime::now();
        let left = |deadline: SystemTime| deadline.duration_since(now).unwrap_or_default();
        let usual = state.pace.time(None, PROMISE)?;
        let time = work.and_then(|work| state.pace.time(Some(work), PROMISE));
        let work = |active: &Active| {
            let known = active
                .work()
                .and_then(|work| state.pace.time(Some(work), PROMISE));
            let time = known.unwrap_or(usual);
            Work {
                time: time.mul_f64(1.0 - active.progress),
                priority: active.priority.into(),
                aged: aged(active.priority, active.summary.age()),
                has_begun: active.summary.has_begun(),
                left: active.deadline.map(left),
            }
        };
        let accepted: Vec<Work> = state.active.values().map(work).collect();
        let new = Work {
            time: time.unwrap_or(usual),
            priority: spec.priority.into(),
            aged: spec.priority.into(),
            has_begun: false,
            left: spec.deadline.map(left),
        };
        missed(&accepted, new, self.settings.devices.len())
    }

    /// Estimates a job's time and when it would be done. As for a job, a child process runs its program or reads its
    /// files; nothing is recorded.
    ///
    /// # Errors
    /// [`Failure`]: why the job could not be proved.
    pub async fn estimate(self: &Arc<Self>, tenant: &str, spec: Spec) -> Result<Estimate, Failure> {
        // If the caller is cancelled, the child must not keep working in the folder that the next estimate uses.
        let (scheduler, tenant) = (Arc::clone(self), tenant.to_owned());
        to_its_end(async move { scheduler.estimate_here(&tenant, &spec).await }).await
    }

    async fn estimate_here(&self, tenant: &str, spec: &Spec) -> Result<Estimate, Failure> {
        let _one_at_a_time = self.estimating.lock().await;
        let prepared = self.run_prepare("estimate", tenant, spec).await;
        self.forget("estimate");
        let statement = prepared?.statement;
        let backlog = self.backlog();
        let time = |share| self.state().pace.time(Some(statement.multiplications), share);
        let (p50, p95) = (time(0.5), time(PROMISE));
        // The same rules as for a submission.
        let is_met = || match (self.paused(), p95) {
            (Some(_), _) => Some(false),
            (None, Some(_)) => Some(self.missed(spec, Some(statement.multiplications)).is_none()),
            (None, None) => None,
        };
        Ok(Estimate {
            wait_seconds: backlog.map(|backlog| backlog.as_secs_f64()),
            seconds_p50: p50.map(|time| time.as_secs_f64()),
            seconds_p95: p95.map(|time| time.as_secs_f64()),
            would_meet_deadline: spec.deadline.and_then(|_| is_met()),
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

    fn seconds(pace: &Pace, work: Option<f64>, share: f64) -> Option<f64> {
        pace.time(work, share).map(|time| time.as_secs_f64().round())
    }

    #[test]
    fn the_pace_is_that_of_the_latest_proofs() {
        let mut pace = Pace::default();
        assert_eq!(pace.time(None, 0.5), None);
        pace.add(0.0, 1.0);
        pace.add(1e9, 0.0);
        assert_eq!(pace.time(None, 0.5), None, "what says nothing is not counted");
        for n in 1..=100 {
            pace.add(1e9, f64::from(n % 10 + 1));
        }
        assert_eq!(seconds(&pace, None, 0.0), Some(1.0));
        assert_eq!(seconds(&pace, Some(1e9), 1.0), Some(10.0));
        assert_eq!(seconds(&pace, Some(2e9), 1.0), Some(20.0));
        let (half, most) = (seconds(&pace, None, 0.5), seconds(&pace, None, 0.95));
        assert!(
            Some(5.0) <= half && half <= Some(6.0) && most == Some(10.0),
            "{half:?} {most:?}"
        );
        for _ in 0..SAMPLES {
            pace.add(1e9, 20.0);
        }
        assert_eq!(seconds(&pace, None, 0.0), Some(20.0), "older ones are forgotten");
    }

    #[test]
    fn proofs_of_another_size_do_not_count() {
        let mut pace = Pace::default();
        for _ in 0..NEAREST {
            pace.add(1e6, 1.0);
            pace.add(1e9, 10.0);
        }
        assert_eq!(seconds(&pace, Some(2e9), 1.0), Some(20.0));
        assert_eq!(seconds(&pace, Some(2e6), 1.0), Some(2.0));
    }
}
