//! The verifier's end of the channel: a strict reader of the proof.

use super::{Channel, FriState, Kind, Record, Recording, digest_text, trimmed_text};
use crate::parameters::Parameters;
use quarry_kernels::{Digest, Felt, Hash, felt};

/// The proof and the number of bytes read so far.
pub struct Received<'a> {
    proof: &'a [u8],
    position: usize,
}

/// The verifier's end of the channel.
pub type VerifierChannel<'a> = Channel<Received<'a>>;

/// Why bytes are not a valid proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The proof ends too early.
    #[error("the proof ends at byte {len}, but bytes {start} to {end} are needed")]
    Truncated {
        /// The first byte needed.
        start: usize,
        /// One past the last byte needed.
        end: usize,
        /// Length of the proof.
        len: usize,
    },
    /// A field element, or a digest that is a field element, is p or above.
    #[error("the 32 bytes at {position} are not below p")]
    OutOfRange {
        /// Byte offset in the proof.
        position: usize,
    },
    /// The nonce's padding is not zero.
    #[error("the nonce at byte {position} is longer than 64 bits")]
    LongNonce {
        /// Byte offset in the proof.
        position: usize,
    },
    /// The nonce does not give enough zero bits.
    #[error("wrong proof of work: {bits} bits are required")]
    ProofOfWork {
        /// Bits required.
        bits: u32,
    },
    /// Bytes after the proof's end.
    #[error("{count} bytes after the proof's end at {position}")]
    TrailingBytes {
        /// The proof's end.
        position: usize,
        /// Bytes after it.
        count: usize,
    },
}

impl<'a> Channel<Received<'a>> {
    /// A channel that reads `proof`; its transcript begins with `seed` (see `PublicInput::initial_seed`).
    pub fn new(parameters: &Parameters, seed: &[u8], proof: &'a [u8], recording: Recording) -> Self {
        Self::open(parameters, seed, recording, Received { proof, position: 0 })
    }

    fn take(&mut self, n_bytes: usize) -> Result<&'a [u8], ChannelError> {
        let (start, len) = (self.end.position, self.end.proof.len());
        let end = start.saturating_add(n_bytes);
        let bytes = self.end.proof.get(start..end);
        let bytes = bytes.ok_or(ChannelError::Truncated { start, end, len })?;
        if self.transcript.is_over_felts() {
            self.check_felts(bytes)?;
        }
        self.end.position = end;
        if !self.in_query_phase {
            self.transcript.absorb(bytes);
        }
        Ok(bytes)
    }

    /// Checks that every word is a field element, as the Poseidon channel requires.
    fn check_felts(&self, bytes: &[u8]) -> Result<(), ChannelError> {
        for (i, word) in bytes.as_chunks::<32>().0.iter().enumerate() {
            let position = self.end.position + 32 * i;
            felt::from_standard_bytes(word).ok_or(ChannelError::OutOfRange { position })?;
        }
        Ok(())
    }

    fn take_word(&mut self) -> Result<[u8; 32], ChannelError> {
        let mut word = [0; 32];
        word.copy_from_slice(self.take(32)?);
        Ok(word)
    }

    fn take_felt(&mut self) -> Result<Felt, ChannelError> {
        let position = self.end.position;
        let word = self.take_word()?;
        felt::from_montgomery_bytes(&word).ok_or(ChannelError::OutOfRange { position })
    }

    fn take_digest(&mut self, hash: Hash) -> Result<Digest, ChannelError> {
        let position = self.end.position;
        let digest = self.take_word()?;
        let is_felt = matches!(hash, Hash::Pedersen | Hash::Poseidon3);
        if is_felt && !hash.is_digest(&digest) {
            return Err(ChannelError::OutOfRange { position });
        }
        Ok(digest)
    }

    /// Checks that the rest of the proof can hold `count` words, so that the verifier never allocates more than the
    /// size of the proof: the parameters of an untrusted file can ask for anything.
    ///
    /// # Errors
    /// [`ChannelError::Truncated`].
    pub fn expect_words(&self, count: u128) -> Result<(), ChannelError> {
        let (start, len) = (self.end.position, self.end.proof.len());
        let end = usize::try_from(count.saturating_mul(32))
            .unwrap_or(usize::MAX)
            .saturating_add(start);
        if end > len {
            return Err(ChannelError::Truncated { start, end, len });
        }
        Ok(())
    }

    /// Receives the root of a Merkle tree.
    ///
    /// # Errors
    /// [`ChannelError`], as for every `receive_..`.
    pub fn receive_commitment(&mut self) -> Result<Digest, ChannelError> {
        let hash = self.node_hash(1);
        let root = self.take_digest(hash)?;
        self.annotations.note_sent(Kind::Commitment, 32, || {
            format!("Commitment: Hash({})", digest_text(hash, &root))
        });
        Ok(root)
    }

    /// Receives a field element.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn receive_felt(&mut self, name: &str) -> Result<Felt, ChannelError> {
        let value = self.take_felt()?;
        self.annotations.note_sent(Kind::Felts, 32, || {
            format!("{name}: Field Element({})", felt::to_hex(&value))
        });
        Ok(value)
    }

    /// Receives field elements that enter the transcript together.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn receive_felts(&mut self, count: usize, name: &str) -> Result<Vec<Felt>, ChannelError> {
        let start = self.end.position;
        let bytes = self.take(count.saturating_mul(32))?;
        let decode = |(i, word)| {
            let position = start + 32 * i;
            self.transcript
                .decode_in_span(word)
                .ok_or(ChannelError::OutOfRange { position })
        };
        let words = bytes.as_chunks::<32>().0.iter().enumerate();
        let values = words.map(decode).collect::<Result<Vec<_>, _>>()?;
        self.annotations
            .note_sent(Kind::Felts, bytes.len(), || super::felts_text(name, &values));
        Ok(values)
    }

    /// Receives other data.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn receive_data(&mut self, n_bytes: usize, name: &str) -> Result<&'a [u8], ChannelError> {
        let data = self.take(n_bytes)?;
        self.annotations.note_sent(Kind::Data, n_bytes, || {
            format!("{name}: Data({})", trimmed_text(data))
        });
        Ok(data)
    }

    /// Receives a node of a Merkle tree; `node_index` is its heap index, 1 for the root.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn receive_node(&mut self, node_index: u64) -> Result<Digest, ChannelError> {
        let hash = self.node_hash(node_index);
        let node = self.take_digest(hash)?;
        let text = || format!("For node {node_index}: Hash({})", digest_text(hash, &node));
        self.annotations.note_sent(Kind::Nodes, 32, text);
        Ok(node)
    }

    /// Receives an element of a table.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn receive_row_element(&mut self, row: u64, column: usize) -> Result<Felt, ChannelError> {
        let value = self.take_felt()?;
        let text = || {
            format!(
                "Row {row}, Column {column}: Field Element({})",
                felt::to_hex(&value)
            )
        };
        self.annotations.note_sent(Kind::RowElements, 32, text);
        Ok(value)
    }

    /// Receives an element of a one-column table that is only needed to complete a leaf.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn receive_package_element(&mut self, row: u64) -> Result<Felt, ChannelError> {
        let position = self.end.position;
        let data = self.receive_data(32, &super::package_name(row))?;
        let word = data.as_chunks::<32>().0.first();
        let value = word.and_then(felt::from_montgomery_bytes);
        value.ok_or(ChannelError::OutOfRange { position })
    }

    /// Receives the nonce and checks the proof of work. With 0 bits, does nothing.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn receive_proof_of_work(&mut self, bits: u32) -> Result<(), ChannelError> {
        if bits == 0 {
            return Ok(());
        }
        let prefix = self.proof_of_work_prefix(bits);
        let position = self.end.position;
        self.enter("Proof of Work");
        let data = self.receive_data(self.transcript.nonce_len(), "POW")?;
        self.exit();
        let (padding, nonce) = data.split_at(self.transcript.nonce_len() - 8);
        if padding.iter().any(|&byte| byte != 0) {
            return Err(ChannelError::LongNonce { position });
        }
        let digest = self
            .proof_of_work_hash()
            .hash_bytes(&[&prefix[..], nonce].concat());
        let leading = digest
            .iter()
            .take(8)
            .fold(0, |word, &byte| word << 8 | u64::from(byte));
        if u64::leading_zeros(leading) < bits {
            return Err(ChannelError::ProofOfWork { bits });
        }
        Ok(())
    }

    /// Notes a field element that the verifier computed, for a proof splitter.
    pub fn note_felt(&mut self, value: &Felt, name: &str) {
        self.annotations
            .extra(|| format!("{name}: Field Element({})", felt::to_hex(value)));
    }

    /// Notes the digest of a leaf that the verifier computed, for a proof splitter.
    pub fn note_leaf(&mut self, hash: Hash, leaf: &Digest, node_index: u64) {
        let text = || format!("For node {node_index}: Hash({})", digest_text(hash, leaf));
        self.annotations.extra(text);
    }

    /// Notes a state of FRI, for a proof splitter.
    pub fn note_fri(&mut self, state: impl FnOnce() -> FriState) {
        self.annotations.note_fri(state);
    }

    /// Checks that the whole proof was read.
    ///
    /// # Errors
    /// [`ChannelError::TrailingBytes`].
    pub fn check_end(&self) -> Result<(), ChannelError> {
        let position = self.end.position;
        match self.end.proof.len() - position {
            0 => Ok(()),
            count => Err(ChannelError::TrailingBytes { position, count }),
        }
    }

    /// What was recorded.
    pub fn into_record(self) -> Record {
        self.annotations.finish()
    }
}
