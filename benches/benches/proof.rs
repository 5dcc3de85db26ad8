//! A whole proof, small enough to repeat.

use criterion::{Criterion, criterion_group, criterion_main};
use quarry_benches::read_case;
use quarry_kernels::CpuDevice;
use quarry_prover_core::prover::{ProveOptions, prove};
use quarry_prover_core::statement::Statement;
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
                let statement = Statement::new(&input.public, &parameters).expect("a statement");
                prove(&device, &statement, &input, &options).expect("a proof")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, proof);
criterion_main!(benches);
