//! Runs executables.

use super::error::ExecutableError;
use super::state::State;
use super::{EntryPointKind, Executable};
use crate::guard::guarded;
use crate::machine::{self, MachineError, Meaning, Prepared};
use crate::panic::PanicData;
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::runners::cairo_pie::CairoPie;
use cairo_vm::vm::runners::cairo_runner::CairoRunner;

/// Maximum number of felts of panic data that are shown.
const MAX_PANIC_FELTS: usize = 1000;

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

    /// The program, for a run in proof mode of at most so many steps.
    ///
    /// # Errors
    /// [`ExecutableError`]: the entry point is missing or impossible.
    pub fn prepare(&self, max_steps: usize) -> Result<Prepared, ExecutableError> {
        self.executable
            .prepare(EntryPointKind::Standalone, self.arguments, max_steps)
    }
}

impl Executable {
    /// Runs the function that bootloaders call, and returns the run as a PIE.
    ///
    /// # Errors
    /// [`ExecutableError`].
    pub fn run_to_pie(&self, arguments: &[Felt252], max_steps: usize) -> Result<CairoPie, ExecutableError> {
        let run = || {
            let prepared = self.prepare(EntryPointKind::Bootloader, arguments, max_steps)?;
            Ok(machine::run_to_pie(prepared, max_steps)?)
        };
        guarded(run, ExecutableError::Machine)
    }

    fn prepare(
        &self,
        kind: EntryPointKind,
        arguments: &[Felt252],
        max_steps: usize,
    ) -> Result<Prepared, ExecutableError> {
        Ok(Prepared {
            program: self.program(kind)?,
            hints: self.functions(),
            scopes: State::new(arguments.to_vec(), max_steps).into_scopes(),
            meaning: |runner, pc| panicked(runner, pc).map(Meaning::Panic),
        })
    }
}

impl From<MachineError> for ExecutableError {
    fn from(error: MachineError) -> Self {
        match error {
            MachineError::StepLimit(steps) => Self::StepLimit(steps),
            MachineError::Panicked(data) => Self::Panicked(data),
            MachineError::Memory { place } => Self::Memory(place),
            MachineError::Failed { place, why, .. } => Self::Failed { place, why },
            MachineError::Machine(why) => Self::Machine(why),
        }
    }
}

/// What the program panicked with, if it failed at `pc` because `main` had panicked.
fn panicked(runner: &CairoRunner, pc: Relocatable) -> Option<PanicData> {
    let marker = State::of(&runner.exec_scopes)?.marker?;
    let size = (marker.end - marker.start).ok().filter(|_| marker.pc == pc)?;
    let cells = (0..size.min(MAX_PANIC_FELTS)).map(|i| {
        let address = (marker.start + i).ok()?;
        runner.vm.get_integer(address).ok().map(|felt| *felt)
    });
    cells.collect::<Option<_>>().map(PanicData)
}
