//! Kills the service at every named crash point and at random moments: no accepted job is lost, none is proved twice
//! with different results, and no files are left behind.

use crate::common::appliance::{Appliance, air_job, kept, try_air_job, until};
use crate::common::pie::fibonacci;
use crate::common::{Folder, assert_stones_proof};
use quarry_client::protocol::{JobSpec, JobState, ListJobsRequest};
use quarry_client::{Client, ClientError, Connection};
use quarry_service::job::Job;
use quarry_service::store::{Fence, JobStore, RedbStore, Renew};
use std::fs;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

const PLAIN: &str = "plain/fib_2p9";

/// Every crash point, in the order of a job's life.
const POINTS: &[&str] = &[
    "upload.before-rename",
    "upload.after-rename",
    "submit.before-commit",
    "submit.after-commit",
    "prepare.leased",
    "prepare.done",
    "prove.leased",
    "prove.done",
    "release.verified",
    "release.kept",
    "release.recorded",
];

/// Crash points of a job that is proved again, before it goes the way of every job.
const REOPEN_POINTS: &[&str] = &["reopen.before-commit", "reopen.after-commit"];

/// Crash points between the two proofs of a job that wraps.
const LEG_POINTS: &[&str] = &["leg.kept", "leg.recorded"];

/// Uploads and submits like a client that may not receive the response.
async fn try_to_submit(service: &Appliance, case: &Folder) -> Result<(), ClientError> {
    let mut client = Client::connect(&service.connection()).await?;
    let spec = JobSpec {
        dedup_key: "blake".to_owned(),
        ..try_air_job(&mut client, case, "blake").await?
    };
    client.submit(spec).await?;
    Ok(())
}

async fn job(client: &mut Client, case: &Folder, tag: &str, dedup_key: &str) -> JobSpec {
    JobSpec {
        dedup_key: dedup_key.to_owned(),
        ..air_job(client, case, tag).await
    }
}

/// Starts the service and checks that it is ready within two seconds.
fn restart(folder: &Folder, flags: &str) -> Appliance {
    let start = Instant::now();
    let service = Appliance::start(folder, flags);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    service
}

/// Downloads the proof of the job with a dedup key and compares it with Stone's.
async fn check_proof(client: &mut Client, case: &Folder, tag: &str, dedup_key: &str) {
    let id = client.by_dedup_key(dedup_key).await.unwrap().id;
    let job = client.wait(&id, |_| {}).await.unwrap();
    assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
    assert_eq!(job.failed_attempts, 0, "{job:?}");
    let proof = client.result(&id).await.unwrap().proof.unwrap();
    client.download(&proof, &case.file("proof.json")).await.unwrap();
    assert_stones_proof(&case.json("proof.json"), PLAIN, tag);
}

/// All jobs that have not ended.
fn unfinished() -> ListJobsRequest {
    use JobState::{Queued, Received, Running, Validating, Verifying};
    let states = [Received, Validating, Queued, Running, Verifying];
    ListJobsRequest {
        states: states.map(i32::from).to_vec(),
        page_size: 500,
        ..ListJobsRequest::default()
    }
}

/// After a collection only `n_files` complete files and no unfinished uploads are left.
fn check_files(case: &Folder, n_files: usize) {
    case.write(
        "collect.toml",
        "[artifacts]\nkeep_seconds = 0\nkeep_all_seconds = 0\n",
    );
    let service = restart(case, "--config collect.toml");
    until("the end of the collection", || {
        let (objects, parts) = (kept(case, "objects").len(), kept(case, "parts").len());
        (objects == n_files && parts == 0).then_some(())
    });
    // Only the empty scratch folder of this run.
    let runs = until("the end of earlier runs' files", || {
        let runs: Vec<_> = fs::read_dir(case.file("data/scratch")).unwrap().collect();
        (runs.len() == 1).then_some(runs)
    });
    assert_eq!(fs::read_dir(runs[0].as_ref().unwrap().path()).unwrap().count(), 0);
    drop(service);
}

/// The tables above list all crash points in the code.
#[test]
fn all_points_are_tried() {
    let mut open = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../service/src"
    ))];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(path).unwrap_or_default();
        let names = text.split("crash::point(\"").skip(1);
        found.extend(names.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    found.sort();
    let mut points = [POINTS, REOPEN_POINTS, LEG_POINTS].concat();
    points.sort();
    assert_eq!(found, points);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_point() {
    for point in POINTS {
        println!("{point}");
        let case = Folder::with_case(PLAIN);
        let crashing = Appliance::start_with(&case, "", &[("QUARRY_CRASH_AT", point)]).unwrap();
        let accepted = try_to_submit(&crashing, &case).await.is_ok();
        assert!(!crashing.wait().success(), "{point}: it crashed");

        let service = restart(&case, "");
        let mut client = service.client().await;
        let known = client.list(ListJobsRequest::default()).await.unwrap().jobs;
        assert!(
            !accepted || known.len() == 1,
            "{point}: what was accepted is there"
        );
        // A client without a response submits again and gets the same job.
        let spec = job(&mut client, &case, "blake", "blake").await;
        let again = client.submit(spec).await.unwrap();
        assert_eq!(again.existing, known.len() == 1, "{point}");
        check_proof(&mut client, &case, "blake", "blake").await;
        let jobs = client.list(ListJobsRequest::default()).await.unwrap().jobs;
        assert_eq!(jobs.len(), 1, "{point}");
        drop(service);
        // Four inputs, two statement files, the proof.
        check_files(&case, 7);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_point_of_a_proof_that_is_made_again() {
    let case = Folder::with_case(PLAIN);
    let service = restart(&case, "");
    try_to_submit(&service, &case).await.unwrap();
    let mut client = service.client().await;
    check_proof(&mut client, &case, "blake", "blake").await;
    let id = client.by_dedup_key("blake").await.unwrap().id;
    let proof = client.result(&id).await.unwrap().proof.unwrap().sha256;
    drop(service);
    let reprove = format!("admin --data data reprove {id}");
    let way = POINTS.iter().skip_while(|point| **point != "prepare.leased");
    for point in REOPEN_POINTS.iter().chain(way) {
        println!("{point}");
        let crashing = Appliance::start_with(&case, "", &[("QUARRY_CRASH_AT", point)]).unwrap();
        let mut objects = kept(&case, "objects").into_iter();
        fs::remove_file(objects.find(|path| path.ends_with(&proof)).unwrap()).unwrap();
        let _ = case.quarry(&reprove);
        assert!(!crashing.wait().success(), "{point}: it crashed");

        let service = restart(&case, "");
        // What was recorded is not asked for again.
        let is_left = *point == "reopen.before-commit";
        case.quarry(&reprove).exits(if is_left { 0 } else { 2 });
        check_proof(&mut service.client().await, &case, "blake", "blake").await;
    }
    check_files(&case, 7);
}

/// With this many unfinished jobs, clients submit no more: the test waits for all jobs after its last kill.
const MAX_WAITING: usize = 40;

/// Uploads an unreferenced file, and submits a job unless enough jobs wait; returns its id.
async fn upload_and_submit(
    at: &Connection,
    case: &Folder,
    other: &str,
) -> Result<Option<String>, ClientError> {
    let mut client = Client::connect(at).await?;
    case.write("other", other);
    client.upload(&case.file("other")).await?;
    if client.list(unfinished()).await?.jobs.len() >= MAX_WAITING {
        return Ok(None);
    }
    let spec = try_air_job(&mut client, case, "blake").await?;
    Ok(Some(client.submit(spec).await?.job.unwrap_or_default().id))
}

/// Uploads files and submits jobs, repeatedly, to whichever service is running.
async fn keep_submitting(n: usize, at: Arc<Mutex<Option<Connection>>>, submitted: Arc<Mutex<Vec<String>>>) {
    let case = Folder::with_case(PLAIN);
    for round in 0.. {
        let Some(connection) = at.lock().unwrap().clone() else {
            return;
        };
        let other = format!("{n} {round}").repeat(100_000);
        if let Ok(Some(id)) = upload_and_submit(&connection, &case, &other).await {
            submitted.lock().unwrap().push(id);
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}

/// Kills the service `QUARRY_KILLS` times, submitting another job after each.
#[tokio::test(flavor = "multi_thread")]
async fn any_moment() {
    let kills: usize = std::env::var("QUARRY_KILLS").map_or(12, |kills| kills.parse().expect("a number"));
    let tags = ["base", "blake", "kek", "felt_vf_pos", "ped_commit"];
    let case = Folder::with_case(PLAIN);
    let mut service = restart(&case, "");
    let mut accepted = Vec::new();
    // Other clients upload and submit all the time, so that kills interrupt them. Every accepted job must survive.
    let submitted = Arc::new(Mutex::new(Vec::new()));
    let address = Arc::new(Mutex::new(Some(service.connection())));
    let load: Vec<_> = (0..4)
        .map(|n| tokio::spawn(keep_submitting(n, Arc::clone(&address), Arc::clone(&submitted))))
        .collect();
    // Kill times spread evenly over any interval: multiples of the golden ratio.
    let mut moment = 0.0_f64;
    for kill in 0..kills.max(tags.len()) {
        let tag = tags[kill % tags.len()];
        let dedup_key = format!("{tag} {kill}");
        let mut client = service.client().await;
        let spec = job(&mut client, &case, tag, &dedup_key).await;
        client.submit(spec).await.unwrap();
        accepted.push((tag, dedup_key));
        moment = (moment + 0.618_033_988_749_895).fract();
        tokio::time::sleep(Duration::from_secs_f64(moment)).await;
        let left = client.list(unfinished()).await.unwrap().jobs.len();
        service.kill();
        println!("kill {kill} after {moment:.3} s: {left} jobs had not ended");
        service = restart(&case, "");
        *address.lock().unwrap() = Some(service.connection());
    }
    *address.lock().unwrap() = None;
    for load in load {
        load.await.unwrap();
    }
    let mut client = service.client().await;
    for (tag, dedup_key) in &accepted {
        check_proof(&mut client, &case, tag, dedup_key).await;
    }
    let submitted = submitted.lock().unwrap().clone();
    println!("{} jobs were accepted beside", submitted.len());
    assert!(!submitted.is_empty());
    for id in &submitted {
        let job = client.wait(id, |_| {}).await.unwrap();
        assert_eq!(
            (job.state(), job.failed_attempts),
            (JobState::Succeeded, 0),
            "{job:?}"
        );
    }
    // Jobs whose response was lost are known to no client; they must have ended too.
    assert!(client.list(unfinished()).await.unwrap().jobs.is_empty());
    let mut jobs = 0;
    let mut request = ListJobsRequest::default();
    loop {
        let page = client.list(request.clone()).await.unwrap();
        jobs += page.jobs.len();
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert!(jobs >= accepted.len() + submitted.len());
    drop(service);
    // Shared: four inputs and a public input. Per job: parameters and a proof. The other clients' files are the same,
    // except for the one that each of them uploaded.
    check_files(&case, 5 + 2 * tags.len());
}

/// The proof of [`fibonacci`] that the first leg makes: `quarry prove --pie FILE --profile cairo-verifier --bootloader
/// short` makes it too. Its proof of work takes minutes.
const FIRST_PROOF: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/first_proof.bin");

/// Before the first proof is recorded, it is made again; afterwards, it is kept.
#[tokio::test(flavor = "multi_thread")]
async fn every_point_between_two_legs() {
    let case = Folder::new();
    case.write("pie.zip", fibonacci());
    let mut id = String::new();
    for point in LEG_POINTS {
        println!("{point}");
        let env = [("QUARRY_CRASH_AT", *point), ("QUARRY_PROOF", FIRST_PROOF)];
        let crashing = Appliance::start_with(&case, "", &env).unwrap();
        if id.is_empty() {
            let server = format!("--server http://{}", crashing.address);
            let submitted = case
                .quarry(&format!("submit --pie pie.zip --wrap {server}"))
                .exits(0);
            submitted.stdout.trim().clone_into(&mut id);
        }
        assert!(!crashing.wait().success(), "{point}: it crashed");
        let store = RedbStore::open(&case.file("data/store.redb")).unwrap();
        let job = store.get(&id).unwrap();
        let is_recorded = *point == "leg.recorded";
        assert_eq!(
            (job.leg == 2, job.first.is_some()),
            (is_recorded, is_recorded),
            "{point}"
        );
    }
    // Nothing of the first leg is collected.
    case.write(
        "collect.toml",
        "[artifacts]\nkeep_seconds = 0\nkeep_all_seconds = 0\n",
    );
    let service = restart(&case, "--config collect.toml");
    case.quarry("admin --data data pause so-that-it-stays").exits(0);
    let mut client = service.client().await;
    let job = loop {
        let job = client.get(&id).await.unwrap();
        assert!(!job.state().has_ended(), "{job:?}");
        if job.statement.is_some() {
            break job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((job.leg, job.failed_attempts), (2, 0), "{job:?}");
    let (first, wrapped) = (job.first.unwrap(), job.statement.unwrap());
    let inner = first.statement.unwrap();
    assert_eq!(wrapped.output[3], inner.program_hash_poseidon);
    assert_eq!(wrapped.output[4..], inner.output);
    client
        .download(&first.proof.unwrap(), &case.file("first.json"))
        .await
        .unwrap();
    case.quarry("verify first.json --run relaxed").exits(0);
    client.cancel(&id).await.unwrap();
}

/// Submits a job with a long label to a store and ends it.
fn ended(store: &RedbStore) -> Job {
    let spec = JobSpec {
        labels: [("label".to_owned(), "x".repeat(200_000))].into(),
        ..JobSpec::default()
    };
    let id = store.submit("", spec.into(), None).unwrap().job.id;
    let end = &mut |job: &mut Job| job.state = JobState::Succeeded;
    store.change(&id, Fence::Any, Renew::Keep, end).unwrap()
}

/// Begins a compaction of a store with these bytes.
fn compact(folder: &Folder, loose: &[u8]) -> (Appliance, Child) {
    folder.write("data/store.redb", loose);
    let service = restart(folder, "");
    let compacting = folder.command("admin --data data compact").spawn();
    (service, compacting.expect("a command"))
}

#[test]
fn a_kill_during_a_compaction_loses_nothing() {
    let folder = Folder::new();
    drop(restart(&folder, ""));
    let path = folder.file("data/store.redb");
    let kept: Vec<Job> = {
        let store = RedbStore::open(&path).unwrap();
        (0..150).for_each(|_| drop(ended(&store)));
        let later = SystemTime::now() + Duration::from_secs(60);
        assert_eq!(store.expire(later, usize::MAX).unwrap(), 150);
        (0..20).map(|_| ended(&store)).collect()
    };
    let loose = fs::read(&path).unwrap();
    let (service, mut compacting) = compact(&folder, &loose);
    let begin = Instant::now();
    assert!(compacting.wait().unwrap().success());
    let usual = begin.elapsed();
    drop(service);
    let mut moment = 0.0_f64;
    for _ in 0..12 {
        let (service, mut compacting) = compact(&folder, &loose);
        moment = (moment + 0.618_033_988_749_895).fract();
        std::thread::sleep(usual.mul_f64(moment));
        service.kill();
        println!(
            "killed at {moment:.3} of {usual:?}: {}",
            compacting.wait().unwrap()
        );
        let store = RedbStore::open(&path).unwrap();
        for job in &kept {
            assert_eq!(store.get(&job.id).unwrap(), *job);
        }
        store.probe().unwrap();
    }
}

/// A service with a device fault, and a job.
async fn faulty(case: &Folder, fault: &str) -> (Appliance, Client, String) {
    case.write("fault", fault);
    let file = case.file("fault").display().to_string();
    let service = Appliance::start_with(case, "", &[("QUARRY_DEVICE_FAULT", &file)]).unwrap();
    let mut client = service.client().await;
    let spec = job(&mut client, case, "blake", fault).await;
    let id = client.submit(spec).await.unwrap().job.unwrap().id;
    (service, client, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_lost_begins_anew() {
    let case = Folder::with_case(PLAIN);
    let (_service, mut client, id) = faulty(&case, "lost").await;
    let job = client.wait(&id, |_| {}).await.unwrap();
    assert_eq!(
        (job.state(), job.failed_attempts),
        (JobState::Succeeded, 1),
        "{job:?}"
    );
    assert_eq!(client.capabilities().await.unwrap().devices[0].starts, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_while_others_hold_the_device() {
    let case = Folder::with_case(PLAIN);
    let (_service, mut client, id) = faulty(&case, "no-room").await;
    // More often than a job has attempts.
    let starts = async |client: &mut Client| client.capabilities().await.unwrap().devices[0].starts;
    while starts(&mut client).await < 5 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!client.get(&id).await.unwrap().state().has_ended());
    fs::remove_file(case.file("fault")).unwrap();
    check_proof(&mut client, &case, "blake", "no-room").await;
}
