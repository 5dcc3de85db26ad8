//! Puts the memory of a PIE into a machine, every segment at its place.

use crate::machine::failed;
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::runners::cairo_pie::{BuiltinAdditionalData, CairoPie};
use cairo_vm::vm::vm_core::VirtualMachine;
use std::collections::HashMap;

/// Where the segments lie that every task has.
pub(super) struct Places {
    pub(super) program: Relocatable,
    pub(super) execution: Relocatable,
    pub(super) return_fp: Relocatable,
    pub(super) return_pc: Relocatable,
}

/// Puts a PIE's memory at these places, behind what its builtins have by now, and in new segments.
pub(super) fn load(vm: &mut VirtualMachine, pie: &CairoPie, places: &Places) -> Result<(), HintError> {
    let bases = Bases::new(vm, pie, places)?;
    // A signature must be known before the cells that it signs.
    add_signatures(vm, pie, &bases)?;
    for ((segment, offset), value) in &pie.memory.0 {
        let address = bases.address(segment.cast_signed(), *offset)?;
        let value = match value {
            MaybeRelocatable::Int(_) => value.clone(),
            MaybeRelocatable::RelocatableValue(pointer) => bases.moved(*pointer)?,
        };
        vm.insert_value(address, value)?;
    }
    Ok(())
}

/// Where each of the PIE's segments begins in the machine. A builtin that the layout lacks begins at 0.
struct Bases(HashMap<isize, MaybeRelocatable>);

impl Bases {
    fn new(vm: &mut VirtualMachine, pie: &CairoPie, places: &Places) -> Result<Self, HintError> {
        let metadata = &pie.metadata;
        let mut bases = Self(HashMap::new());
        bases.set(metadata.program_segment.index, places.program)?;
        bases.set(metadata.execution_segment.index, places.execution)?;
        bases.set(metadata.ret_fp_segment.index, places.return_fp)?;
        bases.set(metadata.ret_pc_segment.index, places.return_pc)?;
        for (i, builtin) in metadata.program.builtins.iter().enumerate() {
            let name = builtin.to_str();
            let segment = metadata.builtin_segments.get(builtin);
            let segment = segment.ok_or_else(|| failed(format!("the PIE has no segment of '{name}'")))?;
            // The bootloader has put the task's builtins on the stack.
            let base = vm.get_maybe(&(places.execution + i)?);
            bases.set(
                segment.index,
                base.ok_or_else(|| failed(format!("the task got no '{name}'")))?,
            )?;
        }
        for segment in &metadata.extra_segments {
            bases.set(segment.index, vm.add_memory_segment())?;
        }
        Ok(bases)
    }

    fn set(&mut self, segment: isize, base: impl Into<MaybeRelocatable>) -> Result<(), HintError> {
        match self.0.insert(segment, base.into()) {
            None => Ok(()),
            Some(_) => Err(failed(format!("the PIE has segment {segment} twice"))),
        }
    }

    /// A pointer of the PIE as a value in the machine.
    fn moved(&self, pointer: Relocatable) -> Result<MaybeRelocatable, HintError> {
        let base = self.0.get(&pointer.segment_index);
        let base = base.ok_or_else(|| failed(format!("the PIE has no segment for its pointer {pointer}")))?;
        Ok(base.add_usize(pointer.offset)?)
    }

    /// The place of a cell.
    fn address(&self, segment: isize, offset: usize) -> Result<Relocatable, HintError> {
        match self.moved((segment, offset).into())? {
            MaybeRelocatable::RelocatableValue(address) => Ok(address),
            MaybeRelocatable::Int(_) => {
                let why = format!("the layout lacks the builtin of the PIE's segment {segment}");
                Err(failed(why))
            }
        }
    }
}

fn add_signatures(vm: &mut VirtualMachine, pie: &CairoPie, bases: &Bases) -> Result<(), HintError> {
    let Some(BuiltinAdditionalData::Signature(signatures)) = pie.additional_data.0.get(&BuiltinName::ecdsa)
    else {
        return Ok(());
    };
    for (at, signature) in signatures {
        let address = bases.address(at.segment_index, at.offset)?;
        vm.get_signature_builtin()?.add_signature(address, signature)?;
    }
    Ok(())
}
