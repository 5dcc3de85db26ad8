//! A fault affects only the job that it happens to: hostile inputs, dead processes, damaged files.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, kept, long_job, signal, slow_job, submit, upload, wait};
use quarry_client::protocol::{BuiltinsBinding, FailureClass, JobSpec, JobState, Limits, job_spec::Input};
use quarry_client::{Client, ClientError};
use std::fs;
use std::time::{Duration, Instant, SystemTime};

const PLAIN: &str = "plain/fib_2p9";

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_input_fails_alone() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let good = air_job(&mut client, &case, "blake").await;
    let Some(Input::Air(files)) = good.input.clone() else {
        panic!("four files");
    };
    let with = |change: &dyn Fn(&mut quarry_client::protocol::AirInput)| {
        let mut files = files.clone();
        change(&mut files);
        JobSpec {
            input: Some(Input::Air(files)),
            ..good.clone()
        }
    };
    let mut file = async |name: &str, bytes: &[u8]| {
        case.write(name, bytes);
        Some(upload(&mut client, &case.file(name)).await)
    };
    let not_json = file("not_json", b"{").await;
    let trace = fs::read(case.file("trace.bin")).unwrap();
    let cut = file("cut", &trace[1..]).await;
    let short = file("short", &trace[24..]).await;
    let mut other = trace.clone();
    // The allocation pointer of a step in the middle of the trace.
    other[24 * 100] ^= 1;
    let other = file("other", &other).await;
    let memory_limit = Limits {
        max_child_memory_bytes: 64 << 20,
        ..Limits::default()
    };
    let time_limit = Limits {
        max_device_seconds: 1,
        ..Limits::default()
    };
    let step_limit = Limits {
        max_steps: 256,
        ..Limits::default()
    };
    let limited = |limits: Limits, spec: &JobSpec| JobSpec {
        limits: Some(limits),
        ..spec.clone()
    };
    let long = long_job(&mut client, 1 << 13).await;
    let large = long_job(&mut client, 1 << 18).await;
    let wrong_program = JobSpec {
        expected_program_hash: "0x1".to_owned(),
        ..good.clone()
    };
    let wrong_layout = JobSpec {
        layout: "starknet".to_owned(),
        ..good.clone()
    };
    use FailureClass::{InputInvalid, Resource, Unsupported};
    let table = [
        (
            with(&|files| files.public_input = not_json.clone()),
            InputInvalid,
            "input.json",
        ),
        (
            with(&|files| files.private_input = not_json.clone()),
            InputInvalid,
            "input.json",
        ),
        (
            with(&|files| files.trace = cut.clone()),
            InputInvalid,
            "input.air",
        ),
        (
            with(&|files| files.trace = short.clone()),
            InputInvalid,
            "input.air",
        ),
        (with(&|files| files.trace = other.clone()), InputInvalid, "input."),
        (with(&|files| files.memory = None), InputInvalid, "spec.input"),
        (wrong_layout, InputInvalid, "spec.layout"),
        (wrong_program, InputInvalid, "input.program_hash"),
        (limited(step_limit, &good), Resource, "limits.max_steps"),
        (limited(memory_limit, &large), Resource, "limits.memory"),
        (limited(time_limit, &long), Resource, "limits.device_time"),
        (
            JobSpec {
                layout: "plain".to_owned(),
                ..long.clone()
            },
            Unsupported,
            "input.layout",
        ),
    ];
    let mut ids = Vec::new();
    for (spec, class, code) in table {
        ids.push((submit(&mut client, spec).await.id, class, code));
    }
    let good = submit(&mut client, good).await.id;
    for (id, class, code) in ids {
        let job = wait(&mut client, &id).await;
        let failure = job.failure.clone().unwrap_or_else(|| panic!("{code}: {job:?}"));
        assert_eq!(failure.class(), class, "{failure:?}");
        assert!(failure.code.starts_with(code), "{code}: {failure:?}");
        assert!(!failure.retryable);
        // Messages must not reveal the service's paths.
        assert!(!failure.message.contains("/"), "{failure:?}");
        let state = match class {
            Resource => JobState::Failed,
            _ => JobState::Rejected,
        };
        assert_eq!(job.state(), state, "{failure:?}");
        assert!(matches!(client.result(&id).await, Err(ClientError::Status(_))));
    }
    assert_eq!(wait(&mut client, &good).await.state(), JobState::Succeeded);
}

/// Stone's files may contain comments, for the service too.
#[tokio::test(flavor = "multi_thread")]
async fn comments_in_stones_inputs_are_taken() {
    let case = Folder::with_case(PLAIN);
    for name in ["public_input", "private_input", "params_blake"] {
        let file = case.file(&format!("{name}.json"));
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("/* by hand */ {text} // the end }}")).unwrap();
    }
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let job = air_job(&mut client, &case, "blake").await;
    let id = submit(&mut client, job).await.id;
    let job = wait(&mut client, &id).await;
    assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
}

/// A program's hash does not cover its builtins: with Stone's four files they must be determined otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_hash_needs_its_builtins() {
    let case = Folder::with_case("small/c1");
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let good = air_job(&mut client, &case, "base").await;
    let first = submit(&mut client, good.clone()).await.id;
    let statement = wait(&mut client, &first).await.statement.expect("a statement");
    let claim = statement.claim.clone().expect("a claim");
    assert_eq!((&*claim.run, claim.builtins.len()), ("cairo0", 4));
    assert_eq!(claim.builtins_binding(), BuiltinsBinding::Unbound);
    let with = |layout: &str, builtins: &[&str]| JobSpec {
        expected_program_hash: statement.program_hash_poseidon.clone(),
        expected_builtins: builtins.iter().map(|&name| name.to_owned()).collect(),
        layout: layout.to_owned(),
        ..good.clone()
    };
    let list = ["output", "pedersen", "range_check", "ecdsa"];
    for (spec, binding) in [
        (with("", &[]), None),
        (with("auto", &[]), None),
        (with("", &list[..3]), None),
        (with("", &["output", "pedersen", "range_check", "bitwise"]), None),
        (with("small", &[]), Some(BuiltinsBinding::Layout)),
        (with("", &list), Some(BuiltinsBinding::List)),
    ] {
        let id = submit(&mut client, spec).await.id;
        let job = wait(&mut client, &id).await;
        match binding {
            None => {
                let failure = job.failure.clone().unwrap_or_else(|| panic!("{job:?}"));
                assert_eq!(failure.code, "input.builtins", "{failure:?}");
            }
            Some(binding) => {
                assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
                let result = client.result(&id).await.unwrap();
                let claim = result.statement.and_then(|statement| statement.claim);
                assert_eq!(claim.expect("a claim").builtins_binding(), binding);
                let facts = result.facts.expect("facts");
                assert_eq!(
                    (&*facts.mode, facts.integrity_fact.starts_with("0x")),
                    ("strict", true)
                );
            }
        }
    }
}

/// Every form of run that Stone proves is proved, and the job reports what the proof shows.
#[tokio::test(flavor = "multi_thread")]
async fn runs_of_every_form_are_proved() {
    for (case, run) in [
        ("small/entry_without_ap", "cairo1"),
        ("small/missing_builtin", "cairo0"),
    ] {
        let case = Folder::with_case(case);
        let service = Appliance::start(&case, "");
        let mut client = service.client().await;
        let job = air_job(&mut client, &case, "base").await;
        let id = submit(&mut client, job).await.id;
        let job = wait(&mut client, &id).await;
        assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
        let claim = job
            .statement
            .and_then(|statement| statement.claim)
            .expect("a claim");
        assert_eq!(claim.run, run);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_die_and_jobs_go_on() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let mut client = service.client().await;
    let spec = long_job(&mut client, 1 << 13).await;

    // The deadline passes. (There is no pace yet, so the job is accepted.)
    let deadline = SystemTime::now() + Duration::from_secs(1);
    let late = JobSpec {
        deadline: Some(deadline.into()),
        ..spec.clone()
    };
    let id = submit(&mut client, late).await.id;
    assert_eq!(wait(&mut client, &id).await.state(), JobState::Expired);

    // A worker dies in the middle of a proof: the job gets a new lease and succeeds.
    let id = submit(&mut client, spec.clone()).await.id;
    let on_device = async |client: &mut Client, id: &str| {
        loop {
            let job = client.get(id).await.unwrap();
            if job.state() == JobState::Running && !job.stage.is_empty() {
                return job;
            }
            assert!(!job.state().has_ended(), "{job:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let before = on_device(&mut client, &id).await;
    signal("KILL", service.process("worker"));
    let job = wait(&mut client, &id).await;
    assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
    assert_eq!(job.failed_attempts, 1);
    assert!(job.lease_epoch > before.lease_epoch);

    // A job whose workers always die fails with the cause.
    let id = submit(&mut client, spec.clone()).await.id;
    for attempt in 1..=3 {
        on_device(&mut client, &id).await;
        signal("KILL", service.process("worker"));
        while client.get(&id).await.unwrap().failed_attempts < attempt {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let job = wait(&mut client, &id).await;
    let failure = job.failure.clone().unwrap_or_default();
    let causes = job.attempt_failures.iter();
    assert!(
        causes.filter(|cause| cause.message.contains("SIGKILL")).count() == 3,
        "{job:?}"
    );
    assert_eq!(
        (job.state(), job.failed_attempts),
        (JobState::Failed, 3),
        "{job:?}"
    );
    assert_eq!(
        (failure.class(), &*failure.code),
        (FailureClass::Device, "worker.died")
    );
    assert!(failure.message.contains("SIGKILL"), "{failure:?}");

    // Cancelled: the state is final, and the device is free within a second.
    let id = submit(&mut client, spec.clone()).await.id;
    on_device(&mut client, &id).await;
    let start = Instant::now();
    let job = client.cancel(&id).await.unwrap();
    assert_eq!(job.state(), JobState::Cancelled);
    loop {
        let devices = client.capabilities().await.unwrap().devices;
        if devices[0].job_id.is_empty() {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(1), "{devices:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    // As by the out-of-memory killer: the input is not to blame.
    let id = submit(&mut client, spec.clone()).await.id;
    signal("KILL", service.process("child"));
    let job = wait(&mut client, &id).await;
    assert_eq!(
        (job.state(), job.failed_attempts),
        (JobState::Succeeded, 1),
        "{job:?}"
    );
}

/// A child that crashes is a bug of the service. An input that crashes it each time ends after its attempts.
#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_always_crashes_fails_alone() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let mut client = service.client().await;
    let poison = slow_job(&mut client, &folder).await;
    let poison = submit(&mut client, poison).await.id;
    // The runtime of Rust takes a first SIGSEGV or SIGBUS that another process sent.
    for (n, crash) in ["TRAP", "FPE", "ILL"].into_iter().enumerate() {
        signal(crash, service.process("child"));
        loop {
            let job = client.get(&poison).await.unwrap();
            if job.failed_attempts > n as u32 {
                break;
            }
            assert!(!job.state().has_ended(), "{job:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let job = wait(&mut client, &poison).await;
    let failure = job.failure.clone().unwrap_or_default();
    assert_eq!(
        (job.state(), failure.class(), &*failure.code),
        (JobState::Failed, FailureClass::Internal, "child.signal"),
        "{job:?}"
    );
    assert!(failure.message.contains("SIGILL"), "{failure:?}");
    let causes: Vec<_> = job.attempt_failures.iter().map(|cause| &*cause.code).collect();
    assert_eq!(causes, ["child.signal"; 3]);
    let small = long_job(&mut client, 0).await;
    let other = submit(&mut client, small).await.id;
    assert_eq!(wait(&mut client, &other).await.state(), JobState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    let Some(Input::Air(files)) = spec.input.clone() else {
        panic!("four files");
    };
    let trace = files.trace.unwrap();
    let objects = kept(&case, "objects");
    let object = objects.iter().find(|path| path.ends_with(&trace.sha256)).unwrap();
    let mut bytes = fs::read(object).unwrap();
    bytes[1000] ^= 1;
    fs::write(object, bytes).unwrap();

    let id = submit(&mut client, spec).await.id;
    let failure = wait(&mut client, &id).await.failure.unwrap();
    assert_eq!(
        (failure.class(), &*failure.code),
        (FailureClass::Internal, "artifact.damaged")
    );
    let downloaded = client.download(&trace, &case.file("downloaded")).await;
    assert!(downloaded.unwrap_err().to_string().contains("not match"));
    // The service stays available.
    let params = case.file("params_blake.json");
    let intact = upload(&mut client, &params).await;
    client.download(&intact, &case.file("downloaded")).await.unwrap();
    assert_eq!(
        fs::read(case.file("downloaded")).unwrap(),
        fs::read(params).unwrap()
    );
}
