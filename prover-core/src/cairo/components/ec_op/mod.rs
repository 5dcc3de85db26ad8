//! Component `ec_op`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;

use super::component::{Builtin, Component};

/// The builtin.
pub(super) const BUILTIN: Builtin = Builtin::new("ec_op", "ec_op/p_x/addr", 7);

/// The component.
pub(super) const COMPONENT: Component = Component::of_builtin(BUILTIN, constraints::constrain);
