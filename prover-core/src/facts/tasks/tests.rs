//! Expected values: `get_fact_topology_from_additional_data` and `generate_program_fact` of cairo-lang 0.14.0.1, for
//! `paged_pie.zip`.

use super::*;
use crate::facts::sharp::fact;
use crate::inspect::inspect_pie;
use quarry_kernels::Felt;
use quarry_tasks::pie::{self, PieLimits};
use serde_json::json;
use std::fs;
use std::path::Path;

fn pie(name: &str) -> CairoPie {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tasks/tests/data")
        .join(name);
    pie::read(&fs::read(path).unwrap(), &PieLimits::default()).unwrap()
}

#[test]
fn a_pie_has_the_topology_and_the_fact_that_cairo_lang_computes() {
    let pie = pie("paged_pie.zip");
    let topology = Topology::of_pie(&pie).unwrap();
    assert_eq!(
        json!(topology),
        json!({ "tree_structure": [1, 0, 2, 2, 0, 2], "page_sizes": [1, 2, 3] })
    );
    let output = [1000, 11, 22, 33, 44, 55u64].map(Felt::from);
    let program_hash = inspect_pie(&pie).program_hash.pedersen;
    let fact = fact(program_hash, &output, &topology).unwrap();
    let hex: String = fact.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "0854ae74113048838514b70b82b3cd8281017f362289eba454c267b1a8f69d42"
    );
}

#[test]
fn the_task_with_wrong_pages_is_named() {
    let mut wrong = pie("paged_pie.zip");
    let Some(BuiltinAdditionalData::Output(data)) = wrong.additional_data.0.get_mut(&BuiltinName::output)
    else {
        panic!("no data of the output");
    };
    data.pages.remove(&1);
    let error = topologies(&Tasks::new(vec![pie("fibonacci_pie.zip"), wrong])).unwrap_err();
    assert_eq!(error.to_string(), "task 1: output page 2: expected page 1 here");
}
