//! A proof file whose proof holds, for commands that compute something from it.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::read::{self, Limit};
use crate::cli::{expect, terminal};
use quarry_prover_core::claim::Verified;
use quarry_prover_core::expectation::Expectation;
use quarry_prover_core::parameters::StoneVersion;
use quarry_prover_core::proof::ProofFile;
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::{Recording, Verifier, verify_file};
use std::error::Error;
use std::path::Path;

/// A proof file whose proof holds.
pub struct Proved {
    name: String,
    /// The file; its parameters name the form of the public input for which the proof holds.
    file: ProofFile,
    /// What the proof states.
    pub verified: Verified,
}

impl Proved {
    /// Reads and verifies a proof file, and tells the warnings about it.
    pub fn read(path: &Path, limit: &Limit, min_security_bits: u64) -> Result<Self, Failure> {
        let name = read::name(path);
        let mut file = limit.read_proof(path)?;
        let expectation = Expectation {
            min_security_bits,
            ..Expectation::any()
        };
        let outcome = in_file(&name, verify_file(&file, None, &expectation, Recording::Nothing))?;
        let verified = outcome.result.map_err(|error| expect::rejection(&error))?;
        for warning in &verified.warnings {
            terminal::tell(format_args!("warning: {warning}\n"));
        }
        file.parameters.stone_version = StoneVersion::from_name(verified.stone_version).unwrap_or_default();
        Ok(Self { name, file, verified })
    }

    /// The bytes of the proof.
    pub fn proof(&self) -> &[u8] {
        &self.file.proof
    }

    /// A verifier of the file's statement.
    pub fn verifier(&self) -> Result<Verifier<'_>, Failure> {
        let statement = Statement::new(&self.file.statement, &self.file.parameters);
        in_file(&self.name, statement.and_then(Verifier::new))
    }
}

fn in_file<T, E: Error>(name: &str, result: Result<T, E>) -> Result<T, Failure> {
    let result = result.or_bad_input();
    result.map_err(|failure| Failure::bad_input(format!("{name}: {failure}")))
}
