//! Stone's annotations: one line for everything that passes through the channel, then statistics.
//!
//! The lines are kept in one string. A proof of many small elements has hundreds of bytes of annotations for each of
//! them, and verifying an untrusted file must not take a multiple of that.

use quarry_kernels::Felt;
use std::fmt::Write as _;

/// How much a channel records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// Only counts.
    #[default]
    Nothing,
    /// The sections of the proof.
    Sections,
    /// Sections, and the states of FRI.
    Fri,
    /// Sections and annotations.
    Lines,
}

/// Counts of what was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Bytes.
    pub byte_count: usize,
    /// Digests, including commitments.
    pub hash_count: usize,
    /// Commitments.
    pub commitment_count: usize,
    /// Field elements.
    pub field_element_count: usize,
    /// Items of other data.
    pub data_count: usize,
}

/// The kind of a piece of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The root of a Merkle tree.
    Commitment,
    /// Field elements.
    Felts,
    /// Elements of opened rows of a table.
    RowElements,
    /// Nodes of a Merkle tree.
    Nodes,
    /// Other data.
    Data,
}

/// Adjacent pieces of a proof that have the same kind and scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The scopes, joined by `/`.
    pub scope: String,
    /// What the bytes are.
    pub kind: Kind,
    /// The range of bytes in the proof.
    pub bytes: std::ops::Range<usize>,
}

/// A query in a layer of FRI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FriQuery {
    /// Its index in the layer.
    pub index: u64,
    /// The value of the layer there.
    pub value: Felt,
    /// The inverse of the point with this index.
    pub inverse_point: Felt,
}

/// A layer of FRI as the verifier reaches it: all that it has to know to check the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriState {
    /// The point at which the layer is folded; `None` for the last layer.
    pub point: Option<Felt>,
    /// The queries, ascending, each index once.
    pub queries: Vec<FriQuery>,
}

/// The record of a channel.
pub(super) struct Annotations {
    recording: Recording,
    scopes: Vec<String>,
    /// `/scope/scope: `, updated with every change of scope.
    prefix: String,
    lines: String,
    extra: String,
    sections: Vec<Section>,
    fri: Vec<FriState>,
    pub statistics: Statistics,
}

/// What a channel recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The annotations: title, lines and statistics.
    pub lines: String,
    /// Extra lines that the verifier noted.
    pub extra: String,
    /// The sections of the proof.
    pub sections: Vec<Section>,
    /// The states of FRI, from layer 1 to the last; empty unless [`Recording::Fri`].
    pub fri: Vec<FriState>,
}

impl Annotations {
    /// A record whose outermost scope is `statement`.
    pub fn new(recording: Recording, statement: &str) -> Self {
        let mut this = Self {
            recording,
            scopes: Vec::new(),
            prefix: String::new(),
            lines: String::new(),
            extra: String::new(),
            sections: Vec::new(),
            fri: Vec::new(),
            statistics: Statistics::default(),
        };
        if this.has_lines() {
            let _ = write!(this.lines, "title {statement} Proof Protocol\n\n");
        }
        this.enter(statement);
        this
    }

    fn has_lines(&self) -> bool {
        self.recording == Recording::Lines
    }

    pub fn enter(&mut self, scope: &str) {
        self.scopes.push(scope.to_owned());
        self.update_prefix();
    }

    pub fn exit(&mut self) {
        self.scopes.pop();
        self.update_prefix();
    }

    fn update_prefix(&mut self) {
        self.prefix.clear();
        for scope in &self.scopes {
            let _ = write!(self.prefix, "/{scope}");
        }
        self.prefix.push_str(": ");
    }

    /// Records `n_bytes` sent by the prover to the verifier.
    pub fn note_sent(&mut self, kind: Kind, n_bytes: usize, text: impl FnOnce() -> String) {
        let start = self.statistics.byte_count;
        let end = start + n_bytes;
        self.statistics.byte_count = end;
        match kind {
            Kind::Commitment => {
                self.statistics.commitment_count += 1;
                self.statistics.hash_count += 1;
            }
            Kind::Felts | Kind::RowElements => self.statistics.field_element_count += n_bytes / 32,
            Kind::Nodes => self.statistics.hash_count += 1,
            Kind::Data => self.statistics.data_count += 1,
        }
        if self.has_lines() {
            let _ = writeln!(self.lines, "P->V[{start}:{end}]: {}{}", self.prefix, text());
        }
        if self.recording != Recording::Nothing {
            self.extend_sections(kind, start..end);
        }
    }

    fn extend_sections(&mut self, kind: Kind, bytes: std::ops::Range<usize>) {
        let scope = self.scopes.join("/");
        match self
            .sections
            .last_mut()
            .filter(|last| last.kind == kind && last.scope == scope)
        {
            Some(last) => last.bytes.end = bytes.end,
            None => self.sections.push(Section { scope, kind, bytes }),
        }
    }

    /// Records a value drawn by the verifier.
    pub fn note_drawn(&mut self, text: impl FnOnce() -> String) {
        if self.has_lines() {
            let _ = writeln!(self.lines, "V->P: {}{}", self.prefix, text());
        }
    }

    /// Records a value computed by the verifier that a proof splitter needs.
    pub fn extra(&mut self, text: impl FnOnce() -> String) {
        if self.has_lines() {
            let _ = writeln!(self.extra, "{}{}", self.prefix, text());
        }
    }

    /// Records a state of FRI.
    pub fn note_fri(&mut self, state: impl FnOnce() -> FriState) {
        if self.recording == Recording::Fri {
            self.fri.push(state());
        }
    }

    /// The record, with the statistics.
    pub fn finish(self) -> Record {
        let mut lines = self.lines;
        if self.recording == Recording::Lines {
            let Statistics {
                byte_count,
                hash_count,
                commitment_count,
                field_element_count,
                data_count,
            } = self.statistics;
            let _ = write!(
                lines,
                "\nProof Statistics:\n\nByte count: {byte_count}\nHash count: {hash_count}\n\
                 Commitment count: {commitment_count}\nField element count: {field_element_count}\n\
                 Data count: {data_count}\n"
            );
        }
        Record {
            lines,
            extra: self.extra,
            sections: self.sections,
            fri: self.fri,
        }
    }
}
