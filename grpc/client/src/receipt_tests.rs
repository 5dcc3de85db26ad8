//! Receipts and promises of made-up provers.

use super::*;
use crate::envelope::{Draft, SecretKey};
use crate::protocol::ArtifactRef;

const NOW: u64 = 1_750_000_000;

fn key(n: u8) -> SecretKey {
    SecretKey::ed25519([n; 32])
}

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn content(number: u64, previous: &str, job: &str) -> Receipt {
    let result = JobResult {
        job_id: job.to_owned(),
        proof: Some(ArtifactRef {
            sha256: "ab".repeat(32),
            size: 1,
        }),
        finished_at: at(100),
        ..Default::default()
    };
    Receipt {
        number,
        previous: previous.to_owned(),
        job_id: job.to_owned(),
        result: Some(result),
        ..Default::default()
    }
}

fn sign(prover: u8, kind: Kind, payload: &impl Message) -> Vec<u8> {
    let draft = Draft::new(kind, "test", NOW).nonce(b"1");
    draft.payload(payload.encode_to_vec()).sign(&key(prover)).unwrap()
}

fn receipt(prover: u8, content: &Receipt) -> SignedReceipt {
    SignedReceipt::read(sign(prover, Kind::Receipt, content)).unwrap()
}

/// A chain of jobs.
fn chain(prover: u8, jobs: &[&str]) -> Vec<SignedReceipt> {
    let mut chain: Vec<SignedReceipt> = Vec::new();
    for job in jobs {
        let previous = chain.last().map(|last| last.message.digest().to_string());
        let number = chain.len() as u64 + 1;
        chain.push(receipt(
            prover,
            &content(number, &previous.unwrap_or_default(), job),
        ));
    }
    chain
}

#[test]
fn a_chain_has_no_faults_in_whatever_order() {
    let mut all = [chain(1, &["a", "b", "c"]), chain(2, &["a", "d"])].concat();
    all.push(all[1].clone());
    assert_eq!(find_faults(&all), []);
    all.reverse();
    assert_eq!(find_faults(&all), []);
    assert_eq!(find_faults(&[]), []);
}

#[test]
fn gaps_and_forks_are_found() {
    let prover = key(1).public_key();
    let honest = chain(1, &["a", "b", "c", "d", "e"]);
    let gap = |first, last| Finding::Gap { prover, first, last };
    let shown = [honest[1].clone(), honest[4].clone()];
    assert_eq!(find_faults(&shown), [gap(1, 1), gap(3, 4)]);
    // Two receipts of one number.
    let other = chain(1, &["a", "x", "y"]);
    let fork = |number| Finding::Fork { prover, number };
    let both = [&honest[..], &other[1..2]].concat();
    assert!(find_faults(&both).contains(&fork(2)));
    // One receipt that follows another than the one that is shown.
    let shown = [honest[0].clone(), honest[1].clone(), other[2].clone()];
    assert_eq!(find_faults(&shown), [fork(3)]);
    // Across a gap nothing is known of the one before.
    let shown = [honest[0].clone(), other[2].clone()];
    assert_eq!(find_faults(&shown), [gap(2, 2)]);
}

#[test]
fn a_promise_is_judged_by_the_receipt_of_its_job() {
    let outcome = |deadline, job: &str, prover, now| {
        let acceptance = Acceptance {
            job_id: job.to_owned(),
            deadline,
            ..Default::default()
        };
        let acceptance = SignedAcceptance::read(sign(prover, Kind::Acceptance, &acceptance)).unwrap();
        acceptance.outcome(&chain(1, &["a", "b"]), now)
    };
    for (deadline, job, prover, now, expected) in [
        (None, "b", 1, 50, Outcome::Kept),
        (at(100), "b", 1, 500, Outcome::Kept),
        (at(99), "b", 1, 500, Outcome::Late),
        (at(99), "c", 1, 99, Outcome::Open),
        (at(99), "c", 1, 100, Outcome::Broken),
        (None, "c", 1, 1 << 40, Outcome::Open),
        // Another prover's receipt.
        (at(99), "b", 2, 100, Outcome::Broken),
    ] {
        assert_eq!(outcome(deadline, job, prover, now), expected, "{job} {now}");
        assert_eq!(
            expected.is_breach(),
            matches!(expected, Outcome::Late | Outcome::Broken),
            "{}",
            expected.name()
        );
    }
}

#[test]
fn what_is_no_receipt_is_refused() {
    let good = content(2, &"cd".repeat(32), "a");
    let changed = |change: &dyn Fn(&mut Receipt)| {
        let mut content = good.clone();
        change(&mut content);
        sign(1, Kind::Receipt, &content)
    };
    assert!(SignedReceipt::read(changed(&|_| {})).is_ok());
    let mut forged = changed(&|_| {});
    *forged.last_mut().unwrap() ^= 1;
    let in_result = |change: fn(&mut JobResult)| {
        changed(&move |content: &mut Receipt| change(content.result.as_mut().unwrap()))
    };
    for (bytes, why) in [
        (b"?".to_vec(), "malformed"),
        (forged, "signature"),
        (sign(1, Kind::Acceptance, &good), "kind"),
        (changed(&|content| content.number = 0), "number"),
        (changed(&|content| content.number = 1), "number"),
        (changed(&|content| content.previous = String::new()), "number"),
        (changed(&|content| content.previous = "CD".repeat(32)), "number"),
        (changed(&|content| content.job_id = "b".to_owned()), "no proof"),
        (changed(&|content| content.result = None), "no time"),
        (in_result(|result| result.proof = None), "no proof"),
        (in_result(|result| result.finished_at = None), "no time"),
    ] {
        let refused = SignedReceipt::read(bytes).unwrap_err().to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    assert!(SignedAcceptance::read(sign(1, Kind::Receipt, &good)).is_err());
}
