//! The client commands of a service: what they write to standard output and to files, and their exit codes.

use crate::common::appliance::{Appliance, kept};
use crate::common::{
    Ran,
    jobs::{JOB, folder, paused},
};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn a_damaged_proof_is_the_appliances_fault_and_leaves_nothing() {
    let folder = folder();
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    let id = folder.quarry(&format!("{JOB} --out proof.json {server}"));
    let id = id.exits(0).stdout.trim().to_owned();
    let mut bytes = fs::read(folder.file("proof.json")).unwrap();
    let mut objects = kept(&folder, "objects").into_iter();
    let object = objects.find(|path| fs::read(path).unwrap() == bytes).unwrap();
    bytes[100] ^= 1;
    fs::write(&object, bytes).unwrap();
    let before = folder.names();
    let get = format!("get {id} --json --out again.json {server}");
    let failed = folder.quarry(&get).exits(1).says(&["not match"]);
    assert_eq!(failed.json()["error"]["kind"], "internal error");
    assert_eq!(folder.names(), before);
    // A lost one leaves nothing either.
    fs::remove_file(&object).unwrap();
    assert_ne!(folder.quarry(&get).code, Some(0));
    assert_eq!(folder.names(), before);
}

#[test]
fn a_proof_goes_where_it_was_asked_to_go() {
    let folder = folder();
    let service = Appliance::start(&folder, "");
    let server = format!("--server http://{}", service.address);
    let id = folder.quarry(&format!("{JOB} --out proof.json {server}"));
    let id = id.exits(0).stdout.trim().to_owned();
    let proof = fs::read(folder.file("proof.json")).unwrap();

    // A symbolic link stays a link.
    folder.write("real.json", "old");
    std::os::unix::fs::symlink("real.json", folder.file("link.json")).unwrap();
    folder
        .quarry(&format!("get {id} --out link.json {server}"))
        .exits(0);
    assert!(folder.file("link.json").symlink_metadata().unwrap().is_symlink());
    assert!(fs::read(folder.file("real.json")).unwrap() == proof);

    // A pipe is written to.
    let made = Command::new("mkfifo").arg(folder.file("pipe")).status().unwrap();
    assert!(made.success());
    let pipe = folder.file("pipe");
    let reader = std::thread::spawn(move || fs::read(pipe).unwrap());
    folder.quarry(&format!("get {id} --out pipe {server}")).exits(0);
    assert!(reader.join().unwrap() == proof);

    // An output that cannot be written is reported before the service is contacted, as one JSON object.
    fs::create_dir(folder.file("outdir")).unwrap();
    for out in ["outdir", "outdir/", "no/such/proof.json"] {
        let failed = folder
            .quarry(&format!("get {id} --json --out {out} {server}"))
            .exits(2);
        assert_eq!(failed.json()["error"]["kind"], "bad input");
        folder
            .quarry(&format!("{JOB} --out {out} --server http://127.0.0.1:1"))
            .exits(2)
            .says(&["cannot write"]);
    }
    assert_eq!(fs::read_dir(folder.file("outdir")).unwrap().count(), 0);

    // A job that exceeds its own limit is bad input, reported as one JSON object.
    let failed = folder
        .quarry(&format!("{JOB} --step-limit 4 --wait --json {server}"))
        .exits(2)
        .json();
    assert_eq!(failed["error"]["details"]["failure"]["code"], "limits.max_steps");
    let failed_id = failed["error"]["details"]["id"].as_str().unwrap();
    let failed = folder
        .quarry(&format!("get {failed_id} --json --out none.json {server}"))
        .exits(2)
        .json();
    assert_eq!(failed["error"]["details"]["state"], "failed");

    // The address of the status page does not serve gRPC.
    folder
        .quarry(&format!("get {id} --server http://{}", service.http))
        .exits(4)
        .says(&["the gRPC address"]);
}

#[test]
fn a_service_that_is_away_is_no_bad_input() {
    let folder = folder();
    let nobody = "--server http://127.0.0.1:1";
    for line in [
        "list --json",
        "watch",
        "estimate program.json",
        "capabilities --json",
        "get 00 --json",
    ] {
        let failed = folder.quarry(&format!("{line} {nobody}")).exits(4);
        assert_eq!(failed.json()["error"]["kind"], "unavailable", "{line}");
    }
    folder
        .quarry("list --server localhost:1")
        .exits(4)
        .says(&["http://localhost:1", "--server"]);
    let admin = folder.quarry("admin status").exits(4);
    assert!(!admin.stderr.contains("--server"), "{admin:?}");
    folder.quarry("list --server http://[::1").exits(2);

    // An address or a data folder that a service cannot use is bad input.
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let serve = "serve --device cpu --http 127.0.0.1:0";
    let held = held.local_addr().unwrap();
    folder
        .quarry(&format!("{serve} --data data --listen {held}"))
        .exits(2)
        .says(&["choose another address with --listen"]);
    folder
        .quarry(&format!(
            "serve --device cpu --data data --listen 127.0.0.1:0 --http {held}"
        ))
        .exits(2)
        .says(&["choose another address with --http"]);
    folder
        .quarry(&format!("{serve} --data program.json/data --listen 127.0.0.1:0"))
        .exits(2);
    fs::create_dir(folder.file("other")).unwrap();
    folder.write("other/store.redb", "no store");
    folder
        .quarry(&format!("{serve} --data other --listen 127.0.0.1:0"))
        .exits(2);
}

#[test]
fn who_stops_waiting_is_told_that_the_job_goes_on() {
    let (folder, service, server) = paused();
    for signal in ["-INT", "-TERM"] {
        let mut waiting = folder
            .command(&format!("{JOB} --wait --json {server}"))
            .spawn()
            .unwrap();
        let mut told = BufReader::new(waiting.stderr.take().unwrap()).lines();
        let received = told
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.starts_with("received"));
        assert!(received);
        let killed = Command::new("kill")
            .args([signal, &waiting.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        let said: Vec<_> = told.map_while(Result::ok).collect();
        let ran = Ran::from(waiting.wait_with_output().unwrap()).exits(130);
        let id = ran.json()["error"]["details"]["id"].as_str().unwrap().to_owned();
        assert!(
            said.iter()
                .any(|line| line.contains(&format!("quarry watch {id}"))),
            "{said:?}"
        );
        let job = folder
            .quarry(&format!("get {id} --json {server}"))
            .exits(0)
            .json();
        assert!(job["failure"].is_null(), "{job}");
    }

    // A reader that closes the pipe after one event: `watch` ends at the next event.
    let mut watching = folder.command(&format!("watch {server}")).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(watching.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.contains("cursor"), "{first}");
    let start = Instant::now();
    folder.quarry(&format!("{JOB} {server}")).exits(0);
    while watching.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(20), "it watches on");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(watching.wait().unwrap().code(), Some(0));

    // When the service ends the stream, the message says where to resume.
    let watching = folder.command(&format!("watch {server}")).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(service.terminate().code(), Some(0));
    Ran::from(watching.wait_with_output().unwrap())
        .exits(4)
        .says(&["resume with --after"]);
}
