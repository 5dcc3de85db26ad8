//! A job that exceeds a limit of jobs fails alone.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, examples, long_job, slow_job, submit, upload, wait};
use quarry_client::protocol::{
    FailureClass, JobSpec, JobState, Limits, ListJobsRequest, job_spec::Input, job_spec::Parameters,
};
use std::fs;

const PLAIN: &str = "plain/fib_2p9";

#[tokio::test(flavor = "multi_thread")]
async fn a_child_keeps_within_its_limits() {
    let folder = Folder::new();
    folder.write("limits.toml", "[artifacts]\nmax_bytes = 1000000\n");
    let service = Appliance::start(&folder, "--config limits.toml");
    let mut client = service.client().await;
    // 24 bytes of trace per step.
    let large = long_job(&mut client, 1 << 16).await;
    let slow = JobSpec {
        limits: Some(Limits {
            max_child_cpu_seconds: 1,
            ..Limits::default()
        }),
        ..slow_job(&mut client, &folder).await
    };
    let small = long_job(&mut client, 0).await;
    let small = submit(&mut client, small).await.id;
    for (spec, code) in [(large, "limits.file_size"), (slow, "limits.cpu_time")] {
        let id = submit(&mut client, spec).await.id;
        let job = wait(&mut client, &id).await;
        let failure = job.failure.clone().unwrap_or_default();
        assert_eq!(
            (job.state(), failure.class(), &*failure.code),
            (JobState::Failed, FailureClass::Resource, code),
            "{job:?}"
        );
    }
    assert_eq!(wait(&mut client, &small).await.state(), JobState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_does_not_fit_into_memory_fails_alone() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let good = air_job(&mut client, &case, "blake").await;
    // 12 MB of text that parse to 200 MB of values.
    let mut json = b"{\"trace_path\": \"trace.bin\", \"pedersen\": [".to_vec();
    json.extend(b"0,".repeat(6_000_000));
    json.extend(b"0]}");
    case.write("large.json", json);
    let mut large = good.clone();
    if let Some(Input::Air(files)) = &mut large.input {
        files.private_input = Some(upload(&mut client, &case.file("large.json")).await);
    }
    large.limits = Some(Limits {
        max_child_memory_bytes: 192 << 20,
        ..Limits::default()
    });
    let small = JobSpec {
        limits: large.limits,
        ..good
    };
    let large = submit(&mut client, large).await.id;
    let small = submit(&mut client, small).await.id;
    let job = wait(&mut client, &large).await;
    let failure = job.failure.clone().unwrap_or_default();
    assert_eq!(
        (job.state(), failure.class(), &*failure.code, failure.retryable),
        (JobState::Failed, FailureClass::Resource, "limits.memory", false),
        "{job:?}"
    );
    assert!(failure.message.contains("max_child_memory_bytes"), "{failure:?}");
    // The same limit is enough for an input of normal size.
    let job = wait(&mut client, &small).await;
    assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
}

/// The message quotes the hint. It is sent between processes, recorded twice, and part of every list.
#[tokio::test(flavor = "multi_thread")]
async fn a_hint_of_megabytes_takes_no_room_in_the_store() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let mut client = service.client().await;
    let program = fs::read_to_string(examples().join("collatz/program.json")).unwrap();
    let mut program: serde_json::Value = serde_json::from_str(&program).unwrap();
    let hints = program["hints"].as_object_mut().unwrap();
    let hint = &mut hints.values_mut().next().unwrap()[0];
    hint["code"] = "x".repeat(20 << 20).into();
    folder.write("program.json", program.to_string());
    let mut spec = long_job(&mut client, 0).await;
    if let Some(Input::Program(input)) = &mut spec.input {
        input.program = Some(upload(&mut client, &folder.file("program.json")).await);
    }
    for _ in 0..3 {
        let id = submit(&mut client, spec.clone()).await.id;
        let failure = wait(&mut client, &id).await.failure.unwrap_or_default();
        assert_eq!(failure.code, "input.hint", "{failure:?}");
        assert!(
            failure.message.len() <= 4 << 10,
            "{} bytes",
            failure.message.len()
        );
        // Both ends are there: where the hint is, and what to do.
        assert!(failure.message.starts_with("the hint at pc"), "{failure:?}");
        assert!(failure.message.contains("--private_input_file"), "{failure:?}");
    }
    let listed = client.list(ListJobsRequest::default()).await.unwrap();
    assert_eq!(listed.jobs.len(), 3);
    let store = fs::metadata(folder.file("data/store.redb")).unwrap();
    assert!(store.len() < 20 << 20, "{} bytes", store.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_would_take_too_long_takes_no_device() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    // The pace is that of one small proof. The job has 16 times its work, which is seconds on any machine.
    let small = long_job(&mut client, 1 << 13).await;
    let long = long_job(&mut client, 1 << 17).await;
    let measured = submit(&mut client, small).await.id;
    assert_eq!(wait(&mut client, &measured).await.state(), JobState::Succeeded);
    let limited = JobSpec {
        limits: Some(Limits {
            max_device_seconds: 1,
            ..Limits::default()
        }),
        ..long
    };
    let job = submit(&mut client, limited.clone()).await;
    let failure = wait(&mut client, &job.id).await.failure.unwrap_or_default();
    assert_eq!(
        (&*failure.code, &*failure.stage),
        ("limits.device_time", "prepare")
    );
    assert!(failure.message.contains("at most 1 "), "{failure:?}");
    let refused = client.estimate(limited).await.unwrap_err().to_string();
    assert!(refused.contains("limits.device_time"), "{refused}");

    // Proof of work without end is refused by its number of bits.
    let mut spec = air_job(&mut client, &case, "blake").await;
    if let Some(Parameters::ParameterFile(text)) = &mut spec.parameters {
        let mut file: serde_json::Value = serde_json::from_str(text).unwrap();
        file["stark"]["fri"]["proof_of_work_bits"] = 60.into();
        *text = file.to_string();
    }
    let id = submit(&mut client, spec).await.id;
    let failure = wait(&mut client, &id).await.failure.unwrap_or_default();
    assert_eq!(failure.code, "limits.max_proof_of_work_bits");
    assert!(failure.message.contains("is 60; at most 32"), "{failure:?}");
}
