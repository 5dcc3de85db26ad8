//! Component `cpu`.

pub mod constraints;
#[cfg(feature = "prover")]
mod instruction;
#[cfg(feature = "prover")]
pub mod witness;

use super::component::Component;

/// The component.
pub(super) const COMPONENT: Component = Component::new("cpu/decode/pc", constraints::constrain);
