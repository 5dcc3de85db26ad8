//! Calls of Integrity's contract, each in a transaction of its own.

use crate::cairo::public_input::PublicInput;
use crate::hex;
use quarry_kernels::Felt;
use serde::Serialize;

/// The maximum number of felts that Starknet takes in the calldata of a transaction.
pub const DEFAULT_MAX_FELTS: usize = 5000;

/// Felts that an account adds to the calldata of one call: the number of calls, the contract, the function, and the
/// length of the calldata.
pub const CALL_OVERHEAD: usize = 4;

/// The name of the only call of the full form.
const FULL: &str = "full";
/// The name of the first call of the split form.
const INITIAL: &str = "initial";

/// A call of the contract `FactRegistry`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transaction {
    /// A short name: `full`, or `initial`, `step1`, .., `final`.
    pub name: String,
    /// The function of the contract.
    pub function: &'static str,
    /// The hash of the variable state that the contract must hold before the call, if it must hold one.
    #[serde(
        serialize_with = "hex::write_felt_if_any",
        skip_serializing_if = "Option::is_none"
    )]
    pub state_variable_hash: Option<Felt>,
    /// The arguments of the function. (Not written by serde: they are long, and a file of their own has them.)
    #[serde(skip)]
    pub calldata: Vec<Felt>,
}

/// The calls of the split form, in the order in which they must be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The job that all calls name.
    pub job_id: Felt,
    /// The hash of the constant state, which the contract holds from the first call on.
    pub state_constant_hash: Felt,
    /// The calls.
    pub transactions: Vec<Transaction>,
}

/// Why a call cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionError {
    /// It is longer than a transaction may be.
    #[error(
        "the transaction '{name}' ({function}) has {felts} felts of calldata, but at most {max} are allowed; prove {}",
        advice(name)
    )]
    TooLong {
        /// The name of the call.
        name: String,
        /// The function that it calls.
        function: &'static str,
        /// Felts of the transaction.
        felts: usize,
        /// The limit.
        max: usize,
    },
    /// The public memory is longer than a transaction may be, so that the first call cannot fit.
    #[error(
        "the public memory takes {felts} felts of calldata, but at most {max} are allowed; prove a run with less public \
         memory"
    )]
    PublicMemory {
        /// Felts of the public memory in a transaction.
        felts: usize,
        /// The limit.
        max: usize,
    },
}

/// What makes a call shorter. Only the first of a form has the public memory.
fn advice(name: &str) -> &'static str {
    match name {
        FULL | INITIAL => "with fewer queries, or a run with less public memory",
        _ => "with fewer queries",
    }
}

/// Checks, before the work, that the public memory alone fits in a transaction of at most `max` felts.
///
/// # Errors
/// [`TransactionError::PublicMemory`].
pub fn check_public_memory(public: &PublicInput, max: usize) -> Result<(), TransactionError> {
    let felts = 2 * public.public_memory.len() + CALL_OVERHEAD;
    match felts <= max {
        true => Ok(()),
        false => Err(TransactionError::PublicMemory { felts, max }),
    }
}

impl Transaction {
    fn new(name: impl Into<String>, function: &'static str, calldata: Vec<Felt>) -> Self {
        Self {
            name: name.into(),
            function,
            state_variable_hash: None,
            calldata,
        }
    }

    pub(super) fn full(calldata: Vec<Felt>) -> Self {
        Self::new(FULL, "verify_proof_full_and_register_fact", calldata)
    }

    pub(super) fn initial(calldata: Vec<Felt>) -> Self {
        Self::new(INITIAL, "verify_proof_initial", calldata)
    }

    pub(super) fn step(number: usize, state_variable_hash: Felt, calldata: Vec<Felt>) -> Self {
        Self {
            state_variable_hash: Some(state_variable_hash),
            ..Self::new(format!("step{number}"), "verify_proof_step", calldata)
        }
    }

    pub(super) fn last(state_variable_hash: Felt, calldata: Vec<Felt>) -> Self {
        Self {
            state_variable_hash: Some(state_variable_hash),
            ..Self::new("final", "verify_proof_final_and_register_fact", calldata)
        }
    }

    /// Number of felts of a transaction with this call alone.
    pub fn felts(&self) -> usize {
        self.calldata.len() + CALL_OVERHEAD
    }

    /// Checks that the call fits in a transaction of at most `max` felts.
    ///
    /// # Errors
    /// [`TransactionError::TooLong`].
    pub fn check(&self, max: usize) -> Result<(), TransactionError> {
        let felts = self.felts();
        if felts <= max {
            return Ok(());
        }
        Err(TransactionError::TooLong {
            name: self.name.clone(),
            function: self.function,
            felts,
            max,
        })
    }
}
