//! The first trace equals Stone's, cell by cell: the polynomials through its columns take the values that Stone's
//! proofs open at the out-of-domain point.

use super::{annotated, is_slow_tier};
use crate::common::Golden;
use crate::common::proving::read_input;
use crate::corpus::AnnotatedProof;
use ark_ff::{Field, One, batch_inversion};
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::air::CairoAir;
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::trace::build_trace;

/// The weights `w` for which `sum f_i w_i` is the value at `point` of the polynomial with values `f_i` on the subgroup
/// of `n` elements: by the barycentric formula, `(x^n - 1) / n * g^i / (x - g^i)`.
fn weights(n: usize, point: Felt) -> Vec<Felt> {
    let g = felt::subgroup_generator(n.ilog2());
    let powers: Vec<Felt> = std::iter::successors(Some(Felt::one()), |p| Some(*p * g))
        .take(n)
        .collect();
    let mut weights: Vec<Felt> = powers.iter().map(|p| point - p).collect();
    batch_inversion(&mut weights);
    let factor = (point.pow([n as u64]) - Felt::one()) * Felt::from(n as u64).inverse().expect("n is not 0");
    for (weight, power) in weights.iter_mut().zip(&powers) {
        *weight *= *power * factor;
    }
    weights
}

/// The value of a column's polynomial at the point of the weights times `g^offset`.
fn evaluate(column: &[Felt], weights: &[Felt], offset: usize) -> Felt {
    let (before, after) = column.split_at(offset % column.len());
    let rotated = after.iter().chain(before);
    rotated.zip(weights).map(|(value, weight)| *value * weight).sum()
}

/// Compares every mask value of the first trace.
fn check(row: &Golden, proof: &AnnotatedProof) {
    let point = proof.felts(&["V->P", "Evaluation point"])[0];
    let expected = proof.felts(&["P->V", "OODS values: "]);
    let input = read_input(row);
    let layout = Layout::of(&input.public).expect("a layout");
    let columns = build_trace(&layout, &input).unwrap_or_else(|error| panic!("{}: {error}", row.name()));
    let mask = CairoAir::new(&layout, row.n_steps).expect("an AIR").air.mask;
    let mask: Vec<(usize, usize)> = mask.iter().map(|cell| (cell.column, cell.offset)).collect();
    assert_eq!(expected.len(), mask.len() + 2, "{}: OODS values", row.name());
    let weights = weights(columns[0].len(), point);
    let mut wrong = Vec::new();
    for (&(column, offset), expected) in mask.iter().zip(&expected) {
        if column < columns.len() && evaluate(&columns[column], &weights, offset) != *expected {
            wrong.push((column, offset));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}: wrong (column, offset): {wrong:?}",
        row.name()
    );
}

#[test]
fn traces_are_stones() {
    let mut checked = Vec::new();
    for (row, proof) in annotated() {
        // All proofs of a case have the same trace.
        let case = format!("{}/{}", row.layout, row.case);
        if !checked.contains(&case) {
            check(&row, &proof);
            println!("{case}");
            checked.push(case);
        }
    }
    let with_annotated_proof = if is_slow_tier() { 20 } else { 6 };
    assert_eq!(checked.len(), with_annotated_proof, "{checked:?}");
}
