//! `judge PROOF.json`: verifies a proof file with swiftness, a verifier written independently of Quarry.
//!
//! swiftness reads only the annotations of a proof, never `proof_hex`, so the judge first checks that the two match
//! ([`annotations`]). Prints the program hash and the output of the proof. The exit code is 0 for an accepted proof and
//! nonzero for everything else.

mod annotations;

use std::process::ExitCode;
use swiftness::{TransformTo, types::StarkProof};

#[cfg(feature = "dex")]
use swiftness_air::layout::dex as layout;
#[cfg(feature = "dynamic")]
use swiftness_air::layout::dynamic as layout;
#[cfg(feature = "recursive")]
use swiftness_air::layout::recursive as layout;
#[cfg(feature = "recursive_with_poseidon")]
use swiftness_air::layout::recursive_with_poseidon as layout;
#[cfg(feature = "small")]
use swiftness_air::layout::small as layout;
#[cfg(feature = "starknet")]
use swiftness_air::layout::starknet as layout;
#[cfg(feature = "starknet_with_keccak")]
use swiftness_air::layout::starknet_with_keccak as layout;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: judge PROOF.json");
        return ExitCode::FAILURE;
    };
    // swiftness panics on some malformed proofs; the exit code is then that of a Rust panic, also nonzero.
    match judge(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut reason = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                reason = format!("{reason}: {error}");
                cause = error.source();
            }
            eprintln!("{path}: refused: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn judge(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(path)?;
    let n_bytes = annotations::tie(&serde_json::from_str(&text)?)?;
    let proof: StarkProof = swiftness::parse(&text)?.transform_to();
    let security_bits = proof.config.security_bits();
    let (program_hash, output) = proof.verify::<layout::Layout>(security_bits)?;
    let output: Vec<String> = output.iter().map(|value| format!("{value:#x}")).collect();
    println!("accepted: {n_bytes} bytes, {security_bits} security bits");
    println!("program hash: {program_hash:#x}");
    println!("output: {}", output.join(" "));
    Ok(())
}
