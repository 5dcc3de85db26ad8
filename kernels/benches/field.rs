//! Field operations and scalar hashes, compared with the generic arithmetic of `ark-ff`.

use ark_ff::{AdditiveGroup, BigInt, Field, Fp256, MontBackend, MontConfig};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quarry_kernels::felt::limbs;
use quarry_kernels::hash::{pedersen, poseidon};
use quarry_kernels::{Felt, Hash};
use std::hint::black_box;

/// The field with only `ark-ff`'s own code: a baseline that depends on the machine in the same way.
struct ArkConfig;

impl MontConfig<4> for ArkConfig {
    const MODULUS: BigInt<4> = BigInt([1, 0, 0, limbs::TOP]);
    const GENERATOR: Ark = Ark::new(BigInt([3, 0, 0, 0]));
    const TWO_ADIC_ROOT_OF_UNITY: Ark = Ark::ONE;
}

type Ark = Fp256<MontBackend<ArkConfig, 4>>;

/// Number of independent operations: the table stays in the first-level cache.
const N: usize = 256;

fn table<F: Field>() -> Vec<F> {
    std::iter::successors(Some(F::from(3u64)), |x| Some(x.square() + F::ONE))
        .take(N)
        .collect()
}

fn field(c: &mut Criterion) {
    let mut group = c.benchmark_group("field");
    group.throughput(Throughput::Elements(N as u64));
    let (mut ark, mut ours) = (table::<Ark>(), table::<Felt>());
    let (ark_factor, factor) = (ark[7], ours[7]);
    group.bench_function("mul ark-ff", |b| {
        b.iter(|| black_box(&mut ark).iter_mut().for_each(|x| *x *= ark_factor));
    });
    group.bench_function("mul", |b| {
        b.iter(|| black_box(&mut ours).iter_mut().for_each(|x| *x *= factor));
    });
    group.bench_function("mul lazy", |b| {
        b.iter(|| {
            black_box(&mut ours)
                .iter_mut()
                .for_each(|x| x.0.0 = limbs::mul_lazy(&factor.0.0, &x.0.0));
        });
    });
    group.bench_function("square", |b| {
        b.iter(|| {
            black_box(&mut ours)
                .iter_mut()
                .for_each(|x| _ = x.square_in_place());
        });
    });
    group.bench_function("add", |b| {
        b.iter(|| black_box(&mut ours).iter_mut().for_each(|x| *x += factor));
    });
    group.bench_function("sub", |b| {
        b.iter(|| black_box(&mut ours).iter_mut().for_each(|x| *x -= factor));
    });
    group.bench_function("double", |b| {
        b.iter(|| {
            black_box(&mut ours)
                .iter_mut()
                .for_each(|x| _ = x.double_in_place());
        });
    });
    group.bench_function("batch inversion", |b| {
        b.iter(|| ark_ff::batch_inversion(black_box(&mut ours)));
    });
    group.finish();
    c.bench_function("inverse", |b| b.iter(|| black_box(&factor).inverse()));
}

fn hashes(c: &mut Criterion) {
    let mut group = c.benchmark_group("two to one");
    for hash in [Hash::Keccak256, Hash::Blake256, Hash::Poseidon3, Hash::Pedersen] {
        let mut digest = [1; 32];
        group.bench_function(hash.name(), |b| {
            b.iter(|| digest = hash.hash_pair(&digest, &digest));
        });
    }
    let elements = table::<Felt>();
    let pairs = elements.as_chunks::<2>().0;
    group.throughput(Throughput::Elements(pairs.len() as u64));
    group.bench_function("pedersen, many", |b| {
        b.iter(|| pedersen::hash_pairs(black_box(pairs)));
    });
    group.finish();
    c.bench_function("poseidon of 25 elements", |b| {
        b.iter(|| poseidon::hash_many(black_box(&elements[..25])));
    });
    let row = [7; 25 * 32];
    c.bench_function("keccak256 of 25 elements", |b| {
        b.iter(|| Hash::Keccak256.hash_bytes(black_box(&row)));
    });
}

criterion_group!(benches, field, hashes);
criterion_main!(benches);
