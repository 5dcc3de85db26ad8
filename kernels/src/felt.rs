//! The Starknet field: p = 2^251 + 17 * 2^192 + 1.

use ark_ff::{BigInt, BigInteger, Field, Fp256, MontBackend, MontConfig, PrimeField};

/// The configuration of the field for `ark-ff`. The generator 3 is Stone's.
#[derive(MontConfig)]
#[modulus = "3618502788666131213697322783095070105623107215331596699973092056135872020481"]
#[generator = "3"]
pub struct FeltConfig;

/// An element of the Starknet field: four little-endian 64-bit limbs in Montgomery form (R = 2^256).
pub type Felt = Fp256<MontBackend<FeltConfig, 4>>;

/// A generator of the subgroup of order `2^log_len`: Stone's, `3^((p - 1) / 2^log_len)`.
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

/// The 32 big-endian bytes of the element's Montgomery form: what transcripts and Merkle rows hash.
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

/// Writes `0x`-prefixed hexadecimal without leading zeros, lower case: Stone's form.
pub fn to_hex(felt: &Felt) -> String {
    let digits: String = to_standard_bytes(felt)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let trimmed = digits.trim_start_matches('0');
    format!("0x{}", if trimmed.is_empty() { "0" } else { trimmed })
}
