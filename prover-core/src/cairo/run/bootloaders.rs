//! Known simple bootloaders, by program hash. Bootloaders that unpack others are not listed: their tasks also depend on
//! their configuration.

use super::Slots;
use quarry_kernels::{Felt, felt};

/// A bootloader.
pub(crate) struct Bootloader {
    /// Its name.
    pub(crate) name: &'static str,
    /// Poseidon hash of the program's cells (Integrity's program hash).
    hash: &'static str,
    /// Its builtins; empty if they are not known here. The hash does not cover them: in a layout with other builtins,
    /// its tasks could take one builtin for another.
    builtins: &'static [&'static str],
}

/// The known ones. Those for layouts lie in the crate `quarry-tasks`, `resources/layout_bootloader/`.
#[rustfmt::skip]
const KNOWN: &[Bootloader] = &[
    Bootloader {
        name: "StarkWare's simple bootloader 0.15.0",
        hash: "0x164bade0edcec66dae24b4b3fe211b559c04b1f780060f4a8cf04bb9526c1f2",
        builtins: &super::CANONICAL_BUILTINS,
    },
    Bootloader {
        name: "Quarry's short bootloader",
        hash: "0x23ab8772311c9c77ffdb041e0bc3588ea43dfd12c025ceccca73a916ea0965c",
        builtins: &super::CANONICAL_BUILTINS,
    },
    // A constant in Integrity's `lib_utils.cairo`, where it is called SHARP's bootloader.
    Bootloader {
        name: "StarkWare's simple bootloader of cairo-lang 0.13.2",
        hash: "0x5ab580b04e3532b6b18f81cfa654a05e29dd8e2352d88df1e765a84072db07",
        builtins: &[],
    },
    Bootloader {
        name: "Quarry's bootloader for small, dex and perpetual",
        hash: "0x18dd016f9a1cf2bc56138a4669f9a9529446debc574981dfba6633904ade38b",
        builtins: &["output", "pedersen", "range_check", "ecdsa"],
    },
    Bootloader {
        name: "Quarry's bootloader for recursive",
        hash: "0x648c6e18235782e277cacf163a378bf1dbb74e29c4372957f242dd08017fc0d",
        builtins: &["output", "pedersen", "range_check", "bitwise"],
    },
    Bootloader {
        name: "Quarry's bootloader for recursive_with_poseidon and recursive_large_output",
        hash: "0x1b8aa20f5c57d51b6cbeb6406389e70701cc9a7713caff94ab57318231c0fd1",
        builtins: &["output", "pedersen", "range_check", "bitwise", "poseidon"],
    },
    Bootloader {
        name: "Quarry's bootloader for dex_with_bitwise",
        hash: "0x451f61f8029b64ea0f94dff3db6ad02e1ca98d6aa596a08fddefa5ed767fa2f",
        builtins: &["output", "pedersen", "range_check", "ecdsa", "bitwise"],
    },
    Bootloader {
        name: "Quarry's bootloader for all_solidity",
        hash: "0x328c15673c48df11e46c44c517454fa31f2fa4424f3be3e5e1cc3fb0ff6821f",
        builtins: &["output", "pedersen", "range_check", "ecdsa", "bitwise", "ec_op"],
    },
    Bootloader {
        name: "Quarry's bootloader for starknet",
        hash: "0xc73ad039614dc4b61241731fabe18921e3cfe15d07895363cbf44502b19fb5",
        builtins: &["output", "pedersen", "range_check", "ecdsa", "bitwise", "ec_op", "poseidon"],
    },
    Bootloader {
        name: "Quarry's bootloader for starknet_with_keccak",
        hash: "0x28d52e1641a1d31ce2a4cacb7dd92a392db801971ba7dfa2f4fe34e7bf019fe",
        builtins: &["output", "pedersen", "range_check", "ecdsa", "bitwise", "ec_op", "keccak", "poseidon"],
    },
];

impl Bootloader {
    /// The bootloader with this program hash.
    pub(crate) fn of(program_hash_poseidon: &Felt) -> Option<&'static Self> {
        let hash = felt::to_hex(program_hash_poseidon);
        KNOWN.iter().find(|known| known.hash == hash)
    }

    /// Checks that `main` had the bootloader's builtins, as far as they are known.
    ///
    /// # Errors
    /// A description of the first mismatch.
    pub(crate) fn check(&self, slots: &Slots) -> Result<(), String> {
        match self.builtins {
            [] => Ok(()),
            builtins => slots.check(builtins),
        }
    }

    /// Whether its builtins are known, so that [`Self::check`] binds them.
    pub(crate) fn binds(&self) -> bool {
        !self.builtins.is_empty()
    }
}
