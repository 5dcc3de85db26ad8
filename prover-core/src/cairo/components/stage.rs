//! The witness of a component: functions that write on the canvas, each in its stage.

use crate::cairo::canvas::Canvas;
use crate::cairo::error::InputError;
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;

/// When a function of a witness runs: after all functions of the stages before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// What follows from the inputs.
    Inputs,
    /// Fills the free units of the pools of numbers.
    Numbers,
    /// Memory accesses whose values are in these units.
    Derived,
    /// Fills the free units of the memory pool.
    Memory,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 4] = [Self::Inputs, Self::Numbers, Self::Derived, Self::Memory];
}

/// A function that writes cells of a component.
pub(crate) type Write = fn(&mut Canvas, &Layout, &ProverInput) -> Result<(), InputError>;

/// The functions that write a component's cells.
pub(crate) type Witness = &'static [(Stage, Write)];
