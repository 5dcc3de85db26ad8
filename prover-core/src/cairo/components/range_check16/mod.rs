//! Component `range_check16`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;

use super::component::{Component, Pool};

/// The pool of numbers.
const POOL: Pool = Pool {
    name: "range-check units",
    column: "range_check16_pool",
};

/// The component.
pub(super) const COMPONENT: Component = Component {
    permutation: Some(constraints::PERMUTATION),
    pools: &[POOL],
    ..Component::new(POOL.column, constraints::constrain)
};
