//! Trace cells of `range_check96_builtin`: those of `range_check_builtin` with fewer parts.

use super::BUILTIN;
use super::constraints::N_PARTS;
use crate::cairo::components::range_check_builtin::witness::RangeCheck;
use crate::cairo::components::stage::{Stage, Witness};

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[
    (Stage::Inputs, |canvas, layout, input| {
        RANGE_CHECK.write(canvas, layout, input)
    }),
    (Stage::Derived, |canvas, layout, input| {
        RANGE_CHECK.write_memory(canvas, layout, input)
    }),
];

const RANGE_CHECK: RangeCheck = RangeCheck {
    builtin: BUILTIN,
    component: "range_check96_builtin",
    n_parts: N_PARTS,
    inputs: |input| &input.private.range_check96,
};
