//! Component `memory`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;

use super::component::{Component, Pool};

/// The pool of memory accesses.
const ACCESSES: Pool = Pool {
    name: "memory accesses",
    column: "mem_pool/addr",
};

/// The accesses that the public memory takes.
pub const PUBLIC_MEMORY: Pool = Pool {
    name: "public memory cells",
    column: "orig/public_memory/addr",
};

/// The component.
pub(super) const COMPONENT: Component = Component {
    permutation: Some(constraints::PERMUTATION),
    pools: &[ACCESSES, PUBLIC_MEMORY],
    ..Component::new(ACCESSES.column, constraints::constrain)
};
