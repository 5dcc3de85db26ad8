//! Field operations on independent elements, compared with `ark-ff`'s own.

use ark_ff::Field;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use quarry_benches::ReferenceFelt;
use quarry_kernels::Felt;
use std::hint::black_box;

/// Elements per pass: few enough for the first-level cache.
const LANES: u64 = 256;

fn operation<F: Field>(group: &mut BenchmarkGroup<'_, WallTime>, id: BenchmarkId, apply: impl Fn(&mut F)) {
    let mut lanes: Vec<F> = (1..=LANES).map(F::from).collect();
    group.bench_function(id, |b| {
        b.iter(|| {
            lanes.iter_mut().for_each(&apply);
            black_box(&mut lanes);
        });
    });
}

fn field_of<F: Field>(c: &mut Criterion, owner: &str) {
    let operand = F::from(0x1234_5678_9abc_def1_u64);
    let mut group = c.benchmark_group("field");
    group.throughput(Throughput::Elements(LANES));
    operation(&mut group, BenchmarkId::new("multiply", owner), |x: &mut F| {
        *x *= operand;
    });
    operation(&mut group, BenchmarkId::new("add", owner), |x: &mut F| {
        *x += operand;
    });
    operation(&mut group, BenchmarkId::new("square", owner), |x: &mut F| {
        x.square_in_place();
    });
    group.finish();
}

fn field(c: &mut Criterion) {
    field_of::<Felt>(c, "quarry");
    field_of::<ReferenceFelt>(c, "ark-ff");
}

criterion_group!(benches, field);
criterion_main!(benches);
