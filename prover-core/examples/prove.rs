//! Runs a compiled Cairo program, proves the run on the CPU and writes Stone's proof file:
//! `cargo run --release -p quarry-prover-core --example prove -- program.json input.json proof.json`.

use quarry_prover_core::progress::{Observer, Phase};
use quarry_prover_core::{
    CpuDevice, Executable, Expectation, Plan, ProveOptions, RunOptions, Statement, Verifier,
    WrittenProofFile, prove,
};
use std::error::Error;
use std::fs;

/// Prints every phase.
struct Phases;

impl Observer for Phases {
    fn begin(&self, phase: Phase, fraction: f64) {
        eprintln!("{:3.0} % {}", 100.0 * fraction, phase.name());
    }

    fn advance(&self, _: f64) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    let [program, input, proof_file] = &paths[..] else {
        return Err("usage: prove PROGRAM.json INPUT.json PROOF.json".into());
    };
    let program = fs::read(program)?;
    let input = serde_json::from_slice(&fs::read(input)?)?;

    let plan = Plan::default();
    let execution = plan.run(
        Executable::program(&program, Some(&input)),
        &RunOptions::default(),
    )?;
    let (parameters, parameter_file) = plan.parameters.resolve(&execution.public)?;
    let statement = Statement::new(&execution.public, &parameters)?;
    let options = ProveOptions {
        observer: &Phases,
        ..ProveOptions::default()
    };
    let proof = prove(&CpuDevice::new(None)?, &statement, &execution, &options)?;

    let verified = Verifier::new(statement)?.verify(&proof.bytes, &Expectation::default())?;
    println!("{} steps in layout {}", verified.n_steps, verified.layout);
    let file = WrittenProofFile::new(proof.bytes, execution.public.to_json(), parameter_file);
    fs::write(proof_file, file.to_text())?;
    Ok(())
}
