//! Trace cells of `range_check16`: the pool of 16-bit values, the filling of its gaps, and the sorted values.

use crate::cairo::canvas::{Canvas, row, whole_cell};
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::components::table_check::finish_pool;
use crate::cairo::error::InputError;
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use quarry_kernels::Felt;

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[(Stage::Numbers, finish)];

/// Fills the free units of the pool with values between the public input's bounds and writes the sorted values.
fn finish(canvas: &mut Canvas, layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let (rc_min, rc_max) = (input.public.rc_min, input.public.rc_max);
    let (Ok(min), Ok(max)) = (u16::try_from(rc_min), u16::try_from(rc_max)) else {
        return Err(InputError::RangeCheckBounds { rc_min, rc_max });
    };
    if min >= max {
        return Err(InputError::RangeCheckBounds { rc_min, rc_max });
    }
    let pool = &mut canvas.range_checks;
    let values = pool
        .units
        .iter()
        .enumerate()
        .filter_map(|(i, unit)| Some((i, (*unit)?)));
    if let Some((i, value)) = values.into_iter().find(|(_, value)| !(min..=max).contains(value)) {
        return Err(InputError::RangeCheckValue {
            step: row(pool.cell, i) / layout.rows_per_step,
            value,
            rc_min,
            rc_max,
        });
    }
    let sorted = whole_cell(layout, "range_check16/sorted")?;
    finish_pool(pool, &mut canvas.columns, sorted, [min, max], Felt::from).map_err(|holes| {
        InputError::RangeCheckHoles {
            holes: holes.holes,
            spare: holes.spare,
        }
    })
}
