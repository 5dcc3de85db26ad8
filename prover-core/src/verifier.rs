//! The verifier: takes a statement, parameters and the bytes of a proof; returns what was proved, or why the proof is
//! not accepted.
//!
//! It is strict: field elements and digests have a unique form, and nothing may follow the proof. Stone's verifier
//! leaves it to its caller to judge the proven run; here an [`Expectation`] does it, and the default requires a whole
//! run of a program.

mod virtual_oracle;

pub use crate::channel::{FriQuery, FriState, Kind, Record, Recording, Section};

use crate::cairo::air::CairoAir;
use crate::cairo::public_input::PublicInput;
use crate::cairo::run::Run;
use crate::channel::{ChannelError, VerifierChannel};
use crate::claim::Verified;
use crate::commit::TableShape;
use crate::commit::verifier::{DecommitmentError, TableCommitment};
use crate::expectation::{Expectation, Mismatch};
use crate::fri::first_layer_queries;
use crate::fri::verifier::{FriCommitment, FriError};
use crate::parameters::{Parameters, StoneVersion};
use crate::proof::ProofFile;
use crate::statement::{Statement, StatementError};
use ark_ff::Field;
use quarry_kernels::Felt;
use virtual_oracle::VirtualOracle;

/// Number of columns into which the composition polynomial is split: the degree of every layout's constraints.
pub(crate) const N_COMPOSITION_COLUMNS: usize = 2;

/// Why a proof is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Public input and parameters are not a valid statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The parameters are too weak.
    #[error("the parameters give {got} bits of security, {required} are required")]
    Security {
        /// Bits that they give.
        got: u64,
        /// Bits that are required.
        required: u64,
    },
    /// The bytes are not a valid proof.
    #[error("invalid proof: {0}")]
    Channel(#[from] ChannelError),
    /// The values at the out-of-domain point do not satisfy the constraints.
    #[error("invalid proof: the values at the out-of-domain point do not satisfy the constraints")]
    OutOfDomain,
    /// A random point fell where the protocol cannot use it. This does not happen to honest proofs.
    #[error("invalid proof: a random point lies in a domain that it must avoid")]
    DegeneratePoint,
    /// The opened rows of a trace do not match its commitment.
    #[error("invalid proof: trace {trace}: {error}")]
    Trace {
        /// The trace: 0 is the first, 1 the interaction, 2 the composition.
        trace: usize,
        /// What is wrong.
        error: DecommitmentError,
    },
    /// FRI fails.
    #[error("invalid proof: {0}")]
    Fri(#[from] FriError),
    /// The proof is not the expected one.
    #[error(transparent)]
    Unexpected(#[from] Mismatch),
}

impl VerifyError {
    /// Whether the bytes are not a valid proof of the statement, with this form of the public input.
    fn is_invalid_proof(&self) -> bool {
        use VerifyError::{Channel, DegeneratePoint, Fri, OutOfDomain, Trace};
        matches!(
            self,
            Channel(_) | OutOfDomain | DegeneratePoint | Trace { .. } | Fri(_)
        )
    }

    /// Whether the statement or the parameters are at fault, so that no proof could be accepted.
    pub fn is_bad_input(&self) -> bool {
        matches!(self, VerifyError::Statement(_))
    }
}

/// Verifies a proof.
///
/// # Errors
/// [`VerifyError`]: why it is not accepted.
pub fn verify(
    statement: &PublicInput,
    parameters: &Parameters,
    proof: &[u8],
    expectation: &Expectation,
) -> Result<Verified, VerifyError> {
    Verifier::new(Statement::new(statement, parameters)?)?.verify(proof, expectation)
}

/// The result of verifying a file.
#[derive(Debug)]
pub struct Outcome {
    /// What the proof states, or why it is not accepted.
    pub result: Result<Verified, VerifyError>,
    /// The record of the proof, as far as it was read: `lines` and `extra` are the content of `cpu_air_verifier`'s
    /// `--annotation_file` and `--extra_output_file`.
    pub record: Record,
}

/// Verifies the proof in a file. Neither Stone's files nor its verifier state which form of the public input opened the
/// transcript: unless the caller or the file states it, both forms are tried, and the claim names the valid one.
///
/// # Errors
/// [`VerifyError`] if the statement or the parameters are at fault, so that no proof could be accepted. If only this
/// proof is not accepted, the reason is in the outcome.
pub fn verify_file(
    file: &ProofFile,
    stone_version: Option<StoneVersion>,
    expectation: &Expectation,
    recording: Recording,
) -> Result<Outcome, VerifyError> {
    let (statement, parameters) = (&file.statement, &file.parameters);
    let attempt = |stone_version| {
        let parameters = Parameters {
            stone_version,
            ..parameters.clone()
        };
        let verifier = Verifier::new(Statement::new(statement, &parameters)?)?;
        let (result, record) = verifier.verify_recorded(&file.proof, expectation, recording);
        Ok::<_, VerifyError>(Outcome { result, record })
    };
    let is_invalid = |outcome: &Outcome| outcome.result.as_ref().is_err_and(VerifyError::is_invalid_proof);
    if let Some(stated) = stone_version.or(file.stone_version) {
        return attempt(stated);
    }
    let newer = attempt(StoneVersion::Stone6)?;
    if !is_invalid(&newer) {
        return Ok(newer);
    }
    let older = attempt(StoneVersion::Stone5)?;
    Ok(if is_invalid(&older) { newer } else { older })
}

/// A verifier for proofs of one statement.
pub struct Verifier<'a> {
    statement: Statement<'a>,
    seed: Vec<u8>,
    log_trace: u32,
    run: Run,
}

impl<'a> Verifier<'a> {
    /// A verifier of proofs of this statement. Hashes the public memory.
    ///
    /// # Errors
    /// [`StatementError`]: the pages of the public memory are malformed.
    pub fn new(statement: Statement<'a>) -> Result<Self, StatementError> {
        Ok(Self {
            seed: statement.seed()?,
            log_trace: statement.n_rows().ilog2(),
            run: statement.run(),
            statement,
        })
    }

    /// What a valid proof would state. (Hashes the whole program, so it is only called once a proof is accepted.)
    pub fn claim(&self) -> Verified {
        Verified::new(self.statement.public_input(), self.parameters(), &self.run)
    }

    /// What the statement claims, without the program's hash: cheap for any file.
    pub(crate) fn unhashed_claim(&self) -> Verified {
        Verified::with_hash(self.statement.public_input(), self.parameters(), &self.run, None)
    }

    /// The statement.
    pub fn statement(&self) -> &Statement<'a> {
        &self.statement
    }

    fn parameters(&self) -> &'a Parameters {
        self.statement.parameters()
    }

    fn air(&self) -> &CairoAir {
        self.statement.air()
    }

    /// How the statement's program was run.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Verifies a proof.
    ///
    /// # Errors
    /// [`VerifyError`]: why it is not accepted.
    pub fn verify(&self, proof: &[u8], expectation: &Expectation) -> Result<Verified, VerifyError> {
        self.verify_recorded(proof, expectation, Recording::Nothing).0
    }

    /// Verifies a proof and returns its record, even if it is not accepted.
    pub fn verify_recorded(
        &self,
        proof: &[u8],
        expectation: &Expectation,
        recording: Recording,
    ) -> (Result<Verified, VerifyError>, Record) {
        let mut channel = VerifierChannel::new(self.parameters(), &self.seed, proof, recording);
        let result = self.check(&mut channel, expectation);
        (result, channel.into_record())
    }

    fn check(
        &self,
        channel: &mut VerifierChannel<'_>,
        expectation: &Expectation,
    ) -> Result<Verified, VerifyError> {
        let (got, required) = (self.parameters().security_bits(), expectation.min_security_bits);
        if got < required {
            return Err(VerifyError::Security { got, required });
        }
        expectation.check_run(&self.run)?;
        self.check_stark(channel)?;
        channel.check_end()?;
        let mut claim = self.claim();
        expectation.check(&self.run, &mut claim)?;
        Ok(claim)
    }

    fn check_stark(&self, channel: &mut VerifierChannel<'_>) -> Result<(), VerifyError> {
        channel.enter("STARK");
        channel.enter("Original");
        let first = self.receive_trace(channel, self.air().air.n_columns[0])?;
        channel.exit();

        channel.enter("Interaction");
        let elements: Vec<_> = (0..self.air().n_interaction_elements())
            .map(|i| channel.draw_felt(&format!("Interaction element #{i}")))
            .collect();
        let interaction = self.receive_trace(channel, self.air().air.n_columns[1])?;
        channel.exit();

        channel.enter("Original");
        let alpha = channel.draw_felt("Constraint polynomial random element");
        channel.exit();

        channel.enter("Out Of Domain Sampling");
        let composition = self.receive_trace(channel, N_COMPOSITION_COLUMNS)?;
        let (point, values) = self.check_out_of_domain(channel, &elements, alpha)?;
        let deep_alpha = channel.draw_felt("Constraint polynomial random element");
        channel.exit();

        let oracle = VirtualOracle::new(
            &self.air().air,
            [first, interaction, composition],
            self.log_trace + self.parameters().log_n_cosets,
            point,
            &values,
            deep_alpha,
        );
        channel.enter("FRI");
        self.check_fri(channel, &oracle)?;
        channel.exit();
        channel.exit();
        Ok(())
    }

    fn receive_trace(
        &self,
        channel: &mut VerifierChannel<'_>,
        n_columns: usize,
    ) -> Result<TableCommitment, ChannelError> {
        let log_rows = self.log_trace + self.parameters().log_n_cosets;
        channel.enter("Commit on Trace");
        let shape = TableShape { n_columns, log_rows };
        let table = TableCommitment::receive(channel, shape, self.parameters().commitment_hashes)?;
        channel.exit();
        Ok(table)
    }

    /// Receives the values of the mask and of the composition's columns, and checks them against each other. Returns
    /// the point and all values.
    fn check_out_of_domain(
        &self,
        channel: &mut VerifierChannel<'_>,
        elements: &[Felt],
        alpha: Felt,
    ) -> Result<(Felt, Vec<Felt>), VerifyError> {
        channel.enter("OODS values");
        let point = channel.draw_felt("Evaluation point");
        let n_values = self.air().air.mask.len() + N_COMPOSITION_COLUMNS;
        let values = if self.parameters().verifier_friendly_channel_updates {
            channel.receive_felts(n_values, "")?
        } else {
            let value = |i: usize| channel.receive_felt(&i.to_string());
            (0..n_values).map(value).collect::<Result<_, _>>()?
        };
        channel.exit();
        let (mask, columns) = values.split_at(self.air().air.mask.len());
        let degenerate = |_| VerifyError::DegeneratePoint;
        let scalars = self
            .air()
            .scalars(self.statement.public_input(), elements)
            .map_err(degenerate)?;
        let composition = self.air().air.evaluate_at(point, mask, &scalars, alpha);
        let composition = composition.map_err(|_| VerifyError::DegeneratePoint)?;
        // h(x) = h_0(x^2) + x h_1(x^2).
        if columns
            .iter()
            .rev()
            .fold(Felt::from(0u64), |sum, value| sum * point + value)
            != composition
        {
            return Err(VerifyError::OutOfDomain);
        }
        Ok((point, values))
    }

    fn check_fri(
        &self,
        channel: &mut VerifierChannel<'_>,
        oracle: &VirtualOracle,
    ) -> Result<(), VerifyError> {
        let log_domain = self.log_trace + self.parameters().log_n_cosets;
        let fri = &self.parameters().fri;
        channel.enter("Commitment");
        let commitment = FriCommitment::receive(channel, self.parameters(), log_domain)?;
        channel.exit();

        channel.receive_proof_of_work(fri.proof_of_work_bits)?;
        let first_step = fri.first_step();
        let mut queries = channel.draw_queries(1 << (log_domain - first_step), fri.n_queries);
        queries.dedup();
        channel.begin_query_phase();

        channel.enter("Decommitment");
        channel.enter("Layer 0");
        channel.enter("Virtual Oracle");
        channel.expect_words((oracle.n_columns() * queries.len() as u128) << first_step)?;
        let first_values = oracle.evaluate(channel, &first_layer_queries(&queries, first_step))?;
        channel.exit();
        channel.exit();
        commitment.check(channel, &queries, &first_values)?;
        channel.exit();
        Ok(())
    }
}

/// The point of the evaluation domain (offset 3) with this index.
fn domain_point(log_domain: u32, index: u64) -> Felt {
    let exponent = quarry_kernels::domain::bit_reverse(index as usize, log_domain) as u64;
    Felt::from(3u64) * quarry_kernels::felt::subgroup_generator(log_domain).pow([exponent])
}
