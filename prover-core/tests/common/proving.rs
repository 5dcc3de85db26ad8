//! Proves the rows of a corpus.

use super::Golden;
use quarry_kernels::{Backend, CpuDevice};
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::prover::{Proof, ProveError, ProveOptions, prove};
use quarry_prover_core::statement::Statement;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

impl Golden {
    /// Writes Stone's four inputs, the parameter file (as `params.json`) and the prover configuration, uncompressed,
    /// to `folder`; the private input's paths are relative to it.
    pub fn unpack(&self, folder: &Path) {
        for name in [
            "public_input.json",
            "private_input.json",
            "trace.bin",
            "memory.bin",
            "prover_config.json",
        ] {
            fs::write(folder.join(name), self.bytes(name)).expect("a folder that can be written");
        }
        fs::write(folder.join("params.json"), self.parameters()).expect("a folder that can be written");
    }
}

/// The four inputs of a case.
pub fn read_input(golden: &Golden) -> ProverInput {
    let folder = TempDir::new().expect("a temporary folder");
    golden.unpack(folder.path());
    let file = |name| folder.path().join(name);
    let input = ProverInput::read(&file("public_input.json"), &file("private_input.json"))
        .unwrap_or_else(|error| panic!("{}: {error}", golden.name()));
    assert_eq!(input.public.n_steps, golden.n_steps, "{}", golden.name());
    input
}

/// The parameters of a case.
pub fn read_parameters(golden: &Golden) -> Parameters {
    Parameters::parse(&golden.parameters()).unwrap_or_else(|error| panic!("{}: {error}", golden.name()))
}

/// The CPU device with `n_threads` threads.
pub fn cpu(n_threads: Option<usize>) -> CpuDevice {
    CpuDevice::new(n_threads).expect("threads")
}

/// Quarry's proof of a case on a device, with these options.
pub fn prove_with<D: Backend>(
    device: &D,
    golden: &Golden,
    options: &ProveOptions<'_>,
) -> Result<Proof, ProveError> {
    let (input, params) = (read_input(golden), read_parameters(golden));
    prove(device, &Statement::new(&input.public, &params)?, &input, options)
}

/// Quarry's proof of a case on a device.
pub fn prove_golden_on<D: Backend>(device: &D, golden: &Golden, annotations: bool) -> Proof {
    let options = ProveOptions {
        annotations,
        ..ProveOptions::default()
    };
    prove_with(device, golden, &options).unwrap_or_else(|error| panic!("{}: {error}", golden.name()))
}
