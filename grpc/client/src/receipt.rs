//! Receipts: what provers sign of the jobs that they have proved, and what a set of them shows. `docs/receipts.md` says
//! what it does not show.

use crate::envelope::{Envelope, EnvelopeError, Expected, Kind, PublicKey, Verified};
use crate::protocol::{Acceptance, JobResult, Receipt};
use crate::session::now;
use prost::Message;
use prost_types::Timestamp;
use std::collections::BTreeMap;

/// Why bytes are no receipt, or no acceptance.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// The envelope is of another form or kind, or its signature is not valid.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The payload is no such message.
    #[error("the payload of the {kind}: {why}")]
    Payload {
        /// What it should be.
        kind: Kind,
        /// What is wrong.
        why: String,
    },
}

/// A receipt with a valid signature.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedReceipt {
    message: Verified,
    content: Receipt,
    result: JobResult,
    finished_at: Timestamp,
}

/// An acceptance with a valid signature.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedAcceptance {
    message: Verified,
    content: Acceptance,
}

/// Reads a message of a kind, to whomever and of whatever time: what was signed stays signed.
fn read(bytes: Vec<u8>, kind: Kind) -> Result<Verified, EnvelopeError> {
    let envelope = Envelope::parse(bytes)?;
    envelope.check(&Expected {
        kind,
        network: envelope.network(),
        audience: envelope.audience(),
        now: now().min(envelope.issued()),
    })?;
    envelope.verify()
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl SignedReceipt {
    /// Reads an envelope of kind `receipt` and checks its signature.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, ReceiptError> {
        let message = read(bytes, Kind::Receipt)?;
        let refuse = |why: String| ReceiptError::Payload {
            kind: Kind::Receipt,
            why,
        };
        let content = Receipt::decode(message.payload()).map_err(|why| refuse(why.to_string()))?;
        let fits = match content.number {
            0 => false,
            1 => content.previous.is_empty(),
            _ => is_digest(&content.previous),
        };
        if !fits {
            return Err(refuse(
                "number and digest of the receipt before it do not fit".to_owned(),
            ));
        }
        let result = content.result.clone().unwrap_or_default();
        let proof = result.proof.as_ref().map(|proof| &*proof.sha256);
        let finished_at = result.finished_at.ok_or_else(|| refuse("no time".to_owned()))?;
        if !proof.is_some_and(is_digest) || result.job_id != content.job_id {
            return Err(refuse("no proof of its job".to_owned()));
        }
        Ok(Self {
            message,
            content,
            result,
            finished_at,
        })
    }

    /// The key of the prover, which signed it.
    pub fn prover(&self) -> PublicKey {
        self.message.signer()
    }

    /// The message.
    pub fn message(&self) -> &Verified {
        &self.message
    }

    /// What it says.
    pub fn content(&self) -> &Receipt {
        &self.content
    }

    /// The result that it is about, without the output.
    pub fn result(&self) -> &JobResult {
        &self.result
    }

    /// SHA-256 of the proof file, as hexadecimal digits.
    pub fn proof_sha256(&self) -> &str {
        self.result.proof.as_ref().map_or("", |proof| &proof.sha256)
    }

    /// When the proof was made, by the prover's own clock.
    pub fn finished_at(&self) -> Timestamp {
        self.finished_at
    }
}

impl SignedAcceptance {
    /// Reads an envelope of kind `acceptance` and checks its signature. It may be to another key than the reader's;
    /// [`crate::SignedJob::check_acceptance`] checks one that came as an answer.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, ReceiptError> {
        let message = read(bytes, Kind::Acceptance)?;
        let content = Acceptance::decode(message.payload()).map_err(|why| ReceiptError::Payload {
            kind: Kind::Acceptance,
            why: why.to_string(),
        })?;
        Ok(Self { message, content })
    }

    /// The key of the prover, which signed it.
    pub fn prover(&self) -> PublicKey {
        self.message.signer()
    }

    /// What it says.
    pub fn content(&self) -> &Acceptance {
        &self.content
    }

    /// What became of the promise, as far as these receipts tell, at a time in seconds since 1970 UTC.
    pub fn outcome(&self, receipts: &[SignedReceipt], now: u64) -> Outcome {
        let is_of_job = |receipt: &&SignedReceipt| {
            receipt.prover() == self.prover() && receipt.content.job_id == self.content.job_id
        };
        // If there are several, the prover has said worse of itself in the latest.
        let of_job = receipts.iter().filter(is_of_job);
        let receipt = of_job.max_by_key(|receipt| order(receipt.finished_at));
        let now = Timestamp {
            seconds: i64::try_from(now).unwrap_or(i64::MAX),
            nanos: 0,
        };
        match (receipt, self.content.deadline) {
            (Some(receipt), Some(deadline)) if is_after(receipt.finished_at, deadline) => Outcome::Late,
            (Some(_), _) => Outcome::Kept,
            (None, Some(deadline)) if is_after(now, deadline) => Outcome::Broken,
            (None, _) => Outcome::Open,
        }
    }
}

fn is_after(at: Timestamp, than: Timestamp) -> bool {
    order(at) > order(than)
}

fn order(at: Timestamp) -> (i64, i32) {
    (at.seconds, at.nanos)
}

/// What became of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is a receipt, and the proof was made by the deadline, if there is one.
    Kept,
    /// There is a receipt, and the proof was made after the deadline.
    Late,
    /// The deadline has passed, and there is no receipt among those that are shown.
    Broken,
    /// There is no receipt yet. The deadline has not passed, or no time was promised.
    Open,
}

impl Outcome {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Late => "late",
            Self::Broken => "broken",
            Self::Open => "open",
        }
    }

    /// Whether the prover has not done what it promised.
    pub fn is_breach(self) -> bool {
        matches!(self, Self::Late | Self::Broken)
    }
}

/// What a set of receipts shows of the chain of a prover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Receipts that are not shown: the prover has signed others between those that are, or before them.
    Gap {
        /// The prover.
        prover: PublicKey,
        /// Number of the first of them.
        first: u64,
        /// Number of the last of them.
        last: u64,
    },
    /// The prover has signed two receipts of one number, or says of the one before this number that it was another.
    Fork {
        /// The prover.
        prover: PublicKey,
        /// The number.
        number: u64,
    },
}

/// Looks for gaps and forks in the chains of provers. The order of the receipts does not matter, nor that one is there
/// twice.
pub fn find_faults(receipts: &[SignedReceipt]) -> Vec<Finding> {
    let mut chains: BTreeMap<String, BTreeMap<u64, Vec<&SignedReceipt>>> = BTreeMap::new();
    for receipt in receipts {
        let chain = chains.entry(receipt.prover().to_string()).or_default();
        let of_number = chain.entry(receipt.content.number).or_default();
        if of_number
            .iter()
            .all(|known| known.message.digest() != receipt.message.digest())
        {
            of_number.push(receipt);
        }
    }
    chains.values().flat_map(faults_of_chain).collect()
}

fn faults_of_chain(chain: &BTreeMap<u64, Vec<&SignedReceipt>>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut before: Option<(u64, String)> = None;
    for (&number, same) in chain {
        let Some(receipt) = same.first() else {
            continue;
        };
        let prover = receipt.prover();
        let last = before.as_ref().map_or(0, |(number, _)| *number);
        if number > last + 1 {
            let (first, last) = (last + 1, number - 1);
            findings.push(Finding::Gap { prover, first, last });
        }
        let follows =
            |(last, digest): &(u64, String)| number != last + 1 || receipt.content.previous == *digest;
        if same.len() > 1 || !before.as_ref().is_none_or(follows) {
            findings.push(Finding::Fork { prover, number });
        }
        before = Some((number, receipt.message.digest().to_string()));
    }
    findings
}

#[cfg(test)]
#[path = "receipt_tests.rs"]
mod tests;
