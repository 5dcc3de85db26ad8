//! FRI: its layers, the path of a query through them, and the fold.
//!
//! The domain of a layer of `2^n` points is `w^i` for the generator `w` of order `2^n` (its offset is 1, not the
//! trace's 3). Index `i` of a layer is the point `w^bit_reverse(i)`, so the points that fold into one are neighbours.

#[cfg(feature = "prover")]
mod layer;
#[cfg(feature = "prover")]
pub mod prover;
pub mod verifier;

use crate::commit::{Opening, TableShape};
use crate::parameters::FriParameters;
use ark_ff::Field;
use quarry_kernels::domain::bit_reverse;
use quarry_kernels::{Felt, felt};
use std::collections::BTreeSet;

/// A layer of FRI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FriLayer {
    /// Logarithm of the number of points.
    pub log_len: u32,
    /// Logarithm of the number of neighbours that fold into one point of the next layer; 0 for the last layer.
    pub step: u32,
    /// The query `q` (an index of layer 1) has index `q >> query_shift` here; 0 for layer 0 too.
    pub query_shift: u32,
}

impl FriLayer {
    /// All layers: 0 (the evaluation domain, of `2^log_domain` points, not committed), the committed ones, and
    /// the last, which is sent as coefficients.
    pub fn all(parameters: &FriParameters, log_domain: u32) -> Vec<Self> {
        let mut layers = Vec::with_capacity(parameters.fri_step_list.len() + 1);
        let (mut log_len, mut query_shift) = (log_domain, 0);
        for (i, step) in parameters.fri_step_list.iter().copied().chain([0]).enumerate() {
            layers.push(Self {
                log_len,
                step,
                query_shift,
            });
            log_len = log_len.saturating_sub(step);
            query_shift += if i == 0 { 0 } else { step };
        }
        layers
    }

    /// The committed table: a row holds the points that fold into one.
    pub fn table(&self) -> TableShape {
        TableShape {
            n_columns: 1 << self.step,
            log_rows: self.log_len - self.step,
        }
    }

    /// The cell of a query in the layer's table: row and column.
    pub fn cell(&self, query: u64) -> (u64, usize) {
        let index = query >> self.query_shift;
        (index >> self.step, (index & ((1 << self.step) - 1)) as usize)
    }

    /// The opening of the layer's table; the verifier computes the queried cells itself.
    pub fn opening(&self, queries: &[u64]) -> Opening {
        let known: BTreeSet<_> = queries.iter().map(|&query| self.cell(query)).collect();
        Opening::new(self.table(), known.iter().map(|cell| cell.0), &known)
    }

    /// Number of elements that the opening of the layer's table sends.
    pub fn n_elements(&self, queries: &[u64]) -> u128 {
        let cells: BTreeSet<_> = queries.iter().map(|&query| self.cell(query)).collect();
        let rows: BTreeSet<_> = cells.iter().map(|cell| cell.0).collect();
        ((rows.len() as u128) << self.step) - cells.len() as u128
    }

    /// The inverse of the point with this index.
    pub fn inverse_point(&self, index: u64) -> Felt {
        let exponent = bit_reverse(index as usize, self.log_len) as u64;
        let inverse = (1u64 << self.log_len) - exponent;
        felt::subgroup_generator(self.log_len).pow([inverse])
    }

    /// Folds the `2^step` values of row `row` of the layer's table into one of the next layer.
    ///
    /// A pair `f(x), f(-x)` gives `f(x) + f(-x) + point (f(x) - f(-x)) / x`, without a factor 1/2; pairs of the
    /// results are folded with `point^2`, and so on.
    pub fn fold_row(&self, row: u64, values: &[Felt], mut point: Felt) -> Felt {
        let mut values = values.to_vec();
        let (mut log_len, mut first) = (self.log_len, row << self.step);
        while values.len() > 1 {
            let pair = Self { log_len, ..*self };
            let fold = |(i, pair_values): (usize, &[Felt])| {
                let [f_x, f_minus_x] = *pair_values else {
                    return Felt::from(0u64);
                };
                let x_inverse = pair.inverse_point(first + 2 * i as u64);
                f_x + f_minus_x + point * (f_x - f_minus_x) * x_inverse
            };
            values = values.chunks(2).enumerate().map(fold).collect();
            point = point.square();
            log_len = log_len.saturating_sub(1);
            first /= 2;
        }
        values.first().copied().unwrap_or_default()
    }
}

/// The indices of layer 0 that fold into the queries, which are indices of layer 1: `2^first_step` for each.
pub fn first_layer_queries(queries: &[u64], first_step: u32) -> Vec<u64> {
    queries
        .iter()
        .flat_map(|&query| query << first_step..(query + 1) << first_step)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(fri_step_list: Vec<u32>) -> FriParameters {
        FriParameters {
            fri_step_list,
            last_layer_degree_bound: 2,
            n_queries: 1,
            proof_of_work_bits: 0,
        }
    }

    #[test]
    fn queries_go_down_the_layers() {
        let layers = FriLayer::all(&parameters(vec![1, 2, 3]), 10);
        let shape = |layer: &FriLayer| (layer.log_len, layer.step, layer.query_shift);
        let shapes: Vec<_> = layers.iter().map(shape).collect();
        assert_eq!(shapes, [(10, 1, 0), (9, 2, 0), (7, 3, 2), (4, 0, 5)]);
        assert_eq!(first_layer_queries(&[3, 5], 1), [6, 7, 10, 11]);
        assert_eq!(layers[2].cell(0b1_0110_1101), (0b1011, 0b011));
        let opening = layers[1].opening(&[9, 10]);
        assert_eq!((opening.rows, opening.elements), (vec![2], vec![(2, 0), (2, 3)]));
    }

    /// A polynomial of degree below 2^step folds to a constant: the sum of its coefficients weighted by powers of
    /// the point, times 2^step.
    #[test]
    fn folding_evaluates_the_parts_at_the_point() {
        let layer = FriLayer {
            log_len: 6,
            step: 3,
            query_shift: 0,
        };
        let coefficients: Vec<_> = (3..11u64).map(Felt::from).collect();
        let evaluate = |x: Felt| {
            coefficients
                .iter()
                .rev()
                .fold(Felt::from(0u64), |sum, c| sum * x + c)
        };
        let point = Felt::from(12345u64);
        for row in 0..8 {
            let x = |i| {
                layer
                    .inverse_point(row * 8 + i)
                    .inverse()
                    .expect("a root of unity")
            };
            let values: Vec<_> = (0..8).map(|i| evaluate(x(i))).collect();
            assert_eq!(
                layer.fold_row(row, &values, point),
                Felt::from(8u64) * evaluate(point)
            );
        }
    }
}
