//! Device seconds of a day (`max_device_seconds_per_day`): a ready job whose tenant has used up its own is held until
//! the next day (UTC) and keeps no other tenant waiting. A job that needs more than a whole day's fails.

use super::queue::Entry;
use super::{Active, Scheduler, State};
use crate::config::DayLimits;
use crate::failure::{Stage, failure};
use crate::quota::{Exceeded, Quota, allow, today, until_tomorrow};
use crate::store::StoreError;
use quarry_client::protocol::{Failure, FailureClass, JobState};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The limits of tenants, which a reload changes. A lock of its own: they are read while the state is locked.
#[derive(Default)]
pub(super) struct MaxPerDay(Mutex<DayLimits>);

impl MaxPerDay {
    pub(super) fn new(limits: DayLimits) -> Self {
        Self(Mutex::new(limits))
    }

    fn lock(&self) -> MutexGuard<'_, DayLimits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tenants use of the devices today.
#[derive(Debug, Default)]
pub(super) struct Day {
    /// Day and time of the ended attempts, by tenant. The store has the same.
    used: HashMap<String, (u64, Duration)>,
    /// What the store has not recorded, because it failed: day and time by tenant. It comes with the next attempt.
    unrecorded: HashMap<String, (u64, Duration)>,
    /// The attempts on devices, by the device's index, until their time is counted.
    running: HashMap<usize, Attempt>,
}

#[derive(Debug)]
struct Attempt {
    tenant: String,
    begun: Instant,
    expected: Duration,
}

impl Attempt {
    fn time(&self) -> Duration {
        self.expected.max(self.begun.elapsed())
    }
}

impl Day {
    /// Counts an attempt that a device begins.
    pub(super) fn begin(&mut self, device: usize, tenant: &str, expected: Duration) {
        let attempt = Attempt {
            tenant: tenant.to_owned(),
            begun: Instant::now(),
            expected,
        };
        self.running.insert(device, attempt);
    }

    /// Takes back what [`Day::begin`] counted for a device.
    pub(super) fn end(&mut self, device: usize) {
        self.running.remove(&device);
    }

    /// Remembers the time of a tenant on a day. It only grows, so an older reading of that day changes nothing.
    fn remember(&mut self, tenant: &str, day: u64, time: Duration) {
        let known = self.used.entry(tenant.to_owned()).or_default();
        *known = match known.0 == day {
            true => (day, known.1.max(time)),
            false => (day, time),
        };
    }

    /// Time that the ended attempts of a tenant took on a day.
    pub(super) fn used(&self, tenant: &str, day: u64) -> Duration {
        of_day(self.used.get(tenant).copied(), day)
    }

    /// Time that a tenant has used on a day or should use with its running attempts.
    fn time(&self, tenant: &str, day: u64) -> Duration {
        let own = self.running.values().filter(|attempt| attempt.tenant == tenant);
        own.map(Attempt::time)
            .fold(self.used(tenant, day), Duration::saturating_add)
    }

    /// What the store has yet to record of a tenant's day.
    pub(super) fn unrecorded(&self, tenant: &str, day: u64) -> Duration {
        of_day(self.unrecorded.get(tenant).copied(), day)
    }

    /// Takes what the store has yet to record of a tenant's day. What is left of other days counts no more.
    fn take_unrecorded(&mut self, tenant: &str, day: u64) -> Duration {
        of_day(self.unrecorded.remove(tenant), day)
    }

    /// Counts time that the store could not record.
    fn put_off(&mut self, tenant: &str, day: u64, time: Duration) {
        let time = self.take_unrecorded(tenant, day).saturating_add(time);
        self.unrecorded.insert(tenant.to_owned(), (day, time));
    }
}

fn of_day(known: Option<(u64, Duration)>, day: u64) -> Duration {
    known
        .filter(|(of, _)| *of == day)
        .map_or(Duration::ZERO, |(_, time)| time)
}

/// The ready jobs that wait for another day, by their tenant and id.
#[derive(Debug, Default)]
pub struct Held(HashMap<String, HashMap<String, Exceeded>>);

impl Held {
    /// Whether a ready job is held.
    pub(super) fn has(&self, entry: &Entry) -> bool {
        self.has_job(&entry.tenant, &entry.id)
    }

    /// Whether a tenant has such jobs. Its later jobs wait behind them.
    pub(super) fn has_tenant(&self, tenant: &str) -> bool {
        self.0.contains_key(tenant)
    }

    /// Number of such jobs.
    pub(super) fn len(&self) -> usize {
        self.0.values().map(HashMap::len).sum()
    }

    fn has_job(&self, tenant: &str, id: &str) -> bool {
        self.0.get(tenant).is_some_and(|jobs| jobs.contains_key(id))
    }

    /// Whether a job will not begin before another day.
    pub(super) fn keeps(&self, id: &str, active: &Active) -> bool {
        match active.summary.has_begun() {
            true => self.has_job(&active.tenant, id),
            false => self.has_tenant(&active.tenant),
        }
    }

    /// What a job waits for; empty if it waits for no other day.
    pub fn why(&self, tenant: &str, id: &str, state: JobState) -> String {
        let jobs = self.0.get(tenant);
        let exceeded = jobs.and_then(|jobs| match state {
            JobState::Received => jobs.values().next(),
            JobState::Queued => jobs.get(id),
            _ => None,
        });
        exceeded.map(Exceeded::to_string).unwrap_or_default()
    }
}

impl State {
    /// Number of waiting jobs that count for `max_queued_jobs`: jobs of a tenant that waits for another day do not.
    pub(super) fn n_queued(&self, held: &Held) -> usize {
        let waiting = self.waiting.iter();
        waiting.filter(|entry| !held.has_tenant(&entry.tenant)).count()
    }
}

impl Scheduler {
    /// Changes the device seconds that tenants may use on a day. Running jobs go on.
    pub fn set_day_limits(&self, limits: DayLimits) {
        *self.max_per_day.lock() = limits;
        self.wake.notify_waiters();
    }

    /// Device seconds that a tenant may use on a day.
    pub(super) fn day_limit(&self, tenant: &str) -> Option<u64> {
        self.max_per_day.lock().of(tenant)
    }

    /// The jobs that wait for another day.
    pub fn held_jobs(&self) -> Held {
        self.held(&self.state())
    }

    /// [`Scheduler::held_jobs`] in a state that is locked.
    pub(super) fn held(&self, state: &State) -> Held {
        let mut held = Held::default();
        if self.max_per_day.lock().is_empty() {
            return held;
        }
        let expected = self.expected();
        for entry in state.ready.iter() {
            let (Some(max), Some(active)) = (self.day_limit(&entry.tenant), state.active.get(&entry.id))
            else {
                continue;
            };
            // What can never run goes to a device, where it is refused.
            if active
                .work()
                .is_some_and(|work| self.pace.excess(work, max).is_some())
            {
                continue;
            }
            let used = state.day.time(&entry.tenant, today()).as_secs();
            // Before there is an estimate that counts, a job may have the whole day.
            let asked = whole_seconds(expected(active)).clamp(1, max.max(1));
            if let Err(exceeded) = allow(Quota::PlannedDeviceSeconds, used, asked, Some(max)) {
                let jobs = held.0.entry(entry.tenant.clone()).or_default();
                jobs.insert(entry.id.clone(), exceeded);
            }
        }
        held
    }

    /// Device time that a job should take; nothing before the first proof.
    pub(super) fn expected(&self) -> impl Fn(&Active) -> Duration {
        let time = self.times(0.5);
        move |active| {
            let time = time.as_ref().map(|time| time(active.work(), active.limits));
            time.unwrap_or_default()
        }
    }

    /// How long an additional job of this time waits at least, because its tenant's day is used up or planned.
    pub(super) fn day_wait(&self, tenant: &str, time: Option<Duration>) -> Duration {
        let Some(max) = self.day_limit(tenant) else {
            return Duration::ZERO;
        };
        let used = self.state().day.used(tenant, today());
        let used = used.saturating_add(self.planned(tenant)).as_secs();
        let asked = whole_seconds(time.unwrap_or_default()).clamp(1, max.max(1));
        match allow(Quota::PlannedDeviceSeconds, used, asked, Some(max)) {
            Ok(()) => Duration::ZERO,
            Err(_) => until_tomorrow(),
        }
    }

    /// Rejects a job that alone would take more than all device seconds that its tenant may use on a day.
    pub(super) fn check_day(&self, stage: Stage, tenant: &str, work: f64) -> Result<(), Failure> {
        let Some(max) = self.day_limit(tenant) else {
            return Ok(());
        };
        match self.pace.excess(work, max) {
            Some(excess) => {
                let seconds = excess.as_secs_f64();
                let what = format!(
                    "at the pace of the latest proofs it would take {seconds:.1} seconds on a device"
                );
                Err(too_long_for_a_day(stage, &what, max))
            }
            None => Ok(()),
        }
    }

    /// Learns what a tenant has used today, unless it is known.
    pub(super) async fn recall_device_time(&self, tenant: &str) -> Result<(), StoreError> {
        if self.state().day.used.contains_key(tenant) {
            return Ok(());
        }
        let day = today();
        let of = tenant.to_owned();
        let used = self.with_store(move |store| store.device_time(&of, day)).await?;
        self.state().day.remember(tenant, day, used);
        Ok(())
    }

    /// Counts the time that an attempt took a device, however it ended, to the day on which it ended.
    pub(super) async fn count_device_time(&self, device: usize, tenant: &str, time: Duration) {
        let (of, day) = (tenant.to_owned(), today());
        let unrecorded = self.state().day.take_unrecorded(tenant, day);
        let all = unrecorded.saturating_add(time);
        let counted = self
            .with_store(move |store| store.add_device_time(&of, day, all))
            .await;
        let mut state = self.state();
        let used = counted.unwrap_or_else(|error| {
            tracing::error!(%error, tenant, "cannot record device time");
            state.day.put_off(tenant, day, all);
            state.day.used(tenant, day).saturating_add(time)
        });
        state.day.remember(tenant, day, used);
        state.day.end(device);
    }
}

/// The failure of a job that needs more than a day's device seconds.
pub(super) fn too_long_for_a_day(stage: Stage, what: &str, max: u64) -> Failure {
    let message = format!("{what}; its tenant may use at most {max} a day (max_device_seconds_per_day)");
    let code = "limits.device_seconds_per_day";
    failure(FailureClass::Resource, stage, code, message)
}

/// A time in seconds, rounded up.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests;
