//! Constraints of `range_check96_builtin`: a memory cell is the sum of six 16-bit parts.

use crate::air::every;
use crate::cairo::components::scope::{Scope, ScopeError};

/// Parts of a value, highest first.
pub const N_PARTS: usize = 6;
/// Bits of a part.
const PART_BITS: u32 = 16;

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    let scope = layout.part("range_check96_builtin");
    let part = |i: usize| scope.cell(&format!("inner_range_check{i}"));
    let (address, value) = (scope.cells("mem/addr")?, scope.cells("mem/value")?);
    let step = address.step();
    let sum = (1..N_PARTS).try_fold(part(0)?, |sum, i| {
        Ok::<_, ScopeError>(sum * (1 << PART_BITS) + part(i)?)
    })?;
    scope.constrain("value", every(step), sum - value.at(0));
    scope.constrain(
        "addr_step",
        every(step).except(scope.last(step)),
        address.at(1) - (address.at(0) + 1),
    );
    scope.constrain(
        "init_addr",
        scope.first(),
        address.at(0) - scope.scalar("initial_range_check96_addr"),
    );
    Ok(())
}
