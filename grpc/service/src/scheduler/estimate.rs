//! Estimates job times: the devices' work at their pace, and the deadlines that it lets them meet.

use super::commitments::{Missed, Work, missed, wait};
use super::pace::stopped_after;
use super::queue::aged;
use super::turns::Turn;
use super::{Active, Scheduler, SubmitError, blocking};
use crate::child::bounds::foreseen;
use crate::child::prepare::planned_parameters;
use crate::config::lane_of;
use crate::failure::{Stage, failure};
use crate::job::Spec;
use quarry_client::protocol::{Estimate, Failure, FailureClass, JobState, Limits, Statement};
use quarry_prover_core::cairo::runner::verifier_program::LAYOUT;
use std::time::{Duration, SystemTime};

/// Maximum estimates in progress. Each has a child that may take `max_child_memory_bytes`.
pub(super) const MAX_ESTIMATES: usize = 4;
/// Quantile used for deadline commitments.
pub const PROMISE: f64 = 0.95;

impl Scheduler {
    /// Tells the time of a job from its work, if known, and its limits; `None` before the first proof. No job takes
    /// longer than the limit that it is stopped at.
    pub(super) fn times(&self, share: f64) -> Option<impl Fn(Option<f64>, Option<Limits>) -> Duration> {
        // The same for all jobs of unknown work, of which there may be many.
        let usual = self.pace.time(None, share)?;
        Some(move |work: Option<f64>, limits| {
            let known = work.and_then(|work| self.pace.time(Some(work), share));
            let most = stopped_after(self.limits(limits).max_device_seconds);
            known.unwrap_or(usual).min(most)
        })
    }

    /// Device time that a tenant's accepted jobs have yet to take; nothing before the first proof. A job in
    /// verification has taken its time.
    pub(super) fn planned(&self, tenant: &str) -> Duration {
        let Some(time) = self.times(0.5) else {
            return Duration::ZERO;
        };
        let state = self.state();
        let is_planned =
            |active: &&Active| active.tenant == tenant && active.summary.state != JobState::Verifying;
        let own = state.active.values().filter(is_planned);
        own.map(|active| time(active.work(), active.limits)).sum()
    }

    /// Rejects a job that would miss its deadline or make an accepted one miss its own.
    pub(super) fn check_commitments(&self, tenant: &str, spec: &Spec) -> Result<(), SubmitError> {
        match self.missed(tenant, spec, None) {
            Some(missed) => Err(SubmitError::Busy(missed)),
            None => Ok(()),
        }
    }

    /// The first deadline that would be missed with this additional job. Unless its work is known, it counts as a mean
    /// one.
    fn missed(&self, tenant: &str, spec: &Spec, work: Option<f64>) -> Option<Missed> {
        self.planned_with(tenant, spec, work, PROMISE, missed)?
    }

    /// Time until a device would take this additional job; `None` before the first proof.
    pub(super) fn wait(&self, tenant: &str, spec: &Spec, work: f64) -> Option<Duration> {
        self.planned_with(tenant, spec, Some(work), 0.5, wait)
    }

    /// What `find` says of the active jobs, an additional one and the number of devices; `None` before the first proof.
    fn planned_with<T>(
        &self,
        tenant: &str,
        spec: &Spec,
        work: Option<f64>,
        share: f64,
        find: impl FnOnce(&[Work<'_>], Work<'_>, u32) -> T,
    ) -> Option<T> {
        let now = SystemTime::now();
        let left = |deadline: SystemTime| deadline.duration_since(now).unwrap_or_default();
        let time = self.times(share)?;
        let n_devices = u32::try_from(self.settings.devices.len().max(1)).unwrap_or(u32::MAX);
        let new = Work {
            tenant: lane_of(tenant),
            time: time(work, spec.limits),
            priority: spec.priority.into(),
            aged: spec.priority.into(),
            has_begun: false,
            left: spec.deadline.map(left),
        };
        let state = self.state();
        // What waits for another day is not done before the new job, whatever was promised.
        let held = self.held(&state);
        let today = state.active.iter().filter(|(id, active)| !held.keeps(id, active));
        let accepted = today.map(|(_, active)| Work {
            tenant: lane_of(&active.tenant),
            time: time(active.work(), active.limits).mul_f64(1.0 - active.progress),
            priority: active.priority.into(),
            aged: aged(active.priority, active.summary.age()),
            has_begun: active.summary.has_begun(),
            left: active.deadline.map(left),
        });
        let accepted: Vec<_> = accepted.collect();
        Some(find(&accepted, new, n_devices))
    }

    /// Rejects a job that would be stopped at its limit of device time, before it takes that time.
    pub(super) fn check_device_time(&self, spec: &Spec, work: f64) -> Result<(), Failure> {
        let most = self.limits(spec.limits).max_device_seconds;
        let Some(excess) = self.pace.excess(work, most) else {
            return Ok(());
        };
        let message = format!(
            "at the pace of the latest proofs it would take {:.1} seconds on a device; at most {most} are allowed",
            excess.as_secs_f64()
        );
        Err(failure(
            FailureClass::Resource,
            Stage::Prepare,
            "limits.device_time",
            message,
        ))
    }

    /// Estimates a job's time and when it would be done. As for a job, a child process runs its program or reads its
    /// files; nothing is recorded. Dropping the future kills the child. Of a job that wraps, the second leg is
    /// foreseen.
    ///
    /// # Errors
    /// [`Failure`]: why the job could not be proved.
    pub async fn estimate(&self, tenant: &str, spec: &Spec) -> Result<Estimate, Failure> {
        let turn = self.estimates.take(lane_of(tenant)).await;
        let estimating = Estimating {
            scheduler: self,
            id: format!("estimate-{}", turn.n),
            _turn: turn,
        };
        let first_leg = (spec, spec.first_leg());
        let prepared = self.run_prepare(&estimating.id, tenant, first_leg, None).await?;
        let wrapped = foresee_wrapped(spec, prepared.wrapped_steps).await;
        drop(estimating);
        if self.day_limit(tenant).is_some()
            && let Err(error) = self.recall_device_time(tenant).await
        {
            tracing::debug!(%error, tenant, "an estimate without the device time of today");
        }
        Ok(self.foresee(tenant, spec, prepared.statement, wrapped))
    }

    /// The estimate of a job with this statement, and this one of its wrapped proof if it makes one.
    pub(super) fn foresee(
        &self,
        tenant: &str,
        spec: &Spec,
        statement: Statement,
        wrapped: Option<Statement>,
    ) -> Estimate {
        let of_wrapped = wrapped.as_ref().map_or(0.0, |wrapped| wrapped.multiplications);
        let work = statement.multiplications + of_wrapped;
        let time = |share| self.pace.time(Some(work), share);
        let (p50, p95) = (time(0.5), time(PROMISE));
        let day_wait = self.day_wait(tenant, p50);
        let wait = self.wait(tenant, spec, work).map(|wait| wait.max(day_wait));
        let is_soon = |time: Duration| {
            let left = spec
                .deadline
                .map(|deadline| deadline.duration_since(SystemTime::now()));
            left.is_none_or(|left| day_wait.saturating_add(time) <= left.unwrap_or_default())
        };
        // The same rules as for a submission.
        let is_met = || match (self.paused(), p95) {
            (Some(_), _) => Some(false),
            (None, Some(time)) => {
                // `missed` counts no more than the limit of one leg.
                let is_alone = day_wait.is_zero() && wrapped.is_none();
                Some(self.missed(tenant, spec, Some(work)).is_none() && (is_alone || is_soon(time)))
            }
            (None, None) => None,
        };
        Estimate {
            wait_seconds: wait.map(|wait| wait.as_secs_f64()),
            seconds_p50: p50.map(|time| time.as_secs_f64()),
            seconds_p95: p95.map(|time| time.as_secs_f64()),
            would_meet_deadline: spec.deadline.and_then(|_| is_met()),
            wrapped,
            statement: Some(Statement {
                public_input: None,
                parameters: None,
                fact_topologies: None,
                ..statement
            }),
        }
    }
}

/// What can be foreseen of the wrapped proof of so many steps; `None` for a job of one proof, and if the job's parameter
/// file does not fit these steps.
async fn foresee_wrapped(spec: &Spec, n_steps: u64) -> Option<Statement> {
    spec.wrap.as_ref()?;
    let parameters = planned_parameters(spec.parameters.as_ref()).ok()?;
    blocking(move || foreseen(LAYOUT, n_steps, &parameters).ok()).await
}

/// An estimate in progress. When it is dropped, the next has its turn.
struct Estimating<'a> {
    scheduler: &'a Scheduler,
    /// Name of its scratch folder.
    id: String,
    _turn: Turn,
}

impl Drop for Estimating<'_> {
    fn drop(&mut self) {
        self.scheduler.scratch.abandon(&self.id);
    }
}
