//! Component `keccak`.

pub mod constraints;
#[cfg(feature = "prover")]
mod permutation;
#[cfg(feature = "prover")]
pub mod witness;

use super::component::{Builtin, Component};

/// The builtin. An instance is one invocation of the permutation, with eight words of input and eight of output.
pub(super) const BUILTIN: Builtin = Builtin {
    n_column_cells: 16,
    n_together: constraints::N_INVOCATIONS,
    ..Builtin::new("keccak", "keccak/input_output/addr", 16)
};

/// The component.
pub(super) const COMPONENT: Component = Component::of_builtin(BUILTIN, constraints::constrain);
