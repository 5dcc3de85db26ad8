//! StarkWare's verifiers of Stone's proofs, as Cairo programs: one for each layout of the proof that is verified.

use crate::packed::unpack;

/// The compiled programs, without debug information, compressed: one a layout.
const PROGRAMS: [(&str, &[u8]); 7] = [
    ("dex", include_bytes!("../resources/verifiers/dex.json.gz")),
    (
        "dynamic",
        include_bytes!("../resources/verifiers/dynamic.json.gz"),
    ),
    (
        "recursive",
        include_bytes!("../resources/verifiers/recursive.json.gz"),
    ),
    (
        "recursive_with_poseidon",
        include_bytes!("../resources/verifiers/recursive_with_poseidon.json.gz"),
    ),
    ("small", include_bytes!("../resources/verifiers/small.json.gz")),
    (
        "starknet",
        include_bytes!("../resources/verifiers/starknet.json.gz"),
    ),
    (
        "starknet_with_keccak",
        include_bytes!("../resources/verifiers/starknet_with_keccak.json.gz"),
    ),
];

/// The layouts of proofs that have a verifier.
pub fn layouts() -> impl Iterator<Item = &'static str> {
    PROGRAMS.iter().map(|(layout, _)| *layout)
}

/// The compiled verifier of proofs in a layout; `None` if there is none.
pub fn verifier(layout: &str) -> Option<Vec<u8>> {
    let found = PROGRAMS.iter().find(|(name, _)| *name == layout);
    found.map(|(_, packed)| unpack(packed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn every_program_can_be_unpacked() {
        for layout in layouts() {
            let program: Value = serde_json::from_slice(&verifier(layout).expect("known")).expect("JSON");
            let builtins = ["output", "pedersen", "range_check", "bitwise", "poseidon"];
            assert_eq!(program["builtins"], json!(builtins), "{layout}");
        }
    }
}
