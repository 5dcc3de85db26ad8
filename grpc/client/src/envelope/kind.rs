//! What a signed message is.

use std::fmt;

/// What a message is. It is signed, so that no message can pass for one of another kind, whatever its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A client submits a job. Payload: a serialized `JobSpec`.
    Job,
    /// A client asks for a token, with which it makes its other calls. No payload.
    Session,
    /// A prover accepts a job. Payload: a serialized `Acceptance`.
    Acceptance,
    /// A prover refuses a job. Payload: a serialized `Refusal`.
    Refusal,
    /// A prover has proved a job. Payload: a serialized `Receipt`.
    Receipt,
}

impl Kind {
    /// All kinds, with their names in an envelope.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Job, "job"),
        (Self::Session, "session"),
        (Self::Acceptance, "acceptance"),
        (Self::Refusal, "refusal"),
        (Self::Receipt, "receipt"),
    ];

    /// The kind with this name.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find_map(|(kind, own)| (own.as_bytes() == name).then_some(kind))
    }

    /// Its name in an envelope.
    pub fn name(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Session => "session",
            Self::Acceptance => "acceptance",
            Self::Refusal => "refusal",
            Self::Receipt => "receipt",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
