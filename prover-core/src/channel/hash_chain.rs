//! The transcript of the channels over byte hashes.

use quarry_kernels::{Digest, Felt, Hash, felt};

/// A chain of digests. Random bytes are hashes of the current digest and a counter. Later draws of less than a block
/// use the spare bytes of earlier blocks, until something new is absorbed.
pub(super) struct HashChain {
    hash: Hash,
    digest: Digest,
    counter: u64,
    spare: Vec<u8>,
}

impl HashChain {
    pub fn new(hash: Hash, digest: Digest) -> Self {
        Self {
            hash,
            digest,
            counter: 0,
            spare: Vec::new(),
        }
    }

    pub fn hash(&self) -> Hash {
        self.hash
    }

    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Hashes sent bytes into the chain. The digest, as a big-endian number, is first incremented by one, to separate
    /// this from a draw.
    pub fn absorb(&mut self, bytes: &[u8]) {
        let mut message = self.digest.to_vec();
        for byte in message.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
        message.extend_from_slice(bytes);
        self.digest = self.hash.hash_bytes(&message);
        self.counter = 0;
        self.spare.clear();
    }

    fn next_block(&mut self) -> Digest {
        let mut message = [0; 64];
        message[..32].copy_from_slice(&self.digest);
        message[56..].copy_from_slice(&self.counter.to_be_bytes());
        self.counter += 1;
        self.hash.hash_bytes(&message)
    }

    /// Eight random bytes as a big-endian number.
    pub fn draw_u64(&mut self) -> u64 {
        if self.spare.len() < 8 {
            // Draw the first bytes of the new block; queue the rest behind the spare bytes of older blocks.
            let block = self.next_block();
            let (drawn, rest) = block.split_at(8);
            self.spare.extend_from_slice(rest);
            return big_endian(drawn);
        }
        let drawn: Vec<u8> = self.spare.drain(..8).collect();
        big_endian(&drawn)
    }

    /// A uniform field element. It takes whole blocks, so spare bytes stay. Blocks of 31 p and above are skipped; any
    /// other block, reduced modulo p, is the element's Montgomery form.
    pub fn draw_felt(&mut self) -> Felt {
        loop {
            let block = self.next_block();
            if felt::quotient_of_bytes(&block) < 31 {
                return montgomery_reduced(&block);
            }
        }
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// The element whose Montgomery form is the bytes modulo p.
fn montgomery_reduced(bytes: &[u8; 32]) -> Felt {
    let residue = felt::to_standard_bytes(&felt::from_bytes_reduced(bytes));
    // A standard form is below p, so it is always a Montgomery form.
    felt::from_montgomery_bytes(&residue).unwrap_or_default()
}
