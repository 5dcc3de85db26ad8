//! PIEs that use many builtins, made by running golden programs.

use crate::common::repository;
use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::{
    BuiltinHintProcessor, HintFunc,
};
use cairo_vm::hint_processor::builtin_hint_processor::hint_utils::{
    get_ptr_from_var_name, insert_value_from_var_name,
};
use cairo_vm::hint_processor::hint_processor_definition::HintReference;
use cairo_vm::serde::deserialize_program::ApTracking;
use cairo_vm::types::layout_name::LayoutName;
use cairo_vm::types::program::Program;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::runners::cairo_pie::CairoPie;
use cairo_vm::vm::runners::cairo_runner::CairoRunner;
use cairo_vm::vm::vm_core::VirtualMachine;
use quarry_tasks::pie::{self, PieLimits};
use std::collections::HashMap;
use std::fs;
use std::rc::Rc;

/// How often a run uses some of the builtins.
pub struct Use {
    pub signatures: u64,
    pub ec_ops: u64,
    pub keccaks: u64,
}

impl Default for Use {
    fn default() -> Self {
        Self {
            signatures: 1,
            ec_ops: 2,
            keccaks: 2,
        }
    }
}

type Ids<'a> = (&'a HashMap<String, HintReference>, &'a ApTracking);

/// The message, the public key and the signature of the golden program's input.
const SIGNED: [&str; 4] = [
    "0x55aa55aa55aa1122334455",
    "0x5b83db0715703125903f080d50dc3aae10f1895edfc8be436a284c46b761be5",
    "0x191df1e336336ba39c4f1befc88ab08b2ac46863866b52281e1d11328a2f7be",
    "0x6b144df0d89a48752623fa146eaa30cb2d3b4a4337804774d4966e2eb63b530",
];

/// A run that uses every builtin of layout `starknet_with_keccak`.
pub fn every_builtin(used: &Use) -> CairoPie {
    of_golden(
        "starknet_with_keccak",
        "c1",
        LayoutName::starknet_with_keccak,
        used,
    )
}

/// A run that uses the builtins of modular arithmetic, and `range_check96`.
pub fn modular(used: &Use) -> CairoPie {
    of_golden("dynamic", "c3_nokeccak_mod", LayoutName::all_cairo, used)
}

/// The PIE of a run of a golden program, as a tool writes it and [`pie::read`] takes it.
fn of_golden(golden: &str, case: &str, layout: LayoutName, used: &Use) -> CairoPie {
    let mut rows = repository().into_iter();
    let row = rows.find(|row| row.layout == golden && row.case == case);
    let file = row.expect("a golden case").bytes("program.json");
    let program = Program::from_bytes(&file, Some("main")).expect("a program");
    let mut processor = BuiltinHintProcessor::new(hints(used), Default::default());
    let mut runner = CairoRunner::new(&program, layout, None, false, false, false).expect("a runner");
    let end = runner.initialize(false).expect("a start");
    runner.run_until_pc(end, &mut processor).expect("a run");
    runner
        .end_run(false, false, &mut processor, false)
        .expect("an end");
    runner.read_return_values(false).expect("a return");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pie.zip");
    let pie = runner.get_cairo_pie().expect("a PIE");
    pie.write_zip_file(&path, true).expect("a file");
    pie::read(&fs::read(path).expect("a file"), &PieLimits::default()).expect("a PIE that is read")
}

fn hints(used: &Use) -> HashMap<String, Rc<HintFunc>> {
    let number = |text: &str, name: &'static str, value: u64| {
        let hint = HintFunc(Box::new(move |vm, _, ids, ap, _| {
            set(vm, (ids, ap), name, value.into())
        }));
        (text.to_owned(), Rc::new(hint))
    };
    let sign = "sg = program_input['sigs'][ids.i]\nids.msg = int(sg['msg'],16); ids.pub = int(sg['pub'],16)\n\
                ecdsa_builtin.add_signature(ids.ecdsa_ptr.address_, (int(sg['r'],16), int(sg['s'],16)))";
    let signature = HintFunc(Box::new(|vm, _, ids, ap, _| add_signature(vm, (ids, ap))));
    HashMap::from([
        number("ids.n = program_input['n']", "n", 3),
        number("ids.n_ec = program_input['n_ec']", "n_ec", used.ec_ops),
        number("ids.n_kc = program_input['n_keccak']", "n_kc", used.keccaks),
        number("ids.n_mod = program_input['n_mod']", "n_mod", 2),
        number("ids.n_sig = len(program_input['sigs'])", "n_sig", used.signatures),
        (sign.to_owned(), Rc::new(signature)),
    ])
}

fn set(vm: &mut VirtualMachine, (ids, ap): Ids<'_>, name: &str, value: Felt252) -> Result<(), HintError> {
    insert_value_from_var_name(name, value, vm, ids, ap)
}

fn add_signature(vm: &mut VirtualMachine, ids: Ids<'_>) -> Result<(), HintError> {
    let [message, public_key, r, s] = SIGNED.map(Felt252::from_hex_unchecked);
    set(vm, ids, "msg", message)?;
    set(vm, ids, "pub", public_key)?;
    let at = get_ptr_from_var_name("ecdsa_ptr", vm, ids.0, ids.1)?;
    Ok(vm.get_signature_builtin()?.add_signature(at, &(r, s))?)
}
