//! Verifies a proof file and prints what it proves:
//! `cargo run -p quarry-prover-core --no-default-features --example verify -- proof.json`.

use quarry_kernels::felt;
use quarry_prover_core::proof::ProofFile;
use quarry_prover_core::verifier::{VerifyOptions, verify};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os()
        .nth(1)
        .ok_or("give the path of a proof file")?;
    let file = ProofFile::parse(&std::fs::read_to_string(path)?)?;
    let verified = verify(
        &file.statement,
        &file.parameters,
        &file.proof,
        &VerifyOptions::default(),
    )?;
    println!("layout        {}", verified.layout);
    println!("steps         {}", verified.n_steps);
    println!(
        "program hash  {} (Pedersen)",
        felt::to_hex(&verified.program_hash_pedersen)
    );
    println!(
        "              {} (Poseidon)",
        felt::to_hex(&verified.program_hash_poseidon)
    );
    println!(
        "output        {:?}",
        verified.output.iter().map(felt::to_hex).collect::<Vec<_>>()
    );
    println!("security      {} bits", verified.security_bits);
    Ok(())
}
