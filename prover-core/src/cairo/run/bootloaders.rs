//! The simple bootloaders that are known, by the hash of their program. (Those that unpack others are not here: what tasks they list
//! depends on their configuration too.)

use quarry_kernels::{Felt, felt};

/// Names, and the Poseidon hash of the program's cells (Integrity's program hash).
const KNOWN: &[(&str, &str)] = &[
    (
        "StarkWare's simple bootloader 0.15.0",
        "0x164bade0edcec66dae24b4b3fe211b559c04b1f780060f4a8cf04bb9526c1f2",
    ),
    // A constant of Integrity's library (`lib_utils.cairo`), there called SHARP's.
    (
        "StarkWare's simple bootloader of cairo-lang 0.13.2",
        "0x5ab580b04e3532b6b18f81cfa654a05e29dd8e2352d88df1e765a84072db07",
    ),
];

/// The bootloader whose program has this hash.
pub fn name(program_hash_poseidon: &Felt) -> Option<&'static str> {
    let hash = felt::to_hex(program_hash_poseidon);
    KNOWN
        .iter()
        .find(|(_, known)| *known == hash)
        .map(|(name, _)| *name)
}
