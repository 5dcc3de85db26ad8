//! Verifies a proof against the job's statement and writes the proof file.

use super::claim::{claim, facts};
use super::handed;
use super::prepare::{PRIVATE_INPUT, PUBLIC_INPUT, checked_path};
use crate::artifacts::digest;
use crate::failure::{Stage, chain, failure};
use crate::internal::{Verified, Verify};
use crate::job::WantedCalldata;
use quarry_client::protocol::{
    self, ArtifactRef, BuiltinsBinding, CalldataOptions, Claim, Failure, FailureClass,
};
use quarry_kernels::CpuDevice;
use quarry_kernels::felt::to_hex;
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::cairo::public_input::PublicInput;
use quarry_prover_core::calldata::{Bundle, BundleError, INDEX_FILE};
use quarry_prover_core::expectation::Expectation;
use quarry_prover_core::facts::CompiledProgram;
use quarry_prover_core::json;
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::proof::WrittenProofFile;
use quarry_prover_core::prover;
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::{Verifier, VerifyError};
use serde_json::Value;
use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::path::Path;

/// Proof bytes written by the worker.
pub const PROOF: &str = "proof.bin";
/// Annotations, if requested.
pub const ANNOTATIONS: &str = "annotations.json";
/// The proof file.
pub const PROOF_FILE: &str = "proof.json";

fn internal(error: impl Display) -> Failure {
    failure(FailureClass::Internal, Stage::Verify, "verify.files", error)
}

fn damaged(error: &dyn Error) -> Failure {
    failure(
        FailureClass::Internal,
        Stage::Verify,
        "verify.statement",
        chain(error),
    )
}

/// Verifies the proof in a folder and writes the proof file next to it.
pub fn verify(folder: &Path, task: &Verify) -> Result<Verified, Failure> {
    let statement = task.statement.clone().unwrap_or_default();
    let read = |name: &str, artifact: Option<&ArtifactRef>| -> Result<Value, Failure> {
        let path = checked_path(&task.paths, name, artifact, Stage::Verify)?;
        json::value(&fs::read_to_string(path).map_err(internal)?).map_err(internal)
    };
    let public_file = read("public input", statement.public_input.as_ref())?;
    let params_file = read("parameters", statement.parameters.as_ref())?;
    let public = PublicInput::from_json(&public_file).map_err(|error| damaged(&error))?;
    let params = Parameters::from_json(&params_file).map_err(|error| damaged(&error))?;
    let proof = handed::read(folder, PROOF, &task.digests).map_err(internal)?;
    let proof = proof.ok_or_else(|| internal("the worker wrote no proof"))?;

    let expectation = expectation(&statement)?;
    let verifier = Statement::new(&public, &params)
        .and_then(Verifier::new)
        .map_err(|error| damaged(&error))?;
    let verified = verifier
        .verify(&proof, &expectation)
        .map_err(|error| refused(folder, task, &error))?;
    if !is_accepted(&statement, &verified) {
        return Err(internal("the statement is not the one that was accepted"));
    }

    let program = match &task.program {
        Some(program) => {
            let path = checked_path(&task.paths, "program", Some(program), Stage::Verify)?;
            CompiledProgram::parse(&fs::read_to_string(path).map_err(internal)?).ok()
        }
        None => None,
    };
    let facts = facts(&verifier, program.as_ref());
    let (calldata_file, calldata_refused) = match &task.calldata {
        Some(options) => write_calldata(folder, &verifier, &proof, options)?,
        None => Default::default(),
    };

    let annotations = handed::read(folder, ANNOTATIONS, &task.digests).map_err(internal)?;
    let annotations = annotations.map(|text| serde_json::from_slice(&text));
    let annotations = annotations.transpose().map_err(internal)?;
    let proof_bytes = digest(&*proof).map_err(internal)?;
    // Without the private input: Stone's own file contains the path of the trace and the inputs of the builtins.
    let file = WrittenProofFile {
        annotations,
        ..WrittenProofFile::new(proof, public_file, params_file)
    };
    let text = file.to_text();
    fs::write(folder.join(PROOF_FILE), &text).map_err(internal)?;
    Ok(Verified {
        proof_bytes: Some(proof_bytes),
        facts,
        calldata_file,
        calldata_refused,
        proof_file: digest(text.as_bytes()).map_err(internal)?.sha256,
    })
}

/// Writes the calldata of a proof. Returns its digest and an empty text, or an empty digest and why there is none: that
/// a call is too long shows only once there is a proof, which is good without it.
fn write_calldata(
    folder: &Path,
    verifier: &Verifier<'_>,
    proof: &[u8],
    options: &CalldataOptions,
) -> Result<(String, String), Failure> {
    let wanted = WantedCalldata::parse(options).map_err(internal)?;
    let job_id = wanted.job_id().map_err(internal)?;
    let bundle = match Bundle::of(verifier, proof, job_id, &wanted.options) {
        Ok(bundle) => bundle,
        Err(BundleError::TooLong(why)) => return Ok((String::new(), why.to_string())),
        Err(why) => return Err(internal(why)),
    };
    let text = format!("{:#}\n", bundle.index());
    fs::write(folder.join(INDEX_FILE), &text).map_err(internal)?;
    Ok((digest(text.as_bytes()).map_err(internal)?.sha256, String::new()))
}

/// The expectation that the statement binds: the program hash, and either the list of builtins or the layout of which
/// main has all builtins.
fn expectation(statement: &protocol::Statement) -> Result<Expectation, Failure> {
    let claim = statement.claim.clone().unwrap_or_default();
    let builtins = claim
        .builtins
        .iter()
        .map(|builtin| builtin.name.clone())
        .collect();
    let hash = &*statement.program_hash_pedersen;
    let (hash, builtins, layout) = match claim.builtins_binding() {
        BuiltinsBinding::List => (hash, Some(builtins), ""),
        BuiltinsBinding::Layout => (hash, None, &*statement.layout),
        BuiltinsBinding::Number => (hash, None, ""),
        _ => ("", None, ""),
    };
    super::claim::expectation(hash, builtins, layout)
        .ok_or_else(|| internal("the statement's program hash is not a field element"))
}

/// Whether the proof shows what was accepted. (Statements of older services have no claim. Texts for people are not
/// compared, since they may change between versions.)
fn is_accepted(statement: &protocol::Statement, verified: &quarry_prover_core::claim::Verified) -> bool {
    let hashes = verified.program_hash.as_ref().map(|hash| hash.to_hex());
    let [pedersen, poseidon] = hashes.unwrap_or_default();
    let output: Vec<_> = verified.output.iter().flatten().map(to_hex).collect();
    let says = |claim: &Claim| {
        (
            claim.run.clone(),
            claim.builtins.clone(),
            claim.builtins_binding,
            claim.tasks.clone(),
        )
    };
    let accepted = statement.claim.as_ref().map(says);
    output == statement.output
        && pedersen == statement.program_hash_pedersen
        && poseidon == statement.program_hash_poseidon
        && accepted.is_none_or(|accepted| accepted == says(&claim(verified)))
}

/// The failure for a rejected proof. If the input was uploaded and its trace violates a constraint, the input is at
/// fault; otherwise the device, unless the verifier's error rules that out. Neither is, if the worker read other files
/// than the preparation wrote.
fn refused(folder: &Path, task: &Verify, error: &VerifyError) -> Failure {
    if let Err(damage) = handed::check(folder, &task.digests) {
        return internal(damage);
    }
    if task.uploaded
        && let Some(violation) = violation(folder)
    {
        return failure(
            FailureClass::InputInvalid,
            Stage::Verify,
            "input.violation",
            format!("the trace is not a valid execution: {violation}"),
        );
    }
    // Either the proof is valid or no proof could be: not the device's fault.
    if matches!(error, VerifyError::Unexpected(_)) || error.is_bad_input() {
        return damaged(error);
    }
    failure(FailureClass::Device, Stage::Verify, "verify.refused", error)
}

fn violation(folder: &Path) -> Option<String> {
    let device = CpuDevice::new(None).ok()?;
    let input = ProverInput::read(&folder.join(PUBLIC_INPUT), &folder.join(PRIVATE_INPUT)).ok()?;
    let checked = prover::check(&device, &input).ok()?;
    checked.violation.map(|violation| violation.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_kernels::Felt;
    use quarry_prover_core::cairo::run::{Form, RunMode, SeenBuiltin};
    use quarry_prover_core::claim::{Binding, ProgramHash};

    fn verified() -> quarry_prover_core::claim::Verified {
        quarry_prover_core::claim::Verified {
            layout: "small".to_owned(),
            n_steps: 512,
            run: Form::Cairo0,
            run_modes: vec![RunMode::Relaxed],
            program_hash: Some(ProgramHash::of(&[Felt::from(1u64)])),
            builtins: Some(vec![SeenBuiltin {
                name: Some("output".to_owned()),
                in_layout: true,
            }]),
            builtins_binding: Binding::List,
            output: Some(vec![Felt::from(7u64)]),
            bootloaded: None,
            security_bits: 96,
            stone_version: "stone6",
            warnings: vec![],
        }
    }

    fn statement(claim: Option<Claim>) -> protocol::Statement {
        let [pedersen, poseidon] = ProgramHash::of(&[Felt::from(1u64)]).to_hex();
        protocol::Statement {
            program_hash_pedersen: pedersen,
            program_hash_poseidon: poseidon,
            output: vec!["0x7".to_owned()],
            claim,
            ..Default::default()
        }
    }

    /// A job accepted by an older service has no claim; its program and output must still match the proof.
    #[test]
    fn a_statement_without_a_claim_is_compared_as_far_as_it_goes() {
        let older = statement(None);
        assert_eq!(expectation(&older).expect("a statement").program_hash, None);
        assert!(is_accepted(&older, &verified()));
        let other_output = protocol::Statement {
            output: vec![],
            ..older.clone()
        };
        let other_program = protocol::Statement {
            program_hash_poseidon: "0x1".to_owned(),
            ..older
        };
        assert!(!is_accepted(&other_output, &verified()));
        assert!(!is_accepted(&other_program, &verified()));
    }

    #[test]
    fn a_statement_with_a_claim_binds_its_builtins() {
        let accepted = statement(Some(claim(&verified())));
        let expected = expectation(&accepted).expect("a statement");
        assert_eq!(expected.builtins, Some(vec!["output".to_owned()]));
        assert!(expected.program_hash.is_some());
        assert!(is_accepted(&accepted, &verified()));
        let mut other = claim(&verified());
        other.builtins[0].name = "pedersen".to_owned();
        assert!(!is_accepted(&statement(Some(other)), &verified()));
    }
}
