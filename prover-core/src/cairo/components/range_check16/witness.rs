//! Trace cells of `range_check16`: the pool of 16-bit values, the filling of its gaps, and the sorted values.

use crate::cairo::components::table_check::TablePool;
use crate::cairo::error::InputError;
use crate::cairo::layouts::Layout;
use crate::cairo::public_input::PublicInput;
use crate::cairo::trace::{row, whole_cell};
use quarry_kernels::Felt;

/// Fills the free units of the pool with values between the public input's bounds and writes the sorted values.
pub(crate) fn finish(
    pool: &mut TablePool,
    columns: &mut [Vec<Felt>],
    layout: &Layout,
    public: &PublicInput,
) -> Result<(), InputError> {
    let (rc_min, rc_max) = (public.rc_min, public.rc_max);
    let (Ok(min), Ok(max)) = (u16::try_from(rc_min), u16::try_from(rc_max)) else {
        return Err(InputError::RangeCheckBounds { rc_min, rc_max });
    };
    if min >= max {
        return Err(InputError::RangeCheckBounds { rc_min, rc_max });
    }
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
    pool.finish(columns, sorted, [min, max], Felt::from)
        .map_err(|holes| InputError::RangeCheckHoles {
            holes: holes.holes,
            spare: holes.spare,
        })
}
