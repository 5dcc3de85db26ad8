//! Verifies a proof file against a compiled program and prints what the proof states:
//! `cargo run -p quarry-prover-core --no-default-features --example verify -- proof.json program.json`.

use quarry_kernels::felt;
use quarry_prover_core::expectation::Expectation;
use quarry_prover_core::facts::CompiledProgram;
use quarry_prover_core::proof::ProofFile;
use quarry_prover_core::verifier::{Recording, verify_file};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = std::env::args_os().skip(1);
    let (Some(proof), Some(program)) = (paths.next(), paths.next()) else {
        return Err("usage: verify PROOF.json PROGRAM.json".into());
    };
    let program = CompiledProgram::parse(&std::fs::read_to_string(program)?)?;
    // The program hash alone is rejected: it does not cover which builtins `main` uses.
    let expectation = Expectation {
        program_hash: Some(program.hash()),
        builtins: Some(program.builtins),
        ..Expectation::default()
    };
    let file = ProofFile::parse(&std::fs::read_to_string(proof)?)?;
    let verified = verify_file(&file, None, &expectation, Recording::Nothing)?.result?;
    println!("layout    {}", verified.layout);
    println!("steps     {}", verified.n_steps);
    let output = verified.output.iter().flatten().map(felt::to_hex);
    println!("output    {}", output.collect::<Vec<_>>().join(", "));
    println!("security  {} bits", verified.security_bits);
    Ok(())
}
