//! The compiled bootloaders that Quarry brings, and the choice between them.

use crate::packed::unpack;
use std::borrow::Cow;

/// The simple bootloader 0.15.0, compiled in proof mode, without debug information. It declares all builtins.
pub(super) const SIMPLE: &[u8] = include_bytes!("../../resources/simple_bootloader.json");

/// What stands in a layout's list of segments before its builtins.
const NO_BUILTINS: [&str; 2] = ["program", "execution"];

/// A bootloader for the layouts with a list of builtins.
pub(super) struct OfLayout {
    /// The builtins that it declares: exactly those of the layouts, in order.
    pub(super) builtins: &'static [&'static str],
    /// The program, packed by gzip.
    packed: &'static [u8],
}

/// The row of a bootloader: its file, and its builtins.
macro_rules! of_layout {
    ($file:literal, $($builtin:literal)*) => {
        OfLayout {
            builtins: &[$($builtin),*],
            packed: include_bytes!(concat!("../../resources/layout_bootloader/", $file, ".json.gz")),
        }
    };
}

/// The bootloaders by the builtins of layouts.
#[rustfmt::skip]
pub(super) const OF_LAYOUTS: &[OfLayout] = &[
    of_layout!("small", "output" "pedersen" "range_check" "ecdsa"),
    of_layout!("recursive", "output" "pedersen" "range_check" "bitwise"),
    of_layout!("recursive_with_poseidon", "output" "pedersen" "range_check" "bitwise" "poseidon"),
    of_layout!("dex_with_bitwise", "output" "pedersen" "range_check" "ecdsa" "bitwise"),
    of_layout!("all_solidity", "output" "pedersen" "range_check" "ecdsa" "bitwise" "ec_op"),
    of_layout!("starknet", "output" "pedersen" "range_check" "ecdsa" "bitwise" "ec_op" "poseidon"),
    of_layout!("starknet_with_keccak", "output" "pedersen" "range_check" "ecdsa" "bitwise" "ec_op" "keccak" "poseidon"),
    SHORT,
];

/// The bootloader of layout `dynamic`, which has all builtins.
#[rustfmt::skip]
const SHORT: OfLayout = of_layout!(
    "short",
    "output" "pedersen" "range_check" "ecdsa" "bitwise" "ec_op" "keccak" "poseidon" "range_check96" "add_mod" "mul_mod"
);

impl OfLayout {
    /// The compiled program.
    pub(super) fn program(&self) -> Vec<u8> {
        unpack(self.packed)
    }
}

/// Which bootloader runs the tasks.
#[derive(Clone, Debug, Default)]
pub enum Bootloader {
    /// The one that declares exactly the layout's builtins, so that verifiers of whole runs take it in their strictest
    /// mode. In layout `dynamic`, which has all builtins, it is [`Self::Short`].
    #[default]
    Layout,
    /// One that declares all builtins in every layout, as StarkWare's Cairo verifiers want, and checks none in Cairo. It
    /// has a quarter of the words of [`Self::Simple`].
    Short,
    /// StarkWare's simple bootloader. It declares all builtins, and checks some in Cairo that the layout lacks.
    Simple,
    /// A compiled program of the caller's.
    Own(Vec<u8>),
}

/// The names of the bootloaders that Quarry brings.
pub const BOOTLOADERS: [(&str, Bootloader); 3] = [
    ("layout", Bootloader::Layout),
    ("short", Bootloader::Short),
    ("simple", Bootloader::Simple),
];

impl Bootloader {
    /// The bootloader of this name that Quarry brings; the default if the name is empty.
    ///
    /// # Errors
    /// If there is none; the text says which names there are.
    pub fn by_name(name: &str) -> Result<Self, String> {
        let mut known = BOOTLOADERS.into_iter();
        match (name, known.find(|(known, _)| *known == name)) {
            ("", _) => Ok(Self::default()),
            (_, Some((_, bootloader))) => Ok(bootloader),
            (name, None) => {
                let known = BOOTLOADERS.map(|(name, _)| name).join(", ");
                Err(format!("Quarry brings no bootloader '{name}'; known are {known}"))
            }
        }
    }

    /// The compiled program for a layout with these segments. Every layout that has builtins has a row in the table (a
    /// test of the prover runs in all of them). One without a row lacks what any bootloader needs, so that the run is
    /// refused whichever it gets.
    pub fn program(&self, segments: &[&str]) -> Cow<'_, [u8]> {
        match self {
            Self::Own(program) => program.into(),
            Self::Simple => SIMPLE.into(),
            Self::Short => SHORT.program().into(),
            Self::Layout => {
                let builtins = segments.iter().filter(|segment| !NO_BUILTINS.contains(segment));
                let row = OF_LAYOUTS
                    .iter()
                    .find(|row| builtins.clone().eq(row.builtins.iter()));
                row.map_or(SIMPLE.into(), |row| row.program().into())
            }
        }
    }
}
