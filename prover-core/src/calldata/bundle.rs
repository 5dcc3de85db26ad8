//! All that a sender needs for a proof: the calls of both forms, with the contract and the facts, as files.

use super::{Calldata, CalldataError, Deployment, Split, Transaction, TransactionError, check_public_memory};
use crate::cairo::run::RunMode;
use crate::facts::{FactOptions, FactsError, ProofFacts, Verification};
use crate::verifier::Verifier;
use quarry_kernels::{Felt, felt};
use serde::Serialize;
use serde_json::{Value, json};

/// The file with everything. It is the file of a [`Bundle`] from which [`files_of`] makes the others.
pub const INDEX_FILE: &str = "calldata.json";
/// The contract that the calls are for.
pub const CONTRACT: &str = "FactRegistry";
/// Bytes of a random job id; a field element holds all values of so many.
pub const JOB_ID_BYTES: usize = 31;
/// The end of the name of a file with the calldata of one call.
const TEXT_FILE: &str = ".txt";

/// What the caller decides.
#[derive(Clone, Copy, Debug)]
pub struct BundleOptions {
    /// The maximum number of felts in the calldata of a transaction, with what an account adds.
    pub max_felts: usize,
    /// Integrity's mode for the run; `None` for the strictest that accepts it.
    pub mode: Option<RunMode>,
    /// The contract.
    pub deployment: &'static Deployment,
}

/// The calls of a proof, ready to be sent.
#[derive(Debug)]
pub struct Bundle {
    /// The facts of the proof.
    pub facts: ProofFacts,
    /// How the contract will register the fact.
    pub verification: Verification,
    /// The call of the full form, if it fits in a transaction.
    pub full: Option<Transaction>,
    /// The split form.
    pub split: Split,
    options: BundleOptions,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// Integrity cannot accept the proof.
    #[error(transparent)]
    Calldata(#[from] CalldataError),
    /// The run has no facts.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// A call is longer than a transaction may be.
    #[error(transparent)]
    TooLong(#[from] TransactionError),
}

impl BundleError {
    /// Whether the error is a defect of Quarry.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Calldata(CalldataError::Record))
    }
}

/// A job id from random bytes. It should be random, because anyone can use up an id that they can guess.
pub fn job_id(random: [u8; JOB_ID_BYTES]) -> Felt {
    let mut bytes = [0; 32];
    bytes[32 - JOB_ID_BYTES..].copy_from_slice(&random);
    felt::from_bytes_reduced(&bytes)
}

impl Bundle {
    /// Checks all but the proof: whether the contracts can accept the statement, and whether its public memory fits in
    /// a transaction. Only the proof tells whether the other calls fit.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn check(verifier: &Verifier<'_>, options: &BundleOptions) -> Result<(), BundleError> {
        Calldata::check(verifier, options.mode)?;
        Ok(check_public_memory(
            verifier.statement().public_input(),
            options.max_felts,
        )?)
    }

    /// The calls of a proof, which is verified for it. Those of the split form name `job_id`.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn of(
        verifier: &Verifier<'_>,
        proof: &[u8],
        job_id: Felt,
        options: &BundleOptions,
    ) -> Result<Self, BundleError> {
        Self::check(verifier, options)?;
        let calldata = Calldata::of(verifier, proof, options.mode)?;
        let of_mode = FactOptions {
            mode: options.mode,
            ..FactOptions::default()
        };
        let facts = ProofFacts::of(verifier, of_mode)?;
        let verification = facts.facts.integrity_verification.clone();
        let split = calldata.split(job_id);
        for transaction in &split.transactions {
            transaction.check(options.max_felts)?;
        }
        Ok(Self {
            facts,
            // A proof with calldata has settings, so it has a verification hash.
            verification: verification.ok_or(CalldataError::Record)?,
            full: Some(calldata.full()).filter(|full| full.check(options.max_felts).is_ok()),
            split,
            options: *options,
        })
    }

    /// Everything but the calldata itself.
    pub fn summary(&self) -> Value {
        let deployment = self.options.deployment;
        json!({
            "network": deployment.network,
            "contract": CONTRACT,
            "contract_address": deployment.fact_registry,
            "facts": self.facts,
            "max_felts": self.options.max_felts,
            "full": self.full.as_ref().map(Entry::of),
            "split": {
                "job_id": felt::to_hex(&self.split.job_id),
                "state_constant_hash": felt::to_hex(&self.split.state_constant_hash),
                "transactions": self.split.transactions.iter().map(Entry::of).collect::<Vec<_>>(),
            },
        })
    }

    /// The content of [`INDEX_FILE`].
    pub fn index(&self) -> Value {
        let mut index = self.summary();
        let words =
            |transaction: &Transaction| -> Value { transaction.calldata.iter().map(felt::to_hex).collect() };
        if let Some(full) = &self.full {
            index["full"]["calldata"] = words(full);
        }
        for (i, transaction) in self.split.transactions.iter().enumerate() {
            index["split"]["transactions"][i]["calldata"] = words(transaction);
        }
        index
    }
}

/// A file that is no [`INDEX_FILE`]: the part that is missing or wrong.
#[derive(Debug, thiserror::Error)]
#[error("not calldata as Quarry writes it: {0}")]
pub struct NotCalldata(&'static str);

/// The files of a bundle by name, from its index: a text file for each call, and the index itself. An index may come from
/// elsewhere, so its names and its felts are checked: the first become files, the second arguments of a command.
///
/// # Errors
/// [`NotCalldata`].
pub fn files_of(index: &Value) -> Result<Vec<(String, Vec<u8>)>, NotCalldata> {
    let split = index["split"]["transactions"].as_array();
    let split = split.ok_or(NotCalldata("split.transactions"))?;
    let full = Some(&index["full"]).filter(|full| !full.is_null());
    let mut files = Vec::new();
    for entry in full.into_iter().chain(split) {
        let name = entry["file"].as_str().ok_or(NotCalldata("file"))?;
        let stem = name.strip_suffix(TEXT_FILE).ok_or(NotCalldata("file"))?;
        if stem.is_empty() || !stem.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(NotCalldata("file"));
        }
        let words = entry["calldata"].as_array().ok_or(NotCalldata("calldata"))?;
        let is_felt = |word: &&str| word.starts_with("0x") && felt::from_hex(word).is_some();
        let words = words.iter().map(|word| word.as_str().filter(is_felt));
        let words: Option<Vec<_>> = words.collect();
        let text = words.ok_or(NotCalldata("calldata"))?.join(" ");
        files.push((name.to_owned(), format!("{text}\n").into_bytes()));
    }
    files.push((INDEX_FILE.to_owned(), format!("{index:#}\n").into_bytes()));
    Ok(files)
}

/// A transaction in JSON.
#[derive(Serialize)]
struct Entry<'a> {
    file: String,
    /// Felts of the transaction, with what an account adds.
    felts: usize,
    #[serde(flatten)]
    transaction: &'a Transaction,
}

impl<'a> Entry<'a> {
    fn of(transaction: &'a Transaction) -> Self {
        Self {
            file: transaction.file(),
            felts: transaction.felts(),
            transaction,
        }
    }
}

impl Transaction {
    /// The name of the file with its calldata.
    pub fn file(&self) -> String {
        format!("{}{TEXT_FILE}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_from_elsewhere_names_no_path_and_no_argument() {
        let index = |file: &str, word: &str| {
            let entry = json!({ "file": file, "calldata": ["0x1", word] });
            json!({ "full": null, "split": { "transactions": [entry] } })
        };
        let good = files_of(&index("step1.txt", "0x2")).unwrap();
        assert_eq!(good[0], ("step1.txt".to_owned(), b"0x1 0x2\n".to_vec()));
        assert_eq!(good[1].0, INDEX_FILE);
        for (file, word) in [
            ("../step1.txt", "0x2"),
            (".txt", "0x2"),
            ("calldata.json", "0x2"),
            ("step1.txt", "2"),
            ("step1.txt", "0x2 --fee"),
        ] {
            assert!(files_of(&index(file, word)).is_err(), "{file} {word}");
        }
        assert!(files_of(&json!({})).is_err());
    }
}
