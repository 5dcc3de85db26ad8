//! The Starknet field: p = 2^251 + 17 * 2^192 + 1.

pub mod limbs;

use ark_ff::{BigInt, Field, Fp256, MontBackend, MontConfig, MontFp, PrimeField};

/// The configuration of the field for `ark-ff`. The generator 3 is the one Stone uses.
pub struct FeltConfig;

/// The generic code of `ark-ff` is used for everything but the four hot operations, which exploit the shape of p.
impl MontConfig<4> for FeltConfig {
    const MODULUS: BigInt<4> = BigInt([1, 0, 0, limbs::TOP]);
    const GENERATOR: Felt = MontFp!("3");
    const TWO_ADIC_ROOT_OF_UNITY: Felt =
        MontFp!("145784604816374866144131285430889962727208297722245411306711449302875041684");

    #[inline(always)]
    fn add_assign(a: &mut Felt, b: &Felt) {
        a.0.0 = limbs::reduce_once(&limbs::add(&a.0.0, &b.0.0));
    }

    #[inline(always)]
    fn sub_assign(a: &mut Felt, b: &Felt) {
        a.0.0 = limbs::sub_strict(&a.0.0, &b.0.0);
    }

    #[inline(always)]
    fn double_in_place(a: &mut Felt) {
        a.0.0 = limbs::reduce_once(&limbs::add(&a.0.0, &a.0.0));
    }

    #[inline(always)]
    fn mul_assign(a: &mut Felt, b: &Felt) {
        a.0.0 = limbs::reduce_product(&limbs::mul_lazy(&a.0.0, &b.0.0));
    }

    #[inline(always)]
    fn square_in_place(a: &mut Felt) {
        a.0.0 = limbs::square(&a.0.0);
    }
}

/// An element of the Starknet field: four little-endian 64-bit limbs in Montgomery form (R = 2^256).
pub type Felt = Fp256<MontBackend<FeltConfig, 4>>;

/// The generator of the subgroup of order `2^log_len` that Stone uses: `3^((p - 1) / 2^log_len)`.
///
/// # Panics
/// If `log_len` is above 192, the field's two-adicity.
pub fn subgroup_generator(log_len: u32) -> Felt {
    assert!(log_len <= 192, "the field has no subgroup of order 2^{log_len}");
    let mut exponent = Felt::MODULUS;
    exponent.0[0] -= 1;
    exponent >>= log_len;
    Felt::from(3u64).pow(exponent)
}

/// The 32 big-endian bytes of the element's Montgomery form, which transcripts and Merkle rows hash.
pub fn to_montgomery_bytes(felt: &Felt) -> [u8; 32] {
    to_be_bytes(&felt.0)
}

/// The 32 big-endian bytes of the element's value.
pub fn to_standard_bytes(felt: &Felt) -> [u8; 32] {
    to_be_bytes(&felt.into_bigint())
}

/// Reads the Montgomery form; `None` if it is not below p.
pub fn from_montgomery_bytes(bytes: &[u8; 32]) -> Option<Felt> {
    let limbs = from_be_bytes(bytes);
    (limbs < Felt::MODULUS).then(|| Felt::new_unchecked(limbs))
}

/// Reads a value; `None` if it is not below p.
pub fn from_standard_bytes(bytes: &[u8; 32]) -> Option<Felt> {
    Felt::from_bigint(from_be_bytes(bytes))
}

/// Reads a value modulo p. Accepts any 32 bytes.
pub fn from_bytes_reduced(bytes: &[u8; 32]) -> Felt {
    limbs::to_felt(&limbs::mul_lazy(&Felt::R2.0, &from_be_bytes(bytes).0))
}

/// The quotient of a value by p, which [`from_bytes_reduced`] discards.
pub fn quotient_of_bytes(bytes: &[u8; 32]) -> u64 {
    limbs::quotient(&from_be_bytes(bytes).0)
}

fn to_be_bytes(limbs: &BigInt<4>) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, limb) in bytes.chunks_exact_mut(8).zip(limbs.0.iter().rev()) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    bytes
}

fn from_be_bytes(bytes: &[u8; 32]) -> BigInt<4> {
    let mut limbs = BigInt::<4>::zero();
    for (limb, chunk) in limbs.0.iter_mut().rev().zip(bytes.chunks_exact(8)) {
        *limb = chunk.iter().fold(0, |acc, &byte| acc << 8 | u64::from(byte));
    }
    limbs
}

/// Reads `0x`-prefixed hexadecimal; `None` if it is malformed or not below p.
pub fn from_hex(text: &str) -> Option<Felt> {
    let digits = text.strip_prefix("0x")?;
    if digits.is_empty() || digits.len() > 64 {
        return None;
    }
    let mut bytes = [0u8; 32];
    for (i, digit) in digits.bytes().rev().enumerate() {
        let value = (digit as char).to_digit(16)? as u8;
        bytes[31 - i / 2] |= value << (4 * (i % 2));
    }
    from_standard_bytes(&bytes)
}

/// Writes lower-case `0x`-prefixed hexadecimal without leading zeros, as Stone does.
pub fn to_hex(felt: &Felt) -> String {
    let digits: String = to_standard_bytes(felt)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let trimmed = digits.trim_start_matches('0');
    format!("0x{}", if trimmed.is_empty() { "0" } else { trimmed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::AdditiveGroup;

    #[test]
    fn the_two_adic_root_is_the_generator_of_the_largest_subgroup() {
        assert_eq!(FeltConfig::TWO_ADIC_ROOT_OF_UNITY, subgroup_generator(192));
        assert_eq!(subgroup_generator(1), -Felt::ONE);
        assert_eq!(subgroup_generator(0), Felt::ONE);
        assert_eq!(subgroup_generator(17).pow([1 << 16]), -Felt::ONE);
    }

    #[test]
    fn bytes_round_trip_and_refuse_p() {
        for x in [Felt::ZERO, Felt::ONE, -Felt::ONE, Felt::from(1u64 << 40)] {
            assert_eq!(from_standard_bytes(&to_standard_bytes(&x)), Some(x));
            assert_eq!(from_montgomery_bytes(&to_montgomery_bytes(&x)), Some(x));
            assert_eq!(from_hex(&to_hex(&x)), Some(x));
        }
        let p = to_be_bytes(&Felt::MODULUS);
        assert_eq!(from_standard_bytes(&p), None);
        assert_eq!(from_montgomery_bytes(&p), None);
        assert_eq!(from_bytes_reduced(&p), Felt::ZERO);
        assert_eq!(quotient_of_bytes(&p), 1);
        let all_ones = [0xff; 32];
        assert_eq!(quotient_of_bytes(&all_ones), 31);
        assert_eq!(
            from_bytes_reduced(&all_ones),
            Felt::new_unchecked(Felt::R2) - Felt::ONE
        );
    }

    #[test]
    fn hexadecimal_is_stones() {
        assert_eq!(to_hex(&Felt::ZERO), "0x0");
        assert_eq!(to_hex(&Felt::from(0xabcu64)), "0xabc");
        assert_eq!(from_hex("0x0abc"), Some(Felt::from(0xabcu64)));
        for bad in ["abc", "0x", "0xg", "0x-1"] {
            assert_eq!(from_hex(bad), None, "{bad}");
        }
    }
}
