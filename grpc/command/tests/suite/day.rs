//! Device seconds of a day: what would exceed them waits for the next day, or fails if a day is too short for it.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, long_job, reaches, submit, wait};
use crate::tenants::{client, connect, stay_within_a_day, tenant};
use quarry_client::Client;
use quarry_client::protocol::{JobResult, JobSpec, JobState, ListJobsRequest};
use std::time::Duration;

/// Device seconds of a proof.
fn seconds(result: &JobResult) -> f64 {
    let times = result.phases.iter().filter_map(|phase| phase.time);
    let times = times.map(|time| Duration::try_from(time).unwrap().as_secs_f64());
    times.sum()
}

/// A job that takes the device of this machine clearly more than a second; one is proved.
async fn job_of_seconds(client: &mut Client) -> JobSpec {
    for log_n_steps in 16..22 {
        let spec = long_job(client, 1 << log_n_steps).await;
        let id = submit(client, spec.clone()).await.id;
        assert_eq!(wait(client, &id).await.state(), JobState::Succeeded);
        if seconds(&client.result(&id).await.unwrap()) > 1.5 {
            return spec;
        }
    }
    panic!("no proof takes seconds");
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
    // The pace is that of a proof of some seconds, of the same work.
    let long = job_of_seconds(&mut b).await;
    // The uploads of its files.
    long_job(&mut a, 1).await;
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
    while tenant(&mut a).await.device_seconds_today.unwrap().used == 0 {
        let id = submit(&mut a, long.clone()).await.id;
        assert_eq!(wait(&mut a, &id).await.state(), JobState::Succeeded);
    }
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
