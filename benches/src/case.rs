//! Cases to prove, in the format described in `prover-core/tests/data/README.md`.

use flate2::read::GzDecoder;
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::parameters::Parameters;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, copy};
use std::path::Path;
use tempfile::TempDir;

/// Unpacks the four input files of a case: `public_input.json`, `private_input.json`, `trace.bin`, `memory.bin`.
///
/// # Errors
/// Errors of reading and writing the files.
pub fn unpack_case(folder: &Path) -> io::Result<TempDir> {
    let unpacked = tempfile::tempdir()?;
    let file = |name: &str| unpacked.path().join(name);
    for name in ["public_input.json", "private_input.json"] {
        fs::copy(folder.join(name), file(name))?;
    }
    for name in ["trace.bin", "memory.bin"] {
        let compressed = File::open(folder.join(format!("{name}.gz")))?;
        copy(&mut GzDecoder::new(compressed), &mut File::create(file(name))?)?;
    }
    Ok(unpacked)
}

/// Reads the inputs of a case and the parameters of one of its tags.
///
/// # Errors
/// Errors of reading the files.
pub fn read_case(folder: &Path, tag: &str) -> Result<(ProverInput, Parameters), Box<dyn Error>> {
    let unpacked = unpack_case(folder)?;
    let file = |name: &str| unpacked.path().join(name);
    let input = ProverInput::read(&file("public_input.json"), &file("private_input.json"))?;
    let parameters = fs::read_to_string(folder.join(format!("params_{tag}.json")))?;
    Ok((input, Parameters::parse(&parameters)?))
}
