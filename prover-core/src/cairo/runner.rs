//! Runs Cairo programs, bootloaders with their tasks, and Scarb executables in proof mode with the `cairo-vm` crate.
//!
//! Supported hints are those of `cairo-vm` (the Cairo library's hints) and hints in a small subset of Python that read
//! the program input (`hints/language.rs`). A program with any other hint is rejected before it runs.

mod alone;
mod builtins;
mod dynamic;
mod guard;
mod hints;
mod own_hints;
mod pie;
mod tasks;
pub mod verifier_program;

use self::builtins::private_input;
pub(crate) use self::builtins::to_felt;
use self::dynamic::DynamicParams;
use self::guard::guarded;
use self::own_hints::OwnHints;
pub use self::pie::run_to_pie;
use crate::cairo::error::InputError;
use crate::cairo::input::{ProverInput, TraceEntry};
use crate::cairo::layouts::Layout;
use crate::cairo::memory::Memory;
use crate::cairo::public_input::{PublicInput, PublicMemoryCell, Segment};
use crate::cairo::run::CANONICAL_BUILTINS;
use crate::facts::TaskTopologyError;
use crate::file_kind::{self, FileKind, WrongKind};
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::{
    BuiltinHintProcessor, HintFunc,
};
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::layout::CairoLayoutParams;
use cairo_vm::types::layout_name::LayoutName;
use cairo_vm::types::program::Program;
use cairo_vm::vm::errors::memory_errors::MemoryError;
use cairo_vm::vm::errors::vm_errors::VirtualMachineError;
use cairo_vm::vm::errors::vm_exception::VmException;
use cairo_vm::vm::runners::cairo_runner::{CairoRunner, RunResources};
use quarry_tasks::bootloader::{self, HashFunction, Lacking, NotABootloader, Tasks};
use quarry_tasks::executable::{self, Alone, ExecutableError};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

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

/// Why a program could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The file is of another kind.
    #[error(transparent)]
    Kind(#[from] WrongKind),
    /// The file is not a compiled Cairo program.
    #[error("not a compiled Cairo program: {0}")]
    Program(String),
    /// The program was not compiled in proof mode: it lacks a label.
    #[error("the program has no '{0}': compile it with --proof_mode")]
    NotProofMode(&'static str),
    /// The layout is not known.
    #[error("unknown layout '{0}'")]
    Layout(String),
    /// The layout lacks a builtin that the program uses.
    #[error("the program uses the builtin '{builtin}', which layout '{layout}' does not have")]
    MissingBuiltin {
        /// The builtin.
        builtin: &'static str,
        /// The layout.
        layout: String,
    },
    /// The layout lacks a builtin that the bootloader or one of its tasks needs.
    #[error("{lacking}, which layout '{layout}' does not have")]
    MissingBuiltinOfTasks {
        /// The builtin, and who needs it.
        lacking: Lacking,
        /// The layout.
        layout: String,
    },
    /// The pages that a task declares do not fit its output.
    #[error(transparent)]
    TaskTopology(#[from] TaskTopologyError),
    /// The Scarb executable cannot be run by itself, or it panicked.
    #[error(transparent)]
    Executable(#[from] ExecutableError),
    /// The bootloader is not one whose tasks Quarry can run.
    #[error(transparent)]
    NotABootloader(#[from] NotABootloader),
    /// The bootloader cannot put the output of tasks on pages.
    #[error("the bootloader has no hint that puts the output on pages; StarkWare's simple bootloader has it")]
    NoPages,
    /// The bootloader has another program hash than it must have.
    #[error("the bootloader has the hash {pedersen} (Pedersen) or {poseidon} (Poseidon), not {expected}")]
    BootloaderHash {
        /// The hash of its program by Pedersen.
        pedersen: String,
        /// The same by Poseidon.
        poseidon: String,
        /// The expected hash.
        expected: String,
    },
    /// A parameter of layout `dynamic` is missing or has an impossible value.
    #[error("layout 'dynamic': the parameter '{0}' is missing or impossible")]
    DynamicParam(String),
    /// A hint is neither one of the virtual machine's nor in the supported subset of Python.
    #[error(
        "the hint at pc {pc} is not supported:\n{code}\n\
         Run the program with Cairo's own tools: `cairo-run --proof_mode --layout=LAYOUT --program=PROGRAM --program_input=INPUT \
         --air_public_input=public_input.json --air_private_input=private_input.json --trace_file=trace.bin \
         --memory_file=memory.bin`. Then give these four files instead of the program: \
         `--public_input_file public_input.json --private_input_file private_input.json`"
    )]
    UnknownHint {
        /// The hint's pc, as an offset in the program.
        pc: usize,
        /// The hint's code.
        code: String,
    },
    /// A hint of a task's program is neither one of the virtual machine's nor in the supported subset of Python.
    #[error(
        "the hint at pc {pc} is not supported:\n{code}\n\
         Run the program with Cairo's own tools: `cairo-run --layout=all_cairo --program=PROGRAM \
         --program_input=INPUT --cairo_pie_output=pie.zip`. Then give the PIE instead of the program"
    )]
    UnknownHintOfTask {
        /// The hint's pc, as an offset in the program.
        pc: usize,
        /// The hint's code.
        code: String,
    },
    /// A task's program uses a builtin that bootloaders do not have.
    #[error("the program uses the builtin '{0}', which bootloaders do not have")]
    BuiltinOfTask(&'static str),
    /// A hint of the bootloader is not known.
    #[error(
        "the hint at pc {pc} of the bootloader is not known:\n{code}\n\
         Quarry knows the hints of the bootloaders that it brings and of the Cairo library"
    )]
    BootloaderHint {
        /// The hint's pc, as an offset in the bootloader.
        pc: usize,
        /// The hint's code.
        code: String,
    },
    /// A hint reads a value that the program input lacks or that has the wrong type.
    #[error("the hint at pc {pc} reads {path}: {problem}")]
    ProgramInput {
        /// The hint's pc, as an offset in the program.
        pc: usize,
        /// The path of the value, such as `program_input['accounts'][3]`.
        path: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The program does not end.
    #[error("the program did not end within {0} steps")]
    StepLimit(usize),
    /// The run needs more builtin instances or memory units than the layout has within the step limit.
    #[error("the run uses more than the layout holds in {0} steps")]
    TooLarge(usize),
    /// The run needs more memory than there is, such as for a cell that is far from all others.
    #[error("the run takes more memory than there is, at {0}")]
    Memory(String),
    /// The program failed.
    #[error("the program failed at {place}: {message}")]
    Failed {
        /// Where it failed: the pc, as an offset in the program, and under a bootloader also in which program.
        place: String,
        /// The virtual machine's error message and traceback.
        message: String,
    },
    /// The virtual machine failed to set up the program or to finish the run, or it panicked.
    #[error("virtual machine: {0}")]
    Machine(String),
    /// The run's result is not a valid prover input.
    #[error(transparent)]
    Input(#[from] InputError),
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

/// A program that is ready to run.
struct Prepared {
    program: Program,
    /// The functions of the hints that the virtual machine does not know.
    hints: HashMap<String, Rc<HintFunc>>,
    /// What its hints find when the run begins.
    scopes: ExecutionScopes,
}

/// How a program is run.
#[derive(Clone, Copy)]
struct Mode {
    /// In proof mode. A builtin that the layout lacks then begins and ends at 0; in execution mode it is an error.
    proof: bool,
    /// Whether the registers of every step are kept.
    trace: bool,
}

/// A run and its hints.
type Ran = (CairoRunner, OwnHints);

/// Runs a program in proof mode and returns the prover input of the run.
fn execute(prepared: Prepared, place: &Place<'_>, options: &RunOptions) -> Result<ProverInput, RunError> {
    let mode = Mode {
        proof: true,
        trace: true,
    };
    let (mut runner, mut processor) = run_to_end(prepared, place, mode, options)?;
    pad(&mut runner, &mut processor, options)?;
    finish(&mut runner, &mut processor).map_err(machine)?;
    prover_input(&runner)
}

/// The number of steps of a run in proof mode, padded. It takes less memory than the run itself.
fn count_steps(prepared: Prepared, place: &Place<'_>, options: &RunOptions) -> Result<usize, RunError> {
    let mode = Mode {
        proof: true,
        trace: false,
    };
    let (mut runner, mut processor) = run_to_end(prepared, place, mode, options)?;
    pad(&mut runner, &mut processor, options)?;
    Ok(runner.vm.get_current_step())
}

/// Runs a program up to its end.
fn run_to_end(
    prepared: Prepared,
    place: &Place<'_>,
    mode: Mode,
    options: &RunOptions,
) -> Result<Ran, RunError> {
    let resources = RunResources::new(options.max_steps);
    let mut processor = OwnHints(BuiltinHintProcessor::new(prepared.hints, resources));
    let (layout, params) = (place.layout, place.params.clone());
    let runner = CairoRunner::new(&prepared.program, layout, params, mode.proof, mode.trace, false);
    let mut runner = runner.map_err(machine)?;
    runner.exec_scopes = prepared.scopes;
    let end = runner.initialize(mode.proof).map_err(machine)?;
    match runner.run_until_pc(end, &mut processor) {
        Ok(()) => Ok((runner, processor)),
        Err(VirtualMachineError::UnfinishedExecution) => Err(RunError::StepLimit(options.max_steps)),
        Err(error) => {
            let is_memory = matches!(
                error,
                VirtualMachineError::Memory(MemoryError::VecCapacityExceeded)
            );
            let exception = VmException::from_vm_error(&runner, error);
            if let Some(data) = executable::panicked(&runner, exception.pc) {
                return Err(ExecutableError::Panicked(data).into());
            }
            let place = bootloader::place(&runner.exec_scopes, exception.pc)
                .unwrap_or_else(|| format!("pc {}", exception.pc.offset));
            if is_memory {
                return Err(RunError::Memory(place));
            }
            Err(RunError::Failed {
                place,
                message: [
                    exception.inner_exc.to_string(),
                    exception.traceback.unwrap_or_default(),
                ]
                .join("\n")
                .trim_end()
                .to_owned(),
            })
        }
    }
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
