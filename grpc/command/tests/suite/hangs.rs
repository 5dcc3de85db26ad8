//! Processes that make no progress are told, ended and replaced.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, reaches, signal, slow_job, submit, until, wait};
use quarry_client::Client;
use quarry_client::protocol::{FailureClass, Job, JobState};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Time without progress after which a process is ended, in seconds. Half of it a test may see the process hang.
const MAX_STALL: f64 = 8.0;

fn start(folder: &Folder) -> Appliance {
    folder.write("quarry.toml", format!("max_stall_seconds = {MAX_STALL}\n"));
    Appliance::start(folder, "--config quarry.toml")
}

/// Waits until `/readyz` names the worker of the device as one that hangs.
fn hung_device(service: &Appliance) -> String {
    until("a device that hangs", || {
        let (status, _, reasons) = service.page("/readyz");
        (status == 503 && reasons.contains("cpu: its worker has made no progress")).then_some(reasons)
    })
}

fn is_ready(service: &Appliance) -> Option<()> {
    (service.page("/readyz").0 == 200).then_some(())
}

async fn failed_once(client: &mut Client, id: &str) -> Job {
    loop {
        let job = client.get(id).await.unwrap();
        if job.failed_attempts > 0 {
            return job;
        }
        assert!(!job.state().has_ended(), "{job:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_hangs_is_replaced_and_its_job_repeated() {
    let case = Folder::with_case("plain/fib_2p9");
    let service = start(&case);
    let mut client = service.client().await;
    // How long a proof may make no progress follows from the time that one like it took.
    let spec = air_job(&mut client, &case, "blake").await;
    let measured = submit(&mut client, spec.clone()).await.id;
    assert_eq!(wait(&mut client, &measured).await.state(), JobState::Succeeded);

    // The worker is stopped before it gets a job that waits for it, however fast it is.
    case.quarry("admin --data data pause so-that-jobs-wait").exits(0);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(submit(&mut client, spec.clone()).await.id);
    }
    reaches(&mut client, &ids[0], JobState::Queued).await;
    signal("STOP", service.process("worker"));
    case.quarry("admin --data data resume").exits(0);
    hung_device(&service);
    let most = until("a silence of more than half of the time", || {
        let (_, _, page) = service.page("/metrics");
        let value = |name| {
            page.lines()
                .find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok())
        };
        let since = value("quarry_stall_seconds{process=\"cpu\"}")?;
        value("quarry_max_stall_seconds{process=\"cpu\"}").filter(|most| since > most / 2.0)
    });
    assert!(most >= MAX_STALL, "{most}");
    let mut causes = Vec::new();
    for id in ids {
        let job = wait(&mut client, &id).await;
        assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
        causes.extend(job.attempt_failures);
    }
    let [cause] = &causes[..] else {
        panic!("one attempt failed: {causes:?}");
    };
    assert_eq!(
        (cause.class(), &*cause.code),
        (FailureClass::Device, "worker.stalled")
    );
    assert!(cause.message.contains("no progress for"), "{cause:?}");
    let stalled = "quarry_attempts_failed_total{class=\"device\",code=\"worker.stalled\",retryable=\"true\"}";
    assert_eq!(service.metric(stalled), Some(1.0));
    until("readiness", || is_ready(&service));

    // One that hangs while it is idle has no job.
    let idle = service.process("worker");
    signal("STOP", idle);
    hung_device(&service);
    until("another worker", || {
        let workers = service.processes("worker");
        (!workers.is_empty() && !workers.contains(&idle)).then_some(())
    });
    until("readiness", || is_ready(&service));
    let id = submit(&mut client, spec).await.id;
    let job = wait(&mut client, &id).await;
    assert_eq!(
        (job.state(), job.failed_attempts),
        (JobState::Succeeded, 0),
        "{job:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_hangs_is_replaced_and_its_job_repeated() {
    let folder = Folder::new();
    let service = start(&folder);
    let mut client = service.client().await;
    let spec = slow_job(&mut client, &folder).await;
    let id = submit(&mut client, spec).await.id;
    let child = service.process("child");
    signal("STOP", child);
    until("a child that hangs", || {
        let since = service.metric("quarry_stall_seconds{process=\"child\"}")?;
        (since > MAX_STALL / 2.0).then_some(())
    });
    let job = timeout(Duration::from_secs(120), failed_once(&mut client, &id)).await;
    let job = job.expect("a failed attempt");
    let cause = &job.attempt_failures[0];
    assert_eq!(
        (cause.class(), &*cause.code),
        (FailureClass::Internal, "child.stalled")
    );
    // The device has nothing to do with it.
    until("readiness", || is_ready(&service));
    assert!(!service.processes("child").contains(&child), "it was ended");
}
