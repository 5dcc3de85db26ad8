//! Known simple bootloaders, by program hash. Bootloaders that unpack others are not listed: their tasks also depend on
//! their configuration.

use quarry_kernels::{Felt, felt};

/// Name and Poseidon hash of the program's cells (Integrity's program hash).
const KNOWN: &[(&str, &str)] = &[
    (
        "StarkWare's simple bootloader 0.15.0",
        "0x164bade0edcec66dae24b4b3fe211b559c04b1f780060f4a8cf04bb9526c1f2",
    ),
    // A constant in Integrity's `lib_utils.cairo`, where it is called SHARP's bootloader.
    (
        "StarkWare's simple bootloader of cairo-lang 0.13.2",
        "0x5ab580b04e3532b6b18f81cfa654a05e29dd8e2352d88df1e765a84072db07",
    ),
];

/// Returns the name of the bootloader with this program hash.
pub fn name(program_hash_poseidon: &Felt) -> Option<&'static str> {
    let hash = felt::to_hex(program_hash_poseidon);
    KNOWN
        .iter()
        .find(|(_, known)| *known == hash)
        .map(|(name, _)| *name)
}
