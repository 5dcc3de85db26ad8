//! Signed messages: an envelope has one form, so what is read is written with the same bytes.

use quarry_client::envelope::{Draft, Envelope, Kind, MAX_LIFETIME_SECONDS, SIGNATURE_BYTES, SecretKey};
use std::error::Error;

/// Reads an envelope, and writes what was read.
pub fn parse(bytes: &[u8]) {
    let Ok(envelope) = Envelope::parse(bytes.to_vec()) else {
        return;
    };
    assert_eq!(envelope.bytes(), bytes);
    // A draft has no lifetime that every receiver refuses.
    let lifetime = envelope.expires().checked_sub(envelope.issued());
    let Some(lifetime) = lifetime.filter(|seconds| *seconds <= MAX_LIFETIME_SECONDS) else {
        return;
    };
    let draft = Draft::new(envelope.kind(), envelope.network(), envelope.issued())
        .audience(envelope.audience())
        .nonce(envelope.nonce())
        .lifetime(lifetime)
        .payload(envelope.payload().to_vec());
    let body = draft.body(envelope.signer()).expect("fields that were read");
    assert_eq!(body.digest(), envelope.digest());
    let signature = bytes.strip_prefix(body.bytes()).expect("the same body");
    assert_eq!(signature.len(), size_of::<u32>() + SIGNATURE_BYTES);
}

/// An envelope of each scheme.
pub fn seeds() -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let keys = [SecretKey::ed25519([7; 32]), SecretKey::stark([5; 32])?];
    let audience = keys.first().map(SecretKey::public_key);
    let draft = Draft::new(Kind::Job, "devnet", 1_800_000_000)
        .audience(audience)
        .nonce(b"block 1234")
        .payload(b"a job".to_vec());
    keys.iter().map(|key| Ok(draft.sign(key)?)).collect()
}
