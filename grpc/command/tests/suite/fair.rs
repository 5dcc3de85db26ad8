//! A tenant does not wait for the large inputs of others, and an estimate ends with its caller.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, long_job, signal, slow_job, submit, until, wait};
use crate::common::identity::sha256;
use quarry_client::protocol::{FailureClass, JobState};
use quarry_client::{Client, Connection};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How long small work may take on a busy machine. The large work of this test never ends.
const SOON: Duration = Duration::from_secs(120);

async fn client_of(service: &Appliance, tenant: &str) -> Client {
    let connection = Connection {
        token: Some(format!("token-of-{tenant}")),
        ..service.connection()
    };
    Client::connect(&connection).await.expect("a connection")
}

/// A service with the tenants `many` and `few`.
fn start(folder: &Folder) -> Appliance {
    let client = |tenant: &str| {
        let digest = sha256(format!("token-of-{tenant}").as_bytes());
        format!("[[clients]]\nsha256 = \"{digest}\"\ntenant = \"{tenant}\"\nroles = [\"submit\", \"read\"]\n")
    };
    folder.write("quarry.toml", format!("{}{}", client("many"), client("few")));
    Appliance::start(folder, "--config quarry.toml")
}

/// Stops a child that is not among the known ones, and returns it: its work takes forever.
fn stop_child(service: &Appliance, known: &[u32]) -> u32 {
    let child = until("another child", || {
        let children = service.processes("child");
        children.into_iter().find(|child| !known.contains(child))
    });
    signal("STOP", child);
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn small_inputs_do_not_wait_for_the_large_ones_of_others() {
    let folder = Folder::new();
    let service = start(&folder);
    let mut many = client_of(&service, "many").await;
    let mut few = client_of(&service, "few").await;
    let large = slow_job(&mut many, &folder).await;
    let small = long_job(&mut few, 0).await;

    submit(&mut many, large.clone()).await;
    let preparing = stop_child(&service, &[]);
    for _ in 1..10 {
        submit(&mut many, large.clone()).await;
    }
    let id = submit(&mut few, small.clone()).await.id;
    let job = timeout(SOON, wait(&mut few, &id))
        .await
        .expect("it does not wait");
    assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
    assert!(
        service.processes("child").contains(&preparing),
        "the large one is prepared still"
    );

    until("an end of the other children", || {
        (service.processes("child") == [preparing]).then_some(())
    });
    let mut same = many.clone();
    let estimated = large.clone();
    let call = tokio::spawn(async move { same.estimate(estimated).await });
    let estimating = stop_child(&service, &[preparing]);
    let estimate = timeout(SOON, few.estimate(small))
        .await
        .expect("it does not wait");
    assert_eq!(estimate.unwrap().statement.unwrap().n_steps, 4096);

    // The caller goes.
    call.abort();
    until("end of the estimate's child", || {
        (!service.processes("child").contains(&estimating)).then_some(())
    });
    // Its place is free.
    let small = long_job(&mut many, 0).await;
    timeout(SOON, many.estimate(small))
        .await
        .expect("a place")
        .unwrap();
    assert!(service.processes("child").contains(&preparing));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fits_no_machine_is_refused_before_it() {
    let folder = Folder::new();
    folder.write("quarry.toml", "[limits]\nmax_steps = 1099511627776\n");
    let service = Appliance::start(&folder, "--config quarry.toml");
    let mut client = service.client().await;
    until("a device", || (service.page("/readyz").0 == 200).then_some(()));
    for (min_steps, code, numbers) in [
        (
            1 << 30,
            "limits.memory_plan",
            ["min_steps is 1073741824", "'cpu' has"],
        ),
        (
            1 << 50,
            "limits.max_steps",
            ["1125899906842624 steps", "at most 1099511627776"],
        ),
    ] {
        let spec = long_job(&mut client, min_steps).await;
        let id = submit(&mut client, spec.clone()).await.id;
        let failure = wait(&mut client, &id).await.failure.unwrap_or_default();
        assert_eq!(
            (failure.class(), &*failure.code),
            (FailureClass::Resource, code),
            "{failure:?}"
        );
        let refused = client.estimate(spec).await.unwrap_err().to_string();
        for number in numbers {
            assert!(failure.message.contains(number), "{failure:?}");
            assert!(refused.contains(number), "{refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_does_not_wait_for_the_many_of_others() {
    const MANY: usize = 300;
    let folder = Folder::with_case("plain/fib_2p9");
    let service = start(&folder);
    let mut few = client_of(&service, "few").await;
    let small = air_job(&mut few, &folder, "blake").await;
    let mut many = client_of(&service, "many").await;
    let large = air_job(&mut many, &folder, "blake").await;
    let done = Arc::new(AtomicUsize::new(0));
    let mut calls = Vec::new();
    for _ in 0..MANY / 100 {
        let client = client_of(&service, "many").await;
        for _ in 0..100 {
            let (mut client, spec, done) = (client.clone(), large.clone(), Arc::clone(&done));
            calls.push(tokio::spawn(async move {
                client.submit(spec).await.expect("it is accepted");
                done.fetch_add(1, Ordering::Relaxed);
            }));
        }
    }
    until("the first submissions", || {
        (done.load(Ordering::Relaxed) >= 3).then_some(())
    });
    let before = done.load(Ordering::Relaxed);
    few.submit(small).await.expect("it is accepted");
    let meanwhile = done.load(Ordering::Relaxed) - before;
    for call in calls {
        call.await.expect("a submission");
    }
    // The machine may be slow, but not all of the others are done first.
    assert!(
        before + meanwhile < MANY - 20,
        "{before} before, {meanwhile} meanwhile"
    );
}
