//! A whole proof, small enough to repeat.

use criterion::{Criterion, criterion_group, criterion_main};
use quarry_benches::read_case;
use quarry_kernels::CpuDevice;
use quarry_prover_core::progress::{Cancel, Silent};
use quarry_prover_core::prover::{ProveOptions, prove};
use std::path::Path;

fn proof(c: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../prover-core/tests/data/plain/fib_2p9");
    let device = CpuDevice::new(Some(1)).expect("one thread");
    let options = ProveOptions::default();
    let mut group = c.benchmark_group("plain/fib_2p9");
    group.sample_size(10);
    for tag in ["base", "kek", "blake"] {
        let (input, parameters) = read_case(&folder, tag).expect("a case of the repository");
        group.bench_function(tag, |b| {
            b.iter(|| {
                prove(
                    &device,
                    &input,
                    &parameters,
                    &options,
                    &Silent,
                    &Cancel::default(),
                )
                .expect("a proof")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, proof);
criterion_main!(benches);
