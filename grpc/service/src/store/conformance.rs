//! Conformance suite for stores.

use super::{
    FULL_PAGE_BYTES, FULL_READ_BYTES, Fence, JobStore, Link, Listing, Renew, Signed, StoreError, Submitted,
    newest,
};
use crate::internal::StoredJob;
use crate::job::{Asked, Job, Spec};
use prost::Message;
use quarry_client::protocol::{
    ArtifactRef, Failure, JobResult, JobSpec, JobState, ProgramInput, job_spec::Input,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

fn spec(dedup_key: &str, label: &str) -> Spec {
    let message = JobSpec {
        dedup_key: dedup_key.to_owned(),
        labels: [("label".to_owned(), label.to_owned())].into(),
        ..JobSpec::default()
    };
    message.into()
}

fn submit(store: &dyn JobStore, tenant: &str, dedup_key: &str, label: &str) -> Submitted {
    store.submit(tenant, spec(dedup_key, label), None).unwrap()
}

fn set(state: JobState) -> impl FnMut(&mut Job) {
    move |job| job.state = state
}

/// Runs the suite on an empty store.
pub fn suite(store: &Arc<dyn JobStore>) {
    for law in [
        dedup,
        messages,
        fencing,
        reopening,
        lists_and_events,
        pages_have_their_weight,
        lists_read_so_much,
        deletion,
        expiry,
        receipts,
    ] {
        law(&**store);
        records_are_counted(&**store);
    }
    threads(store);
    store.probe().unwrap();
}

/// All jobs, over all pages; and the number of pages.
fn all_jobs(store: &dyn JobStore, mut listing: Listing) -> (Vec<Job>, usize) {
    let (mut jobs, mut n_pages) = (Vec::new(), 0);
    listing.page_size = 500;
    loop {
        let page = store.list(&listing).unwrap();
        jobs.extend(page.jobs);
        n_pages += 1;
        if page.next.is_empty() {
            return (jobs, n_pages);
        }
        listing.page_token = page.next;
    }
}

/// What the records of a tenant take is that of its jobs and events, whatever became of others.
pub fn records_are_counted(store: &dyn JobStore) {
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    // Of these nothing may be left.
    for tenant in ["a", "heavy", "reading", "deletion", "expiry", "nobody"] {
        expected.insert(tenant.to_owned(), 0);
    }
    for job in all_jobs(store, Listing::default()).0 {
        let events = store.events(0, Some(&job.id), usize::MAX).unwrap();
        let events: usize = events.iter().map(Message::encoded_len).sum();
        let bytes = expected.entry(job.tenant.clone()).or_default();
        *bytes += events + StoredJob::from(job).encoded_len();
    }
    for (tenant, bytes) in expected {
        assert_eq!(store.record_bytes(&tenant).unwrap(), bytes as u64, "{tenant}");
    }
}

fn dedup(store: &dyn JobStore) {
    let first = submit(store, "a", "key", "");
    let again = submit(store, "a", "key", "other");
    assert!(!first.existing && again.existing);
    assert_eq!(first.job, again.job);
    let other = submit(store, "b", "key", "");
    assert!(!other.existing, "another tenant's key is another");
    assert!(!submit(store, "a", "", "").existing);
    assert!(!submit(store, "a", "", "").existing, "no key, no dedup");
    let found = store.by_dedup_key("b", "key").unwrap().unwrap();
    assert_eq!(found, other.job);
    assert!(store.by_dedup_key("c", "key").unwrap().is_none());
}

/// A message asks for one job, and uses its nonce also if it finds a job by its dedup key.
fn messages(store: &dyn JobStore) {
    let asked = |nonce: &[u8], digest: &str| Asked {
        signer: "signer".to_owned(),
        digest: digest.to_owned(),
        nonce: nonce.to_vec(),
        expires: u64::MAX,
    };
    let submit = |dedup_key: &str, asked: &Asked| store.submit("signed", spec(dedup_key, ""), Some(asked));
    let first = submit("key", &asked(b"1", "a")).unwrap();
    let again = submit("key", &asked(b"1", "a")).unwrap();
    assert!(!first.existing && again.existing && again.job == first.job);
    assert_eq!(
        store.by_message(&asked(b"1", "a")).unwrap(),
        Some(first.job.clone())
    );
    let by_key = submit("key", &asked(b"2", "b")).unwrap();
    assert!(by_key.existing && by_key.job == first.job);
    for nonce in [b"1", b"2"] {
        for dedup_key in ["", "key"] {
            let refused = submit(dedup_key, &asked(nonce, "c"));
            assert!(matches!(refused, Err(StoreError::Nonce(id)) if id == first.job.id));
        }
    }
    let other = Asked {
        signer: "another".to_owned(),
        ..asked(b"1", "a")
    };
    assert!(store.by_message(&other).unwrap().is_none());
    assert!(!submit("", &other).unwrap().existing, "its nonces are its own");
}

/// Receipts of a key form a chain, which goes on when a job is removed, and each job has one.
fn receipts(store: &dyn JobStore) {
    let proved = || {
        let job = submit(store, "receipts", "", "").job;
        let mut succeed = |job: &mut Job| {
            job.state = JobState::Succeeded;
            job.result = Some(JobResult::default());
        };
        let fence = Fence::Lease(job.lease);
        store.change(&job.id, fence, Renew::Keep, &mut succeed).unwrap();
        job.id
    };
    let receipt = |id: &str, prover: &str| {
        let mut sign = |job: &Job, link: Link| {
            let envelope = format!("{}/{}/{}", job.id, link.number, link.previous);
            Ok(Signed {
                digest: format!("digest {} of {prover}", link.number),
                envelope: envelope.into_bytes(),
            })
        };
        store.receipt(id, prover, &mut sign)
    };
    let text = |id: &str, prover: &str| String::from_utf8(receipt(id, prover).unwrap()).unwrap();
    let [a, b, c, d] = [(); 4].map(|()| proved());
    assert_eq!(text(&a, "key"), format!("{a}/1/"));
    assert_eq!(text(&b, "key"), format!("{b}/2/digest 1 of key"));
    assert_eq!(text(&a, "key"), format!("{a}/1/"), "once");
    assert_eq!(text(&c, "other"), format!("{c}/1/"), "another key's chain");
    assert_eq!(
        text(&b, "other"),
        format!("{b}/2/digest 1 of key"),
        "one for a job"
    );
    // It is not signed: the chain is as it was.
    let failed = store.receipt(&d, "key", &mut |_, _| Err("no".to_owned()));
    assert!(matches!(failed, Err(StoreError::Receipt { .. })));
    store.delete(&b).unwrap();
    assert!(matches!(receipt(&b, "key"), Err(StoreError::NotFound(_))));
    assert_eq!(text(&d, "key"), format!("{d}/3/digest 2 of key"));
    let waiting = submit(store, "receipts", "", "").job.id;
    assert!(matches!(
        receipt(&waiting, "key"),
        Err(StoreError::Unproved { .. })
    ));
}

fn fencing(store: &dyn JobStore) {
    let submitted = submit(store, "fence", "", "").job;
    let id = &*submitted.id;
    let first = Fence::Lease(submitted.lease);
    let leased = store
        .change(id, first, Renew::New, &mut set(JobState::Running))
        .unwrap();
    assert!(leased.lease > submitted.lease);

    // A change under an older lease is rejected and changes nothing.
    let stale = store.change(id, first, Renew::Keep, &mut set(JobState::Succeeded));
    assert!(matches!(stale, Err(StoreError::Stale { held, latest, .. })
        if held == submitted.lease && latest == leased.lease));
    assert_eq!(store.get(id).unwrap(), leased);

    // Lease numbers grow across jobs and are never reused.
    let other = submit(store, "fence", "", "").job;
    assert!(other.lease > leased.lease);
    assert!(store.active().unwrap().iter().any(|job| job.id == id));

    let held = Fence::Lease(leased.lease);
    let done = store.change(id, held, Renew::Keep, &mut |job| {
        set(JobState::Succeeded)(job);
        job.result = Some(JobResult::default());
    });
    assert_eq!(done.unwrap().lease, leased.lease);
    assert!(store.active().unwrap().iter().all(|job| job.id != id));
    // An ended job cannot be changed, whatever the fence.
    for fence in [held, Fence::Any] {
        let late = store.change(id, fence, Renew::New, &mut set(JobState::Failed));
        assert!(matches!(late, Err(StoreError::Ended(_))));
    }
    assert!(store.get(id).unwrap().result.is_some());
    for unknown in [
        "",
        "0",
        "zz",
        &id.replace(&id[16..], "0000000000000000"),
        "é".repeat(16).as_str(),
    ] {
        assert!(
            matches!(store.get(unknown), Err(StoreError::NotFound(_))),
            "{unknown}"
        );
        let change = store.change(unknown, Fence::Any, Renew::Keep, &mut |_| {});
        assert!(matches!(change, Err(StoreError::NotFound(_))), "{unknown}");
    }
}

/// A job that has succeeded starts over under its id, its key and a new lease.
fn reopening(store: &dyn JobStore) {
    let mut spec = spec("reopen", "");
    spec.deadline = Some(SystemTime::now());
    let job = store.submit("reopen", spec, None).unwrap().job;
    let id = &*job.id;
    let end = |state| {
        let end = &mut |job: &mut Job| {
            job.count_failure(Failure::default());
            set(state)(job);
            job.result = (state == JobState::Succeeded).then(JobResult::default);
        };
        store.change(id, Fence::Any, Renew::New, end).unwrap()
    };
    let is_active = || store.active().unwrap().iter().any(|job| job.id == id);
    let no_proof = |result| matches!(result, Err(StoreError::NoProof { .. }));
    assert!(no_proof(store.reopen(id, Fence::Any)), "it has not ended");
    assert!(matches!(
        store.reopen("0", Fence::Any),
        Err(StoreError::NotFound(_))
    ));
    // Again, even if the job then fails.
    for state in [JobState::Succeeded, JobState::Failed, JobState::Succeeded] {
        let ended = end(state);
        assert!(!is_active());
        let older = store.reopen(id, Fence::Lease(ended.lease - 1));
        assert!(matches!(older, Err(StoreError::Stale { .. })));
        let reopened = store.reopen(id, Fence::Lease(ended.lease)).unwrap();
        assert_eq!(reopened.state, JobState::Received);
        assert!(reopened.lease > ended.lease && reopened.last_event > ended.last_event);
        assert_eq!(
            (reopened.failed_attempts, reopened.attempt_failures.len()),
            (0, 0)
        );
        assert_eq!((&reopened.result, reopened.spec.deadline), (&None, None));
        assert!(is_active());
        assert_eq!(store.get(id).unwrap(), reopened);
        assert!(no_proof(store.reopen(id, Fence::Any)));
        assert!(submit(store, "reopen", "reopen", "").existing, "its key is taken");
    }
    let events = store.events(0, Some(id), 100).unwrap();
    let n_received = events
        .iter()
        .filter(|event| event.state() == JobState::Received)
        .count();
    assert_eq!(n_received, 4);
    let failed = submit(store, "reopen", "", "").job;
    store
        .change(&failed.id, Fence::Any, Renew::Keep, &mut set(JobState::Failed))
        .unwrap();
    assert!(
        no_proof(store.reopen(&failed.id, Fence::Any)),
        "it never had a proof"
    );
}

fn lists_and_events(store: &dyn JobStore) {
    let ids: Vec<_> = (0..5)
        .map(|_| submit(store, "list", "", "listed").job.id)
        .collect();
    let mut listing = Listing {
        tenant: Some("list".to_owned()),
        labels: [("label".to_owned(), "listed".to_owned())].into(),
        page_size: 2,
        ..Listing::default()
    };
    let mut listed = Vec::new();
    loop {
        let page = store.list(&listing).unwrap();
        assert!(page.jobs.len() <= 2);
        listed.extend(page.jobs.into_iter().map(|job| job.id));
        if page.next.is_empty() {
            break;
        }
        listing.page_token = page.next;
    }
    assert!(listed.iter().eq(ids.iter().rev()), "the newest first, each once");
    listing.page_token = "no token".to_owned();
    assert!(matches!(store.list(&listing), Err(StoreError::PageToken(_))));

    let id = &ids[0];
    let job = store.get(id).unwrap();
    for state in [JobState::Validating, JobState::Queued] {
        store
            .change(id, Fence::Any, Renew::Keep, &mut set(state))
            .unwrap();
    }
    let events = store.events(0, Some(id), 100).unwrap();
    let states: Vec<_> = events.iter().map(|event| event.state()).collect();
    assert_eq!(
        states,
        [JobState::Received, JobState::Validating, JobState::Queued]
    );
    assert_eq!(events[0].cursor, job.first_event);
    let all = store.events(0, None, usize::MAX).unwrap();
    assert!(
        all.iter().zip(1..).all(|(event, cursor)| event.cursor == cursor),
        "no gap"
    );
    let rest = store.events(events[0].cursor, Some(id), 1).unwrap();
    assert_eq!(rest, events[1..2]);
}

/// Pages are limited by their size in bytes.
fn pages_have_their_weight(store: &dyn JobStore) {
    let n_jobs = 5;
    for _ in 0..n_jobs {
        let large = "l".repeat(FULL_PAGE_BYTES / 3);
        submit(store, "heavy", "", &large);
    }
    let mut listing = Listing {
        tenant: Some("heavy".to_owned()),
        page_size: 500,
        ..Listing::default()
    };
    let first = store.list(&listing).unwrap();
    assert!((1..n_jobs).contains(&first.jobs.len()), "{}", first.jobs.len());
    listing.page_token = first.next;
    let rest = store.list(&listing).unwrap();
    assert_eq!(first.jobs.len() + rest.jobs.len(), n_jobs);
    assert!(rest.next.is_empty());
}

/// A list that finds nothing reads no more than so much for a page; who follows the tokens comes to the end.
fn lists_read_so_much(store: &dyn JobStore) {
    for _ in 0..5 {
        submit(store, "reading", "", &"r".repeat(FULL_READ_BYTES / 4));
    }
    let none = Listing {
        labels: [("nobody".to_owned(), "has it".to_owned())].into(),
        page_size: 500,
        ..Listing::default()
    };
    let first = store.list(&none).unwrap();
    assert!(first.jobs.is_empty() && !first.next.is_empty());
    let (jobs, n_pages) = all_jobs(store, none);
    assert!(jobs.is_empty() && n_pages >= 2);
    let own = Listing {
        tenant: Some("reading".to_owned()),
        ..Listing::default()
    };
    assert_eq!(all_jobs(store, own).0.len(), 5);
    // The jobs of others are not read for a tenant's list.
    submit(store, "few", "", "");
    for _ in 0..5 {
        submit(store, "reading", "", &"r".repeat(FULL_READ_BYTES / 4));
    }
    let few = Listing {
        tenant: Some("few".to_owned()),
        page_size: 500,
        ..Listing::default()
    };
    let page = store.list(&few).unwrap();
    assert!(page.jobs.len() == 1 && page.next.is_empty());
    // What is read at a start goes on over the pages.
    let mut found = 0;
    let oldest = Listing {
        tenant: Some("a".to_owned()),
        page_size: 1,
        ..Listing::default()
    };
    newest(store, oldest, |_| found += 1).unwrap();
    assert_eq!(found, 1);
}

/// Of many threads that take one lease at once, exactly one succeeds.
fn threads(store: &Arc<dyn JobStore>) {
    let job = submit(&**store, "threads", "", "").job;
    let take = |_| {
        let (store, job) = (Arc::clone(store), job.clone());
        std::thread::spawn(move || {
            let fence = Fence::Lease(job.lease);
            store
                .change(&job.id, fence, Renew::New, &mut set(JobState::Running))
                .is_ok()
        })
    };
    let takers: Vec<_> = (0..8).map(take).collect();
    let winners = takers.into_iter().map(|taker| taker.join().unwrap());
    assert_eq!(winners.filter(|won| *won).count(), 1);
}

/// Only ended jobs can be deleted; their keys are free then.
fn deletion(store: &dyn JobStore) {
    let kept = submit(store, "deletion", "kept", "").job;
    let job = submit(store, "deletion", "key", "").job;
    assert!(matches!(store.delete(&job.id), Err(StoreError::Active(id)) if id == job.id));
    store
        .change(&job.id, Fence::Any, Renew::Keep, &mut set(JobState::Succeeded))
        .unwrap();
    let last_event = store.last_event().unwrap();
    assert_eq!(store.delete(&job.id).unwrap().id, job.id);
    for gone in [store.delete(&job.id), store.get(&job.id)] {
        assert!(matches!(gone, Err(StoreError::NotFound(_))));
    }
    assert!(matches!(
        store.events(0, Some(&job.id), 10),
        Err(StoreError::NotFound(_))
    ));
    assert_eq!(
        store.last_event().unwrap(),
        last_event,
        "cursors are never used again"
    );
    assert_eq!(store.get(&kept.id).unwrap(), kept);
    // The key is free, and a late removal of the old job does not touch the new one.
    let again = submit(store, "deletion", "key", "");
    assert!(!again.existing && again.job.id > job.id);
    assert!(matches!(store.delete(&job.id), Err(StoreError::NotFound(_))));
    assert!(submit(store, "deletion", "key", "").existing);
    for id in ["", "zz", &job.id.replace(&job.id[16..], "0000000000000000")] {
        assert!(matches!(store.delete(id), Err(StoreError::NotFound(_))), "{id}");
    }
}

/// Ended jobs expire, their inputs before them; active jobs are kept.
fn expiry(store: &dyn JobStore) {
    let artifact = |name: &str| ArtifactRef {
        sha256: name.to_owned(),
        size: 1,
    };
    let mut ended = spec("ended", "");
    let program = ProgramInput {
        program: Some(artifact("input")),
        ..ProgramInput::default()
    };
    ended.input = Input::Program(program);
    let active = Spec {
        dedup_key: "active".to_owned(),
        ..ended.clone()
    };
    let ended = store.submit("expiry", ended, None).unwrap().job;
    store
        .change(&ended.id, Fence::Any, Renew::Keep, &mut |job| {
            set(JobState::Succeeded)(job);
            job.result = Some(JobResult {
                proof: Some(artifact("proof")),
                ..JobResult::default()
            });
        })
        .unwrap();
    let now = SystemTime::now();
    let (before, after) = (now - Duration::from_secs(60), now + Duration::from_secs(60));
    let names = |since| {
        let references = store.references(since).unwrap().into_iter();
        let expiry = references.filter(|of| of.tenant == "expiry");
        let mut names: Vec<_> = expiry.map(|of| of.sha256).collect();
        names.sort();
        names
    };
    assert_eq!(names(before), ["input", "proof"]);
    assert_eq!(names(after), ["proof"]);
    let active = store.submit("expiry", active, None).unwrap().job;
    assert_eq!(
        names(after),
        ["input", "proof"],
        "what has not ended needs its inputs"
    );

    assert_eq!(store.expire(before, usize::MAX).unwrap(), 0);
    let n_events = store.events(0, None, usize::MAX).unwrap().len();
    let mut n_expired = 0;
    loop {
        match store.expire(after, 1).unwrap() {
            0 => break,
            n => n_expired += n,
        }
    }
    assert!(n_expired >= 1);
    assert!(matches!(store.get(&ended.id), Err(StoreError::NotFound(_))));
    assert!(store.by_dedup_key("expiry", "ended").unwrap().is_none());
    let events = store.events(0, Some(&ended.id), 10);
    assert!(matches!(events, Err(StoreError::NotFound(_))));
    let events = store.events(0, None, usize::MAX).unwrap();
    assert!(events.len() <= n_events - 2 * n_expired);
    assert_eq!(store.get(&active.id).unwrap(), active);
    assert_eq!(store.events(0, Some(&active.id), 10).unwrap().len(), 1);
    let again = submit(store, "expiry", "ended", "");
    assert!(!again.existing, "its key is free again");
    assert_eq!(
        store
            .active()
            .unwrap()
            .iter()
            .filter(|job| job.tenant == "expiry")
            .count(),
        2
    );
}
