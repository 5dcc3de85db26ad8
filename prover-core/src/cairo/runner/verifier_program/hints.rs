//! The hints of the verifier programs that the virtual machine does not know.

use super::words::Word;
use crate::cairo::runner::builtins::to_vm_felt;
use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintFunc;
use cairo_vm::hint_processor::builtin_hint_processor::hint_utils::{
    get_ptr_from_var_name, get_relocatable_from_var_name, insert_value_from_var_name,
};
use cairo_vm::hint_processor::hint_processor_definition::HintReference;
use cairo_vm::serde::deserialize_program::ApTracking;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::errors::memory_errors::MemoryError;
use cairo_vm::vm::vm_core::VirtualMachine;
use quarry_tasks::machine::{failed, scopes_with};
use std::collections::HashMap;
use std::rc::Rc;

/// Where the hints find the [`Word`] of the proof.
const PROOF: &str = "quarry_proof";

/// What a hint does.
type Function = fn(&mut Hint<'_>) -> Result<(), HintError>;

/// The hints: the text of each in the compiled program, and the function that does what it says.
const HINTS: &[(&str, Function)] = &[
    (
        r#"from starkware.cairo.stark_verifier.air.parser import parse_proof
ids.proof = segments.gen_arg(parse_proof(
    identifiers=ids._context.identifiers,
    proof_json=program_input["proof"]))"#,
        load_proof,
    ),
    ("ids.bit = ids.current.index & 1", lowest_bit),
    (
        "memory[fp + 1] = to_felt_or_relocatable(ids.queries.index // ids.params.coset_size)",
        coset_of_query,
    ),
];

/// What a hint sees.
struct Hint<'a> {
    vm: &'a mut VirtualMachine,
    scopes: &'a mut ExecutionScopes,
    ids: &'a HashMap<String, HintReference>,
    ap: &'a ApTracking,
}

/// The functions of the hints, by their text.
pub(super) fn functions() -> HashMap<String, Rc<HintFunc>> {
    let function = |function: Function| {
        HintFunc(Box::new(move |vm, scopes, ids, ap, _| {
            function(&mut Hint { vm, scopes, ids, ap })
        }))
    };
    let row = |(text, of_text): &(&str, Function)| ((*text).to_owned(), Rc::new(function(*of_text)));
    HINTS.iter().map(row).collect()
}

/// The scopes in which the hints find the proof.
pub(super) fn scopes(proof: Word) -> ExecutionScopes {
    scopes_with(PROOF, proof)
}

/// Lays the proof into the memory.
fn load_proof(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let proof: Word = hint.scopes.get(PROOF)?;
    let proof = place(hint.vm, &proof)?;
    insert_value_from_var_name("proof", proof, hint.vm, hint.ids, hint.ap)
}

/// The cell for a word. Segments are laid into the memory.
fn place(vm: &mut VirtualMachine, word: &Word) -> Result<MaybeRelocatable, MemoryError> {
    match word {
        Word::Felt(felt) => Ok(to_vm_felt(felt).into()),
        Word::Segment(cells) => {
            let segment = vm.add_memory_segment();
            let cells = cells.iter().map(|cell| place(vm, cell));
            let cells = cells.collect::<Result<Vec<_>, _>>()?;
            vm.load_data(segment, &cells)?;
            Ok(segment.into())
        }
    }
}

/// Says whether the node of the current query is a right child.
fn lowest_bit(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let query = get_relocatable_from_var_name("current", hint.vm, hint.ids, hint.ap)?;
    let [lowest_byte, ..] = hint.first_member(query)?.to_bytes_le();
    insert_value_from_var_name("bit", Felt252::from(lowest_byte & 1), hint.vm, hint.ids, hint.ap)
}

/// The index of the coset in which the next query lies.
fn coset_of_query(hint: &mut Hint<'_>) -> Result<(), HintError> {
    let [query, params] =
        ["queries", "params"].map(|name| get_ptr_from_var_name(name, hint.vm, hint.ids, hint.ap));
    let (index, size) = (hint.first_member(query?)?, hint.first_member(params?)?);
    let size = size.try_into().map_err(|_| failed("a coset of size 0"))?;
    let coset = (hint.vm.get_fp() + 1)?;
    Ok(hint.vm.insert_value(coset, index.floor_div(&size))?)
}

impl Hint<'_> {
    /// The first member of a struct, a number.
    fn first_member(&self, at: Relocatable) -> Result<Felt252, HintError> {
        Ok(self.vm.get_integer(at)?.into_owned())
    }
}
