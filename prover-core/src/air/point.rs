//! The composition polynomial at a point: what the verifier computes.

use super::expr::evaluate;
use super::{Air, AirError, Leaf, MaskCell, Rows, check_length};
use ark_ff::{Field, One};
use quarry_kernels::{Felt, felt};
use std::collections::HashMap;

impl Air {
    /// The composition polynomial `sum alpha^i C_i(x)` at `point`, each constraint divided by the vanishing polynomial
    /// of its domain. `mask_values` has a value for every cell of the mask, `scalars` one for every name in
    /// [`Air::scalars`].
    ///
    /// # Errors
    /// [`AirError::Length`], and [`AirError::PointInDomain`] if the point lies in a constraint's domain.
    pub fn evaluate_at(
        &self,
        point: Felt,
        mask_values: &[Felt],
        scalars: &[Felt],
        alpha: Felt,
    ) -> Result<Felt, AirError> {
        check_length("mask values", self.mask.len(), mask_values.len())?;
        check_length("scalars", self.scalars.len(), scalars.len())?;
        let cells: HashMap<MaskCell, Felt> = self
            .mask
            .iter()
            .copied()
            .zip(mask_values.iter().copied())
            .collect();
        let generator = felt::subgroup_generator(self.trace_length.ilog2());
        let values = evaluate(&self.nodes, |leaf| match leaf {
            Leaf::Scalar(i) => scalars[i],
            // No constraint uses cells outside the mask.
            Leaf::Cell(cell) => cells.get(&cell).copied().unwrap_or_default(),
            Leaf::Periodic { column, offset } => {
                let point = point * generator.pow([offset as u64]);
                self.periodic[column].evaluate_at(point, self.trace_length)
            }
        });
        let mut vanishing: HashMap<Rows, Felt> = HashMap::new();
        let mut product = |rows: &[Rows]| -> Felt {
            let at = |rows: &Rows| rows.vanishing_at(point, self.trace_length);
            rows.iter()
                .map(|rows| *vanishing.entry(*rows).or_insert_with(|| at(rows)))
                .product()
        };
        let mut sum = Felt::default();
        let mut weight = Felt::one();
        for constraint in &self.constraints {
            let inverse = product(&constraint.domain.rows)
                .inverse()
                .ok_or_else(|| AirError::PointInDomain(constraint.name.clone()))?;
            sum +=
                weight * values[constraint.expression.index()] * product(&constraint.domain.except) * inverse;
            weight *= alpha;
        }
        Ok(sum)
    }
}
