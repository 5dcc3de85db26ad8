use super::*;
use crate::store::conformance;
use quarry_client::protocol::JobSpec;
use redb::{ReadableTableMetadata, TableHandle};

#[test]
fn a_file_that_its_own_store_closed_was_not_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = RedbStore::open(&path).unwrap();
    let submit = || {
        let spec = JobSpec {
            labels: [("label".to_owned(), "x".repeat(10_000))].into(),
            ..JobSpec::default()
        };
        store.submit("", spec.into(), None).unwrap()
    };
    let length = || path.metadata().unwrap().len();
    for _ in 0..10 {
        submit();
    }
    let before = length();
    assert!(store.with::<()>(|_| panic!("the fault of this test")).is_err());
    assert!(length() < before, "redb cuts what it closes");
    store.check_place().unwrap();
    submit();
}

#[test]
fn conforms_and_survives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store: Arc<dyn JobStore> = Arc::new(RedbStore::open(&path).unwrap());
    conformance::suite(&store);
    let (active, events) = (store.active().unwrap(), store.events(0, None, 1000).unwrap());
    assert!(
        matches!(RedbStore::open(&path), Err(StoreError::InUse)),
        "one process holds it"
    );
    drop(store);

    let store = RedbStore::open(&path).unwrap();
    let copy = folder.path().join("copy.redb");
    let seconds = Duration::from_secs;
    for (day, time) in [(1, 7), (2, 3), (2, 4)] {
        store.add_device_time("a", day, seconds(time)).unwrap();
    }
    store.add_device_time("b", 2, seconds(1)).unwrap();
    store.back_up(&copy).unwrap();
    assert!(store.back_up(&copy).is_err(), "nothing is overwritten");
    for store in [store, RedbStore::open(&copy).unwrap()] {
        assert_eq!(store.active().unwrap(), active);
        conformance::records_are_counted(&store);
        assert_eq!(store.events(0, None, 1000).unwrap(), events);
        let used = |tenant, day| store.device_time(tenant, day).unwrap();
        assert_eq!([used("a", 2), used("b", 2), used("c", 2)], [7, 1, 0].map(seconds));
        assert_eq!([used("a", 1), used("a", 3)], [0, 0].map(seconds), "other days");
        // Counters continue.
        let next = store.submit("", JobSpec::default().into(), None).unwrap().job;
        assert_eq!(store.last_event().unwrap(), next.last_event);
        assert!(
            active
                .iter()
                .all(|job| job.lease < next.lease && job.id < next.id)
        );
    }
}

/// Whatever tables there are, a copy has their entries.
#[test]
fn a_copy_lacks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [path, copy] = ["store.redb", "copy.redb"].map(|name| folder.path().join(name));
    let store: Arc<dyn JobStore> = Arc::new(RedbStore::open(&path).unwrap());
    conformance::suite(&store);
    store.back_up(&copy).unwrap();
    drop(store);
    let lengths = |path: &Path| {
        let database = Database::open(path).unwrap();
        let read = database.begin_read().unwrap();
        let tables = read.list_tables().unwrap();
        let length = |table: redb::UntypedTableHandle| {
            let name = table.name().to_owned();
            (name, read.open_untyped_table(table).unwrap().len().unwrap())
        };
        tables.map(length).collect::<std::collections::BTreeMap<_, _>>()
    };
    let mut expected = lengths(&path);
    // All but the record of the file that holds the store.
    *expected.get_mut("meta").unwrap() -= 1;
    assert!(expected["nonces"] > 0 && expected["receipts"] > 0 && expected["last receipts"] > 0);
    assert_eq!(lengths(&copy), expected);
}
