use super::*;
use crate::artifacts::ORDINARY_UPLOAD_BYTES;
use crate::artifacts::accounts::MIN_COUNTED_BYTES;
use crate::config::TenantLimits;

/// A tenant.
const T: &str = "a tenant";
/// No limits.
const NONE: Allowance = stored_and_promised(None, None);

/// Limits of what is stored and promised.
const fn stored_and_promised(max_stored_bytes: Option<u64>, max_promised_bytes: Option<u64>) -> Allowance {
    Allowance {
        limits: TenantLimits {
            max_stored_bytes,
            max_promised_bytes,
            max_active_jobs: None,
            max_estimates: None,
            max_priority: None,
            max_device_seconds_per_day: None,
            together: None,
        },
        records: 0,
    }
}

fn folder(watermark: u64) -> (tempfile::TempDir, ArtifactFolder) {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = ArtifactFolder::open(folder.path(), watermark, 1 << 20).unwrap();
    (folder, artifacts)
}

#[test]
fn an_upload_is_resumed_and_checked() {
    let (_folder, artifacts) = folder(0);
    let artifact = digest(&b"hello, world"[..]).unwrap();
    let mut upload = artifacts.upload(T, &artifact, 0, &NONE).unwrap();
    upload.write(b"hello").unwrap();
    assert!(matches!(
        artifacts.upload(T, &artifact, 0, &NONE),
        Err(ArtifactError::Busy(_))
    ));
    assert!(!upload.finish().unwrap().complete);
    let stat = artifacts.stat(T, &artifact.sha256).unwrap();
    assert_eq!((stat.complete, stat.received), (false, 5));
    assert!(matches!(
        artifacts.path(T, &artifact.sha256),
        Err(ArtifactError::NotFound(_))
    ));
    assert!(matches!(
        artifacts.upload(T, &artifact, 6, &NONE),
        Err(ArtifactError::Offset { received: 5, .. })
    ));

    let mut upload = artifacts.upload(T, &artifact, 5, &NONE).unwrap();
    upload.write(b", world").unwrap();
    assert!(upload.finish().unwrap().complete);
    let path = artifacts.path(T, &artifact.sha256).unwrap();
    assert_eq!(fs::read(path).unwrap(), b"hello, world");
}

#[test]
fn what_has_another_digest_is_forgotten() {
    let (_folder, artifacts) = folder(0);
    let artifact = digest(&b"hello"[..]).unwrap();
    let mut upload = artifacts.upload(T, &artifact, 0, &NONE).unwrap();
    upload.write(b"HELLO").unwrap();
    assert!(matches!(upload.finish(), Err(ArtifactError::Mismatch(_))));
    assert_eq!(artifacts.stat(T, &artifact.sha256).unwrap().received, 0);
    let mut upload = artifacts.upload(T, &artifact, 0, &NONE).unwrap();
    assert!(matches!(
        upload.write(b"hello!"),
        Err(ArtifactError::TooLong { .. })
    ));
    for bad in [
        "",
        "..",
        "../../../../etc/passwd",
        &"A".repeat(64),
        &"é".repeat(32),
    ] {
        assert!(
            matches!(artifacts.stat(T, bad), Err(ArtifactError::Digest(_))),
            "{bad}"
        );
    }
}

#[test]
fn the_disk_is_not_filled() {
    let (_folder, artifacts) = folder(u64::MAX);
    let artifact = digest(&b"x"[..]).unwrap();
    assert!(matches!(
        artifacts.upload(T, &artifact, 0, &NONE),
        Err(ArtifactError::DiskFull { .. })
    ));
    assert!(artifacts.is_short().unwrap());
    assert!(!self::folder(0).1.is_short().unwrap());

    // A tenant's uploads must fit together, but nothing is reserved: not by another tenant, nor from collection.
    let folder = tempfile::tempdir().unwrap();
    let mut artifacts = ArtifactFolder::open(folder.path(), 0, u64::MAX).unwrap();
    let free = artifacts.disk.free().unwrap();
    let large = |name: &[u8]| ArtifactRef {
        size: free / 3 * 2,
        ..digest(name).unwrap()
    };
    let first = artifacts.upload(T, &large(b"x"), 0, &NONE).unwrap();
    let second = artifacts.upload(T, &large(b"y"), 0, &NONE);
    assert!(
        matches!(second, Err(ArtifactError::NoRoom { .. })),
        "the disk is not short"
    );
    assert!(artifacts.upload("another", &large(b"y"), 0, &NONE).is_ok());
    artifacts.disk.watermark = free / 2;
    assert!(!artifacts.is_short().unwrap(), "half of the disk is free");
    artifacts.disk.watermark = free - ORDINARY_UPLOAD_BYTES / 4;
    assert!(artifacts.is_short().unwrap(), "an ordinary upload does not fit");
    artifacts.disk.watermark = 0;
    drop(first);
    let mut second = artifacts.upload(T, &large(b"y"), 0, &NONE).unwrap();
    second.write(b"y").unwrap();

    // Others fill the disk before the upload is complete: what came stays.
    drop(second);
    artifacts.disk.watermark = u64::MAX;
    let folder = artifacts.of(T).unwrap();
    let name = large(b"y").sha256;
    let part = folder.join(PARTS).join(&name);
    let claim = artifacts.accounts.claim(&folder, &part, (1, 2), &NONE).unwrap();
    let object = artifacts.object(T, &name).unwrap();
    let mut second = PartUpload::begin(claim, object, large(b"y"), 1, artifacts.disk.clone()).unwrap();
    assert!(matches!(second.write(b"z"), Err(ArtifactError::DiskFull { .. })));
    drop(second);
    assert_eq!(artifacts.stat(T, &name).unwrap().received, 1);
}

/// Least bytes that a file counts for.
const UNIT: u64 = MIN_COUNTED_BYTES;

/// A text whose characters are so long.
fn long(text: &str) -> Vec<u8> {
    let letters = text.bytes();
    letters
        .flat_map(|letter| [letter; MIN_COUNTED_BYTES as usize])
        .collect()
}

#[test]
fn a_tenant_keeps_within_its_limits() {
    let (folder, artifacts) = folder(0);
    let limits = stored_and_promised(Some(20 * UNIT), Some(10 * UNIT));
    let file = |text: &str| digest(&*long(text)).unwrap();
    let begin = |text: &str, offset| artifacts.upload(T, &file(text), offset, &limits);
    let usage = |stored, promised| {
        let (stored, promised) = (UNIT * stored, UNIT * promised);
        assert_eq!(artifacts.usage(T).unwrap(), Usage { stored, promised });
    };
    let mut first = begin("eight +1", 0).unwrap();
    usage(0, 8);
    assert!(matches!(begin("+ 3", 0), Err(ArtifactError::Quota(_))));
    first.write(&long("eight")).unwrap();
    usage(5, 3);
    drop(first);
    usage(5, 0);

    // Resumed earlier than it had come, then complete, then again.
    let mut first = begin("eight +1", 2 * UNIT).unwrap();
    usage(2, 6);
    first.write(&long("ght +1")).unwrap();
    assert!(first.finish().unwrap().complete);
    usage(8, 0);
    let mut again = begin("eight +1", 0).unwrap();
    again.write(&long("eight +1")).unwrap();
    assert!(again.finish().unwrap().complete);
    usage(8, 0);

    let mut wrong = begin("wrong", 0).unwrap();
    wrong.write(&long("WRONG")).unwrap();
    assert!(wrong.finish().is_err());
    usage(8, 0);
    let proof = folder.path().join("proof");
    for _ in 0..2 {
        fs::write(&proof, long("proof")).unwrap();
        artifacts.adopt(T, &proof).unwrap();
        usage(13, 0);
    }
    let refused = begin("+ eight.", 0).err().unwrap().to_string();
    assert!(
        refused.contains("max_stored_bytes") && refused.contains("at most 327680 "),
        "{refused}"
    );
    assert!(artifacts.upload("another", &file("+ eight."), 0, &limits).is_ok());
    // Records of jobs count too.
    let with = |records| Allowance { records, ..limits };
    let upload = |records| artifacts.upload("another", &file("+ eight."), 0, &with(records));
    assert!(upload(12 * UNIT).is_ok());
    let refused = upload(12 * UNIT + 1).err().unwrap().to_string();
    assert!(refused.contains("has 196609 stored bytes"), "{refused}");

    // The count is taken anew at the start.
    let again = ArtifactFolder::open(folder.path(), 0, 1 << 20).unwrap();
    assert_eq!(again.usage(T).unwrap().stored, 13 * UNIT);
    assert_eq!(artifacts.collect(&HashSet::new(), Duration::ZERO).unwrap(), 2);
    usage(0, 0);
}

#[test]
fn small_files_count_and_an_upload_without_bytes_leaves_none() {
    let (folder, artifacts) = folder(0);
    let limits = stored_and_promised(Some(3 * UNIT), None);
    let begin = |text: &str| artifacts.upload(T, &digest(text.as_bytes()).unwrap(), 0, &limits);
    let stored = || artifacts.usage(T).unwrap().stored;
    let n_files = || {
        let tenant = artifacts.of(T).unwrap();
        files(&tenant).unwrap().len() as u64
    };
    for text in ["one", "two"] {
        let mut upload = begin(text).unwrap();
        upload.write(b"").unwrap();
        assert!(!upload.finish().unwrap().complete);
    }
    assert_eq!((n_files(), stored()), (0, 0));
    for (n, text) in (1..).zip(["", "one", "two"]) {
        let mut upload = begin(text).unwrap();
        upload.write(text.as_bytes()).unwrap();
        assert!(upload.finish().unwrap().complete);
        assert_eq!((n_files(), stored()), (n, n * UNIT), "{text}");
    }
    assert!(matches!(begin("three"), Err(ArtifactError::Quota(_))));
    // Open uploads count before their first byte.
    let open: Vec<_> = (0..4)
        .map(|n| artifacts.upload("another", &digest(&[n][..]).unwrap(), 0, &limits))
        .collect();
    assert_eq!(open.iter().filter(|upload| upload.is_ok()).count(), 3);
    // What is there does not count twice, in whatever form it comes again.
    assert!(
        begin("two").is_err(),
        "its second copy would be a file of its own meanwhile"
    );
    let again = ArtifactFolder::open(folder.path(), 0, 1 << 20).unwrap();
    assert_eq!(again.usage(T).unwrap().stored, 3 * UNIT);
}

#[test]
fn the_account_does_not_drift() {
    let (folder, artifacts) = folder(0);
    let stored = || artifacts.usage(T).unwrap().stored;
    let artifact = digest(&[7; 1000][..]).unwrap();
    let mut upload = artifacts.upload(T, &artifact, 0, &NONE).unwrap();
    upload.write(&[7; 999]).unwrap();
    drop(upload);

    // It starts over: what it then cuts off does not count.
    let limits = stored_and_promised(Some(UNIT + 100), None);
    let mut upload = artifacts.upload(T, &artifact, 0, &limits).unwrap();
    upload.write(&[8; 999]).unwrap();
    drop(upload);
    assert_eq!(stored(), UNIT);

    // Its header names a size that is less than what has come.
    let short = ArtifactRef { size: 10, ..artifact };
    let upload = artifacts.upload(T, &short, 999, &NONE).unwrap();
    assert!(matches!(upload.finish(), Err(ArtifactError::Mismatch(_))));
    assert_eq!(stored(), 0);

    // Two jobs make the same new file at a time.
    let both = std::sync::Barrier::new(2);
    let tenant = artifacts.of(T).unwrap();
    let adopt = |n: usize| {
        let file = folder.path().join(format!("proof-{n}"));
        for round in 100..200 {
            fs::write(&file, format!("proof {round}")).unwrap();
            let object = tenant.join(OBJECTS).join(format!("ab/{round}"));
            both.wait();
            artifacts
                .accounts
                .place(&tenant, &file, &object, Some(9))
                .unwrap();
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|n| drop(scope.spawn(move || adopt(n)))));
    assert_eq!(stored(), 100 * UNIT);
}

#[test]
fn what_is_no_tenants_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let lost = folder.path().join("lost+found").join(PARTS);
    fs::create_dir_all(&lost).unwrap();
    fs::write(lost.join("found"), "a file").unwrap();
    // A loop of links cannot be listed, whoever asks.
    let objects = folder.path().join("lost+found").join(OBJECTS);
    std::os::unix::fs::symlink(&objects, &objects).unwrap();
    let artifacts = ArtifactFolder::open(folder.path(), 0, 1 << 20).unwrap();
    assert_eq!(artifacts.collect(&HashSet::new(), Duration::ZERO).unwrap(), 0);
    assert!(lost.join("found").exists());
}

#[test]
fn what_nobody_refers_to_is_collected() {
    let (folder, artifacts) = folder(0);
    let mut kept = HashSet::new();
    for (text, refer) in [("one", true), ("two", false)] {
        let file = folder.path().join(text);
        fs::write(&file, text).unwrap();
        let artifact = artifacts.adopt(T, &file).unwrap();
        if refer {
            kept.insert(Reference {
                tenant: T.to_owned(),
                sha256: artifact.sha256,
            });
        }
    }
    let part = digest(&b"part"[..]).unwrap();
    let mut upload = artifacts.upload(T, &part, 0, &NONE).unwrap();
    upload.write(b"p").unwrap();
    assert_eq!(artifacts.collect(&kept, Duration::from_secs(60)).unwrap(), 0);
    assert_eq!(
        artifacts.collect(&kept, Duration::ZERO).unwrap(),
        1,
        "a part in use stays"
    );
    drop(upload);
    assert_eq!(artifacts.collect(&kept, Duration::ZERO).unwrap(), 1);
    assert!(kept.iter().all(|of| artifacts.path(T, &of.sha256).is_ok()));
}

#[test]
fn a_tenant_has_nothing_of_another() {
    let (folder, artifacts) = folder(0);
    let artifact = digest(&b"hello"[..]).unwrap();
    let mut first = artifacts.upload("one", &artifact, 0, &NONE).unwrap();
    first.write(b"hel").unwrap();
    assert_eq!(artifacts.stat("two", &artifact.sha256).unwrap().received, 0);
    assert!(matches!(
        artifacts.upload("two", &artifact, 3, &NONE),
        Err(ArtifactError::Offset { received: 0, .. })
    ));
    let mut second = artifacts.upload("two", &artifact, 0, &NONE).unwrap();
    first.write(b"lo").unwrap();
    assert!(first.finish().unwrap().complete);
    assert!(artifacts.path("one", &artifact.sha256).is_ok());
    assert!(artifacts.path("two", &artifact.sha256).is_err());
    second.write(b"hello").unwrap();
    assert!(second.finish().unwrap().complete);

    // A tenant's reference does not keep another tenant's file.
    let kept = HashSet::from([Reference {
        tenant: "two".to_owned(),
        sha256: artifact.sha256.clone(),
    }]);
    assert_eq!(artifacts.collect(&kept, Duration::ZERO).unwrap(), 1);
    assert!(artifacts.path("one", &artifact.sha256).is_err());
    assert!(artifacts.path("two", &artifact.sha256).is_ok());
    drop(folder);
}

#[test]
fn what_all_tenants_had_is_shared_out() {
    let (folder, artifacts) = folder(0);
    let name = |text: &str| digest(text.as_bytes()).unwrap().sha256;
    fs::create_dir(folder.path().join(PARTS)).unwrap();
    for text in ["both", "one's", "nobody's"] {
        let old = object(&folder.path().join(OBJECTS), &name(text)).unwrap();
        fs::create_dir_all(old.parent().unwrap()).unwrap();
        fs::write(old, text).unwrap();
    }
    let reference = |(tenant, text): (&str, &str)| Reference {
        tenant: tenant.to_owned(),
        sha256: name(text),
    };
    let references = [("", "both"), ("one", "both"), ("one", "one's"), ("one", "gone")];
    let references = || Ok::<_, ArtifactError>(references.map(reference).into());
    artifacts.share_out(references).unwrap();
    let has = |tenant, text| artifacts.path(tenant, &name(text)).is_ok();
    assert!(has("", "both") && has("one", "both") && has("one", "one's"));
    assert!(!has("", "one's") && !has("one", "nobody's") && !has("", "nobody's"));
    assert!(!folder.path().join(OBJECTS).exists() && !folder.path().join(PARTS).exists());
    let not_again = || {
        Err(ArtifactError::NotFound(
            "there is nothing to share out".to_owned(),
        ))
    };
    artifacts.share_out(not_again).unwrap();
}

#[test]
fn nothing_is_told_of_files_whose_folder_is_away() {
    let parent = tempfile::tempdir().unwrap();
    let [path, away] = ["artifacts", "away"].map(|name| parent.path().join(name));
    let artifacts = ArtifactFolder::open(&path, 0, 1 << 20).unwrap();
    let sha256 = digest(&b"content"[..]).unwrap().sha256;
    let is_told = || artifacts.stat("", &sha256).is_ok();
    assert!(is_told());
    fs::rename(&path, &away).unwrap();
    assert!(!is_told());
    fs::rename(&away, &path).unwrap();
    assert!(is_told());
}
