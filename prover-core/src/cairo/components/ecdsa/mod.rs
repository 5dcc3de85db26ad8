//! Component `ecdsa`.

pub mod constraints;
#[cfg(feature = "prover")]
pub mod witness;

use super::component::{Builtin, Component};

/// The builtin.
pub(super) const BUILTIN: Builtin = Builtin::new("ecdsa", "ecdsa/pubkey/addr", 2);

/// The component.
pub(super) const COMPONENT: Component = Component::of_builtin(BUILTIN, constraints::constrain);
