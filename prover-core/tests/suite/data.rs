//! The repository's corpus is complete and consistent.

use crate::common::repository;
use quarry_prover_core::cairo::layouts::STATIC_LAYOUTS;

#[test]
fn every_row_has_its_inputs() {
    let rows = repository();
    assert_eq!(rows.len(), 62);
    let layouts = STATIC_LAYOUTS.iter().map(|layout| layout.name);
    for layout in layouts.chain(["dynamic"]) {
        assert!(rows.iter().any(|row| row.layout == layout), "{layout}");
    }
    for row in &rows {
        for name in [
            "public_input.json",
            "private_input.json",
            "prover_config.json",
            &format!("params_{}.json", row.tag),
        ] {
            serde_json::from_str::<serde_json::Value>(&row.text(name))
                .unwrap_or_else(|error| panic!("{}: {name}: {error}", row.name()));
        }
        assert_eq!(
            row.bytes("trace.bin").len() as u64,
            24 * row.n_steps,
            "{}",
            row.name()
        );
        assert!(row.bytes("memory.bin").len().is_multiple_of(40), "{}", row.name());
    }
}

#[test]
fn the_proofs_kept_have_the_digests_stated() {
    let rows = repository();
    let kept: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((row, row.annotated_proof()?)))
        .collect();
    let names: Vec<_> = kept.iter().map(|(_, proof)| proof.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "plain/fib_2p9/blake",
            "plain/fib_2p9/felt_vf_pos",
            "small/c1/integrity_kek",
            "small/entry_without_ap/base",
            "small/fib_2p9/q1",
            "small/missing_builtin/base",
            "small/pie/base"
        ]
    );
    for (row, proof) in kept {
        row.assert_same_proof(&proof.bytes());
    }
}
