//! Constraints of `memory`: the accesses, sorted by address, form a contiguous read-only memory whose public part is
//! that of the public input.

use crate::air::every;
use crate::cairo::components::permutation::{self, Permutation};
use crate::cairo::components::scope::{Scope, ScopeError};

/// The sorted accesses are a permutation of the pool's. Public accesses are zero in the pool but not in the sorted
/// list, so the final product depends on them.
pub const PERMUTATION: Permutation = Permutation {
    name: "memory/multi_column_perm/perm",
    original: &["mem_pool/addr", "mem_pool/value"],
    sorted: &["memory/sorted/addr", "memory/sorted/value"],
    product: "memory/multi_column_perm/perm/cum_prod0",
    z: "memory/multi_column_perm/perm/interaction_elm",
    weights: &["memory/multi_column_perm/hash_interaction_elm0"],
    total: Some(PUBLIC_MEMORY_PRODUCT),
};

/// The scalar for the final product, which depends on the public memory.
pub const PUBLIC_MEMORY_PRODUCT: &str = "memory/multi_column_perm/perm/public_memory_prod";

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    permutation::constrain(layout, &PERMUTATION)?;

    let memory = layout.part("memory");
    let (address, value) = (memory.cells("sorted/addr")?, memory.cells("sorted/value")?);
    let difference = address.at(1) - address.at(0);
    let pairs = || every(address.step()).except(memory.last(address.step()));
    memory.constrain("diff_is_bit", pairs(), difference.square() - difference);
    memory.constrain("is_func", pairs(), (difference - 1) * (value.at(0) - value.at(1)));
    memory.constrain("initial_addr", memory.first(), address.at(0) - 1);

    let (address, value) = (
        layout.cells("orig/public_memory/addr")?,
        layout.cells("orig/public_memory/value")?,
    );
    layout.constrain("public_memory_addr_zero", every(address.step()), address.at(0));
    layout.constrain("public_memory_value_zero", every(value.step()), value.at(0));
    Ok(())
}
