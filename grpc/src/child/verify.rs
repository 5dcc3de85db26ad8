//! A proof, verified against what the job states, and its proof file.

use super::prepare::{PRIVATE_INPUT, PUBLIC_INPUT, checked_path};
use crate::artifacts::digest;
use crate::failure::{Stage, chain, failure};
use crate::internal::{Verified, Verify};
use crate::protocol::{ArtifactRef, Failure, FailureClass};
use quarry_kernels::CpuDevice;
use quarry_kernels::felt::to_hex;
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::cairo::public_input::PublicInput;
use quarry_prover_core::json;
use quarry_prover_core::params::Parameters;
use quarry_prover_core::proof::{Version, WrittenProofFile};
use quarry_prover_core::prover;
use quarry_prover_core::verifier::{VerifyError, VerifyOptions, verify as verify_proof};
use serde_json::{Value, json};
use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::path::Path;

/// The proof's bytes, as the worker leaves them.
pub const PROOF: &str = "proof.bin";
/// The annotations, if they are wanted.
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

/// Verifies the proof in a folder and writes the proof file beside it.
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
    let proof = fs::read(folder.join(PROOF)).map_err(internal)?;

    let any_security = VerifyOptions { min_security_bits: 0 };
    let verified = verify_proof(&public, &params, &proof, &any_security)
        .map_err(|error| refused(folder, task.uploaded, &error))?;
    let output: Vec<_> = verified.output.iter().map(to_hex).collect();
    if output != statement.output
        || to_hex(&verified.program_hash_pedersen) != statement.program_hash_pedersen
    {
        return Err(internal("the statement is not the one that was accepted"));
    }

    let annotations = match fs::read(folder.join(ANNOTATIONS)) {
        Ok(text) => Some(serde_json::from_slice(&text).map_err(internal)?),
        Err(_) => None,
    };
    let proof_bytes = digest(&*proof).map_err(internal)?;
    let file = WrittenProofFile {
        annotations,
        // Private: Stone's own file names the trace and tells the inputs of builtins.
        private_input: json!({}),
        proof,
        proof_parameters: params_file,
        prover_config: json!({}),
        public_input: public_file,
        version: Version::default(),
    };
    fs::write(folder.join(PROOF_FILE), file.to_text()).map_err(internal)?;
    Ok(Verified {
        proof_bytes: Some(proof_bytes),
    })
}

/// A proof that does not hold: of no execution, if a constraint does not hold in its trace; or else the device erred.
fn refused(folder: &Path, uploaded: bool, error: &VerifyError) -> Failure {
    if uploaded && let Some(violation) = violation(folder) {
        return failure(
            FailureClass::InputInvalid,
            Stage::Verify,
            "input.violation",
            format!("the trace is of no execution: {violation}"),
        );
    }
    failure(FailureClass::Device, Stage::Verify, "verify.refused", error)
}

fn violation(folder: &Path) -> Option<String> {
    let device = CpuDevice::new(None).ok()?;
    let input = ProverInput::read(&folder.join(PUBLIC_INPUT), &folder.join(PRIVATE_INPUT)).ok()?;
    let checked = prover::check(&device, &input).ok()?;
    checked.violation.map(|violation| violation.to_string())
}
