//! An emulation of NVIDIA's driver for tests: a library with the same functions that runs the kernels on the host.
//!
//! Its devices run the threads of a block in different orders: 0 forward, 1 in reverse, 2 at random. (Under a
//! sanitizer there is only device 0.)

use crate::hash::keccak::keccak256;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Replaces the real driver by the emulated one in this process. The emulated driver is built first, unless it was
/// built since its sources last changed. The environment variable `QUARRY_CUDA_EMULATION_FLAGS` adds to the compiler's
/// flags.
///
/// # Errors
/// The reason in human-readable form, most often that `g++` is missing.
pub fn install() -> Result<(), String> {
    static INSTALLED: OnceLock<Result<(), String>> = OnceLock::new();
    INSTALLED
        .get_or_init(|| {
            let library = build().map_err(|error| format!("the emulated CUDA driver: {error}"))?;
            // SAFETY: the library's initialisers only fill a table of its own. Its soname is libcuda.so, so a lookup of
            // that name finds it.
            let library = unsafe { libloading::Library::new(&library) };
            std::mem::forget(library.map_err(|error| error.to_string())?);
            Ok(())
        })
        .clone()
}

/// Compiles the driver and the kernels into one library.
fn build() -> Result<PathBuf, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [root.join("cuda-emulation"), root.join("src/cuda")];
    let flags = std::env::var("QUARRY_CUDA_EMULATION_FLAGS").unwrap_or_default();
    let mut text = flags.clone().into_bytes();
    for folder in &folders {
        let mut files: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        files.sort_by_key(std::fs::DirEntry::path);
        let is_source = |path: &Path| {
            path.extension()
                .is_some_and(|extension| ["cu", "cuh", "h", "cpp"].iter().any(|known| extension == *known))
        };
        for file in files.iter().filter(|file| is_source(&file.path())) {
            text.extend(std::fs::read(file.path())?);
        }
    }
    let digest = keccak256(&text);
    let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    // The library goes beside the test's own program, in the target folder.
    let program = std::env::current_exe()?;
    let folder = program
        .parent()
        .ok_or("the program has no folder")?
        .join("cuda-emulation");
    std::fs::create_dir_all(&folder)?;
    let library = folder.join(format!("libcuda-{name}.so"));
    if library.exists() {
        return Ok(library);
    }
    // Another test may build it at the same time: the first to finish wins.
    let unfinished = folder.join(format!("libcuda-{name}-{}.so", std::process::id()));
    let output = Command::new("g++")
        .args([
            "-std=c++20",
            "-O2",
            "-g1",
            "-fPIC",
            "-shared",
            "-fvisibility=hidden",
        ])
        .args([
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wno-unused-parameter",
            "-Wl,-soname,libcuda.so",
        ])
        .args(flags.split_whitespace())
        .arg("-o")
        .arg(&unfinished)
        .args(folders.iter().map(|folder| format!("-I{}", folder.display())))
        .args(["driver.cpp", "emulator.cpp"].map(|file| folders[0].join(file)))
        .output()
        .map_err(|error| format!("g++ could not be run ({error}); the tests of the CUDA device need it"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    std::fs::rename(&unfinished, &library)?;
    Ok(library)
}
