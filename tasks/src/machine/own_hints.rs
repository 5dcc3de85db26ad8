//! Executes hints in the program's own segment only.
//!
//! The virtual machine looks hints up by the offset of the pc alone. Code in another segment, such as a bootloader's task,
//! would execute hints of the program at the same offsets.

use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::BuiltinHintProcessor;
use cairo_vm::hint_processor::hint_processor_definition::HintProcessorLogic;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::runners::cairo_runner::{ResourceTracker, RunResources};
use cairo_vm::vm::vm_core::VirtualMachine;
use std::any::Any;

/// The segment of the program that was started.
const PROGRAM_SEGMENT: isize = 0;

/// Executes a program's hints, and counts its steps.
pub struct OwnHints(pub(super) BuiltinHintProcessor);

impl HintProcessorLogic for OwnHints {
    fn execute_hint(
        &mut self,
        vm: &mut VirtualMachine,
        scopes: &mut ExecutionScopes,
        hint: &Box<dyn Any>,
    ) -> Result<(), HintError> {
        match vm.get_pc().segment_index {
            PROGRAM_SEGMENT => self.0.execute_hint(vm, scopes, hint),
            _ => Ok(()),
        }
    }
}

impl ResourceTracker for OwnHints {
    fn consumed(&self) -> bool {
        self.0.consumed()
    }

    fn consume_step(&mut self) {
        self.0.consume_step();
    }

    fn get_n_steps(&self) -> Option<usize> {
        self.0.get_n_steps()
    }

    fn run_resources(&self) -> &RunResources {
        self.0.run_resources()
    }
}
