//! The cost of a whole proof, compared with Stone's: `whole_proof FOLDER [TAG [THREADS]]`.
//!
//! FOLDER holds a case in the format described in `prover-core/tests/data/README.md`. The time runs from opening the
//! files to the proof's bytes, on one thread by default. The CPU time is also given in multiplications of `ark-ff`,
//! measured before and after in the same run, so that it can be compared with Stone's on another machine.

use quarry_benches::{cpu_seconds, read_case, seconds_per_multiplication};
use quarry_hw_profiles::peak_resident_bytes;
use quarry_kernels::CpuDevice;
use quarry_prover_core::prover::{ProveOptions, prove};
use quarry_prover_core::statement::Statement;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

/// Stone's cost for tag `base`, by the end of the case's path: multiplications of `ark-ff`, and the peak resident
/// memory in MiB. The first four were measured on an AMD Zen 4 with nothing else running (2^16 steps: CPU time on two
/// threads, the others on one). The last three are CPU times recorded while other work ran, up to a fifth too high.
const STONE: [(&str, f64, u64); 7] = [
    ("plain/fib_2p13", 0.97e9, 334),
    ("small/fib_2p13", 2.15e9, 438),
    ("recursive/c1", 2.37e9, 677),
    ("plain/fib_2p16", 7.6e9, 2630),
    ("recursive_large_output/c1", 2.89e9, 691),
    ("starknet/c1", 17.1e9, 2485),
    ("starknet_with_keccak/c1", 18.5e9, 2752),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(folder) = arguments.first().map(Path::new) else {
        return Err("usage: whole_proof FOLDER [TAG [THREADS]]".into());
    };
    let tag = arguments.get(1).map_or("base", String::as_str);
    let n_threads = arguments.get(2).map_or(Ok(1), |text| text.parse())?;

    let before = seconds_per_multiplication();
    let (clock, cpu) = (Instant::now(), cpu_seconds());
    let (input, parameters) = read_case(folder, tag)?;
    let read = clock.elapsed();
    let device = CpuDevice::new(Some(n_threads))?;
    let statement = Statement::new(&input.public, &parameters)?;
    let proof = prove(&device, &statement, &input, &ProveOptions::default())?;
    let (wall, cpu) = (clock.elapsed(), cpu_seconds() - cpu);
    let after = seconds_per_multiplication();

    println!(
        "{}, {tag}: {} proof bytes, {}",
        folder.display(),
        proof.bytes.len(),
        proof.statistics.device
    );
    println!("{:>24} {:8.3} s", "read", read.as_secs_f64());
    for phase in &proof.statistics.phases {
        println!(
            "{:>24} {:8.3} s {:6} MiB on the device",
            phase.phase.name(),
            phase.time.as_secs_f64(),
            phase.peak_bytes >> 20
        );
    }
    let multiplications = cpu / ((before + after) / 2.0);
    println!("{:>24} {:8.3} s, CPU {cpu:.3} s", "wall", wall.as_secs_f64());
    println!(
        "one multiplication of ark-ff: {:.2} ns before, {:.2} ns after",
        before * 1e9,
        after * 1e9
    );
    println!(
        "the CPU time in multiplications of ark-ff: {:.3}e9",
        multiplications * 1e-9
    );
    let peak = peak_resident_bytes().unwrap_or(0) >> 20;
    println!("peak resident memory: {peak} MiB");
    if let Some((_, stone, stone_peak)) = STONE
        .iter()
        .find(|(case, ..)| tag == "base" && folder.ends_with(case))
    {
        println!(
            "Stone's: {:.3}e9, {stone_peak} MiB; ours is {:.2} and {:.2} of it",
            stone * 1e-9,
            multiplications / stone,
            peak as f64 / *stone_peak as f64
        );
    }
    Ok(())
}
