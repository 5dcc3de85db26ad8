//! Constraints of `range_check16`: every value of the pool lies between two public bounds.

use crate::air::every;
use crate::cairo::components::permutation::{self, Permutation};
use crate::cairo::components::scope::{Scope, ScopeError};

/// The sorted values are a permutation of the pool's.
pub const PERMUTATION: Permutation = Permutation {
    name: "range_check16/perm",
    original: &["range_check16_pool"],
    sorted: &["range_check16/sorted"],
    product: "range_check16/perm/cum_prod0",
    z: "range_check16/perm/interaction_elm",
    weights: &[],
    total: None,
};

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    permutation::constrain(layout, &PERMUTATION)?;

    let scope = layout.part("range_check16");
    let sorted = scope.cells("sorted")?;
    let last = scope.last(sorted.step());
    let difference = sorted.at(1) - sorted.at(0);
    scope.constrain(
        "diff_is_bit",
        every(sorted.step()).except(last),
        difference.square() - difference,
    );
    scope.constrain(
        "minimum",
        scope.first(),
        sorted.at(0) - scope.scalar("range_check_min"),
    );
    scope.constrain("maximum", last, sorted.at(0) - scope.scalar("range_check_max"));
    Ok(())
}
