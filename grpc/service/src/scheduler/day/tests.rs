use super::*;
use crate::config::{Config, TenantLimits};
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
            wrapped_steps: 0,
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
async fn what_could_not_be_recorded_counts_with_the_next_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let scheduler = scheduler(folder.path()).await;
    let [path, away] = ["store.redb", "away"].map(|name| folder.path().join(name));
    let count = async |seconds| scheduler.count_device_time(0, "a", SECONDS(seconds)).await;
    let known = || scheduler.state().day.time("a", today());
    count(50).await;
    std::fs::rename(&path, &away).unwrap();
    count(50).await;
    std::fs::rename(&away, &path).unwrap();
    let recorded = async || scheduler.recorded("a").await.unwrap().device_time;
    assert_eq!((known(), recorded().await), (SECONDS(100), SECONDS(100)));
    count(30).await;
    assert_eq!((known(), recorded().await), (SECONDS(130), SECONDS(130)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_knows_the_day_of_its_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let scheduler = scheduler(folder.path()).await;
    let foresee = |tenant: &str, hours: u64| {
        let mut spec = job::example(tenant).spec;
        spec.deadline = Some(std::time::SystemTime::now() + SECONDS(3600 * hours));
        let statement = Statement {
            multiplications: 2e9,
            ..Statement::default()
        };
        let estimate = scheduler.foresee(tenant, &spec, statement, None);
        let waits = estimate.wait_seconds.unwrap() > 0.0;
        (waits, estimate.would_meet_deadline.unwrap())
    };
    assert_eq!(foresee("a", 1), (false, true));
    let left = until_tomorrow();
    scheduler.count_device_time(0, "a", SECONDS(9)).await;
    // Two hours before midnight or less, the day after the next deadline may have begun.
    let is_far = left > SECONDS(2 * 3600);
    assert_eq!(foresee("a", 25), (true, true));
    if is_far {
        assert_eq!(foresee("a", 1), (true, false));
    }
    assert_eq!(foresee("b", 1), (false, true));
    // The jobs of the same tenant that wait come first.
    ready(&scheduler, "b", 9);
    assert_eq!(foresee("b", 25), (true, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_times_of_a_job_that_wraps_are_those_of_both_proofs() {
    let folder = tempfile::tempdir().unwrap();
    let scheduler = scheduler(folder.path()).await;
    let of_work = |multiplications| Statement {
        multiplications,
        ..Statement::default()
    };
    let times = |wrapped: Option<Statement>| {
        let estimate = scheduler.foresee("a", &job::example("a").spec, of_work(2e9), wrapped);
        [estimate.seconds_p50, estimate.seconds_p95].map(|seconds| seconds.unwrap())
    };
    let (one, both) = (times(None), times(Some(of_work(6e9))));
    for (one, both) in one.into_iter().zip(both) {
        assert!((both / one - 4.0).abs() < 0.01, "{one} {both}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_another_day_fills_no_queue() {
    let folder = tempfile::tempdir().unwrap();
    let scheduler = scheduler(folder.path()).await;
    let max = scheduler.settings.max_queued_jobs;
    ready(&scheduler, "a", 9);
    scheduler.count_device_time(0, "a", SECONDS(9)).await;
    let is_full = || {
        let reasons = scheduler.why_not_ready();
        reasons.iter().any(|reason| reason.contains("the queue is full"))
    };
    let wait = |tenant| {
        let mut state = scheduler.state();
        for _ in 0..max {
            let mut entry = super::super::entry(&job::example(tenant));
            entry.not_before += SECONDS(3600);
            state.waiting.push(entry);
        }
    };
    // It is refused in any case, so that no child is started.
    let limits = TenantLimits {
        max_active_jobs: Some(0),
        ..TenantLimits::default()
    };
    let refusal = async || {
        let submitted = scheduler.submit("c".to_owned(), job::example("c").spec, limits, None);
        submitted.await.unwrap_err().name()
    };
    wait("a");
    assert_eq!((is_full(), refusal().await), (false, "quota"));
    wait("b");
    assert_eq!((is_full(), refusal().await), (true, "full"));
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
    assert_eq!(
        wait,
        Some(Duration::ZERO),
        "a job does not wait for those that are held"
    );
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
        let add = move |store: &dyn crate::store::JobStore| store.add_device_time(tenant, day, SECONDS(7));
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
