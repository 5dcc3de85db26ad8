//! Constraints of `diluted_check`: every value of the pool is a diluted number, whose bits lie [`SPACING`] apart.
//!
//! The sorted pool holds every diluted number at least once. A cumulative value combines the differences of neighbours.
//! It reaches the public final value only if the nonzero differences are those of the diluted numbers in order.

use crate::air::every;
use crate::cairo::components::component::Cumulative;
use crate::cairo::components::permutation::{self, Permutation};
use crate::cairo::components::scope::{Scope, ScopeError};
use crate::cairo::diluted::{N_BITS, SPACING};
use ark_ff::Field;
use quarry_kernels::Felt;
use std::iter;

/// The sorted values are a permutation of the pool's.
pub const PERMUTATION: Permutation = Permutation {
    name: "diluted_check/permutation",
    original: &["diluted_pool"],
    sorted: &[VALUES],
    product: "diluted_check/permutation/cum_prod0",
    z: "diluted_check/permutation/interaction_elm",
    weights: &[],
    total: None,
};

/// The sorted values.
pub const VALUES: &str = "diluted_check/permuted_values";
/// The cumulative value of their differences.
pub const CUMULATIVE: Cumulative = Cumulative {
    values: VALUES,
    sum: "diluted_check/cumulative_value",
    elements: ["diluted_check/interaction_z", "diluted_check/interaction_alpha"],
};
/// The scalar that equals the final cumulative value.
pub const FINAL_VALUE: &str = "diluted_check/final_cum_val";

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    permutation::constrain(layout, &PERMUTATION)?;

    let scope = layout.part("diluted_check");
    let (value, sum) = (layout.cells(VALUES)?, layout.cells(CUMULATIVE.sum)?);
    let [z, alpha] = CUMULATIVE.elements.map(|name| layout.scalar(name));
    let (first, last) = (scope.first(), scope.last(value.step()));
    scope.constrain("init", first, sum.at(0) - 1);
    scope.constrain("first_element", first, value.at(0));
    let difference = value.at(1) - value.at(0);
    scope.constrain(
        "step",
        every(value.step()).except(last),
        sum.at(1) - (sum.at(0) * (z * difference + 1) + alpha * difference.square()),
    );
    scope.constrain("last", last, sum.at(0) - layout.scalar(FINAL_VALUE));
    Ok(())
}

/// Computes the cumulative value over all diluted numbers in order.
///
/// The difference between number `j` and the previous one depends only on the trailing zeros of `j`. So the map over
/// the first `2^i` numbers, which is affine, is the map over the first `2^(i-1)`, then the step at `2^(i-1)`, then the
/// same map again.
pub fn final_value(z: Felt, alpha: Felt) -> Felt {
    let number = |bit: usize| Felt::from(2u64).pow([(bit * SPACING) as u64]);
    let differences = iter::successors(Some((0, number(0))), |&(bit, difference)| {
        Some((bit + 1, difference + number(bit + 1) - number(bit) - number(bit)))
    });
    // The map over the numbers so far is `r -> product * r + sum * alpha`.
    let (product, sum) = differences.map(|(_, difference)| difference).take(N_BITS).fold(
        (Felt::from(1u64), Felt::from(0u64)),
        |(product, sum), difference| {
            let factor = Felt::from(1u64) + z * difference;
            (
                product * factor * product,
                (sum * factor + difference * difference) * product + sum,
            )
        },
    );
    product + sum * alpha
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cairo::diluted::dilute;

    #[test]
    fn the_final_value_is_the_recurrence_over_all_numbers() {
        let (z, alpha) = (Felt::from(1234567u64), -Felt::from(7654321u64));
        let expected = (1..=u16::MAX).fold(Felt::from(1u64), |value, j| {
            let difference = dilute(j) - dilute(j - 1);
            value * (Felt::from(1u64) + z * difference) + alpha * difference * difference
        });
        assert_eq!(final_value(z, alpha), expected);
    }
}
