//! Operations on columns, on one thread of the CPU device. Their sum is the cost of a proof.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use quarry_kernels::ops::{HashOps, MerkleTree, NttOps};
use quarry_kernels::{Columns, CpuDevice, Felt, Hash, Natural, TableView, Tag};

const TAG: Tag = Tag("bench");
/// Logarithm of the rows of layouts `plain` and `small` at 4,096 steps.
const LOG_ROWS: u32 = 16;
/// Columns of the first trace of layout `small`.
const ROW_COLUMNS: usize = 23;

/// The hash functions with which profiles commit.
const HASHES: [Hash; 3] = [
    Hash::Keccak256Masked160Lsb,
    Hash::Blake256Masked248Lsb,
    Hash::Poseidon3,
];

fn device() -> CpuDevice {
    CpuDevice::new(Some(1)).expect("one thread")
}

/// Columns of elements that look random: powers of a large element.
fn columns(device: &CpuDevice, n_columns: usize) -> Columns<CpuDevice, Natural> {
    let ratio = Felt::from(3u64.pow(40)) * Felt::from(u128::MAX);
    let mut next = ratio;
    let host: Vec<Vec<Felt>> = (0..n_columns)
        .map(|_| {
            (0..1 << LOG_ROWS)
                .map(|_| {
                    next *= ratio;
                    next
                })
                .collect()
        })
        .collect();
    Columns::upload(device, &host, LOG_ROWS, TAG).expect("memory")
}

fn ntt(c: &mut Criterion) {
    let device = device();
    let shift = Felt::from(3u64);
    let mut group = c.benchmark_group(format!("ntt/2^{LOG_ROWS}"));
    group.throughput(Throughput::Elements(1 << LOG_ROWS));
    group.bench_function("interpolate", |b| {
        b.iter_batched(
            || columns(&device, 1),
            |columns| device.interpolate(columns, shift).expect("a column"),
            BatchSize::LargeInput,
        );
    });
    let coefficients = device.interpolate(columns(&device, 1), shift).expect("a column");
    let mut out = Columns::zeros(&device, 1, LOG_ROWS, TAG).expect("memory");
    group.bench_function("evaluate_coset", |b| {
        b.iter(|| {
            let ticket = device.evaluate_coset(&coefficients, shift, &mut out);
            ticket.and_then(|ticket| ticket.wait()).expect("a column");
        });
    });
    group.finish();
}

fn commitments(c: &mut Criterion) {
    let device = device();
    let columns = columns(&device, ROW_COLUMNS);
    let mut tree = MerkleTree::empty(&device, LOG_ROWS, TAG).expect("memory");
    let mut group = c.benchmark_group(format!("merkle/2^{LOG_ROWS}"));
    group.throughput(Throughput::Elements(1 << LOG_ROWS));
    group.sample_size(10);
    for hash in HASHES {
        group.bench_function(
            BenchmarkId::new(format!("rows of {ROW_COLUMNS}"), hash.name()),
            |b| {
                b.iter(|| {
                    let ticket = device.hash_rows(hash, &TableView::of_trace(&columns), &mut tree, 0);
                    ticket.and_then(|ticket| ticket.wait()).expect("a table");
                });
            },
        );
        let layers = [hash; LOG_ROWS as usize];
        group.bench_function(BenchmarkId::new("tree", hash.name()), |b| {
            b.iter(|| {
                let ticket = device.hash_subtree(&layers, &mut tree, 0, LOG_ROWS);
                ticket.and_then(|ticket| ticket.wait()).expect("a tree");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, ntt, commitments);
criterion_main!(benches);
