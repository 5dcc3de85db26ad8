//! Reference values computed by others, and helpers to write them down.
//!
//! "By hand" in the tests means: with StarkWare's Python package cairo-lang 0.14.0.1, which shares no code with this
//! crate.

use quarry_kernels::{Felt, felt};

/// A field element.
pub fn felt(text: &str) -> Felt {
    felt::from_hex(text).unwrap()
}

/// Field elements, separated by blanks.
pub fn felts(text: &str) -> Vec<Felt> {
    text.split_whitespace().map(felt).collect()
}

/// The numbers from `begin` up to `end`.
pub fn numbers(begin: u64, end: u64) -> Vec<Felt> {
    (begin..end).map(Felt::from).collect()
}

/// A digest as text.
pub fn text(digest: &[u8; 32]) -> String {
    crate::hex::digest(digest)
}

/// A real run: Atlantic's query 01M3EEDM9CQRT9745RH5W9XA26 of 2026-09-26, published with both facts by the program's
/// owner (bal7hazar/slingfall, `fixtures/proofs/atlantic/one_block-miss.json`). SHARP verified the proof on Ethereum
/// Sepolia; the SHARP fact was bridged to the Satellite contract on Starknet Sepolia.
pub mod atlantic {
    /// Hash of Atlantic's bootloader.
    pub const PROGRAM_HASH: &str = "0x288ba12915c0c7e91df572cf3ed0c9f391aa673cb247c5a208beaa50b668f09";
    /// The fact on Ethereum.
    pub const SHARP_FACT: &str = "0xdaff80a0ac4b923b7fb238706af52180b6382e396c12a8c21fc743616a7adc9d";
    /// The fact that Atlantic states for Starknet: its bootloader as the task of SHARP's.
    pub const INTEGRITY_FACT: &str = "0x2667b3e4e61c635b2a2209c138b0c431f98e332a5d6e75dcfc7c1658b5c6bf5";
    /// The output of Atlantic's bootloader.
    pub const OUTPUT: &str = "
        0x0 0x49ee3eba8c1600700ee1b87eb599f16716b0b1022947733551fde4050ca6804 0x1 0x5f
        0x128791df23988bef1c8aef3be7ce36ad68278d19878369e5fb7ed2515d5b053 0x0 0xa 0x1
        0x5c2facd32b8c47ffd8909d04d73808bbf5967f1bb3a4ae762d2637fbe9e0431 0x0 0x706c61796572
        0x209b82eb4432eaf2569fe2ca05ae6191c451af7f3ecdc6df1b17f9bb02f7998 0x0 0x0 0x1 0x78
        0x612b0349b4ca8083c61573d3504e1e4fad7958423ed9fbd1816d9f8dfad52cf 0x50 0x48 0x1 0x1 0x0
        0x800000000000010fffffffffffffffffffffffffffffffffffffff630a3d70b 0x1 0x168
        0x800000000000010fffffffffffffffffffffffffffffffffffffff600000001
        0x800000000000010fffffffffffffffffffffffffffffffffffffff600000001 0x3200000000 0x2800000000
        0x300000000 0x280000000 0x400 0x51eb852 0x1 0x0 0x4 0x100000000 0x9999999a 0x1999999a 0x64 0x2800000000
        0x100000000 0x32 0x280000000 0xcccccccd 0xccccccd 0x12c 0x7800000000 0x55555555 0x96 0xe6666666 0xccccccd
        0x33333333 0x28 0xf00000000 0x200000000 0x64 0x100000000 0x9999999a 0x1999999a 0x1e 0xa00000000
        0x100000000 0x3e8 0x3 0x0 0x3 0x0 0x100000000 0x0 0x0 0x100000000 0x0 0x1 0x1 0x1 0x80000000 0x80000000
        0x1400000000 0x80000000 0x100000000 0x0 0x0 0x2 0x0 0x66666666 0x1400000000 0x166666666 0x100000000 0x0 0x3
        0x6 0x706c61796572 0x1 0x800000000000010ffffffffffffffffffffffffffffffffffffffffffffff6b
        0x800000000000010ffffffffffffffffffffffffffffffffffffffffffffff6b 0x0 0x0
    ";
}

/// Hash of SHARP's bootloader, a constant of Integrity's.
pub const SHARP_BOOTLOADER: &str = "0x5ab580b04e3532b6b18f81cfa654a05e29dd8e2352d88df1e765a84072db07";
