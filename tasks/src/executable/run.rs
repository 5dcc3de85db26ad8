//! Runs executables.

use super::error::ExecutableError;
use super::panic::PanicData;
use super::state::State;
use super::{EntryPointKind, Executable};
use crate::guard::guarded;
use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::{
    BuiltinHintProcessor, HintFunc,
};
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::layout_name::LayoutName;
use cairo_vm::types::program::Program;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::errors::memory_errors::MemoryError;
use cairo_vm::vm::errors::vm_errors::VirtualMachineError;
use cairo_vm::vm::errors::vm_exception::VmException;
use cairo_vm::vm::runners::cairo_pie::CairoPie;
use cairo_vm::vm::runners::cairo_runner::{CairoRunner, RunResources};
use cairo_vm::vm::security::verify_secure_runner;
use std::collections::HashMap;
use std::rc::Rc;

/// Maximum number of felts of panic data that are shown.
const MAX_PANIC_FELTS: usize = 1000;

/// The layout of the run to a PIE: it has every builtin that a bootloader knows. What a task may use, the layout of the
/// bootloader's run decides.
const LAYOUT: LayoutName = LayoutName::all_cairo;

/// An executable that is to be run by itself.
#[derive(Debug)]
pub struct Alone<'a> {
    /// The executable.
    pub executable: &'a Executable,
    /// The arguments.
    pub arguments: &'a [Felt252],
}

impl Alone<'_> {
    /// The names of the builtins of the entry point.
    ///
    /// # Errors
    /// [`ExecutableError::NoEntryPoint`].
    pub fn builtins(&self) -> Result<Vec<&'static str>, ExecutableError> {
        let entry_point = self.executable.entry_point(EntryPointKind::Standalone)?;
        Ok(entry_point
            .builtins
            .iter()
            .map(|builtin| builtin.to_str())
            .collect())
    }

    /// The program, for a run in proof mode of at most so many steps, the functions of its hints, and what they find in
    /// their scopes.
    ///
    /// # Errors
    /// [`ExecutableError`]: the entry point is missing or impossible.
    #[expect(clippy::type_complexity, reason = "what the virtual machine takes")]
    pub fn prepare(
        &self,
        max_steps: usize,
    ) -> Result<(Program, HashMap<String, Rc<HintFunc>>, ExecutionScopes), ExecutableError> {
        let program = self.executable.program(EntryPointKind::Standalone)?;
        let state = State::new(self.arguments.to_vec(), max_steps);
        Ok((program, self.executable.functions(), state.into_scopes()))
    }
}

impl Executable {
    /// Runs the function that bootloaders call, and returns the run as a PIE.
    ///
    /// # Errors
    /// [`ExecutableError`].
    pub fn run_to_pie(&self, arguments: &[Felt252], max_steps: usize) -> Result<CairoPie, ExecutableError> {
        guarded(|| self.run(arguments, max_steps), ExecutableError::Machine)
    }

    fn run(&self, arguments: &[Felt252], max_steps: usize) -> Result<CairoPie, ExecutableError> {
        let program = self.program(EntryPointKind::Bootloader)?;
        let mut processor = BuiltinHintProcessor::new(self.functions(), RunResources::new(max_steps));
        let mut runner = CairoRunner::new(&program, LAYOUT, None, false, false, false).map_err(machine)?;
        runner.exec_scopes = State::new(arguments.to_vec(), max_steps).into_scopes();
        let end = runner.initialize(false).map_err(machine)?;
        match runner.run_until_pc(end, &mut processor) {
            Ok(()) => {}
            Err(VirtualMachineError::UnfinishedExecution) => {
                return Err(ExecutableError::StepLimit(max_steps));
            }
            Err(error) => return Err(failure(&runner, error)),
        }
        runner
            .end_run(true, false, &mut processor, false)
            .map_err(machine)?;
        runner.read_return_values(false).map_err(machine)?;
        verify_secure_runner(&runner, true, None).map_err(machine)?;
        runner.get_cairo_pie().map_err(machine)
    }
}

fn failure(runner: &CairoRunner, error: VirtualMachineError) -> ExecutableError {
    let is_memory = matches!(
        error,
        VirtualMachineError::Memory(MemoryError::VecCapacityExceeded)
    );
    let exception = VmException::from_vm_error(runner, error);
    let pc = exception.pc.offset.to_string();
    match panicked(runner, exception.pc) {
        Some(data) => ExecutableError::Panicked(data),
        None if is_memory => ExecutableError::Memory(pc),
        None => ExecutableError::Failed {
            pc,
            why: exception.inner_exc.to_string(),
        },
    }
}

/// What the program panicked with, if it failed at `pc` because `main` had panicked.
pub fn panicked(runner: &CairoRunner, pc: Relocatable) -> Option<PanicData> {
    let marker = State::of(&runner.exec_scopes)?.marker?;
    let size = (marker.end - marker.start).ok().filter(|_| marker.pc == pc)?;
    let cells = (0..size.min(MAX_PANIC_FELTS)).map(|i| {
        let address = (marker.start + i).ok()?;
        runner.vm.get_integer(address).ok().map(|felt| *felt)
    });
    cells.collect::<Option<_>>().map(PanicData)
}

fn machine(error: impl std::fmt::Display) -> ExecutableError {
    ExecutableError::Machine(error.to_string())
}
