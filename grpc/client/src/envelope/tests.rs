//! Envelopes as a receiver meets them: whole, changed, of other receivers, of other times.

use super::*;
use std::collections::BTreeSet;

const NOW: u64 = 1_800_000_000;

fn stark() -> SecretKey {
    SecretKey::stark([5; 32]).unwrap()
}

fn ed25519() -> SecretKey {
    SecretKey::ed25519([7; 32])
}

fn draft() -> Draft {
    Draft::new(Kind::Job, "devnet", NOW)
        .nonce(b"1")
        .payload(b"a job".to_vec())
}

fn here(now: u64) -> Expected<'static> {
    Expected {
        kind: Kind::Job,
        network: "devnet",
        audience: Some(ed25519().public_key()),
        now,
    }
}

fn check(draft: &Draft, expected: &Expected<'_>) -> Result<(), EnvelopeError> {
    let envelope = Envelope::parse(draft.sign(&stark()).unwrap()).unwrap();
    envelope.check(expected)
}

/// The vectors of the page: whoever writes envelopes in another language compares with them.
#[test]
fn the_vectors_hold() {
    let text = include_str!("../../vectors/envelope.json");
    let vectors: Vec<Vector> = serde_json::from_str(text).unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let key: SecretKey = vector.secret_key.parse().unwrap();
        let audience = (!vector.audience.is_empty()).then(|| vector.audience.parse().unwrap());
        let kind = Kind::from_name(vector.kind.as_bytes()).unwrap();
        let draft = Draft::new(kind, &vector.network, vector.issued)
            .audience(audience)
            .nonce(&unhex(&vector.nonce))
            .lifetime(vector.expires - vector.issued)
            .payload(unhex(&vector.payload));
        let bytes = draft.sign(&key).unwrap();
        assert_eq!(hex(&bytes), vector.envelope, "{}", vector.name);
        let envelope = Envelope::parse(bytes).unwrap().verify().unwrap();
        assert_eq!(envelope.signer().to_string(), vector.signer);
        assert_eq!(envelope.digest().to_string(), vector.digest);
    }
}

#[derive(serde::Deserialize)]
struct Vector {
    name: String,
    secret_key: String,
    kind: String,
    network: String,
    audience: String,
    signer: String,
    nonce: String,
    issued: u64,
    expires: u64,
    payload: String,
    digest: String,
    envelope: String,
}

fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

#[test]
fn what_was_written_is_read() {
    let audience = Some(stark().public_key());
    for key in [stark(), ed25519()] {
        let draft = draft().audience(audience).lifetime(60);
        let bytes = draft.sign(&key).unwrap();
        assert_eq!(bytes, draft.sign(&key).unwrap(), "no randomness");
        let envelope = Envelope::parse(bytes.clone()).unwrap().verify().unwrap();
        assert_eq!(envelope.bytes(), bytes);
        assert_eq!(envelope.kind(), Kind::Job);
        assert_eq!(envelope.network(), "devnet");
        assert_eq!(envelope.audience(), audience);
        assert_eq!(envelope.signer(), key.public_key());
        assert_eq!(envelope.nonce(), b"1");
        assert_eq!((envelope.issued(), envelope.expires()), (NOW, NOW + 60));
        assert_eq!(envelope.payload(), b"a job");
    }
}

/// Any change of any byte, and every shorter form, is refused: by its form, or by the signature.
#[test]
fn every_byte_is_bound() {
    for key in [stark(), ed25519()] {
        let bytes = draft().sign(&key).unwrap();
        for at in 0..bytes.len() {
            let cut = bytes.get(..at).unwrap().to_vec();
            assert!(Envelope::parse(cut).is_err(), "cut at {at}");
            // One bit of each byte with a Stark key, whose signatures take longer.
            for bit in [at % 8, 7 - at % 8] {
                let mut changed = bytes.clone();
                *changed.get_mut(at).unwrap() ^= 1 << bit;
                let verified = Envelope::parse(changed).and_then(Envelope::verify);
                assert!(verified.is_err(), "byte {at}, bit {bit}");
            }
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(
            Envelope::parse(longer).unwrap_err(),
            EnvelopeError::Form { field: "end" }
        );
    }
}

/// No two messages have one digest: moving a byte from a field to the next makes another message.
#[test]
fn fields_cannot_be_shifted() {
    let bodies = [
        draft().nonce(b"ab").payload(b"c".to_vec()),
        draft().nonce(b"a").payload(b"bc".to_vec()),
        Draft::new(Kind::Session, "devnet", NOW)
            .nonce(b"ab")
            .payload(b"c".to_vec()),
        Draft::new(Kind::Job, "devnet2", NOW)
            .nonce(b"ab")
            .payload(b"c".to_vec()),
        draft().nonce(b"ab").payload(b"c".to_vec()).lifetime(1),
    ];
    let key = ed25519().public_key();
    let digests: BTreeSet<_> = bodies
        .iter()
        .map(|draft| draft.body(key).unwrap().digest())
        .collect();
    assert_eq!(digests.len(), bodies.len());
}

#[test]
fn what_is_for_others_is_refused() {
    let other = Some(stark().public_key());
    assert_eq!(check(&draft(), &here(NOW)), Ok(()), "to any prover");
    assert_eq!(check(&draft().audience(here(NOW).audience), &here(NOW)), Ok(()));
    let refused = check(&draft().audience(other), &here(NOW)).unwrap_err();
    assert_eq!(refused.code(), "envelope.audience");
    let nameless = Expected {
        audience: None,
        ..here(NOW)
    };
    assert!(
        check(&draft().audience(other), &nameless).is_err(),
        "a receiver without a key"
    );
    let elsewhere = Expected {
        network: "mainnet",
        ..here(NOW)
    };
    assert_eq!(
        check(&draft(), &elsewhere).unwrap_err().code(),
        "envelope.network"
    );
    let session = Expected {
        kind: Kind::Session,
        ..here(NOW)
    };
    assert_eq!(check(&draft(), &session).unwrap_err().code(), "envelope.kind");
}

#[test]
fn clocks_are_bounded_both_ways() {
    let code = |draft: &Draft, now| check(draft, &here(now)).map_err(|error| error.code());
    let draft = draft().lifetime(60);
    for (now, expected) in [
        (NOW - MAX_CLOCK_SKEW_SECONDS - 1, Err("envelope.early")),
        (NOW - MAX_CLOCK_SKEW_SECONDS, Ok(())),
        (NOW + 59, Ok(())),
        (NOW + 60, Err("envelope.expired")),
        (u64::MAX, Err("envelope.expired")),
        (0, Err("envelope.early")),
    ] {
        assert_eq!(code(&draft, now), expected, "{now}");
    }
    assert_eq!(code(&draft.clone().lifetime(0), NOW), Err("envelope.lifetime"));
    assert_eq!(
        code(&draft.clone().lifetime(u64::MAX), NOW),
        Ok(()),
        "at most a day"
    );
    // A sender who does not keep to the bound of a draft.
    let bytes = draft.lifetime(MAX_LIFETIME_SECONDS).sign(&ed25519()).unwrap();
    let expires = (NOW + MAX_LIFETIME_SECONDS).to_be_bytes();
    let at = bytes.windows(8).position(|window| window == expires).unwrap();
    for later in [NOW + MAX_LIFETIME_SECONDS + 1, NOW, NOW - 1, u64::MAX, 0] {
        let mut changed = bytes.clone();
        changed
            .get_mut(at..at + 8)
            .unwrap()
            .copy_from_slice(&later.to_be_bytes());
        let refused = Envelope::parse(changed).unwrap().check(&here(NOW)).unwrap_err();
        assert_eq!(refused.code(), "envelope.lifetime", "{later}");
    }
}

#[test]
fn forms_that_mean_the_same_are_refused() {
    let bytes = draft().sign(&ed25519()).unwrap();
    let text = ed25519().public_key().to_string();
    let at = bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes())
        .unwrap();
    let with = |from: usize, new: &[u8]| {
        let mut changed = bytes.clone();
        changed
            .get_mut(from..from + new.len())
            .unwrap()
            .copy_from_slice(new);
        Envelope::parse(changed).unwrap_err()
    };
    assert_eq!(
        with(at, text.to_uppercase().as_bytes()),
        EnvelopeError::Key { field: "signer" }
    );
    assert_eq!(with(at, b"rsa4096:"), EnvelopeError::Key { field: "signer" });
    assert_eq!(with(4, b"quarry.envelopf"), EnvelopeError::Form { field: "tag" });
    assert_eq!(with(23, &[2]), EnvelopeError::Version { version: 2 });
    assert_eq!(with(28, b"jib"), EnvelopeError::Kind);
    assert_eq!(with(35, b"dev/et"), EnvelopeError::Form { field: "network" });
    assert_eq!(with(0, &[0xff; 4]), EnvelopeError::Form { field: "tag" });
    let long = vec![0; MAX_ENVELOPE_BYTES + 1];
    assert_eq!(Envelope::parse(long).unwrap_err().code(), "envelope.too_long");
}

/// The second signature that everybody can make of the first: (r, n - s).
#[test]
fn a_signature_has_one_form() {
    let key = stark();
    let body = draft().body(key.public_key()).unwrap();
    let signature = key.sign(&body.signed_bytes());
    let order = crate::stark_curve::ORDER;
    let s = starknet_crypto::Felt::from_bytes_be_slice(&signature[32..]);
    let mut second = signature;
    second[32..].copy_from_slice(&(order - s).to_bytes_be());
    assert!(body.clone().with(&signature).is_ok());
    assert!(body.clone().with(&second).is_err());
    // The same number with the prime added, where 32 bytes have room for it.
    let mut wide = signature;
    wide[0] |= 0x08;
    assert!(body.with(&wide).is_err());
}

#[test]
fn drafts_that_nobody_would_take_are_not_signed() {
    let refused = |draft: &Draft| draft.sign(&ed25519()).unwrap_err();
    for (field, draft) in [
        ("network", Draft::new(Kind::Job, "", NOW).nonce(b"1")),
        ("network", Draft::new(Kind::Job, &"n".repeat(65), NOW).nonce(b"1")),
        ("network", Draft::new(Kind::Job, "a b", NOW).nonce(b"1")),
        ("nonce", draft().nonce(b"")),
        ("nonce", draft().nonce(&[0; 65])),
        ("payload", draft().payload(vec![0; MAX_PAYLOAD_BYTES + 1])),
    ] {
        assert_eq!(refused(&draft), EnvelopeError::Draft { field });
    }
    let largest = draft().nonce(&[0; 64]).payload(vec![0; MAX_PAYLOAD_BYTES]);
    let largest = largest
        .audience(Some(stark().public_key()))
        .sign(&ed25519())
        .unwrap();
    assert!(Envelope::parse(largest).is_ok(), "within MAX_ENVELOPE_BYTES");
}

#[test]
fn keys_have_one_text() {
    for key in [stark(), ed25519()] {
        let text = key.to_secret_text();
        let again: SecretKey = text.parse().unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(key.public_key().to_string().parse(), Ok(key.public_key()));
        assert_eq!(key.public_key().check(), Ok(()));
        let digits = text.split_once(':').unwrap().1;
        assert!(!format!("{key:?}").contains(digits), "Debug keeps the secret");
    }
    let key = |text: &str| text.parse::<PublicKey>().err();
    let digits = "0".repeat(63);
    for text in [
        "",
        ":",
        "ed25519",
        "ed25519:",
        &digits,
        &format!("stark:{digits}"),
    ] {
        assert_eq!(key(text), Some(KeyError::Form), "{text}");
    }
    let ones = format!("stark:{}", "f".repeat(64));
    assert_eq!(key(&ones), Some(KeyError::OutOfRange));
    assert_eq!(ones.parse::<SecretKey>().err(), Some(KeyError::OutOfRange));
    let zero = format!("stark:{}", "0".repeat(64));
    assert_eq!(zero.parse::<SecretKey>().err(), Some(KeyError::OutOfRange));
}

/// The bounds of a Stark key are met although the numbers are not reduced, and no two keys are the same.
#[test]
fn new_keys_are_keys_and_differ() {
    for scheme in Scheme::ALL {
        let key = || SecretKey::random(scheme).unwrap();
        let public: BTreeSet<_> = (0..8).map(|_| key().public_key()).collect();
        assert_eq!(public.len(), 8);
        for key in public {
            assert_eq!((key.scheme(), key.check()), (scheme, Ok(())));
        }
    }
}

/// For a weak key of Ed25519 there are signatures that hold for many messages.
#[test]
fn weak_keys_sign_nothing() {
    let neutral = format!("ed25519:01{}", "0".repeat(62));
    let off_the_curve = format!("stark:{}5", "0".repeat(63));
    for text in [&neutral, &off_the_curve] {
        let key: PublicKey = text.parse().unwrap();
        assert_eq!(key.check(), Err(KeyError::NoPoint), "{text}");
    }
    let key: PublicKey = neutral.parse().unwrap();
    let mut signature = [0; SIGNATURE_BYTES];
    signature[0] = 1;
    assert!(!key.verifies(b"anything", &signature));
}
