//! Component `poseidon`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;

use super::component::{Builtin, Component};

/// The builtin. An instance has two accesses in every virtual column of its memory: input and output.
pub(super) const BUILTIN: Builtin = Builtin {
    n_column_cells: 2,
    ..Builtin::new("poseidon", "poseidon/param_0/input_output/addr", 6)
};

/// The component.
pub(super) const COMPONENT: Component = Component::of_builtin(BUILTIN, constraints::constrain);
