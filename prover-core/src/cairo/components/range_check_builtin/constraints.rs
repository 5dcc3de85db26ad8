//! Constraints of `range_check_builtin`: a memory cell is the sum of eight 16-bit parts.

use crate::air::every;
use crate::cairo::components::scope::{Scope, ScopeError};

/// Parts of a value, highest first.
pub const N_PARTS: usize = 8;
/// Bits of a part.
const PART_BITS: u32 = 16;

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    let scope = layout.part("range_check_builtin");
    let part = scope.cells("inner_range_check")?;
    let (address, value) = (scope.cells("mem/addr")?, scope.cells("mem/value")?);
    let step = address.step();
    let sum = (1..N_PARTS).fold(part.at(0), |sum, i| sum * (1 << PART_BITS) + part.at(i));
    scope.constrain("value", every(step), sum - value.at(0));
    scope.constrain(
        "addr_step",
        every(step).except(scope.last(step)),
        address.at(1) - (address.at(0) + 1),
    );
    scope.constrain(
        "init_addr",
        scope.first(),
        address.at(0) - scope.scalar("initial_range_check_addr"),
    );
    Ok(())
}
