//! Whole proofs on the CUDA device, its driver emulated: the bytes are Stone's.

use crate::common::proving::{cpu, prove_golden_on, read_input};
use crate::common::repository_row;
use crate::memory::{assert_memory_is_planned, assert_the_plan_is_enough};
use ark_ff::Field;
use quarry_kernels::cuda::{CudaDevice, emulation};
use quarry_kernels::dual::Dual;
use quarry_kernels::{Backend, Columns, Device, Felt, Natural, Program, Tag};
use quarry_prover_core::cairo::air::CairoAir;
use quarry_prover_core::cairo::layouts::{Layout, STATIC_LAYOUTS};

/// The cases, each with the emulated device that proves it.
const CASES: [(&str, usize); 6] = [
    ("plain/fib_2p9/kek", 0),
    ("plain/fib_2p9/blake", 1),
    ("plain/fib_2p9/felt_vf_pos", 2),
    ("small/fib_2p9/q1", 0),
    ("small/fib_2p9/pow0", 1),
    ("small/fib_2p9/felt_n0_kek160lsb", 2),
];

fn emulated(index: usize) -> CudaDevice {
    emulation::install().unwrap_or_else(|error| panic!("{error}"));
    CudaDevice::new(index, None).expect("an emulated device")
}

#[test]
fn proofs_are_stones_byte_for_byte() {
    for (name, index) in CASES {
        let golden = repository_row(name);
        let proof = prove_golden_on(&emulated(index), &golden, false);
        golden.assert_same_proof(&proof.bytes);
        assert!(proof.statistics.device.contains("CUDA"));
    }
}

/// Compares every operation of a whole proof with the CPU's.
#[test]
fn every_operation_of_a_proof_is_the_cpus() {
    let golden = repository_row("plain/fib_2p9/kek");
    let device = Dual::new(emulated(2), cpu(None));
    golden.assert_same_proof(&prove_golden_on(&device, &golden, false).bytes);
}

#[test]
fn proofs_take_the_memory_that_was_planned() {
    assert_memory_is_planned(&emulated(0));
}

#[test]
fn a_proof_is_done_within_its_plan() {
    emulated(0);
    assert_the_plan_is_enough(|bytes| CudaDevice::new(0, Some(bytes)).expect("an emulated device"));
}

/// A proof takes only the planned memory of the GPU, so that others can use the rest.
#[test]
fn small_proofs_leave_the_gpu_to_others() {
    let golden = repository_row("plain/fib_2p9/kek");
    let [device, other] = [0, 1].map(emulated);
    let free = || other.free_bytes().expect("a GPU's own memory");
    let before = free();
    let plan = prove_golden_on(&device, &golden, false).statistics.plan;
    // (Other tests prove at the same time.)
    assert!(free() > before - plan.device_bytes() - (512 << 20));
}

/// The programs of all layouts compute the same on the device as on the CPU. (The columns are arbitrary: a program does
/// not depend on what its columns hold, and with few rows even the largest layout's program is quick.)
#[test]
fn constraints_of_every_layout_are_the_cpus() {
    const LOG_LEN: u32 = 7;
    let dynamic = read_input(&repository_row("dynamic/c3_nokeccak_mod/base"));
    let mut layouts: Vec<(Layout, u64)> = STATIC_LAYOUTS
        .iter()
        .map(|data| Layout::by_name(data.name).expect("a layout"))
        .map(|layout| {
            let n_steps = layout.least_rows() / layout.rows_per_step;
            (layout, n_steps.max(1) as u64)
        })
        .collect();
    let n_steps = dynamic.public.n_steps;
    layouts.push((Layout::of(&dynamic.public).expect("a layout"), n_steps));
    let elements = |n: usize, first: u64| -> Vec<Felt> {
        let first = Felt::from(first + 2).pow([251u64]);
        let powers = std::iter::successors(Some(first), |x| Some(*x * first));
        powers.take(n).collect()
    };
    for (layout, n_steps) in layouts {
        let air = CairoAir::new(&layout, n_steps).expect("an AIR").air;
        let program = air.compile().program;
        let columns: Vec<_> = (0..program.n_columns)
            .map(|i| elements(1 << LOG_LEN, i as u64))
            .collect();
        let scalars = elements(program.n_scalars, 1000);
        let on_gpu = compose(&emulated(0), &program, &columns, &scalars);
        let on_cpu = compose(&cpu(None), &program, &columns, &scalars);
        assert_eq!(on_gpu, on_cpu, "{}", layout.name);
    }
}

/// Runs the program on some columns; every periodic table is a prefix of the first column.
fn compose<D: Backend>(device: &D, program: &Program, columns: &[Vec<Felt>], scalars: &[Felt]) -> Vec<Felt> {
    let tag = Tag("constraints");
    let log_len = columns[0].len().ilog2();
    let table = Columns::<D, Natural>::upload(device, columns, log_len, tag).expect("memory");
    let periodic: Vec<_> = (0..program.n_periodic)
        .map(|i| {
            let values = &columns[0][..columns[0].len() >> (i % 3)];
            let mut buffer = device.alloc(values.len(), tag).expect("memory");
            device
                .upload(values, &mut buffer, 0)
                .expect("an upload")
                .wait()
                .expect("an upload");
            buffer
        })
        .collect();
    let mut out = Columns::<D, Natural>::zeros(device, 1, log_len, tag).expect("memory");
    let loaded = device.load(program).expect("a program");
    device
        .compose(&loaded, &[&table], &periodic, scalars, &mut out)
        .expect("shapes")
        .wait()
        .expect("values");
    out.download(device, 0).expect("values")
}
