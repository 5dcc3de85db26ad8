//! Calldata for Integrity, the verifier on Starknet: what a sender passes to its contracts to have a proof verified and
//! its fact registered.
//!
//! There are two forms. The full form is one call. The split form is several, for proofs that do not fit in one
//! transaction: the first call checks everything but FRI, each step checks one layer of FRI, the last call checks the
//! last layer and registers the fact. Of the state of FRI the contract keeps only hashes between the calls, so the
//! sender passes that state, which the verifier computed.
//!
//! Source: Integrity 2.1, `src/contracts/fact_registry.cairo`, `src/deserialization`, `src/fri/fri.cairo`.

mod bundle;
mod deployment;
pub(crate) mod fri;
pub(crate) mod opened;
pub(crate) mod stark;
mod transaction;
mod writer;

pub use bundle::{
    Bundle, BundleError, BundleOptions, CONTRACT, INDEX_FILE, JOB_ID_BYTES, NotCalldata, files_of, job_id,
};
pub use deployment::{DEPLOYMENTS, Deployment};
pub use transaction::{
    CALL_OVERHEAD, DEFAULT_MAX_FELTS, Split, Transaction, TransactionError, check_public_memory,
};

use crate::cairo::run::RunMode;
use crate::expectation::Expectation;
use crate::facts::integrity::{Configuration, NoConfiguration};
use crate::facts::{FactsError, MemoryVerification, integrity_mode};
use crate::verifier::{Recording, Verifier, VerifyError};
use fri::FriProof;
use opened::Opened;
use quarry_kernels::Felt;

/// A proof, ready to be passed to Integrity's contracts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calldata {
    configuration: Configuration,
    /// The proof without the part that opens the layers of FRI.
    head: Vec<Felt>,
    fri: FriProof,
}

/// Why there is no calldata for a proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalldataError {
    /// The public memory has pages other than page 0.
    #[error(
        "Integrity does not accept public memory with continuous pages; prove the run again with one page \
         (for a bootloader: single_page)"
    )]
    Pages,
    /// The contracts accept the run in no mode, or not in the given one.
    #[error(transparent)]
    Run(FactsError),
    /// The contracts do not accept proofs with this layout or these parameters.
    #[error(transparent)]
    Configuration(#[from] NoConfiguration),
    /// The proof does not hold.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The verifier accepted the proof, but its record lacks a part: a defect of Quarry.
    #[error("the record of the verification is incomplete")]
    Record,
}

impl Calldata {
    /// The calldata of a proof. `mode` is Integrity's mode for the run; `None` for the strictest that accepts it.
    ///
    /// Verifies the proof, but neither asks for a security nor for a program: that is up to the caller.
    ///
    /// # Errors
    /// [`CalldataError`]: the proof does not hold, or Integrity cannot accept it.
    pub fn of(verifier: &Verifier<'_>, proof: &[u8], mode: Option<RunMode>) -> Result<Self, CalldataError> {
        let configuration = Self::check(verifier, mode)?;
        let any = Expectation {
            min_security_bits: 0,
            ..Expectation::any()
        };
        let (verified, record) = verifier.verify_recorded(proof, &any, Recording::Fri);
        verified?;
        let opened = Opened::read(proof, &record).ok_or(CalldataError::Record)?;
        let statement = verifier.statement();
        Ok(Self {
            configuration,
            head: stark::head(statement, &opened),
            fri: FriProof::new(statement, opened, record.fri),
        })
    }

    /// Checks all but the proof: whether the contracts can accept the statement and its parameters. Returns the
    /// settings.
    ///
    /// # Errors
    /// [`CalldataError`] if not.
    pub fn check(verifier: &Verifier<'_>, mode: Option<RunMode>) -> Result<Configuration, CalldataError> {
        let statement = verifier.statement();
        let (public, parameters) = (statement.public_input(), statement.parameters());
        if public.public_memory.iter().any(|cell| cell.page != 0) {
            return Err(CalldataError::Pages);
        }
        // Layout and parameters first, because their messages say more than the run's.
        let in_strict = Configuration::of(&public.layout, MemoryVerification::Strict, parameters)?;
        let mode = integrity_mode(verifier, mode).map_err(CalldataError::Run)?;
        Ok(Configuration {
            memory_verification: mode.name(),
            ..in_strict
        })
    }

    /// The full form: one call.
    pub fn full(&self) -> Transaction {
        let witness = self.fri.witness();
        let settings = self.configuration.settings();
        Transaction::full([&settings[..], &self.head, &witness].concat())
    }

    /// The split form. All its calls name a job.
    ///
    /// The contract does not tie a job to its sender: anyone can use up an id that they can guess. So `job_id` should
    /// be random.
    pub fn split(&self, job_id: Felt) -> Split {
        let settings = self.configuration.settings();
        // In this form the witness of FRI is an empty list.
        let initial = [&[job_id], &settings[..], &self.head, &[Felt::from(0u64)]].concat();
        self.fri.split(job_id, initial)
    }
}
