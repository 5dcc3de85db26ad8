//! Long-term operation: expiry of files, a full disk, a damaged store.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, kept, submit, until, wait};
use quarry_client::ClientError;
use quarry_client::protocol::{JobSpec, JobState, job_spec::Input};
use quarry_service::job::Job;
use quarry_service::store::{Fence, JobStore, RedbStore, Renew};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;
use tonic::Code;

const PLAIN: &str = "plain/fib_2p9";
const SERVE: &str = "serve --data data --listen 127.0.0.1:0 --http 127.0.0.1:0 --device cpu";

fn code<T: std::fmt::Debug>(result: Result<T, ClientError>) -> Code {
    match result {
        Err(ClientError::Status(status)) => status.code(),
        other => panic!("{other:?}"),
    }
}

fn n_objects(folder: &Folder) -> usize {
    kept(folder, "objects").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_go_first_then_jobs() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    let spec = JobSpec {
        dedup_key: "once".to_owned(),
        ..spec
    };
    let id = submit(&mut client, spec.clone()).await.id;
    assert_eq!(wait(&mut client, &id).await.state(), JobState::Succeeded);
    let proof = client.result(&id).await.unwrap().proof.unwrap();
    let Some(Input::Air(files)) = &spec.input else {
        panic!("four files");
    };
    let trace = files.trace.clone().unwrap();
    drop(service);
    // Four inputs, two statement files (as prepared, not as uploaded), the proof.
    assert_eq!(n_objects(&case), 7);

    // Low disk space removes the inputs of finished jobs at once, and nothing else.
    let short = format!(
        "[artifacts]\nmin_free_bytes = {}\nkeep_seconds = 0\nkeep_all_seconds = 0\n",
        i64::MAX
    );
    case.write("short.toml", short);
    let service = Appliance::start(&case, "--config short.toml");
    let mut client = service.client().await;
    until("end of the inputs", || (n_objects(&case) <= 3).then_some(()));
    assert_eq!(
        code(client.download(&trace, &case.file("trace")).await),
        Code::NotFound
    );
    client.download(&proof, &case.file("proof.json")).await.unwrap();
    let taken = client.submit(spec.clone()).await.unwrap();
    assert!(taken.existing, "the job is known");
    let other = JobSpec {
        dedup_key: "twice".to_owned(),
        ..spec.clone()
    };
    assert_eq!(code(client.submit(other).await), Code::FailedPrecondition);
    case.write("new", "a new file");
    assert_eq!(
        code(client.upload(&case.file("new")).await),
        Code::ResourceExhausted
    );
    drop(service);
    case.quarry("store check --data data").exits(0);

    case.write(
        "old.toml",
        "keep_jobs_seconds = 0\n[artifacts]\nkeep_seconds = 0\nkeep_all_seconds = 0\n",
    );
    let service = Appliance::start(&case, "--config old.toml");
    let mut client = service.client().await;
    until("end of all files", || (n_objects(&case) == 0).then_some(()));
    assert_eq!(code(client.get(&id).await), Code::NotFound);
    assert_eq!(code(client.by_dedup_key("once").await), Code::NotFound);
    assert_eq!(
        code(client.download(&proof, &case.file("again.json")).await),
        Code::NotFound
    );
}

/// Sets the maximum file size of a process.
fn limit_files(process: u32, bytes: &str) {
    let status = Command::new("prlimit")
        .args([format!("--pid={process}"), format!("--fsize={bytes}:unlimited")])
        .status();
    assert!(status.expect("prlimit runs").success());
}

/// Whether the service reports that it is ready, and if not, why.
fn readiness(service: &Appliance) -> (u16, String) {
    let (status, _, body) = service.page("/readyz");
    (status, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_written_stops_intake_and_loses_nothing() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    let first = submit(&mut client, spec.clone()).await.id;
    assert_eq!(wait(&mut client, &first).await.state(), JobState::Succeeded);
    let proof = client.result(&first).await.unwrap().proof.unwrap();
    let mut accepted = Vec::new();
    for _ in 0..4 {
        accepted.push(submit(&mut client, spec.clone()).await.id);
    }

    limit_files(service.id(), "1");
    assert_eq!(code(client.submit(spec.clone()).await), Code::Unavailable);
    let why = until("a reason", || {
        let (status, why) = readiness(&service);
        (status == 503).then_some(why)
    });
    assert!(why.contains("the store"), "{why}");
    // The service stays available.
    assert_eq!(service.page("/healthz").0, 200);
    client.capabilities().await.unwrap();
    client.download(&proof, &case.file("proof.json")).await.unwrap();

    limit_files(service.id(), "unlimited");
    until("readiness", || (readiness(&service).0 == 200).then_some(()));
    accepted.push(submit(&mut client, spec).await.id);
    for id in &accepted {
        assert_eq!(wait(&mut client, id).await.state(), JobState::Succeeded);
        assert_eq!(client.result(id).await.unwrap().proof.unwrap(), proof);
    }
    assert_eq!(service.terminate().code(), Some(0));
    case.quarry("store check --data data").exits(0);
}

#[test]
fn a_damaged_store_is_told_and_not_replaced() {
    let folder = Folder::new();
    drop(Appliance::start(&folder, ""));
    let whole = fs::read(folder.file("data/store.redb")).unwrap();
    let mut no_head = whole.clone();
    no_head[..4096].fill(7);
    for damaged in [&whole[..8192], &no_head] {
        folder.write("data/store.redb", damaged);
        folder.quarry(SERVE).exits(2).says(&["the store"]);
        folder
            .quarry("store check --data data")
            .exits(2)
            .says(&["the store"]);
    }
}

#[test]
fn a_check_writes_nothing() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let store = folder.file("data/store.redb");
    folder
        .quarry("store check --data data")
        .exits(2)
        .says(&["in use by a running service"]);
    // A store that was not closed is repaired by whoever opens it.
    service.kill();
    let before = (
        fs::read(&store).unwrap(),
        store.metadata().unwrap().modified().unwrap(),
    );
    folder.quarry("store check --data data").exits(0);
    folder.quarry("store backup --data data copy.redb").exits(0);
    let after = (
        fs::read(&store).unwrap(),
        store.metadata().unwrap().modified().unwrap(),
    );
    assert!(before == after, "the file was written");
    drop(Appliance::start(&folder, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_without_their_store_are_kept_and_not_served() {
    let folder = Folder::new();
    folder.write("keep.toml", "[artifacts]\nkeep_seconds = 0\n");
    folder.write("input", "an input");
    let service = Appliance::start(&folder, "--config keep.toml");
    let mut client = service.client().await;
    client.upload(&folder.file("input")).await.unwrap();
    drop(service);
    folder.quarry("store backup --data data copy.redb").exits(0);

    let store = folder.file("data/store.redb");
    let mut middle = fs::read(&store).unwrap();
    middle[4096..].fill(7);
    for lost in [None, Some(&[][..]), Some(&[7; 5000]), Some(&middle)] {
        fs::remove_file(&store).unwrap();
        if let Some(bytes) = lost {
            fs::write(&store, bytes).unwrap();
        }
        let data = folder.file("data");
        folder.quarry(SERVE).exits(2).says(&[
            "the store",
            &format!("cp /backup/store.redb {}/store.redb", data.display()),
            &format!("quarry store check --data {}", data.display()),
        ]);
        assert_eq!(fs::read(&store).ok().as_deref(), lost, "nothing is written");
        assert_eq!(n_objects(&folder), 1);
        if lost.is_none() {
            fs::write(&store, "").unwrap();
        }
    }

    fs::copy(folder.file("copy.redb"), &store).unwrap();
    folder.quarry("store check --data data").exits(0);
    let service = Appliance::start(&folder, "--config keep.toml");
    until("the doubt", || {
        service.log().contains("collection is off").then_some(())
    });
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(n_objects(&folder), 1, "nothing is collected yet");
    drop(service);
    folder.write(
        "later.toml",
        "[artifacts]\nkeep_seconds = 0\nkeep_all_seconds = 0\n",
    );
    let _service = Appliance::start(&folder, "--config later.toml");
    until("the collection", || (n_objects(&folder) == 0).then_some(()));
}

/// Starts the service as a user who may not override the modes of files; what it says.
fn serve_by_modes(folder: &Folder) -> String {
    let program = env!("CARGO_BIN_EXE_quarry");
    let root = Command::new("id").arg("-u").output().expect("id runs").stdout == b"0\n";
    let mut command = Command::new("timeout");
    command.arg("60");
    if root {
        command.args(["setpriv", "--bounding-set=-dac_override,-dac_read_search"]);
    }
    let ran = command
        .arg(program)
        .args(SERVE.split(' '))
        .current_dir(folder.path())
        .output();
    let ran = ran.expect("the service starts");
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    String::from_utf8(ran.stderr).unwrap()
}

#[test]
fn data_of_another_user_needs_no_restore() {
    let folder = Folder::new();
    drop(Appliance::start(&folder, ""));
    fs::create_dir_all(folder.file("data/artifacts/tenant")).unwrap();
    for name in ["data/store.redb", "data/artifacts"] {
        let path = folder.file(name);
        let mode = path.metadata().unwrap().permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        let said = serve_by_modes(&folder);
        fs::set_permissions(&path, mode).unwrap();
        assert!(said.contains("denied"), "{said}");
        assert!(!said.contains("/backup"), "{said}");
    }
    drop(Appliance::start(&folder, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_shrinks_after_its_jobs_expired() {
    let case = Folder::with_case(PLAIN);
    drop(Appliance::start(&case, ""));
    {
        let store = RedbStore::open(&case.file("data/store.redb")).unwrap();
        for _ in 0..40 {
            let spec = JobSpec {
                labels: [("label".to_owned(), "x".repeat(100_000))].into(),
                ..JobSpec::default()
            };
            let id = store.submit("", spec.into(), None).unwrap().job.id;
            let end = &mut |job: &mut Job| job.state = JobState::Failed;
            store.change(&id, Fence::Any, Renew::Keep, end).unwrap();
        }
    }
    let size = || case.file("data/store.redb").metadata().unwrap().len();
    let before = size();
    case.write(
        "old.toml",
        "keep_jobs_seconds = 0\n[artifacts]\nkeep_all_seconds = 0\n",
    );
    let service = Appliance::start(&case, "--config old.toml");
    until("the end of the jobs", || {
        service.log().contains("removed expired").then_some(())
    });
    let compacted = case.quarry("admin --data data compact").exits(0);
    compacted.says(&["the store has", "MiB before"]);
    assert!(size() < before / 2, "{before} bytes, {} now", size());
    drop(service);
    let service = Appliance::start(&case, "");
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    let id = submit(&mut client, spec).await.id;
    assert_eq!(wait(&mut client, &id).await.state(), JobState::Succeeded);
    assert_eq!(service.terminate().code(), Some(0));
    case.quarry("store check --data data").exits(0);
}

#[test]
fn a_store_damaged_in_the_middle_is_told() {
    let folder = Folder::new();
    drop(Appliance::start(&folder, ""));
    let whole = fs::read(folder.file("data/store.redb")).unwrap();
    let mut damaged = whole.clone();
    damaged[4096..].iter_mut().for_each(|byte| *byte ^= 0x10);
    for command in [
        SERVE,
        "store check --data data",
        "store backup --data data copy.redb",
    ] {
        folder.write("data/store.redb", &damaged);
        let ran = folder.quarry(command);
        let ran = ran.exits(2).says(&["the store is damaged"]);
        assert!(!ran.stderr.contains("panic"), "{}", ran.stderr);
    }
    assert!(!folder.file("copy.redb").exists());
}
