//! Constraints of `pedersen`: the hash of two felts is the x coordinate of a sum of constant points.

use crate::air::every;
use crate::cairo::components::ec::{self, Point, Points, SUBSET_SUM_HEIGHT, SubsetSum};
use crate::cairo::components::scope::{Scope, ScopeError};
use quarry_kernels::hash::pedersen::{N_BITS, POINTS, SHIFT};

/// Inputs of a hash.
const N_INPUTS: usize = 2;

/// Adds the component's constraints. `layout` is the scope of the whole layout. The unit `hash{i}` computes
/// the instances whose number is `i` modulo the number of units.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    let scope = layout.part("pedersen");
    let constants: Vec<_> = POINTS.chunks(N_BITS).flat_map(ec::pad).collect();
    let point_step = scope.cells("hash0/ec_subset_sum/selector")?.step();
    let point = ec::periodic_point(&scope.part("points"), point_step, &constants)?;

    let step = scope.cells("input0/addr")?.step();
    let height = SUBSET_SUM_HEIGHT * point_step;
    let unit_step = N_INPUTS * height;
    let n_units = unit_step / step;
    let units: Vec<_> = (0..n_units).map(|i| scope.part(&format!("hash{i}"))).collect();
    for unit in &units {
        hash(unit, point, height)?;
    }

    let instance = every(unit_step);
    for input in 0..N_INPUTS {
        let value = scope.cells(&format!("input{input}/value"))?;
        for (i, unit) in units.iter().enumerate() {
            let selector = unit.cells("ec_subset_sum/selector")?;
            let name = format!("input{input}_value{i}");
            scope.constrain(
                &name,
                instance,
                value.at(i) - selector.at(input * SUBSET_SUM_HEIGHT),
            );
        }
        if input == 0 {
            let (address, output) = (scope.cells("input0/addr")?, scope.cells("output/addr")?);
            let rows = every(step).except(scope.last(step));
            scope.constrain("input0_addr", rows, address.at(1) - (output.at(0) + 1));
            let first = scope.scalar("initial_pedersen_addr");
            scope.constrain("init_addr", scope.first(), address.at(0) - first);
        } else {
            let (address, previous) = (scope.cell("input1/addr")?, scope.cell("input0/addr")?);
            scope.constrain("input1_addr", every(step), address - (previous + 1));
        }
    }
    let value = scope.cells("output/value")?;
    for (i, unit) in units.iter().enumerate() {
        let sum = unit.cells("ec_subset_sum/partial_sum/x")?;
        let name = format!("output_value{i}");
        scope.constrain(
            &name,
            instance,
            value.at(i) - sum.at(N_INPUTS * SUBSET_SUM_HEIGHT - 1),
        );
    }
    let (address, previous) = (scope.cell("output/addr")?, scope.cell("input1/addr")?);
    scope.constrain("output_addr", every(step), address - (previous + 1));
    Ok(())
}

/// Constrains one unit: a subset sum for each input, where the second continues from the result of the first.
fn hash(unit: &Scope<'_>, point: Point<'_>, height: usize) -> Result<(), ScopeError> {
    let scope = unit.part("ec_subset_sum");
    let checks = SubsetSum {
        n_bits: N_BITS,
        unpacks_bits: true,
        checks_x_difference: false,
    };
    ec::subset_sum(&scope, point, checks)?;
    let sums = Points::new(&scope, "partial_sum")?;
    let (end, next) = (sums.at(SUBSET_SUM_HEIGHT - 1), sums.at(SUBSET_SUM_HEIGHT));
    let between = || every(height).except(every(N_INPUTS * height).at(height));
    unit.constrain("copy_point/x", between(), next.x - end.x);
    unit.constrain("copy_point/y", between(), next.y - end.y);
    unit.constrain("init/x", every(N_INPUTS * height), sums.at(0).x - SHIFT.x);
    unit.constrain("init/y", every(N_INPUTS * height), sums.at(0).y - SHIFT.y);
    Ok(())
}
