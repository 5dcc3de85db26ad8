//! Metrics, health and readiness of the real service after real jobs.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, until};
use quarry_client::Client;
use quarry_client::protocol::prover_client::ProverClient;
use quarry_client::protocol::upload_artifact_request::Part;
use quarry_client::protocol::{JobSpec, JobState, UploadArtifactRequest, UploadHeader};
use std::time::{Duration, Instant, SystemTime};

const PLAIN: &str = "plain/fib_2p9";

/// Hides all GPUs of the machine.
const NO_CARD: [(&str, &str); 3] = [
    ("CUDA_VISIBLE_DEVICES", "-1"),
    ("VK_DRIVER_FILES", "/dev/null"),
    ("VK_ICD_FILENAMES", "/dev/null"),
];

async fn ends(client: &mut Client, spec: &JobSpec, state: JobState) {
    let id = client.submit(spec.clone()).await.unwrap().job.unwrap().id;
    let job = client.wait(&id, |_| {}).await.unwrap();
    assert_eq!(job.state(), state, "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_after_proofs_and_failures() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start_with(&case, "--device auto --device cpu", &NO_CARD).unwrap();
    assert_eq!(service.page("/healthz").0, 200);
    until("readiness", || (service.page("/readyz").0 == 200).then_some(()));
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    let due = JobSpec {
        deadline: Some((SystemTime::now() + Duration::from_secs(600)).into()),
        ..spec.clone()
    };
    ends(&mut client, &spec, JobState::Succeeded).await;
    ends(&mut client, &due, JobState::Succeeded).await;
    let bad = JobSpec {
        expected_program_hash: "0x1".to_owned(),
        ..spec.clone()
    };
    ends(&mut client, &bad, JobState::Rejected).await;
    let mut absent = spec;
    if let Some(quarry_client::protocol::job_spec::Input::Air(air)) = &mut absent.input {
        air.trace.as_mut().unwrap().sha256 = "0".repeat(64);
    }
    client.submit(absent).await.expect_err("no such file");
    // Its declared digest is no digest.
    let mut upload = ProverClient::connect(format!("http://{}", service.address))
        .await
        .unwrap();
    let header = UploadArtifactRequest {
        part: Some(Part::Header(UploadHeader::default())),
    };
    upload
        .upload_artifact(tokio_stream::iter([header]))
        .await
        .expect_err("no digest");

    // Callers without configured clients have no tenant's name.
    let tenant = |name, labels| format!("quarry_tenant_{name}{{tenant=\"\"{labels}}}");
    let calls =
        |method, code| format!("quarry_grpc_call_seconds_count{{method=\"{method}\",code=\"{code}\"}}");
    // Name and labels, smallest and largest correct value.
    let bad = "class=\"input_invalid\",code=\"input.program_hash\"";
    let table = [
        (
            "quarry_jobs_ended_total{state=\"succeeded\"}".to_owned(),
            2.0,
            2.0,
        ),
        ("quarry_jobs_ended_total{state=\"rejected\"}".to_owned(), 1.0, 1.0),
        ("quarry_jobs_ended_total{state=\"expired\"}".to_owned(), 0.0, 0.0),
        (tenant("jobs_ended_total", ",state=\"succeeded\""), 2.0, 2.0),
        (tenant("jobs_ended_total", ",state=\"rejected\""), 1.0, 1.0),
        (tenant("jobs_ended_total", ",state=\"failed\""), 0.0, 0.0),
        (tenant("jobs_waiting", ""), 0.0, 0.0),
        (tenant("jobs_proving", ""), 0.0, 0.0),
        (tenant("device_seconds_total", ""), 1e-3, 120.0),
        (calls("SubmitJob", "OK"), 3.0, 3.0),
        (calls("SubmitJob", "FAILED_PRECONDITION"), 1.0, 1.0),
        (calls("UploadArtifact", "OK"), 1.0, 4.0),
        (calls("UploadArtifact", "INVALID_ARGUMENT"), 1.0, 1.0),
        (calls("WatchJobs", "OK"), 1.0, 3.0),
        (
            "quarry_job_failures_total{class=\"input_invalid\"}".to_owned(),
            1.0,
            1.0,
        ),
        ("quarry_job_failures_total{class=\"device\"}".to_owned(), 0.0, 0.0),
        (
            format!("quarry_attempts_failed_total{{{bad},retryable=\"false\"}}"),
            1.0,
            1.0,
        ),
        (
            "quarry_submissions_refused_total{reason=\"artifact\"}".to_owned(),
            1.0,
            1.0,
        ),
        ("quarry_phase_seconds_count{phase=\"FRI\"}".to_owned(), 2.0, 2.0),
        ("quarry_phase_seconds_sum{phase=\"FRI\"}".to_owned(), 1e-5, 60.0),
        ("quarry_proof_seconds_count".to_owned(), 2.0, 2.0),
        ("quarry_proof_seconds_sum".to_owned(), 1e-3, 120.0),
        // The first proof has no estimate.
        ("quarry_estimate_error_ratios_count".to_owned(), 1.0, 1.0),
        ("quarry_estimate_error_ratios_sum".to_owned(), 0.05, 20.0),
        ("quarry_deadline_slack_seconds_count".to_owned(), 1.0, 1.0),
        ("quarry_deadline_slack_seconds_sum".to_owned(), 400.0, 600.0),
        ("quarry_queue_depth".to_owned(), 0.0, 0.0),
        ("quarry_queue_oldest_age_seconds".to_owned(), 0.0, 0.0),
        ("quarry_jobs_proving".to_owned(), 0.0, 0.0),
        ("quarry_device_ready{device=\"auto\"}".to_owned(), 1.0, 1.0),
        ("quarry_device_ready{device=\"cpu\"}".to_owned(), 1.0, 1.0),
        ("quarry_device_fallback{device=\"auto\"}".to_owned(), 1.0, 1.0),
        ("quarry_device_fallback{device=\"cpu\"}".to_owned(), 0.0, 0.0),
        ("quarry_ready".to_owned(), 1.0, 1.0),
        ("quarry_paused".to_owned(), 0.0, 0.0),
        ("quarry_store_failing".to_owned(), 0.0, 0.0),
        ("quarry_store_size_bytes".to_owned(), 1e3, 1e9),
        ("quarry_process_resident_memory_bytes".to_owned(), 1e6, 1e10),
        ("quarry_process_open_descriptors".to_owned(), 5.0, 1e3),
        ("quarry_process_max_descriptors".to_owned(), 64.0, 1e19),
        (
            "quarry_uploads_refused_total{reason=\"invalid\"}".to_owned(),
            1.0,
            1.0,
        ),
        ("quarry_worker_starts_total{device=\"auto\"}".to_owned(), 1.0, 1.0),
        (
            "quarry_device_fallbacks_total{device=\"auto\"}".to_owned(),
            1.0,
            1.0,
        ),
        ("quarry_disk_free_bytes".to_owned(), 1.0, 1e18),
        ("quarry_artifacts_size_bytes".to_owned(), 0.0, 1e9),
        (
            "quarry_disk_watermark_bytes".to_owned(),
            1073741824.0,
            1073741824.0,
        ),
        (
            format!("quarry_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")),
            1.0,
            1.0,
        ),
    ];
    let (status, _, page) = service.page("/metrics");
    assert_eq!(status, 200);
    for (name, least, most) in table {
        let value = service.metric(&name);
        let is_right = value.is_some_and(|value| (least..=most).contains(&value));
        assert!(is_right, "{name} is {value:?}, not in {least} ..= {most}: {page}");
    }
    let peak = |device| {
        let name = format!("quarry_device_memory_peak_bytes{{device=\"{device}\",phase=\"FRI\"}}");
        service.metric(&name)
    };
    let peak = peak("auto").or_else(|| peak("cpu")).unwrap();
    assert!((1e3..=1e9).contains(&peak), "{peak}: {page}");
    // One or both of the devices were busy.
    let busy = |device| {
        service.metric(&format!(
            "quarry_device_busy_seconds_total{{device=\"{device}\"}}"
        ))
    };
    let busy = busy("auto").unwrap_or(0.0) + busy("cpu").unwrap_or(0.0);
    assert!(
        busy >= service.metric("quarry_proof_seconds_sum").unwrap(),
        "{busy}: {page}"
    );
    assert_eq!(
        service.metric("quarry_device_fallbacks_total{device=\"cpu\"}"),
        Some(0.0)
    );
    let devices = client.capabilities().await.unwrap().devices;
    assert!(
        !devices[0].note.is_empty() && devices[1].note.is_empty(),
        "{devices:?}"
    );
    assert!(service.log().contains("no GPU is usable"), "{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_is_counted() {
    let case = Folder::with_case(PLAIN);
    let client = |token: &str, roles: &str| {
        let sha256 = quarry_client::digest::digest(token.as_bytes()).unwrap().sha256;
        format!(
            "[[clients]]\nsha256 = \"{sha256}\"\ntenant = \"a\"\nroles = [{roles}]\nmax_active_jobs = 0\n"
        )
    };
    let clients = client("token-of-a", "\"submit\"") + &client("token-of-reader", "\"read\"");
    case.write("quarry.toml", clients);
    let service = Appliance::start(&case, "--config quarry.toml");
    let with = |token: Option<&str>| quarry_client::Connection {
        token: token.map(str::to_owned),
        ..service.connection()
    };
    for token in [
        None,
        Some("token-of-nobody"),
        Some("token-of-reader"),
        Some("token-of-a"),
    ] {
        let mut client = Client::connect(&with(token)).await.unwrap();
        let spec = match token {
            Some("token-of-a") => air_job(&mut client, &case, "blake").await,
            _ => JobSpec::default(),
        };
        client.submit(spec).await.expect_err("a refusal");
    }
    for (counter, reason) in [
        ("authentication_failures", "no_credentials"),
        ("authentication_failures", "unknown_token"),
        ("authentication_failures", "role"),
        ("submissions_refused", "quota"),
    ] {
        let name = format!("quarry_{counter}_total{{reason=\"{reason}\"}}");
        assert_eq!(service.metric(&name), Some(1.0), "{name}");
    }
    for (code, n) in [
        ("UNAUTHENTICATED", 2.0),
        ("PERMISSION_DENIED", 1.0),
        ("FAILED_PRECONDITION", 1.0),
    ] {
        let name = format!("quarry_grpc_call_seconds_count{{method=\"SubmitJob\",code=\"{code}\"}}");
        assert_eq!(service.metric(&name), Some(n), "{name}");
    }
}

#[test]
fn readiness_has_reasons() {
    let folder = Folder::new();
    let service = Appliance::start_with(&folder, "--device cuda:7", &NO_CARD).unwrap();
    let body = until("a reason", || {
        let (status, _, body) = service.page("/readyz");
        assert_eq!(status, 503, "{body}");
        (!body.contains("starting")).then_some(body)
    });
    assert!(body.contains("no device has a ready worker: "), "{body}");
    assert!(body.contains("cuda:7: "), "{body}");
    // The service is alive.
    assert_eq!(service.page("/healthz").0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection_are_as_any_client_finds_them() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", service.address));
    let channel = channel.unwrap().connect().await.unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let request = tonic_health::pb::HealthCheckRequest {
        service: "quarry.prover.v1.Prover".to_owned(),
    };
    let start = Instant::now();
    loop {
        let status = health.check(request.clone()).await.unwrap().into_inner().status();
        if status == tonic_health::pb::health_check_response::ServingStatus::Serving {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{status:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::{ServerReflectionRequest, server_reflection_request::MessageRequest};
    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answer = ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::iter([list]))
        .await
        .unwrap();
    let answer = answer.into_inner().message().await.unwrap();
    assert!(
        format!("{answer:?}").contains("quarry.prover.v1.Prover"),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_json_tell_the_life_of_a_job_and_no_secret() {
    let case = Folder::with_case(PLAIN);
    let token = "token-of-a-client";
    let sha256 = quarry_client::digest::digest(token.as_bytes()).unwrap().sha256;
    let client =
        format!("[[clients]]\nsha256 = \"{sha256}\"\ntenant = \"a\"\nroles = [\"submit\", \"read\"]\n");
    case.write("quarry.toml", client);
    let service = Appliance::start(&case, "--config quarry.toml");
    let with = |token: &str| quarry_client::Connection {
        token: Some(token.to_owned()),
        ..service.connection()
    };
    let mut stranger = Client::connect(&with("token-of-a-stranger")).await.unwrap();
    stranger.capabilities().await.expect_err("a stranger");
    let mut client = Client::connect(&with(token)).await.unwrap();
    let spec = air_job(&mut client, &case, "blake").await;
    let good = client.submit(spec.clone()).await.unwrap().job.unwrap().id;
    client.wait(&good, |_| {}).await.unwrap();
    let bad = JobSpec {
        expected_program_hash: "0x1".to_owned(),
        dedup_key: "a-dedup-key".to_owned(),
        ..spec
    };
    let bad = client.submit(bad).await.unwrap().job.unwrap().id;
    client.wait(&bad, |_| {}).await.unwrap();
    // The death of a worker is logged too.
    crate::common::appliance::signal("KILL", service.process("worker"));
    until("the end of the worker", || {
        service.log().contains("the worker has ended").then_some(())
    });

    let log = service.log();
    let events: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}")))
        .collect();
    for event in &events {
        let (time, level) = (&event["timestamp"], &event["level"]);
        assert!(
            time.is_string() && level.is_string() && event["fields"]["message"].is_string(),
            "{event}"
        );
        let mut fields = event["fields"].as_object().unwrap().values();
        assert!(fields.all(|value| value != ""), "{event}");
    }
    let life = |id: &str| -> Vec<String> {
        let of_job = events.iter().filter(|event| event["fields"]["id"] == id);
        let states = of_job.filter_map(|event| event["fields"]["state"].as_str());
        states.map(str::to_owned).collect()
    };
    assert_eq!(
        life(&good),
        [
            "received",
            "validating",
            "queued",
            "running",
            "verifying",
            "succeeded"
        ]
    );
    assert_eq!(life(&bad), ["received", "validating", "rejected"]);
    let last = events
        .iter()
        .rfind(|event| event["fields"]["id"] == *bad)
        .unwrap();
    assert_eq!(last["fields"]["code"], "input.program_hash", "{last}");
    // What ended says how long it took.
    let worker = events
        .iter()
        .find(|event| event["fields"]["message"] == "the worker has ended");
    for ended in [last, worker.unwrap()] {
        assert!(ended["fields"]["seconds"].is_f64(), "{ended}");
    }
    for secret in ["token-of", "a-dedup-key", &*sha256] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_stops_nothing() {
    let folder = Folder::new();
    let service = Appliance::start_unread(&folder, "--log-level trace");
    let mut client = service.client().await;
    let dropped = || service.metric("quarry_log_lines_dropped_total").unwrap_or(0.0);
    let mut n_calls = 0;
    // Each call logs many lines at this level.
    while dropped() == 0.0 {
        assert!(n_calls < 100_000, "no line was dropped");
        for _ in 0..100 {
            // Some are refused: they come too fast.
            let _ = client.capabilities().await;
        }
        n_calls += 100;
    }
    assert_eq!(service.page("/healthz").0, 200);
    let start = Instant::now();
    assert_eq!(service.terminate().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
