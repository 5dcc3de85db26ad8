//! Test vectors of Stone's own tests, and the rules of masks and words.

use super::*;
use crate::felt::Felt;
use ark_ff::{BigInteger, PrimeField};

/// Stone's test string: 0x11, 0x22, .. 0x88, 0x11, ..
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| 0x11 * (i % 8 + 1) as u8).collect()
}

fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn names_are_found_again() {
    for hash in Hash::all() {
        assert_eq!(Hash::from_name(hash.name()), Some(hash));
    }
    assert_eq!(Hash::all().count(), 8);
    assert_eq!(Hash::from_name("sha256"), None);
}

#[test]
fn keccak_vectors() {
    for (input, expected) in [
        (
            vec![],
            "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
        ),
        (
            b"testing".to_vec(),
            "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02",
        ),
        (
            pattern(32),
            "579bb7619d88a618d64f8a31990ceed4f416b3bfc4a58dc4d253fd5260316bf9",
        ),
        (
            pattern(135),
            "01fc6a3d48aaee52c507048e1cd1891a0082098a992b825229b50f00d6993148",
        ),
        (
            pattern(999),
            "1e12a9123f39d457468eccb5ab485128b5294c5eb0c83a1cf497b998ab3d5f66",
        ),
        (
            pattern(1000),
            "59ae1d570a3a4bf6ceabeb13a3b37dcedd2d01ac49b365527922514091e7c7c4",
        ),
    ] {
        assert_eq!(hex(&Hash::Keccak256.hash_bytes(&input)), expected);
    }
}

#[test]
fn blake_vectors() {
    let hash = Hash::Blake256;
    let one = hash.hash_bytes(b"Hello World!");
    assert_eq!(
        hex(&one),
        "be8c6777e88d287dd927975327dd4214d199a1a1b67fe2e26666cc336533666a"
    );
    let two = hash.hash_bytes(&one);
    let three = hash.hash_pair(&one, &two);
    assert_eq!(
        hex(&three),
        "2e51dd0753f7552dd30dc5a049b96f24fede8f363f19a87386056c4094406b68"
    );
}

#[test]
fn pedersen_vectors() {
    let hash = |input: &[u8]| hex(&Hash::Pedersen.hash_bytes(input));
    assert_eq!(
        hash(&[]),
        "049ee3eba8c1600700ee1b87eb599f16716b0b1022947733551fde4050ca6804"
    );
    assert_eq!(
        hash(&pattern(32)),
        "076ee717494854a0656535e7ebd851daf6daced15363a94e3c14587187818208"
    );
    assert_eq!(
        hash(&pattern(64)),
        "05ae166bb6f7bd5aecc639a736a38257f0913611c4967e6fb1cabd4278790e4c"
    );
}

#[test]
fn poseidon_reads_words_as_values() {
    let words = [Felt::from(3u64), -Felt::from(5u64), Felt::from(7u64)];
    let bytes = words.map(|word| felt::to_standard_bytes(&word));
    assert_eq!(
        Hash::Poseidon3.hash_bytes(bytes.as_flattened()),
        felt::to_standard_bytes(&poseidon::hash_many(words)),
    );
    assert_eq!(
        Hash::Poseidon3.hash_pair(&bytes[0], &bytes[1]),
        felt::to_standard_bytes(&poseidon::hash_two(words[0], words[1])),
    );
}

#[test]
fn masks_keep_stones_bytes() {
    let message = Hash::Blake256.hash_bytes(b"x");
    let blake = Hash::Blake256.hash_pair(&message, &message);
    let keccak = Hash::Keccak256.hash_pair(&message, &message);
    for (masked, plain, kept) in [
        (Hash::Blake256Masked160Msb, blake, 0..20),
        (Hash::Blake256Masked248Lsb, blake, 1..32),
        (Hash::Keccak256Masked160Msb, keccak, 0..20),
        (Hash::Keccak256Masked160Lsb, keccak, 12..32),
    ] {
        let mut expected = [0; 32];
        expected[kept.clone()].copy_from_slice(&plain[kept]);
        assert_eq!(masked.hash_pair(&message, &message), expected);
        assert_eq!(masked.hash_bytes([message, message].as_flattened()), expected);
        assert!(masked.is_digest(&expected));
        assert!(!masked.is_digest(&plain));
    }
}

#[test]
fn digests_of_field_hashes_are_below_p() {
    let p: Digest = Felt::MODULUS.to_bytes_be().try_into().unwrap();
    for hash in [Hash::Pedersen, Hash::Poseidon3] {
        assert!(!hash.is_digest(&p));
        assert!(hash.is_digest(&hash.hash_pair(&p, &[0xff; 32])));
    }
    assert!(Hash::Keccak256.is_digest(&[0xff; 32]));
}

/// Batch hashing must equal hashing one by one: for lengths around the rate of Keccak, and for numbers of messages that
/// do not fill the last batch.
#[test]
fn many_at_once_are_the_same() {
    for hash in Hash::all().filter(|hash| *hash != Hash::Pedersen) {
        for len in [32, 64, 96, 128, 160, 288] {
            for n in [1, 7, 8, 19] {
                let messages: Vec<u8> = (0..len * n).map(|i| (i * i + 7 * i) as u8 & 0x07).collect();
                let mut digests = vec![Digest::default(); n];
                hash.hash_bytes_many(&messages, len, &mut digests);
                let expected: Vec<_> = messages.chunks(len).map(|m| hash.hash_bytes(m)).collect();
                assert_eq!(digests, expected, "{}: {n} of {len} bytes", hash.name());
            }
        }
        let nodes: Vec<Digest> = (0..38).map(|i| [i as u8 % 8; 32]).collect();
        let mut digests = vec![Digest::default(); 19];
        hash.hash_pairs_many(&nodes, &mut digests);
        let pairs = nodes.as_chunks::<2>().0.iter();
        let expected: Vec<_> = pairs.map(|[left, right]| hash.hash_pair(left, right)).collect();
        assert_eq!(digests, expected, "{}: pairs", hash.name());
    }
    for len in [1, 8, 135, 136, 137, 271, 272, 273] {
        let messages: Vec<u8> = (0..len * 9).map(|i| (i * 31) as u8).collect();
        let mut digests = [Digest::default(); 9];
        Hash::Keccak256.hash_bytes_many(&messages, len, &mut digests);
        let expected: Vec<_> = messages
            .chunks(len)
            .map(|message| Hash::Keccak256.hash_bytes(message))
            .collect();
        assert_eq!(digests.as_slice(), expected, "{len} bytes");
    }
}
