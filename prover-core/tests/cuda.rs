//! Whole proofs on the CUDA device, its driver emulated: the bytes are Stone's.
#![cfg(all(feature = "prover", feature = "slow-tests"))]

mod common;

use common::proving::{cpu, prove_golden_on};
use quarry_kernels::cuda::{CudaDevice, emulation};
use quarry_kernels::dual::Dual;

/// The cases, each with the emulated device that proves it.
const CASES: [(&str, usize); 6] = [
    ("plain/fib_2p9/kek", 0),
    ("plain/fib_2p9/blake", 1),
    ("plain/fib_2p9/felt_vf_pos", 2),
    ("small/fib_2p9/q1", 0),
    ("small/fib_2p9/pow0", 1),
    ("small/fib_2p9/felt_n0_kek160lsb", 2),
];

fn golden(name: &str) -> common::Golden {
    let rows = common::repository();
    let row = rows.into_iter().find(|row| row.name() == name);
    row.unwrap_or_else(|| panic!("{name} is not in the repository"))
}

fn emulated(index: usize) -> CudaDevice {
    emulation::install().unwrap_or_else(|error| panic!("{error}"));
    CudaDevice::new(index, None).expect("an emulated device")
}

#[test]
fn proofs_are_stones_byte_for_byte() {
    for (name, index) in CASES {
        let golden = golden(name);
        let proof = prove_golden_on(&emulated(index), &golden, false);
        golden.assert_same_proof(&proof.bytes);
        assert!(proof.statistics.device.contains("CUDA"));
    }
}

/// A whole proof, every operation compared with the CPU's.
#[test]
fn every_operation_of_a_proof_is_the_cpus() {
    let golden = golden("plain/fib_2p9/kek");
    let device = Dual::new(emulated(2), cpu(None));
    golden.assert_same_proof(&prove_golden_on(&device, &golden, false).bytes);
}
