//! Proving the rows of a corpus.

use super::Golden;
use quarry_kernels::{Backend, CpuDevice};
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::params::Parameters;
use quarry_prover_core::progress::{Cancel, Silent};
use quarry_prover_core::prover::{Proof, ProveError, ProveOptions, prove};
use tempfile::TempDir;

/// The four inputs of a case.
pub fn read_input(golden: &Golden) -> ProverInput {
    let folder = TempDir::new().expect("a temporary folder");
    golden.unpack(folder.path());
    let file = |name| folder.path().join(name);
    ProverInput::read(&file("public_input.json"), &file("private_input.json"))
        .unwrap_or_else(|error| panic!("{}: {error}", golden.name()))
}

/// The parameters of a case.
pub fn read_parameters(golden: &Golden) -> Parameters {
    Parameters::parse(&golden.parameters()).unwrap_or_else(|error| panic!("{}: {error}", golden.name()))
}

/// The CPU with so many threads.
pub fn cpu(n_threads: Option<usize>) -> CpuDevice {
    CpuDevice::new(n_threads).expect("threads")
}

/// Our proof of a case on a device, with these options.
pub fn prove_with<D: Backend>(
    device: &D,
    golden: &Golden,
    options: &ProveOptions,
) -> Result<Proof, ProveError> {
    let (input, params) = (read_input(golden), read_parameters(golden));
    prove(device, &input, &params, options, &Silent, &Cancel::default())
}

/// Our proof of a case on a device.
pub fn prove_golden_on<D: Backend>(device: &D, golden: &Golden, annotations: bool) -> Proof {
    let options = ProveOptions {
        annotations,
        ..ProveOptions::default()
    };
    prove_with(device, golden, &options).unwrap_or_else(|error| panic!("{}: {error}", golden.name()))
}

/// Our proof of a case on the CPU.
pub fn prove_golden(golden: &Golden, annotations: bool) -> Proof {
    prove_golden_on(&cpu(None), golden, annotations)
}
