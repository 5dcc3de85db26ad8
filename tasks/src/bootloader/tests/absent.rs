//! The bootloaders of layouts, and a task that claims a builtin that its layout lacks.

use super::super::programs::OF_LAYOUTS;
use super::super::{Bootloader, HashFunction, Tasks, hints, place};
use super::fibonacci;
use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::BuiltinHintProcessor;
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::types::layout_name::LayoutName;
use cairo_vm::types::program::Program;
use cairo_vm::types::relocatable::MaybeRelocatable;
use cairo_vm::vm::errors::vm_exception::VmException;
use cairo_vm::vm::runners::cairo_pie::{CairoPie, CairoPieMemory, SegmentInfo};
use cairo_vm::vm::runners::cairo_runner::{CairoRunner, RunResources};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The segments of layout `recursive_with_poseidon`.
const SEGMENTS: [&str; 7] = [
    "program",
    "execution",
    "output",
    "pedersen",
    "range_check",
    "bitwise",
    "poseidon",
];

#[test]
fn a_layouts_bootloader_declares_its_builtins_and_is_short() {
    for row in OF_LAYOUTS {
        let segments = [&["program", "execution"], row.builtins].concat();
        let program = Bootloader::Layout.program(&segments);
        let program: Value = serde_json::from_slice(&program).expect("JSON");
        assert_eq!(program["builtins"], json!(row.builtins));
        let words = program["data"].as_array().map_or(0, Vec::len);
        assert!((810..=850).contains(&words), "{words} words");
    }
}

/// A task that says that it has used one instance of `ecdsa`, wherever its pointer is: `ecdsa_ptr + 2` is all it does.
fn claims_a_signature() -> CairoPie {
    let mut pie = fibonacci();
    let words = ["0x482680017ffd8000", "0x2", "0x208b7fff7fff7ffe"];
    let words = words.map(|word| MaybeRelocatable::from(Felt252::from_hex_unchecked(word)));
    pie.metadata.program.data = words.into();
    pie.metadata.program.builtins = vec![BuiltinName::ecdsa];
    pie.metadata.program.main = 0;
    let segment = SegmentInfo { index: 2, size: 2 };
    pie.metadata.builtin_segments = BTreeMap::from([(BuiltinName::ecdsa, segment)]);
    pie.memory = CairoPieMemory(Vec::new());
    pie.additional_data.0.clear();
    pie
}

/// Runs a task, without the checks that Quarry makes before a run. Fails with the pc in the bootloader, and why.
fn run(bootloader: &Value, pie: CairoPie) -> Result<(), (usize, String)> {
    let file = bootloader.to_string().into_bytes();
    let program = Program::from_bytes(&file, Some("main")).expect("a program");
    let scopes = Tasks::new(vec![pie]).scopes(&program, HashFunction::Pedersen, Vec::new());
    let layout = LayoutName::recursive_with_poseidon;
    let mut runner = CairoRunner::new(&program, layout, None, true, true, false).expect("a runner");
    runner.exec_scopes = scopes.expect("a bootloader");
    let end = runner.initialize(true).expect("a start");
    let mut processor = BuiltinHintProcessor::new(hints(), RunResources::new(1 << 16));
    runner.run_until_pc(end, &mut processor).map_err(|error| {
        let exception = VmException::from_vm_error(&runner, error);
        let place = place(&runner.exec_scopes, exception.pc).expect("a bootloader");
        (exception.pc.offset, format!("{place}: {}", exception.inner_exc))
    })
}

/// No constraint sees the pointer of a builtin that the layout lacks, so only the bootloader can refuse a task that
/// moves it. It does so by an assertion of its own `main`: with another number in it, the run ends well.
#[test]
fn a_task_uses_no_builtin_that_the_layout_lacks() {
    let bootloader = Bootloader::Layout.program(&SEGMENTS);
    let mut bootloader: Value = serde_json::from_slice(&bootloader).expect("JSON");
    let (pc, why) = run(&bootloader, claims_a_signature()).expect_err("a refusal");
    assert!(
        why.contains("of the bootloader: ") && why.contains("ASSERT_EQ"),
        "{why}"
    );
    let main = bootloader["identifiers"]["__main__.main"]["pc"]
        .as_u64()
        .expect("a pc");
    assert!(pc as u64 > main, "{pc}");

    let ends_at = &mut bootloader["data"][pc + 1];
    assert_eq!(*ends_at, "0x0");
    *ends_at = "0x2".into();
    run(&bootloader, claims_a_signature()).expect("a bootloader that lets it pass");
}
