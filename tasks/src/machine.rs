//! Runs programs on the virtual machine: the one way of all runs, whatever is run.

mod hint;
mod own_hints;

pub use self::hint::{failed, scopes_with, state_in};
pub use self::own_hints::OwnHints;

use crate::panic::PanicData;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::{
    BuiltinHintProcessor, HintFunc,
};
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::layout::CairoLayoutParams;
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
use std::fmt;
use std::rc::Rc;

/// A program that is ready to run.
pub struct Prepared {
    /// The program.
    pub program: Program,
    /// The functions of the hints that the virtual machine does not know, by their text.
    pub hints: HashMap<String, Rc<HintFunc>>,
    /// What its hints find when the run begins.
    pub scopes: ExecutionScopes,
    /// What a failure means for this program.
    pub meaning: FindMeaning,
}

/// Says what a failure at a pc means; `None` if nothing more is known than the pc ([`only_pc`]).
pub type FindMeaning = fn(&CairoRunner, Relocatable) -> Option<Meaning>;

/// What a failure at a pc means.
#[derive(Debug)]
pub enum Meaning {
    /// The pc in words.
    Place(String),
    /// The program panicked with this data.
    Panic(PanicData),
}

/// The meaning of failures of a program of which nothing more is known.
pub fn only_pc(_: &CairoRunner, _: Relocatable) -> Option<Meaning> {
    None
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

/// How a program is run.
#[derive(Clone, Debug)]
pub struct Mode {
    /// The layout.
    pub layout: LayoutName,
    /// The parameters of layout `dynamic`.
    pub params: Option<CairoLayoutParams>,
    /// In proof mode. A builtin that the layout lacks then begins and ends at 0; in execution mode it is an error.
    pub proof: bool,
    /// Whether the registers of every step are kept.
    pub trace: bool,
}

/// The mode of a run to a PIE. The layout has every builtin that a bootloader knows; in execution mode, nothing else
/// depends on it. What a task may use, the layout of the bootloader's run decides.
const TO_PIE: Mode = Mode {
    layout: LayoutName::all_cairo,
    params: None,
    proof: false,
    trace: false,
};

/// Why a run failed.
#[derive(Debug)]
pub enum MachineError {
    /// The program does not end within so many steps.
    StepLimit(usize),
    /// The executable panicked.
    Panicked(PanicData),
    /// The run needs more memory than there is, such as for a cell that is far from all others.
    Memory {
        /// Where: the pc, as an offset in the program, and under a bootloader also in which program.
        place: String,
    },
    /// The program failed.
    Failed {
        /// Where, as for [`Self::Memory`].
        place: String,
        /// The virtual machine's error message.
        why: String,
        /// The calls that led there. It may be empty.
        traceback: String,
    },
    /// The virtual machine failed to set up the program or to finish the run.
    Machine(String),
}

impl MachineError {
    fn machine(error: impl fmt::Display) -> Self {
        Self::Machine(error.to_string())
    }

    fn of(runner: &CairoRunner, error: VirtualMachineError, max_steps: usize, meaning: FindMeaning) -> Self {
        let is_memory = match error {
            VirtualMachineError::UnfinishedExecution => return Self::StepLimit(max_steps),
            VirtualMachineError::Memory(MemoryError::VecCapacityExceeded) => true,
            _ => false,
        };
        let exception = VmException::from_vm_error(runner, error);
        let place = match meaning(runner, exception.pc) {
            Some(Meaning::Panic(data)) => return Self::Panicked(data),
            Some(Meaning::Place(place)) => place,
            None => format!("pc {}", exception.pc.offset),
        };
        match is_memory {
            true => Self::Memory { place },
            false => Self::Failed {
                place,
                why: exception.inner_exc.to_string(),
                traceback: exception.traceback.unwrap_or_default(),
            },
        }
    }
}

/// Runs a program up to its end, for at most `max_steps` steps.
///
/// # Errors
/// [`MachineError`].
pub fn run_to_end(
    prepared: Prepared,
    mode: Mode,
    max_steps: usize,
) -> Result<(CairoRunner, OwnHints), MachineError> {
    let resources = RunResources::new(max_steps);
    let mut processor = OwnHints(BuiltinHintProcessor::new(prepared.hints, resources));
    let (program, layout) = (&prepared.program, mode.layout);
    let runner = CairoRunner::new(program, layout, mode.params, mode.proof, mode.trace, false);
    let mut runner = runner.map_err(MachineError::machine)?;
    runner.exec_scopes = prepared.scopes;
    let end = runner.initialize(mode.proof).map_err(MachineError::machine)?;
    match runner.run_until_pc(end, &mut processor) {
        Ok(()) => Ok((runner, processor)),
        Err(error) => Err(MachineError::of(&runner, error, max_steps, prepared.meaning)),
    }
}

/// Runs a program for at most `max_steps` steps, without padding and with only its own builtins, and returns the run as
/// a PIE, which a bootloader then takes as a task.
///
/// # Errors
/// [`MachineError`].
pub fn run_to_pie(prepared: Prepared, max_steps: usize) -> Result<CairoPie, MachineError> {
    let (runner, processor) = run_to_end(prepared, TO_PIE, max_steps)?;
    pie(runner, processor).map_err(MachineError::machine)
}

fn pie(mut runner: CairoRunner, mut processor: OwnHints) -> Result<CairoPie, VirtualMachineError> {
    runner.end_run(false, false, &mut processor, false)?;
    runner.read_return_values(false)?;
    verify_secure_runner(&runner, true, None)?;
    Ok(runner.get_cairo_pie()?)
}
