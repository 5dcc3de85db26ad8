//! The operations of the CPU device at the sizes of a small proof, on one thread.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quarry_kernels::ops::{
    ComposeOps, FoldOps, HashOps, MerkleTree, NttOps, PermutationArgument, Pole, QuotientOps, QuotientTerm,
    ScanOps, VirtualColumn,
};
use quarry_kernels::program::{Instruction, Opcode, Operand};
use quarry_kernels::{BitReversed, Columns, CpuDevice, Felt, Hash, Natural, Program, TableView, Tag};
use std::hint::black_box;

const TAG: Tag = Tag("bench");
const LOG_LEN: u32 = 17;
const N_COLUMNS: usize = 25;

fn sample(n: usize) -> Vec<Felt> {
    use ark_ff::Field;
    std::iter::successors(Some(Felt::from(3u64)), |x| Some(x.square() + Felt::ONE))
        .take(n)
        .collect()
}

fn columns(device: &CpuDevice, n_columns: usize, log_len: u32) -> Columns<CpuDevice, Natural> {
    let columns = vec![sample(1 << log_len); n_columns];
    Columns::upload(device, &columns, log_len, TAG).unwrap()
}

fn transforms(c: &mut Criterion, device: &CpuDevice) {
    let mut group = c.benchmark_group("ntt");
    for (n_columns, log_len) in [(N_COLUMNS, LOG_LEN), (1, LOG_LEN), (4, 12)] {
        group.throughput(Throughput::Elements(n_columns as u64));
        let name = |operation| format!("{operation} {n_columns} x 2^{log_len}");
        let mut out = columns(device, n_columns, log_len);
        let three = Felt::from(3u64);
        let coefficients = device
            .interpolate(columns(device, n_columns, log_len), three)
            .unwrap();
        group.bench_function(name("evaluate"), |b| {
            b.iter(|| {
                device
                    .evaluate_coset(&coefficients, three, &mut out)
                    .unwrap()
                    .wait()
                    .unwrap();
            });
        });
        let mut taken = Some(out);
        group.bench_function(name("interpolate"), |b| {
            b.iter(|| {
                let coefficients = device.interpolate(taken.take().unwrap(), three).unwrap();
                taken = Some(Columns::from_buffer(coefficients.into_buffer(), n_columns, log_len).unwrap());
            });
        });
    }
    let coefficients =
        Columns::<_, BitReversed>::upload(device, &[sample(1 << LOG_LEN)], LOG_LEN, TAG).unwrap();
    let at = [(0, Felt::from(5u64))];
    group.bench_function("evaluate at a point 2^17", |b| {
        b.iter(|| device.evaluate_at(&coefficients, &at).unwrap().wait().unwrap());
    });
    group.finish();
}

fn commitments(c: &mut Criterion, device: &CpuDevice) {
    let mut group = c.benchmark_group("commit");
    let log_len = 14;
    group.throughput(Throughput::Elements(1 << log_len));
    let trace = columns(device, N_COLUMNS, log_len);
    let mut tree = MerkleTree::empty(device, log_len, TAG).unwrap();
    for hash in [Hash::Keccak256Masked160Msb, Hash::Blake256, Hash::Poseidon3] {
        group.bench_function(format!("rows of 25, {}", hash.name()), |b| {
            b.iter(|| {
                let table = TableView::of_trace(&trace);
                device
                    .hash_rows(hash, &table, &mut tree, 0)
                    .unwrap()
                    .wait()
                    .unwrap();
            });
        });
        group.bench_function(format!("tree, {}", hash.name()), |b| {
            let hashes = vec![hash; log_len as usize];
            b.iter(|| {
                device
                    .hash_subtree(&hashes, &mut tree, 0, log_len)
                    .unwrap()
                    .wait()
                    .unwrap();
            });
        });
    }
    group.finish();
}

/// A straight-line program with as many products as sums, over cells and some registers.
fn program() -> Program {
    let steps = 0..200u16;
    Program {
        instructions: steps
            .map(|i| Instruction {
                opcode: [Opcode::Mul, Opcode::Add, Opcode::Mul, Opcode::Sub][usize::from(i % 4)],
                target: i % 50,
                a: if i < 50 {
                    Operand::Scalar(0)
                } else {
                    Operand::Register((i * 7) % 50)
                },
                b: Operand::Cell {
                    source: i % N_COLUMNS as u16,
                    offset: u32::from(i % 17),
                },
            })
            .collect(),
        n_registers: 50,
        n_scalars: 1,
        n_columns: N_COLUMNS,
        n_periodic: 0,
        result: Operand::Register(7),
    }
}

fn rows(c: &mut Criterion, device: &CpuDevice) {
    let mut group = c.benchmark_group("rows");
    let log_len = 14;
    group.throughput(Throughput::Elements(1 << log_len));
    let trace = columns(device, N_COLUMNS, log_len);
    let mut out = columns(device, 1, log_len);
    let loaded = device.load(&program()).unwrap();
    group.bench_function("compose 200 instructions", |b| {
        let scalars = [Felt::from(5u64)];
        b.iter(|| {
            device
                .compose(&loaded, &[&trace], &[], &scalars, &mut out)
                .unwrap()
                .wait()
                .unwrap();
        });
    });
    let terms = (0..200).map(|i| QuotientTerm {
        column: i % N_COLUMNS,
        offset: i / N_COLUMNS,
        value: Felt::from(i as u64),
        coefficient: Felt::from(3 * i as u64),
    });
    let poles = [Pole {
        point: Felt::from(77u64),
        terms: terms.collect(),
    }];
    group.bench_function("DEEP quotient of 200 terms", |b| {
        b.iter(|| {
            device
                .deep_quotient(&[&trace], Felt::from(3u64), &poles, &mut out)
                .unwrap()
                .wait()
                .unwrap();
        });
    });
    group.bench_function("FRI fold", |b| {
        b.iter(|| device.fold(&out, &[Felt::from(3u64)], Felt::from(9u64)).unwrap());
    });
    let cells = |column| VirtualColumn {
        column,
        step: 1,
        offset: 0,
    };
    let argument = PermutationArgument {
        original: vec![cells(0), cells(1)],
        sorted: vec![cells(2), cells(3)],
        z: Felt::from(1u64 << 40),
        alphas: vec![Felt::from(1u64 << 41)],
    };
    group.bench_function("permutation product", |b| {
        b.iter(|| {
            device
                .permutation_product(black_box(&trace), &argument, &mut out, cells(0))
                .unwrap()
                .wait()
                .unwrap();
        });
    });
    group.finish();
}

fn operations(c: &mut Criterion) {
    let device = CpuDevice::new(Some(1)).unwrap();
    transforms(c, &device);
    commitments(c, &device);
    rows(c, &device);
}

criterion_group!(benches, operations);
criterion_main!(benches);
