//! Device seconds of a day (`max_device_seconds_per_day`): a ready job whose tenant has used up its own is held until
//! the next day (UTC) and keeps no other tenant waiting. A job that needs more than a whole day's fails.

use super::queue::Entry;
use super::{Active, Scheduler, State};
use crate::config::DayLimits;
use crate::failure::{Stage, failure};
use crate::quota::{Exceeded, Quota, allow, today};
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

    /// Time that a tenant has used on a day or should use with its running attempts.
    fn time(&self, tenant: &str, day: u64) -> Duration {
        let used = self.used.get(tenant).filter(|(of, _)| *of == day);
        let own = self.running.values().filter(|attempt| attempt.tenant == tenant);
        own.map(Attempt::time)
            .fold(used.map_or(Duration::ZERO, |(_, time)| *time), |sum, time| {
                sum.saturating_add(time)
            })
    }
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
        let counted = self
            .with_store(move |store| store.add_device_time(&of, day, time))
            .await;
        let mut state = self.state();
        let used = counted.unwrap_or_else(|error| {
            tracing::error!(%error, tenant, "cannot record device time");
            let known = state.day.used.get(tenant).filter(|(of, _)| *of == day);
            known.map_or(time, |(_, known)| known.saturating_add(time))
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
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::job;
    use crate::scheduler::prepare::Prepared;
    use crate::scheduler::testing;
    use quarry_client::protocol::{Limits, PhaseTime, Statement};
    use std::sync::Arc;

    const SECONDS: fn(u64) -> Duration = Duration::from_secs;

    fn limits(seconds: u64) -> DayLimits {
        let text = format!("[limits_per_tenant]\nmax_device_seconds_per_day = {seconds}");
        toml::from_str::<Config>(&text).unwrap().day_limits()
    }

    /// A scheduler whose tenants may use ten seconds a day. Work of 1e9 takes a second.
    async fn scheduler(folder: &std::path::Path) -> Arc<Scheduler> {
        let mut settings = testing::settings(folder);
        settings.day_limits = limits(10);
        settings.limits = Limits {
            max_device_seconds: 3600,
            ..Limits::default()
        };
        let scheduler = testing::start(settings).await;
        let phase = PhaseTime {
            time: SECONDS(1).try_into().ok(),
            ..PhaseTime::default()
        };
        scheduler.pace.add("cpu", 1e9, &[phase]);
        scheduler
    }

    /// Makes a job of so many seconds ready.
    fn ready(scheduler: &Scheduler, tenant: &str, seconds: u32) {
        let mut job = job::example(tenant);
        job.id = format!("{tenant}{seconds}");
        job.state = JobState::Queued;
        let statement = Statement {
            multiplications: 1e9 * f64::from(seconds),
            ..Statement::default()
        };
        let active = Active {
            prepared: Some(Prepared {
                statement,
                annotations: false,
                digests: HashMap::new(),
            }),
            ..Active::of(&job)
        };
        let mut state = scheduler.state();
        state.active.insert(job.id.clone(), active);
        state.ready.push(super::super::entry(&job));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_job_is_held_until_its_tenant_has_seconds_left() {
        let folder = tempfile::tempdir().unwrap();
        let scheduler = scheduler(folder.path()).await;
        for (tenant, seconds) in [("a", 4), ("a", 5), ("b", 10)] {
            ready(&scheduler, tenant, seconds);
        }
        let set = |day, time| {
            scheduler
                .state()
                .day
                .used
                .insert("a".to_owned(), (day, SECONDS(time)))
        };
        let held = |id: &str| {
            let why = scheduler.held_jobs().why(&id[..1], id, JobState::Queued);
            !why.is_empty()
        };
        let today = today();
        set(today, 6);
        assert_eq!([held("a4"), held("a5"), held("b10")], [false, true, false]);
        // The next for a device is not the held one, which a tenant that comes later does not wait for.
        {
            let mut state = scheduler.state();
            let held = scheduler.held(&state);
            state.ready.remove("a4").unwrap();
            assert_eq!(state.next_for(0, &held).unwrap().id, "b10");
            assert!(state.next_for(0, &held).is_none());
        }
        // What the tenant's running attempts should take counts.
        set(today, 1);
        assert!(!held("a5"));
        scheduler.state().day.begin(0, "a", SECONDS(5));
        assert!(held("a5"));
        scheduler.count_device_time(0, "a", SECONDS(4)).await;
        assert!(!held("a5"), "it took less: the store has 4 seconds");
        // Another day, whichever way the clock was set; another limit.
        for other in [today - 1, today + 1] {
            set(today, 10);
            assert!(held("a5"));
            set(other, 10);
            assert!(!held("a5"), "{other}");
        }
        set(today, 10);
        scheduler.set_day_limits(limits(15));
        assert!(!held("a5"));
        scheduler.set_day_limits(limits(0));
        assert!(!held("a5"), "it can never run, so a device refuses it");
        scheduler.set_day_limits(DayLimits::default());
        assert!(!held("a5"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_waits_for_another_day_holds_up_no_preparation_and_no_promise() {
        let folder = tempfile::tempdir().unwrap();
        let scheduler = scheduler(folder.path()).await;
        for seconds in 5..9 {
            ready(&scheduler, "a", seconds);
        }
        scheduler
            .state()
            .day
            .used
            .insert("a".to_owned(), (today(), SECONDS(6)));
        let spec = job::example("c").spec;
        let wait = scheduler.wait("c", &spec, 1e9);
        assert_eq!(wait, Some(Duration::ZERO), "nobody promises what is held");
        {
            let mut state = scheduler.state();
            let held = scheduler.held(&state);
            assert_eq!(held.len(), 4);
            for tenant in ["a", "b"] {
                let mut job = job::example(tenant);
                tenant.clone_into(&mut job.id);
                state.waiting.push(super::super::entry(&job));
            }
            // Devices are fed by what they may prove.
            assert_eq!(state.next_to_prepare(1, &held).unwrap().id, "b");
            assert!(
                state.next_to_prepare(1, &held).is_none(),
                "files of held jobs take disk"
            );
        }
        let why = scheduler.held_jobs().why("a", "another", JobState::Received);
        for part in ["max_device_seconds_per_day", "has 6 ", "at most 10 "] {
            assert!(why.contains(part), "{why}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_job_beyond_a_whole_day_fails_with_both_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let scheduler = scheduler(folder.path()).await;
        assert!(scheduler.check_day(Stage::Prepare, "a", 10e9).is_ok());
        let failure = scheduler.check_day(Stage::Prepare, "a", 11e9).unwrap_err();
        assert_eq!(failure.code, "limits.device_seconds_per_day");
        assert!(failure.message.contains(" 11.0 ") && failure.message.contains("at most 10 "));
        // A small proof says little of a far larger one, which then may have a whole day.
        ready(&scheduler, "a", 65);
        assert!(scheduler.check_day(Stage::Prepare, "a", 65e9).is_ok());
        assert_eq!(scheduler.held_jobs().len(), 0);
        scheduler
            .state()
            .day
            .used
            .insert("a".to_owned(), (today(), SECONDS(1)));
        assert_eq!(scheduler.held_jobs().len(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn time_of_today_is_recalled_after_a_start() {
        let folder = tempfile::tempdir().unwrap();
        let scheduler = scheduler(folder.path()).await;
        for (tenant, day) in [("a", today()), ("b", today() - 1)] {
            let add =
                move |store: &dyn crate::store::JobStore| store.add_device_time(tenant, day, SECONDS(7));
            scheduler.with_store(add).await.unwrap();
            scheduler.recall_device_time(tenant).await.unwrap();
        }
        let used = |tenant| scheduler.state().day.time(tenant, today());
        assert_eq!((used("a"), used("b")), (SECONDS(7), Duration::ZERO));
        scheduler.count_device_time(0, "a", SECONDS(1)).await;
        // A reading that comes late.
        scheduler.state().day.remember("a", today(), SECONDS(7));
        assert_eq!(used("a"), SECONDS(8));
    }
}
