//! Compares the shape of each layout's AIR with Stone's: counts, and the names of the constraints in order.

use crate::corpus::repository_cases;
use quarry_prover_core::cairo::air::{CairoAir, CairoAirError};
use quarry_prover_core::cairo::layouts::{Layout, STATIC_LAYOUTS};
use quarry_prover_core::cairo::public_input::PublicInput;

/// Layout, columns, constraints, mask cells, interaction elements, least number of steps.
type Shape = (&'static str, [usize; 2], usize, usize, usize, u64);

const SHAPES: &[Shape] = &[
    ("plain", [6, 2], 47, 49, 3, 1),
    ("small", [23, 2], 179, 201, 3, 512),
    ("dex", [21, 1], 179, 200, 3, 512),
    ("perpetual", [9, 1], 116, 128, 3, 2048),
    ("recursive", [7, 3], 93, 133, 6, 128),
    ("recursive_large_output", [9, 3], 124, 192, 6, 128),
    ("recursive_with_poseidon", [6, 2], 124, 192, 6, 256),
    ("dex_with_bitwise", [21, 1], 197, 246, 6, 512),
    ("all_solidity", [24, 3], 230, 286, 6, 512),
    ("starknet", [9, 1], 198, 271, 6, 2048),
    ("starknet_with_keccak", [12, 3], 347, 734, 6, 32768),
];

fn air(layout: &str, n_steps: u64) -> Result<CairoAir, CairoAirError> {
    CairoAir::new(&Layout::by_name(layout).expect("a layout"), n_steps)
}

#[test]
fn counts_are_stones() {
    let named: Vec<_> = SHAPES.iter().map(|shape| shape.0).collect();
    let known: Vec<_> = STATIC_LAYOUTS.iter().map(|layout| layout.name).collect();
    assert!(known.iter().all(|name| named.contains(name)) && named.len() == known.len());
    for &(layout, columns, constraints, mask, elements, least) in SHAPES {
        for n_steps in [least, 1 << 15, 1 << 20] {
            let CairoAir { air, .. } = air(layout, n_steps).expect("an AIR");
            assert_eq!(air.n_columns, columns, "{layout}");
            assert_eq!(air.constraints.len(), constraints, "{layout}");
            assert_eq!(air.mask.len(), mask, "{layout}");
        }
        assert_eq!(
            air(layout, least).expect("an AIR").n_interaction_elements(),
            elements,
            "{layout}"
        );
    }
}

#[test]
fn names_and_order_are_stones() {
    for (layout, names) in [
        ("plain", include_str!("../data/constraints/plain.txt")),
        ("small", include_str!("../data/constraints/small.txt")),
        ("dex", include_str!("../data/constraints/dex.txt")),
        ("perpetual", include_str!("../data/constraints/perpetual.txt")),
        ("recursive", include_str!("../data/constraints/recursive.txt")),
        (
            "recursive_large_output",
            include_str!("../data/constraints/recursive_large_output.txt"),
        ),
        (
            "recursive_with_poseidon",
            include_str!("../data/constraints/recursive_with_poseidon.txt"),
        ),
        (
            "dex_with_bitwise",
            include_str!("../data/constraints/dex_with_bitwise.txt"),
        ),
        (
            "all_solidity",
            include_str!("../data/constraints/all_solidity.txt"),
        ),
        ("starknet", include_str!("../data/constraints/starknet.txt")),
        (
            "starknet_with_keccak",
            include_str!("../data/constraints/starknet_with_keccak.txt"),
        ),
    ] {
        let air = air(layout, 1 << 15).expect("an AIR").air;
        let ours: Vec<_> = air
            .constraints
            .iter()
            .map(|constraint| constraint.name.as_str())
            .collect();
        assert_eq!(ours, names.lines().collect::<Vec<_>>(), "{layout}");
    }
}

/// The columns of `dynamic` are a parameter. Stone counts constraints for unused components too.
#[test]
fn the_shape_of_dynamic_is_stones() {
    let names = include_str!("../data/constraints/dynamic.txt");
    let cases = repository_cases();
    let cases: Vec<_> = cases.iter().filter(|case| case.layout == "dynamic").collect();
    assert_eq!(cases.len(), 2);
    for case in cases {
        let input = PublicInput::parse(&case.text("public_input.json")).expect("a public input");
        let layout = Layout::of(&input).expect("a layout");
        let air = CairoAir::new(&layout, input.n_steps).expect("an AIR");
        assert_eq!(air.n_interaction_elements(), 8);
        assert_eq!((air.air.n_columns, air.air.mask.len()), ([9, 3], 941));
        let ours = air
            .air
            .constraints
            .iter()
            .map(|constraint| constraint.name.as_str());
        let pairs: Vec<_> = ours.zip(names.lines()).collect();
        assert_eq!((air.air.constraints.len(), pairs.len()), (419, 419));
        for (ours, stones) in pairs {
            assert!(ours == stones || ours == "unused", "{ours}, not {stones}");
        }
    }
}

#[test]
fn impossible_steps_are_refused() {
    for (layout, n_steps) in [
        ("small", 256),
        ("small", 513),
        ("plain", 0),
        ("plain", 3),
        ("plain", 1 << 60),
        ("plain", u64::MAX),
    ] {
        let error = air(layout, n_steps).map(|_| ());
        assert!(
            matches!(error, Err(CairoAirError::Steps { .. })),
            "{layout}, {n_steps}: {error:?}"
        );
    }
}
