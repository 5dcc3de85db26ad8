//! Device seconds of a day: what would exceed them waits for the next day, or fails if a day is too short for it.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, long_job, submit, wait};
use crate::tenants::{client, connect, stay_within_a_day, tenant};
use quarry_client::Client;
use quarry_client::protocol::{Job, JobState, ListJobsRequest};
use std::time::{Duration, Instant};

/// Waits until a job has a state.
async fn reaches(client: &mut Client, id: &str, state: JobState) -> Job {
    let by = Instant::now() + Duration::from_secs(120);
    loop {
        let job = client.get(id).await.unwrap();
        if job.state() == state {
            return job;
        }
        assert!(!job.state().has_ended() && Instant::now() < by, "{job:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_beyond_its_tenants_day_waits_or_fails_and_keeps_nobody_waiting() {
    stay_within_a_day().await;
    let case = Folder::with_case("plain/fib_2p9");
    let config = |seconds: u64| {
        let limit = format!("limits.max_device_seconds_per_day = {seconds}");
        case.write(
            "quarry.toml",
            client("one", "a", &limit) + &client("other", "b", ""),
        );
    };
    let admin = |command: &str| drop(case.quarry(&format!("admin --data data {command}")).exits(0));
    config(1);
    let service = Appliance::start(&case, "--config quarry.toml");
    let (mut a, mut b) = (connect(&service, "one").await, connect(&service, "other").await);
    // The pace is that of one proof of some seconds, of the same work.
    let measured = long_job(&mut b, 1 << 16).await;
    let measured = submit(&mut b, measured).await.id;
    assert_eq!(wait(&mut b, &measured).await.state(), JobState::Succeeded);
    let long = long_job(&mut a, 1 << 16).await;
    let refused = a.estimate(long.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("limits.device_seconds_per_day"), "{refused}");
    let id = submit(&mut a, long.clone()).await.id;
    let failure = wait(&mut a, &id).await.failure.unwrap_or_default();
    assert_eq!(
        (&*failure.code, &*failure.stage),
        ("limits.device_seconds_per_day", "prepare")
    );
    assert!(failure.message.contains("at most 1 a day"), "{failure:?}");

    config(1_000_000);
    admin("reload");
    let id = submit(&mut a, long).await.id;
    assert_eq!(wait(&mut a, &id).await.state(), JobState::Succeeded);
    assert!(tenant(&mut a).await.device_seconds_today.unwrap().used >= 1);
    // Accepted under the higher limit; the second one is behind the first.
    admin("pause so-that-jobs-wait");
    let spec = air_job(&mut a, &case, "blake").await;
    let held = submit(&mut a, spec.clone()).await.id;
    reaches(&mut a, &held, JobState::Queued).await;
    config(1);
    admin("reload");
    let behind = a.submit(spec.clone()).await;
    assert!(behind.is_err(), "a refusal stays a refusal: {behind:?}");
    admin("resume");
    let spec = air_job(&mut b, &case, "blake").await;
    let other = submit(&mut b, spec).await.id;
    assert_eq!(wait(&mut b, &other).await.state(), JobState::Succeeded);
    let mut listed = a.list(ListJobsRequest::default()).await.unwrap().jobs.into_iter();
    for job in [a.get(&held).await.unwrap(), listed.next().unwrap()] {
        assert_eq!((&job.id, job.state()), (&held, JobState::Queued));
        for part in ["max_device_seconds_per_day", "at most 1 "] {
            assert!(job.waits_for.contains(part), "{job:?}");
        }
    }
    let shown = |job: &serde_json::Value| job["id"] == held && job["waits_for"] != "";
    let status: serde_json::Value = serde_json::from_str(&service.page("/status.json").2).unwrap();
    assert!(status["active"].as_array().unwrap().iter().any(shown), "{status}");
    case.write("token", "one");
    let get = format!(
        "get {held} --token-file token --server http://{}",
        service.address
    );
    let shown = case.quarry(&get).exits(0);
    assert!(shown.stdout.contains("waits for"), "{shown:?}");
    config(1_000_000);
    admin("reload");
    let job = wait(&mut a, &held).await;
    assert_eq!((job.state(), &*job.waits_for), (JobState::Succeeded, ""));
}
