//! Hashes by name. (Scalar implementations: the verifier's, and the oracle for every device.)

/// A 32-byte digest.
pub type Digest = [u8; 32];

/// A hash function that Stone knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// `keccak256`.
    Keccak256,
}
