//! Trace cells of `diluted_check`: the pool of diluted 16-bit numbers, the filling of its gaps, and the sorted numbers.

use crate::cairo::components::table_check::TablePool;
use crate::cairo::error::InputError;
use crate::cairo::layouts::Layout;
use crate::cairo::trace::whole_cell;
use quarry_kernels::Felt;

/// Bits of a diluted number.
pub(crate) const N_BITS: usize = 16;

/// The distance between two bits of a diluted number.
pub(crate) const SPACING: usize = 4;

/// Dilutes a number: puts [`SPACING`]` - 1` zeros between its bits.
pub(crate) fn dilute(number: u16) -> Felt {
    let bits = (0..N_BITS).map(|i| u64::from(number >> i & 1) << (SPACING * i));
    Felt::from(bits.sum::<u64>())
}

/// Fills the free units of the pool, so that each of the 2^16 numbers occurs at least once, and writes the sorted
/// numbers.
pub(crate) fn finish(
    pool: &mut TablePool,
    columns: &mut [Vec<Felt>],
    layout: &Layout,
) -> Result<(), InputError> {
    let sorted = whole_cell(layout, "diluted_check/permuted_values")?;
    pool.finish(columns, sorted, [0, u16::MAX], dilute)
        .map_err(|holes| InputError::DilutedHoles {
            holes: holes.holes,
            spare: holes.spare,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diluted_bits_are_four_apart() {
        assert_eq!(dilute(0), Felt::from(0u64));
        assert_eq!(dilute(0b1011), Felt::from(0x1011u64));
        assert_eq!(dilute(u16::MAX), Felt::from(0x1111_1111_1111_1111u64));
    }
}
