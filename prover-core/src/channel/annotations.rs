//! Stone's annotations: a line for everything that passes the channel, and statistics at the end.

use std::fmt::Write as _;

/// What was sent, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Bytes.
    pub byte_count: usize,
    /// Digests, commitments among them.
    pub hash_count: usize,
    /// Commitments.
    pub commitment_count: usize,
    /// Field elements.
    pub field_element_count: usize,
    /// Pieces of other data.
    pub data_count: usize,
}

/// What a piece of a proof is.
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

/// Neighbouring pieces of a proof of one kind in one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The scopes, joined by `/`.
    pub scope: String,
    /// What the bytes are.
    pub kind: Kind,
    /// Which bytes of the proof.
    pub bytes: std::ops::Range<usize>,
}

/// The record of a channel.
pub(super) struct Annotations {
    enabled: bool,
    scopes: Vec<String>,
    /// `/scope/scope: `, kept with every change of scope.
    prefix: String,
    lines: Vec<String>,
    extra: Vec<String>,
    sections: Vec<Section>,
    pub statistics: Statistics,
}

impl Annotations {
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled,
            scopes: Vec::new(),
            prefix: ": ".to_owned(),
            lines: Vec::new(),
            extra: Vec::new(),
            sections: Vec::new(),
            statistics: Statistics::default(),
        }
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

    /// `n_bytes` went from the prover to the verifier.
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
        if self.enabled {
            self.lines
                .push(format!("P->V[{start}:{end}]: {}{}", self.prefix, text()));
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

    /// The verifier drew something.
    pub fn note_drawn(&mut self, text: impl FnOnce() -> String) {
        if self.enabled {
            self.lines.push(format!("V->P: {}{}", self.prefix, text()));
        }
    }

    /// The verifier computed something that a splitter of proofs needs.
    pub fn extra(&mut self, text: impl FnOnce() -> String) {
        if self.enabled {
            self.extra.push(format!("{}{}", self.prefix, text()));
        }
    }

    /// The extra lines and the sections, taken out.
    pub fn take_extra(&mut self) -> (Vec<String>, Vec<Section>) {
        (
            std::mem::take(&mut self.extra),
            std::mem::take(&mut self.sections),
        )
    }

    /// All lines between title and statistics; `None` if none were wanted.
    pub fn finish(self) -> Option<Vec<String>> {
        let Statistics {
            byte_count,
            hash_count,
            commitment_count,
            field_element_count,
            data_count,
        } = self.statistics;
        // After an error the inner scopes are still open.
        let title = self.scopes.first().map_or("", String::as_str);
        let title = format!("title {title} Proof Protocol");
        let statistics = [
            String::new(),
            "Proof Statistics:".to_owned(),
            String::new(),
            format!("Byte count: {byte_count}"),
            format!("Hash count: {hash_count}"),
            format!("Commitment count: {commitment_count}"),
            format!("Field element count: {field_element_count}"),
            format!("Data count: {data_count}"),
        ];
        let head = [title, String::new()].into_iter();
        self.enabled
            .then(|| head.chain(self.lines).chain(statistics).collect())
    }
}
