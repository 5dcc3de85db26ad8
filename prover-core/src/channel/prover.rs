//! The prover's end of the channel: everything sent becomes the proof.

use super::{Channel, Kind, Recording, digest_text, trimmed_text};
use crate::parameters::Parameters;
use quarry_kernels::{Digest, Felt, Hash, felt};

/// The bytes of the proof so far.
pub struct Sent(Vec<u8>);

/// The prover's end of the channel.
pub type ProverChannel = Channel<Sent>;

impl Channel<Sent> {
    /// A channel whose transcript begins with `seed` (see `PublicInput::initial_seed`).
    pub fn new(parameters: &Parameters, seed: &[u8], annotate: bool) -> Self {
        let recording = if annotate {
            Recording::Lines
        } else {
            Recording::Nothing
        };
        Self::open(parameters, seed, recording, Sent(Vec::new()))
    }

    fn send(&mut self, kind: Kind, bytes: &[u8], text: impl FnOnce() -> String) {
        if !self.in_query_phase {
            self.transcript.absorb(bytes);
        }
        self.end.0.extend_from_slice(bytes);
        self.annotations.note_sent(kind, bytes.len(), text);
    }

    /// Sends the root of a Merkle tree.
    pub fn send_commitment(&mut self, root: &Digest) {
        let hash = self.node_hash(1);
        self.send(Kind::Commitment, root, || {
            format!("Commitment: Hash({})", digest_text(hash, root))
        });
    }

    /// Sends a field element, in Montgomery form.
    pub fn send_felt(&mut self, value: &Felt, name: &str) {
        let bytes = felt::to_montgomery_bytes(value);
        self.send(Kind::Felts, &bytes, || {
            format!("{name}: Field Element({})", felt::to_hex(value))
        });
    }

    /// Sends field elements that enter the transcript together; on the Poseidon channel, in standard form.
    pub fn send_felts(&mut self, values: &[Felt], name: &str) {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| self.transcript.encode_in_span(value))
            .collect();
        self.send(Kind::Felts, &bytes, || super::felts_text(name, values));
    }

    /// Sends other data. (The Poseidon channel accepts only whole 32-byte words below p.)
    pub fn send_data(&mut self, data: &[u8], name: &str) {
        self.send(Kind::Data, data, || {
            format!("{name}: Data({})", trimmed_text(data))
        });
    }

    /// Sends a node of a Merkle tree; `node_index` is its heap index, 1 for the root.
    pub fn send_node(&mut self, node: &Digest, node_index: u64) {
        let hash = self.node_hash(node_index);
        // Stone holds a node below a Pedersen node as a field element, so it is sent reduced.
        let node = match hash {
            Hash::Pedersen => felt::to_standard_bytes(&felt::from_bytes_reduced(node)),
            _ => *node,
        };
        self.send(Kind::Nodes, &node, || {
            format!("For node {node_index}: Hash({})", digest_text(hash, &node))
        });
    }

    /// Sends an element of a table.
    pub fn send_row_element(&mut self, value: &Felt, row: u64, column: usize) {
        let bytes = felt::to_montgomery_bytes(value);
        let text = || {
            format!(
                "Row {row}, Column {column}: Field Element({})",
                felt::to_hex(value)
            )
        };
        self.send(Kind::RowElements, &bytes, text);
    }

    /// Sends an element of a one-column table that is only needed to complete a leaf.
    pub fn send_package_element(&mut self, value: &Felt, row: u64) {
        self.send_data(&felt::to_montgomery_bytes(value), &super::package_name(row));
    }

    /// Sends the nonce of the proof of work. (With 0 bits there is none to send.)
    pub fn send_nonce(&mut self, nonce: u64) {
        self.enter("Proof of Work");
        let mut bytes = vec![0; self.transcript.nonce_len()];
        let (_, low) = bytes.split_at_mut(self.transcript.nonce_len() - 8);
        low.copy_from_slice(&nonce.to_be_bytes());
        self.send_data(&bytes, "POW");
        self.exit();
    }

    /// The proof and, if requested, its annotations: title, lines and statistics as in Stone's file.
    pub fn finish(self) -> (Vec<u8>, Option<Vec<String>>) {
        let lines = self.annotations.finish().lines;
        let is_annotated = !lines.is_empty();
        let lines = is_annotated.then(|| lines.lines().map(str::to_owned).collect());
        (self.end.0, lines)
    }
}
