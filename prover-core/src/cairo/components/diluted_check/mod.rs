//! Component `diluted_check`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;

use super::component::{Component, Pool};

/// The pool of numbers.
const POOL: Pool = Pool {
    name: "diluted units",
    column: "diluted_pool",
};

/// The component.
pub(super) const COMPONENT: Component = Component {
    permutation: Some(constraints::PERMUTATION),
    cumulative: Some(constraints::CUMULATIVE),
    pools: &[POOL],
    ..Component::new(POOL.column, constraints::constrain)
};
