use super::*;
use crate::facts::vectors::{atlantic, felt, felts, numbers, text};
use std::collections::BTreeMap;

/// Any program hash.
const PROGRAM_HASH: &str = "0x43b17e9592f33142246af4c06cd2b574b460dd1f718d76b51341175a62b220f";

fn topology(output: u64, pages: &[(u64, u64)], tree: &[u64]) -> Topology {
    let pages: BTreeMap<_, _> = (1..).zip(pages.iter().copied()).collect();
    Topology::declared(output, &pages, Some(tree)).unwrap()
}

#[test]
fn a_real_fact_on_ethereum() {
    let output = felts(atlantic::OUTPUT);
    let topology = Topology::trivial(output.len() as u64).unwrap();
    let fact = fact(felt(atlantic::PROGRAM_HASH), &output, &topology).unwrap();
    assert_eq!(text(&fact), atlantic::SHARP_FACT);
}

/// By hand: `generate_program_fact(program_hash, list(range(100, 112)), topology)` of `bootloaders/compute_fact.py`,
/// the topology from `get_fact_topology_from_additional_data` of `bootloaders/fact_topology.py`.
#[test]
fn facts_over_trees_of_pages_are_cairo_langs() {
    type Case<'a> = (&'a [(u64, u64)], &'a [u64], &'a str);
    let cases: [Case<'_>; 6] = [
        (
            &[],
            &[1, 0],
            "0x49dddeb6c7bb78e8be5dd668529eeb3ac148de96eb53fdeb56751ab567ac4f94",
        ),
        (
            &[],
            &[1, 1],
            "0xe73321b2a27315e81a6ffa8585c8054725fa05a6043388a35501ce3cd3fc9bdf",
        ),
        (
            &[(5, 7)],
            &[1, 0, 1, 2],
            "0x1d2f1898647e521816c40a0f0056353ef5135145c92fb539724f54642693587f",
        ),
        (
            &[(4, 3), (7, 5)],
            &[2, 1, 1, 3],
            "0x40dbd74b5f3597435a60658730b7e47b6f5b7b8e65489ae06627c7695e9e3d75",
        ),
        (
            &[(4, 3), (7, 5)],
            &[3, 3],
            "0xa0ea82b2c0e5dc4fefbef7747704927d4699ccea86a245c85661c6512baa56f4",
        ),
        (
            &[(1, 3), (4, 3), (7, 5)],
            &[4, 3, 0, 2],
            "0xf57fba184cb901cfa6c710bf3e27ba3fc63e17a261255a9db9faaa7a563ba9e4",
        ),
    ];
    for (pages, tree, expected) in cases {
        let fact = fact(felt(PROGRAM_HASH), &numbers(100, 112), &topology(12, pages, tree));
        assert_eq!(text(&fact.unwrap()), expected, "{tree:?}");
    }
}

#[test]
fn a_program_without_output_has_a_fact() {
    // By hand: `generate_program_fact(program_hash, [], FactTopology.trivial(0))`.
    let expected = "0x61fedf74dd5aea0e5db4b64b5a53f8b3dd2df4ece2e38a5f94cf49596894d288";
    let fact = fact(felt(PROGRAM_HASH), &[], &Topology::trivial(0).unwrap());
    assert_eq!(text(&fact.unwrap()), expected);
}

#[test]
fn trees_that_do_not_fit_are_refused() {
    let error = |pages: &[(u64, u64)], tree: &[u64]| {
        let topology = topology(12, pages, tree);
        fact(felt(PROGRAM_HASH), &numbers(100, 112), &topology).unwrap_err()
    };
    let step = |pair, what, asked, left| TopologyError::Step {
        pair,
        what,
        asked,
        left,
    };
    assert_eq!(error(&[], &[2, 0]), step(0, "pages", 2, 1));
    assert_eq!(error(&[(5, 7)], &[1, 0, 2, 2]), step(1, "pages", 2, 1));
    assert_eq!(error(&[], &[1, 2]), step(0, "nodes", 2, 1));
    let incomplete = |nodes, pages| TopologyError::Incomplete { nodes, pages };
    assert_eq!(error(&[(5, 7)], &[2, 0]), incomplete(2, 0));
    assert_eq!(error(&[(5, 7)], &[1, 0]), incomplete(1, 1));
    assert_eq!(error(&[], &[0, 0]), incomplete(0, 1));
    let other = fact(
        felt(PROGRAM_HASH),
        &numbers(0, 11),
        &Topology::trivial(12).unwrap(),
    );
    assert_eq!(
        other,
        Err(TopologyError::Size {
            pages: 12,
            output: 11
        })
    );
}

/// The output of an aggregator: two tasks, of 3 and 4 words, and 12 words of its own.
fn aggregated() -> Vec<Felt> {
    [felts("0x2 0x3 0xaa 0x7 0x4 0xbb 0x8 0x9"), numbers(100, 112)].concat()
}

#[test]
fn an_aggregators_fact_is_cairo_langs() {
    // By hand: what `get_cairo_pie_fact_info(.., aggregator=True)` of `bootloaders/generate_fact.py` does, with
    // `get_aggregator_input_size` (8 words) and `add_aggregator_prefix`.
    let expected = "0x8b290e686cad23713bed2c3f7eaf370128a4afbbb1f68e0dbdda69ceb379602b";
    let topology = topology(20, &[(12, 8)], &[1, 0, 1, 2]);
    let fact = aggregator_fact(felt(PROGRAM_HASH), &aggregated(), topology);
    assert_eq!(text(&fact.unwrap()), expected);
}

#[test]
fn outputs_of_no_aggregator_are_refused() {
    let error =
        |output: &[Felt], topology| aggregator_fact(felt(PROGRAM_HASH), output, topology).unwrap_err();
    let trivial = |output: &[Felt]| Topology::trivial(output.len() as u64).unwrap();
    let inputs = [
        ("", "the output ends", 0),
        ("0x1", "the output ends", 1),
        ("0x2 0x2 0x5", "the output ends", 3),
        ("0x1 0x4 0x5 0x6", "invalid task size", 1),
        ("0x1 0x1 0x5", "invalid task size", 1),
        // A task count larger than memory.
        (
            "0x800000000000011000000000000000000000000000000000000000000000000 0x0",
            "invalid task size",
            1,
        ),
    ];
    for (words, what, word) in inputs {
        let output = felts(words);
        let expected = AggregatorError::Input { what, word };
        assert_eq!(error(&output, trivial(&output)), expected);
    }
    let short_page = topology(20, &[(7, 13)], &[1, 0, 1, 2]);
    assert_eq!(
        error(&aggregated(), short_page),
        AggregatorError::Page0 { words: 8 }
    );
}
