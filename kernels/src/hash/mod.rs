//! Hash functions by name: scalar implementations, used by the verifier and as the reference for every device.

pub mod keccak;
pub mod pedersen;
pub mod poseidon;

use crate::felt;
use blake2::Digest as _;

/// A 32-byte digest.
pub type Digest = [u8; 32];

/// A hash function supported by Stone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// Keccak-256 with the original padding, as in Ethereum.
    Keccak256,
    /// Blake2s-256.
    Blake256,
    /// Pedersen on the STARK curve.
    Pedersen,
    /// Poseidon with a state of three elements.
    Poseidon3,
    /// Keccak-256, keeping only the first 20 bytes.
    Keccak256Masked160Msb,
    /// Blake2s-256, keeping only the first 20 bytes.
    Blake256Masked160Msb,
    /// Blake2s-256, keeping only the last 31 bytes.
    Blake256Masked248Lsb,
    /// Keccak-256, keeping only the last 20 bytes.
    Keccak256Masked160Lsb,
}

/// The hash functions with their names in Stone's files.
const NAMES: [(Hash, &str); 8] = [
    (Hash::Keccak256, "keccak256"),
    (Hash::Blake256, "blake256"),
    (Hash::Pedersen, "pedersen"),
    (Hash::Poseidon3, "poseidon3"),
    (Hash::Keccak256Masked160Msb, "keccak256_masked160_msb"),
    (Hash::Blake256Masked160Msb, "blake256_masked160_msb"),
    (Hash::Blake256Masked248Lsb, "blake256_masked248_lsb"),
    (Hash::Keccak256Masked160Lsb, "keccak256_masked160_lsb"),
];

impl Hash {
    /// Every hash function.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(hash, _)| *hash)
    }

    /// Looks up a hash function by its name in Stone's files.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|entry| entry.1 == name).map(|entry| entry.0)
    }

    /// The name in Stone's files.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|entry| entry.0 == self)
            .map_or("", |entry| entry.1)
    }

    /// Hashes bytes: Stone's `HashBytesWithLength`.
    ///
    /// Pedersen and Poseidon read words of 32 big-endian bytes. For them Stone supports no other lengths, and for
    /// Poseidon no words of p and above. Here a short last word is read as a number, and Poseidon reduces words modulo
    /// p, so that any input has a hash. Callers that read untrusted bytes check them with [`Hash::is_digest`].
    pub fn hash_bytes(self, bytes: &[u8]) -> Digest {
        self.mask(match self.unmasked() {
            Hash::Blake256 => blake2::Blake2s256::digest(bytes).into(),
            Hash::Pedersen => felt::to_standard_bytes(&pedersen::hash_words_many(vec![words(bytes)])[0]),
            Hash::Poseidon3 => {
                let elements = words(bytes).map(|word| felt::from_bytes_reduced(&word));
                felt::to_standard_bytes(&poseidon::hash_many(elements))
            }
            _ => keccak::keccak256(bytes),
        })
    }

    /// Hashes two digests to one: Stone's `Hash`, which computes the nodes of a Merkle tree.
    pub fn hash_pair(self, left: &Digest, right: &Digest) -> Digest {
        let elements = || (felt::from_bytes_reduced(left), felt::from_bytes_reduced(right));
        match self.unmasked() {
            Hash::Pedersen => {
                let (a, b) = elements();
                felt::to_standard_bytes(&pedersen::hash(a, b))
            }
            Hash::Poseidon3 => {
                let (a, b) = elements();
                felt::to_standard_bytes(&poseidon::hash_two(a, b))
            }
            _ => self.hash_bytes([*left, *right].as_flattened()),
        }
    }

    /// [`Hash::hash_bytes`] of every message of `len` bytes in `messages`. For Pedersen and Keccak a batch costs less
    /// than single hashes.
    ///
    /// # Panics
    /// Unless `messages` consists of `digests.len()` messages of `len > 0` bytes.
    pub fn hash_bytes_many(self, messages: &[u8], len: usize, digests: &mut [Digest]) {
        assert_eq!(messages.len(), len * digests.len(), "bytes of messages");
        match self.unmasked() {
            Hash::Pedersen => {
                let messages: Vec<_> = messages.chunks_exact(len).map(words).collect();
                for (digest, hash) in digests.iter_mut().zip(pedersen::hash_words_many(messages)) {
                    *digest = felt::to_standard_bytes(&hash);
                }
            }
            Hash::Keccak256 => {
                keccak::keccak256_many(messages, len, digests);
                for digest in digests {
                    *digest = self.mask(*digest);
                }
            }
            _ => {
                for (digest, message) in digests.iter_mut().zip(messages.chunks_exact(len)) {
                    *digest = self.hash_bytes(message);
                }
            }
        }
    }

    /// [`Hash::hash_pair`] of the pairs `2i` and `2i + 1` of `nodes`. For Pedersen and Keccak a batch costs less than
    /// single hashes.
    ///
    /// # Panics
    /// For Keccak and Blake2s, unless `nodes` has two nodes for every digest.
    pub fn hash_pairs_many(self, nodes: &[Digest], digests: &mut [Digest]) {
        let pairs = nodes.as_chunks::<2>().0;
        match self.unmasked() {
            Hash::Pedersen => {
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|pair| pair.map(|node| felt::from_bytes_reduced(&node)))
                    .collect();
                for (digest, hash) in digests.iter_mut().zip(pedersen::hash_pairs(&pairs)) {
                    *digest = felt::to_standard_bytes(&hash);
                }
            }
            Hash::Poseidon3 => {
                for (digest, [left, right]) in digests.iter_mut().zip(pairs) {
                    *digest = self.hash_pair(left, right);
                }
            }
            _ => self.hash_bytes_many(nodes.as_flattened(), 64, digests),
        }
    }

    /// Whether the bytes can be a digest of this hash: below p for Pedersen and Poseidon, with zeros in the masked
    /// bytes otherwise.
    pub fn is_digest(self, bytes: &Digest) -> bool {
        match self {
            Hash::Pedersen | Hash::Poseidon3 => felt::from_standard_bytes(bytes).is_some(),
            _ => self.mask(*bytes) == *bytes,
        }
    }

    /// The hash function without its mask.
    pub fn unmasked(self) -> Self {
        match self {
            Hash::Keccak256Masked160Msb | Hash::Keccak256Masked160Lsb => Hash::Keccak256,
            Hash::Blake256Masked160Msb | Hash::Blake256Masked248Lsb => Hash::Blake256,
            plain => plain,
        }
    }

    pub(crate) fn mask(self, mut digest: Digest) -> Digest {
        match self {
            Hash::Keccak256Masked160Msb | Hash::Blake256Masked160Msb => digest[20..].fill(0),
            Hash::Keccak256Masked160Lsb => digest[..12].fill(0),
            Hash::Blake256Masked248Lsb => digest[0] = 0,
            Hash::Keccak256 | Hash::Blake256 | Hash::Pedersen | Hash::Poseidon3 => {}
        }
        digest
    }
}

/// Splits bytes into 32-byte words. A short last word gets leading zeros.
fn words(bytes: &[u8]) -> impl ExactSizeIterator<Item = [u8; 32]> {
    bytes.chunks(32).map(|chunk| {
        let mut word = [0; 32];
        word[32 - chunk.len()..].copy_from_slice(chunk);
        word
    })
}

#[cfg(test)]
mod tests;
