//! Runs Cairo programs, bootloaders with their tasks, and Scarb executables in proof mode with the `cairo-vm` crate.
//!
//! Supported hints are those of `cairo-vm` (the Cairo library's hints) and hints in a small subset of Python that read
//! the program input (`hints/language.rs`). A program with any other hint is rejected before it runs.

mod alone;
mod builtins;
mod dynamic;
mod error;
mod guard;
mod hints;
mod opcodes;
mod pie;
mod tasks;
pub mod verifier_program;

use self::builtins::private_input;
pub(crate) use self::builtins::to_felt;
use self::dynamic::DynamicParams;
pub use self::error::RunError;
use self::guard::guarded;
pub use self::pie::run_to_pie;
use crate::cairo::input::{ProverInput, TraceEntry};
use crate::cairo::layouts::Layout;
use crate::cairo::memory::Memory;
use crate::cairo::public_input::{PublicInput, PublicMemoryCell, Segment};
use crate::cairo::run::CANONICAL_BUILTINS;
use crate::file_kind::{self, FileKind};
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::layout::CairoLayoutParams;
use cairo_vm::types::layout_name::LayoutName;
use cairo_vm::types::program::Program;
use cairo_vm::vm::errors::memory_errors::MemoryError;
use cairo_vm::vm::errors::vm_errors::VirtualMachineError;
use cairo_vm::vm::runners::cairo_runner::CairoRunner;
use quarry_tasks::bootloader::{HashFunction, Tasks};
use quarry_tasks::executable::Alone;
use quarry_tasks::machine::{Mode, OwnHints, Prepared, only_pc, run_to_end};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What is run.
#[derive(Clone, Copy, Debug)]
pub enum Executable<'a> {
    /// A compiled program.
    Program {
        /// The file.
        file: &'a [u8],
        /// What its hints read as `program_input`.
        input: Option<&'a Value>,
    },
    /// A bootloader with its tasks.
    Tasks(&'a Tasks),
    /// A Scarb executable by itself.
    Alone(&'a Alone<'a>),
}

impl<'a> Executable<'a> {
    /// A compiled program, and what its hints read as `program_input`.
    pub fn program(file: &'a [u8], input: Option<&'a Value>) -> Self {
        Self::Program { file, input }
    }
}

/// Options of a run.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// Limit on the number of steps, both of the program and of the padded trace.
    pub max_steps: usize,
    /// Minimum number of steps of the padded trace.
    pub min_steps: usize,
    /// Whether the output of hints' `print` goes to standard error. If not, it is discarded.
    pub prints: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            max_steps: 1 << 24,
            min_steps: 0,
            prints: true,
        }
    }
}

/// Returns the names of the builtins that a program uses, as in layouts.
///
/// # Errors
/// [`RunError::Program`].
pub fn program_builtins(program: &[u8]) -> Result<Vec<&'static str>, RunError> {
    let program = guarded(|| parse(program))?;
    Ok(program.iter_builtins().map(|builtin| builtin.to_str()).collect())
}

/// The compiled bootloader that runs the tasks in a layout.
pub fn bootloader_of<'a>(tasks: &'a Tasks, layout: &str) -> Cow<'a, [u8]> {
    // Only layout dynamic is not in the table. It has the segments of all builtins.
    let known = Layout::by_name(layout).map(|known| known.segments);
    tasks.bootloader().program(known.unwrap_or(&CANONICAL_BUILTINS))
}

/// Runs a program or tasks in proof mode and returns the prover input of the run. The trace is padded to the least
/// power of two of steps in which everything that the run used fits the layout.
///
/// # Errors
/// [`RunError`]. Unsupported hints, missing program input and missing builtins are detected before the run.
pub fn run(executable: Executable<'_>, layout: &str, options: &RunOptions) -> Result<ProverInput, RunError> {
    run_hashed(executable, layout, options).map(|(_, input)| input)
}

/// [`run`], which also says by which hash function the programs of tasks were hashed.
pub(crate) fn run_hashed(
    executable: Executable<'_>,
    layout: &str,
    options: &RunOptions,
) -> Result<(Option<HashFunction>, ProverInput), RunError> {
    let unknown = || RunError::Layout(layout.to_owned());
    let known = Layout::by_name(layout).map_err(|_| unknown())?;
    let vm_layout = serde_json::from_value(Value::from(layout)).map_err(|_| unknown())?;
    let place = Place {
        layout: vm_layout,
        params: None,
        segments: known.segments,
        has_builtin: &|builtin| known.has_segment(builtin),
    };
    guarded(|| run_in(executable, &place, options))
}

/// [`run`] in layout `dynamic` with the given parameters (Stone's `dynamic_params`).
///
/// # Errors
/// As [`run`], and [`RunError::DynamicParam`].
pub fn run_dynamic(
    executable: Executable<'_>,
    params: &BTreeMap<String, u64>,
    options: &RunOptions,
) -> Result<ProverInput, RunError> {
    let dynamic = DynamicParams::new(params)?;
    let place = Place {
        layout: LayoutName::dynamic,
        params: Some(dynamic.to_vm()?),
        segments: &CANONICAL_BUILTINS,
        has_builtin: &|builtin| dynamic.uses(builtin),
    };
    let (_, mut result) = guarded(|| run_in(executable, &place, options))?;
    if dynamic.uses("mul_mod") {
        widen_range_checks(&mut result);
    }
    result.public.dynamic_params = Some(params.clone());
    Ok(result)
}

/// The layout of a run.
struct Place<'a> {
    layout: LayoutName,
    params: Option<CairoLayoutParams>,
    /// The layout's segments; those of builtins are enough.
    segments: &'a [&'a str],
    /// Whether the layout has instances of a builtin.
    has_builtin: &'a dyn Fn(&str) -> bool,
}

/// Widens the range-check bounds for `mul_mod`, whose 16-bit parts the virtual machine does not count. They are 0 and 4
/// in unused instances and arbitrary in used ones.
fn widen_range_checks(input: &mut ProverInput) {
    input.public.rc_min = 0;
    let largest = match input.private.mul_mod.instances.is_empty() {
        true => 4,
        false => u16::MAX,
    };
    input.public.rc_max = input.public.rc_max.max(largest.into());
}

fn run_in(
    executable: Executable<'_>,
    place: &Place<'_>,
    options: &RunOptions,
) -> Result<(Option<HashFunction>, ProverInput), RunError> {
    match executable {
        Executable::Program { file, input } => Ok((None, run_program(file, input, place, options)?)),
        Executable::Tasks(tasks) => tasks::run(tasks, place, options),
        Executable::Alone(alone) => Ok((None, alone::run(alone, place, options)?)),
    }
}

fn run_program(
    file: &[u8],
    input: Option<&Value>,
    place: &Place<'_>,
    options: &RunOptions,
) -> Result<ProverInput, RunError> {
    let program = parse(file)?;
    check_builtins(&program, place)?;
    let hints = hints::functions(file, input, options)?;
    let scopes = ExecutionScopes::new();
    execute(
        Prepared {
            program,
            hints,
            scopes,
            meaning: only_pc,
        },
        place,
        options,
    )
}

/// Checks that the layout has all builtins of a program.
fn check_builtins(program: &Program, place: &Place<'_>) -> Result<(), RunError> {
    let mut builtins = program.iter_builtins().map(|builtin| builtin.to_str());
    match builtins.find(|builtin| !(place.has_builtin)(builtin)) {
        None => Ok(()),
        Some(builtin) => {
            let layout = place.layout.to_str().to_owned();
            Err(RunError::MissingBuiltin { builtin, layout })
        }
    }
}

/// Runs a program in proof mode and returns the prover input of the run.
fn execute(prepared: Prepared, place: &Place<'_>, options: &RunOptions) -> Result<ProverInput, RunError> {
    let (mut runner, mut processor) = run_padded(prepared, place, true, options)?;
    finish(&mut runner, &mut processor).map_err(machine)?;
    opcodes::check(&runner)?;
    prover_input(&runner)
}

/// The number of steps of a run in proof mode, padded. It takes less memory than the run itself.
fn count_steps(prepared: Prepared, place: &Place<'_>, options: &RunOptions) -> Result<usize, RunError> {
    let (runner, _) = run_padded(prepared, place, false, options)?;
    Ok(runner.vm.get_current_step())
}

/// Runs a program in proof mode up to its end, and pads the run. With `trace`, the registers of every step are kept.
fn run_padded(
    prepared: Prepared,
    place: &Place<'_>,
    trace: bool,
    options: &RunOptions,
) -> Result<(CairoRunner, OwnHints), RunError> {
    let mode = Mode {
        layout: place.layout,
        params: place.params.clone(),
        proof: true,
        trace,
    };
    let (mut runner, mut processor) = run_to_end(prepared, mode, options.max_steps)?;
    pad(&mut runner, &mut processor, options)?;
    Ok((runner, processor))
}

/// Pads a run that has reached `end` to a power of two of steps in which everything that it used fits the layout.
fn pad(runner: &mut CairoRunner, processor: &mut OwnHints, options: &RunOptions) -> Result<(), RunError> {
    // `end` is a loop. Its first step still belongs to the run, the others are padding.
    runner.run_for_steps(1, processor).map_err(machine)?;
    runner.vm.segments.memory.relocate_memory().map_err(machine)?;
    runner.vm.segments.compute_effective_sizes();
    let mut n_steps = options.min_steps.max(runner.vm.get_current_step());
    loop {
        n_steps = n_steps.next_power_of_two();
        if n_steps > options.max_steps {
            return Err(RunError::TooLarge(options.max_steps));
        }
        runner.run_until_steps(n_steps, processor).map_err(machine)?;
        match runner.check_used_cells() {
            Ok(()) => return Ok(()),
            Err(VirtualMachineError::Memory(MemoryError::InsufficientAllocatedCells(_))) => n_steps += 1,
            Err(error) => return Err(machine(error)),
        }
    }
}

/// Ends the run and relocates its memory.
fn finish(runner: &mut CairoRunner, processor: &mut OwnHints) -> Result<(), VirtualMachineError> {
    runner.end_run(false, false, processor, false)?;
    runner.read_return_values(true)?;
    runner.finalize_segments()?;
    Ok(runner.relocate(true, true)?)
}

fn machine(error: impl std::fmt::Display) -> RunError {
    RunError::Machine(error.to_string())
}

/// Reads a program that was compiled in proof mode.
fn parse(program: &[u8]) -> Result<Program, RunError> {
    let program = parse_any(program)?;
    let label = |name| program.get_identifier(&format!("__main__.{name}"));
    for name in ["__start__", "__end__"] {
        if label(name).is_none() {
            return Err(RunError::NotProofMode(name));
        }
    }
    // Verifiers do not see the words before the start.
    match label("__start__").and_then(|start| start.pc) {
        Some(0) => Ok(program),
        _ => Err(RunError::Program(
            "__start__ is not at the beginning of the program".to_owned(),
        )),
    }
}

/// Reads a program, in proof mode or not.
fn parse_any(program: &[u8]) -> Result<Program, RunError> {
    file_kind::expect(program, FileKind::Program)?;
    hints::check_words(program)?;
    Program::from_bytes(program, Some("main")).map_err(|error| RunError::Program(error.to_string()))
}

/// Extracts the prover input from a finished run.
fn prover_input(runner: &CairoRunner) -> Result<ProverInput, RunError> {
    let public = runner.get_air_public_input().map_err(machine)?;
    let segments = public.memory_segments.iter().map(|(name, segment)| {
        let segment = Segment {
            begin_addr: segment.begin_addr as u64,
            stop_ptr: segment.stop_ptr as u64,
        };
        ((*name).to_owned(), segment)
    });
    let public_memory = public.public_memory.iter().map(|cell| {
        let value = cell
            .value
            .ok_or_else(|| machine(format!("public address {} has no value", cell.address)))?;
        Ok(PublicMemoryCell {
            address: cell.address as u64,
            value: to_felt(&value),
            page: cell.page as u64,
        })
    });
    let bound = |bound: isize| u64::try_from(bound).map_err(machine);
    let public = PublicInput {
        layout: public.layout.to_owned(),
        n_steps: public.n_steps as u64,
        rc_min: bound(public.rc_min)?,
        rc_max: bound(public.rc_max)?,
        memory_segments: segments.collect(),
        public_memory: public_memory.collect::<Result<_, RunError>>()?,
        dynamic_params: None,
    };
    let trace = runner.relocated_trace.iter().flatten().map(|entry| TraceEntry {
        ap: entry.ap as u64,
        fp: entry.fp as u64,
        pc: entry.pc as u64,
    });
    let cells = (0..).zip(&runner.relocated_memory);
    let cells = cells.filter_map(|(address, value)| Some((address, to_felt(value.as_ref()?))));
    Ok(ProverInput {
        public,
        private: private_input(runner),
        trace: trace.collect(),
        memory: Memory::from_cells(cells.collect())?,
    })
}
