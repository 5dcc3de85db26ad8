//! The transcript, over bytes or over field elements.

use super::felt_chain::FeltChain;
use super::hash_chain::HashChain;
use crate::parameters::Parameters;
use quarry_kernels::{Digest, Felt, Hash, felt};

/// Everything sent so far, hashed, as a source of randomness.
pub(super) enum Transcript {
    /// Over bytes.
    Bytes(HashChain),
    /// Over field elements, with the hash of the proof of work.
    Felts(FeltChain, Hash),
}

impl Transcript {
    /// The transcript for the seed of a public input.
    pub fn new(parameters: &Parameters, seed: &[u8]) -> Self {
        let digest = parameters.public_input_hash().hash_bytes(seed);
        match parameters.channel_hash {
            Hash::Poseidon3 => Self::Felts(
                FeltChain::new(felt::from_bytes_reduced(&digest)),
                parameters.pow_hash,
            ),
            // Stone keeps a Pedersen state as a field element; another hash's digest can be p or above.
            Hash::Pedersen => {
                let digest = felt::to_standard_bytes(&felt::from_bytes_reduced(&digest));
                Self::Bytes(HashChain::new(Hash::Pedersen, digest))
            }
            hash => Self::Bytes(HashChain::new(hash, digest)),
        }
    }

    pub fn absorb(&mut self, bytes: &[u8]) {
        match self {
            Self::Bytes(chain) => chain.absorb(bytes),
            Self::Felts(chain, _) => chain.absorb(bytes),
        }
    }

    pub fn draw_felt(&mut self) -> Felt {
        match self {
            Self::Bytes(chain) => chain.draw_felt(),
            Self::Felts(chain, _) => chain.draw_felt(),
        }
    }

    pub fn draw_number(&mut self, bound: u64) -> u64 {
        let number = match self {
            Self::Bytes(chain) => chain.draw_u64(),
            Self::Felts(chain, _) => chain.draw_u64(),
        };
        number % bound.max(1)
    }

    pub fn state(&self) -> Digest {
        match self {
            Self::Bytes(chain) => *chain.digest(),
            Self::Felts(chain, _) => chain.state(),
        }
    }

    pub fn proof_of_work_hash(&self) -> Hash {
        match self {
            Self::Bytes(chain) => chain.hash(),
            Self::Felts(_, pow_hash) => *pow_hash,
        }
    }

    /// Whether everything sent must consist of 32-byte words below p.
    pub fn is_over_felts(&self) -> bool {
        matches!(self, Self::Felts(..))
    }

    /// Encodes an element of a span. (A single element is sent in Montgomery form in either transcript: only for spans
    /// does Stone's Poseidon channel know that it is given field elements.)
    #[cfg(feature = "prover")]
    pub fn encode_in_span(&self, value: &Felt) -> [u8; 32] {
        match self {
            Self::Bytes(_) => felt::to_montgomery_bytes(value),
            Self::Felts(..) => felt::to_standard_bytes(value),
        }
    }

    /// Decodes what [`Self::encode_in_span`] encoded; `None` if the bytes are not below p.
    pub fn decode_in_span(&self, bytes: &[u8; 32]) -> Option<Felt> {
        match self {
            Self::Bytes(_) => felt::from_montgomery_bytes(bytes),
            Self::Felts(..) => felt::from_standard_bytes(bytes),
        }
    }

    /// Length of a sent nonce in bytes: eight bytes, or one field element.
    pub fn nonce_len(&self) -> usize {
        if self.is_over_felts() { 32 } else { 8 }
    }
}
