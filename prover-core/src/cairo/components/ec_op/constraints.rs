//! Constraints of `ec_op`: `r = p + m q` on the STARK curve.

use crate::air::every;
use crate::cairo::components::ec::{self, Points, SUBSET_SUM_HEIGHT, SubsetSum};
use crate::cairo::components::scope::{Scope, ScopeError};

/// The memory cells of an instance, in order.
pub const CELLS: [&str; 7] = ["p_x", "p_y", "q_x", "q_y", "m", "r_x", "r_y"];

/// Bits of `m`.
const N_BITS: usize = 252;

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    let scope = layout.part("ec_op");
    let address = |name: &str| scope.cells(&format!("{name}/addr"));
    let value = |name: &str| scope.cell(&format!("{name}/value"));
    let first = address(CELLS[0])?;
    let rows = every(first.step());
    scope.constrain(
        "init_addr",
        scope.first(),
        first.at(0) - scope.scalar("initial_ec_op_addr"),
    );
    scope.constrain(
        "p_x_addr",
        rows.except(scope.last(first.step())),
        first.at(1) - (first.at(0) + CELLS.len() as u64),
    );
    for pair in CELLS.windows(2) {
        let (previous, cell) = (address(pair[0])?.at(0), address(pair[1])?.at(0));
        scope.constrain(&format!("{}_addr", pair[1]), rows, cell - (previous + 1));
    }

    let doubled = Points::new(&scope, "doubled_points")?;
    ec::doubling(&scope.part("doubling_q"), &doubled, scope.cell("doubling_slope")?);
    scope.constrain("get_q_x", rows, value("q_x")? - doubled.at(0).x);
    scope.constrain("get_q_y", rows, value("q_y")? - doubled.at(0).y);

    let times_m = scope.part("ec_subset_sum");
    let checks = SubsetSum {
        n_bits: N_BITS,
        unpacks_bits: true,
        checks_x_difference: true,
    };
    ec::subset_sum(&times_m, doubled.at(0), checks)?;
    let sums = Points::new(&times_m, "partial_sum")?;
    let (p, r) = (sums.at(0), sums.at(SUBSET_SUM_HEIGHT - 1));
    scope.constrain("get_m", rows, times_m.cell("selector")? - value("m")?);
    scope.constrain("get_p_x", rows, value("p_x")? - p.x);
    scope.constrain("get_p_y", rows, value("p_y")? - p.y);
    scope.constrain("set_r_x", rows, value("r_x")? - r.x);
    scope.constrain("set_r_y", rows, value("r_y")? - r.y);
    Ok(())
}
