//! Diluted numbers: 16 bits that lie some way apart, so that sums of a few of them have no carries.

use quarry_kernels::Felt;

/// Bits of a diluted number.
pub const N_BITS: usize = 16;
/// The distance between two bits of a diluted number.
pub const SPACING: usize = 4;

/// Dilutes a number: puts [`SPACING`]` - 1` zeros between its bits.
pub fn dilute(number: u16) -> Felt {
    let bits = (0..N_BITS).map(|i| u64::from(number >> i & 1) << (SPACING * i));
    Felt::from(bits.sum::<u64>())
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
