//! Explains a proof file: the meaning of every section of its bytes.

#[cfg(feature = "runner")]
mod executable;
#[cfg(feature = "runner")]
mod foreign;
#[cfg(feature = "runner")]
mod pie;

#[cfg(feature = "runner")]
pub use executable::{ExecutableInspection, InspectedEntryPoint, inspect_executable};
#[cfg(feature = "runner")]
pub use foreign::ForeignInstruction;
#[cfg(feature = "runner")]
use foreign::foreign_instructions;
#[cfg(feature = "runner")]
pub use pie::{PieBuiltin, PieInspection, inspect_pie};

use crate::channel::Kind;
use crate::claim::Verified;
use crate::expectation::Expectation;
use crate::proof::ProofFile;
use crate::statement::Statement;
use crate::verifier::{Recording, Verifier, VerifyError, verify_file};
use serde::Serialize;
use std::fmt;

/// Number of bytes shown of a section.
const FIRST_BYTES: usize = 16;

/// The meaning of each scope of a proof, by the end of its name; the first match counts.
const EXPLANATIONS: &[(&str, &str)] = &[
    (
        "Original/Commit on Trace",
        "root of the first trace's Merkle tree",
    ),
    (
        "Interaction/Commit on Trace",
        "root of the interaction trace's Merkle tree",
    ),
    (
        "Out Of Domain Sampling/Commit on Trace",
        "root of the composition polynomial's Merkle tree",
    ),
    (
        "OODS values",
        "mask cells and composition columns at the out-of-domain point",
    ),
    ("Commitment/Last Layer", "coefficients of the last FRI layer"),
    ("Proof of Work", "nonce of the proof of work"),
    ("Virtual Oracle/Trace 0", "the first trace, opened at the queries"),
    (
        "Virtual Oracle/Trace 1",
        "the interaction trace, opened at the queries",
    ),
    (
        "Virtual Oracle/Trace 2",
        "the composition polynomial, opened at the queries",
    ),
];

/// A section of a proof, explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedSection {
    /// Its name: Stone's annotation scopes.
    pub name: String,
    /// What kind of data it holds.
    pub kind: Kind,
    /// What it is for.
    pub explanation: String,
    /// Its first byte.
    pub offset: usize,
    /// Number of bytes.
    pub length: usize,
    /// Its first bytes in hexadecimal.
    pub first_bytes: String,
}

/// A proof, explained as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// What the file claims to prove. (Only the verifier decides whether the claim holds.)
    #[serde(flatten)]
    pub claim: Verified,
    /// Length of the proof in bytes.
    pub proof_bytes: usize,
    /// Number of annotation lines in the file.
    pub annotations: usize,
    /// The sections in order.
    pub sections: Vec<ExplainedSection>,
    /// Why reading stopped, if it did not reach the end.
    pub stopped: Option<String>,
}

/// Explains a proof file. The ends of the sections depend on the queries, so this reads the proof as the verifier does.
/// For an invalid proof it explains the part before the verifier stops.
///
/// # Errors
/// [`VerifyError`] if the statement or the parameters are invalid.
pub fn inspect(file: &ProofFile) -> Result<Inspection, VerifyError> {
    let outcome = verify_file(file, None, &Expectation::any(), Recording::Sections)?;
    let (claim, stopped) = match outcome.result {
        Ok(verified) => (verified, None),
        Err(error) => {
            let claim = Verifier::new(Statement::new(&file.statement, &file.parameters)?)?.unhashed_claim();
            (claim, Some(error.to_string()))
        }
    };
    let section = |section: &crate::channel::Section| {
        let bytes = file.proof.get(section.bytes.clone()).unwrap_or_default();
        let shown = bytes.get(..FIRST_BYTES).unwrap_or(bytes);
        ExplainedSection {
            name: section.scope.clone(),
            kind: section.kind,
            explanation: explanation(&section.scope, section.kind),
            offset: section.bytes.start,
            length: bytes.len(),
            first_bytes: crate::hex::bytes(shown),
        }
    };
    Ok(Inspection {
        claim,
        proof_bytes: file.proof.len(),
        annotations: file.n_annotations,
        sections: outcome.record.sections.iter().map(section).collect(),
        stopped,
    })
}

fn explanation(scope: &str, kind: Kind) -> String {
    let known = EXPLANATIONS
        .iter()
        .find(|(end, _)| scope.ends_with(end))
        .map(|entry| entry.1);
    let place = known.map_or_else(
        || match (scope.rsplit_once("Layer "), kind) {
            (Some((_, layer)), Kind::Commitment) => format!("root of FRI layer {layer}'s Merkle tree"),
            (Some((_, layer)), _) => format!("FRI layer {layer}, opened at the queries"),
            (None, _) => scope.to_owned(),
        },
        str::to_owned,
    );
    match kind {
        Kind::RowElements => format!("{place}: elements of rows"),
        Kind::Nodes => format!("{place}: sibling nodes"),
        Kind::Commitment | Kind::Felts | Kind::Data => place,
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "proof of {} bytes, {} annotations",
            self.proof_bytes, self.annotations
        )?;
        for ExplainedSection {
            name,
            explanation,
            offset,
            length,
            first_bytes,
            ..
        } in &self.sections
        {
            writeln!(f, "\n{offset:>8} +{length:<7} {name}")?;
            writeln!(f, "{:17} {explanation}", "")?;
            writeln!(
                f,
                "{:17} {first_bytes}{}",
                "",
                if 2 * length > first_bytes.len() { ".." } else { "" }
            )?;
        }
        match &self.stopped {
            None => Ok(()),
            Some(reason) => writeln!(f, "\nreading stopped: {reason}"),
        }
    }
}
