//! The calldata for Integrity is that of Integrity's own tools.

use super::{corpus, is_slow_tier};
use crate::common::{Golden, sha256_hex};
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::run::RunMode;
use quarry_prover_core::calldata::{Calldata, Transaction};
use quarry_prover_core::parameters::{Parameters, StoneVersion};
use quarry_prover_core::profiles::Profile;
use quarry_prover_core::proof::ProofFile;
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::Verifier;

/// The security of the proofs whose parameters are a profile's.
const SECURITY_BITS: u32 = 96;
/// The job id of the expected calldata.
const JOB_ID: u64 = 7;

/// A row of `tests/data/calldata.tsv`.
struct Expected<'a> {
    /// The line, for messages.
    line: &'a str,
    layout: &'a str,
    case: &'a str,
    /// The row of the corpus that has the parameters (of the same case, or of another one with as many steps), or the
    /// profile.
    parameters: &'a str,
    stone_version: StoneVersion,
    /// Integrity's mode for the run.
    mode: RunMode,
    /// Felts of the full form.
    felts: usize,
    /// SHA-256 of the full form, of all calls of the split form, and of its state hashes.
    digests: [&'a str; 3],
}

impl<'a> Expected<'a> {
    fn all() -> impl Iterator<Item = Self> {
        include_str!("../../data/calldata.tsv")
            .lines()
            .skip(1)
            .map(Self::parse)
    }

    fn parse(line: &'a str) -> Self {
        let fields: Vec<_> = line.split('\t').collect();
        let [
            layout,
            case,
            parameters,
            stone_version,
            mode,
            felts,
            full,
            split,
            states,
        ] = fields[..]
        else {
            panic!("calldata.tsv: nine columns expected: {line}");
        };
        Self {
            line,
            layout,
            case,
            parameters,
            stone_version: StoneVersion::from_name(stone_version).expect("a version"),
            mode: RunMode::from_name(mode).expect("a mode"),
            felts: felts.parse().expect("a number"),
            digests: [full, split, states],
        }
    }

    /// The proof: Stone's, or Quarry's, which has the same bytes. `None` if the corpus has not all that it needs.
    fn proof(&self, corpus: &[Golden]) -> Option<ProofFile> {
        let is_case = |row: &&Golden| (&*row.layout, &*row.case) == (self.layout, self.case);
        let case = corpus.iter().find(is_case)?;
        let row = corpus.iter().find(|row| row.name() == self.parameters);
        let stones = row.filter(|row| is_case(row) && self.stone_version == StoneVersion::Stone6);
        if let Some(text) = stones.and_then(Golden::proof_file) {
            return Some(ProofFile::parse(&text).expect("a proof file"));
        }
        let parameters = match Profile::by_name(self.parameters) {
            Ok(profile) => profile
                .parameters(case.n_steps, SECURITY_BITS)
                .expect("parameters"),
            Err(_) => Parameters::parse(&row?.parameters()).expect("parameters"),
        };
        proved(
            case,
            &Parameters {
                stone_version: self.stone_version,
                ..parameters
            },
        )
    }
}

#[cfg(feature = "prover")]
fn proved(case: &Golden, parameters: &Parameters) -> Option<ProofFile> {
    use crate::common::proving::{cpu, read_input};
    use quarry_prover_core::prover::{ProveOptions, prove};
    let input = read_input(case);
    let statement = Statement::new(&input.public, parameters).expect("a statement");
    let proof = prove(&cpu(None), &statement, &input, &ProveOptions::default()).expect("a proof");
    Some(ProofFile {
        proof: proof.bytes,
        statement: input.public,
        parameters: parameters.clone(),
        stone_version: Some(parameters.stone_version),
        n_annotations: 0,
    })
}

#[cfg(not(feature = "prover"))]
fn proved(_: &Golden, _: &Parameters) -> Option<ProofFile> {
    None
}

fn digest<'a>(felts: impl IntoIterator<Item = &'a Felt>) -> String {
    let bytes: Vec<_> = felts.into_iter().map(felt::to_standard_bytes).collect();
    sha256_hex(&bytes.concat())
}

#[test]
fn calldata_is_that_of_integritys_tools() {
    let corpus = corpus();
    let mut n_checked = 0;
    for expected in Expected::all() {
        let Some(ProofFile {
            proof,
            statement,
            parameters,
            ..
        }) = expected.proof(&corpus)
        else {
            // The larger corpus has every row.
            assert!(!is_slow_tier(), "{}: no proof", expected.line);
            continue;
        };
        let parameters = Parameters {
            stone_version: expected.stone_version,
            ..parameters
        };
        let verifier = Statement::new(&statement, &parameters)
            .and_then(Verifier::new)
            .expect("a statement");
        let calldata = Calldata::of(&verifier, &proof, Some(expected.mode)).expect("a proof for Integrity");
        let full = calldata.full().calldata;
        let split = calldata.split(Felt::from(JOB_ID));
        let calls = split.transactions.iter().flat_map(|call| {
            let length = Felt::from(call.calldata.len() as u64);
            std::iter::once(length).chain(call.calldata.iter().copied())
        });
        let calls: Vec<_> = calls.collect();
        let states = split.transactions.iter().filter_map(hash_before);
        let digests = [
            digest(&full),
            digest(&calls),
            digest(std::iter::once(&split.state_constant_hash).chain(states)),
        ];
        assert_eq!(
            (full.len(), digests),
            (expected.felts, expected.digests.map(str::to_owned)),
            "{}",
            expected.line
        );
        n_checked += 1;
    }
    // One proof is kept; the others of the repository's cases have to be made.
    let least = if cfg!(feature = "prover") { 5 } else { 1 };
    assert!(n_checked >= least, "{n_checked} rows checked");
}

fn hash_before(call: &Transaction) -> Option<&Felt> {
    call.state_variable_hash.as_ref()
}
