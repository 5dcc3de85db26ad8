//! The table of fuzzed formats.

use crate::{envelope, formats};
use flate2::read::GzDecoder;
use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Runs a target on one input.
pub type Run = Box<dyn Fn(&[u8]) + Send + Sync>;

/// A format, and the code that reads it.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Prepares the target.
    pub prepare: fn() -> Result<Run, Box<dyn Error>>,
    /// The inputs to start with.
    pub seeds: fn() -> Result<Vec<Vec<u8>>, Box<dyn Error>>,
}

/// A target without preparation.
macro_rules! plain {
    ($run:path) => {
        || Ok(Box::new(|bytes| $run(bytes)))
    };
}

/// Files of the repository, as seeds.
macro_rules! files {
    ($($path:literal),*) => { || [$($path),*].into_iter().map(file).collect() };
}

/// All targets.
#[rustfmt::skip]
pub const TARGETS: &[Target] = &[
    Target { name: "public_input", prepare: formats::public_input, seeds: files!("tests/data/plain/fib_2p9/public_input.json", "tests/data/dynamic/c2_nokeccak_nomod/public_input.json") },
    Target { name: "private_input", prepare: plain!(formats::private_input), seeds: files!("tests/data/plain/fib_2p9/private_input.json", "tests/data/dynamic/c3_nokeccak_mod/private_input.json") },
    Target { name: "trace", prepare: plain!(formats::trace), seeds: files!("tests/data/plain/fib_2p9/trace.bin") },
    Target { name: "memory", prepare: plain!(formats::memory), seeds: files!("tests/data/plain/fib_2p9/memory.bin") },
    Target { name: "execution", prepare: formats::execution, seeds: formats::patches },
    Target { name: "parameters", prepare: plain!(formats::parameters), seeds: files!("tests/data/plain/fib_2p9/params_blake.json", "tests/data/plain/fib_2p9/params_felt_vf_pos.json") },
    Target { name: "prover_config", prepare: plain!(formats::prover_config), seeds: files!("tests/data/plain/fib_2p9/prover_config.json") },
    Target { name: "proof_file", prepare: plain!(formats::proof_file), seeds: formats::proof_files },
    Target { name: "proof", prepare: formats::proof, seeds: formats::patches },
    Target { name: "program", prepare: plain!(formats::program), seeds: files!("examples/cubes/program.json", "tests/data/plain/fib_2p9/program.json") },
    Target { name: "pie", prepare: plain!(formats::pie), seeds: files!("../tasks/tests/data/fibonacci_pie.zip", "../tasks/tests/data/squares_pie.zip", "../tasks/tests/data/paged_pie.zip") },
    Target { name: "executable", prepare: plain!(formats::executable), seeds: files!("../tasks/tests/data/squares.executable.json") },
    Target { name: "program_input", prepare: formats::program_input, seeds: files!("examples/collatz/input.json", "examples/cubes/input.json") },
    Target { name: "dynamic_params", prepare: formats::dynamic_params, seeds: files!("examples/cubes/dynamic_params.json") },
    Target { name: "config", prepare: plain!(formats::config), seeds: || Ok(vec![formats::a_config()]) },
    Target { name: "argv", prepare: plain!(formats::argv), seeds: || Ok(vec![formats::an_argv()]) },
    Target { name: "specification", prepare: plain!(quarry_service::fuzzing::specification), seeds: || Ok(quarry_service::fuzzing::specifications()) },
    Target { name: "messages", prepare: plain!(quarry_service::fuzzing::messages), seeds: || Ok(quarry_service::fuzzing::specifications()) },
    Target { name: "envelope", prepare: plain!(envelope::parse), seeds: envelope::seeds },
    Target { name: "names", prepare: formats::names, seeds: || Ok(vec![b"0123456789abcdef".repeat(4), b"../../etc".to_vec()]) },
];

/// Reads a file of the prover's folder, which may be stored compressed.
pub fn file(path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../prover-core")
        .join(path);
    if path.is_file() {
        return Ok(fs::read(path)?);
    }
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(path.with_added_extension("gz"))?).read_to_end(&mut bytes)?;
    Ok(bytes)
}
