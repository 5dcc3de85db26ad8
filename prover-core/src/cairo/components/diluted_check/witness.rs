//! Trace cells of `diluted_check`: the pool of diluted 16-bit numbers, the filling of its gaps, and the sorted numbers.

use crate::cairo::canvas::{Canvas, whole_cell};
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::components::table_check::finish_pool;
use crate::cairo::diluted::dilute;
use crate::cairo::error::InputError;
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[(Stage::Numbers, finish)];

/// Fills the free units of the pool, so that each of the 2^16 numbers occurs at least once, and writes the sorted
/// numbers.
fn finish(canvas: &mut Canvas, layout: &Layout, _: &ProverInput) -> Result<(), InputError> {
    let Some(pool) = &mut canvas.diluted else {
        return Ok(());
    };
    let sorted = whole_cell(layout, "diluted_check/permuted_values")?;
    finish_pool(pool, &mut canvas.columns, sorted, [0, u16::MAX], dilute).map_err(|holes| {
        InputError::DilutedHoles {
            holes: holes.holes,
            spare: holes.spare,
        }
    })
}
