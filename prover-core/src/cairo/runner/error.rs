//! Why a program could not be run.

use crate::cairo::components::cpu::OpcodeExtension;
use crate::cairo::error::InputError;
use crate::facts::TaskTopologyError;
use crate::file_kind::WrongKind;
use quarry_tasks::bootloader::{Lacking, NotABootloader};
use quarry_tasks::executable::ExecutableError;
use quarry_tasks::machine::MachineError;

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
    #[error("the program has no '{0}': it was not compiled with --proof_mode")]
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
    /// The run executes an instruction that no layout of Stone has.
    #[error(
        "the program executes a {opcode} instruction at {place}. No layout of Stone has this instruction, so this run \
         has no Stone proof in any layout; only S-two proves it"
    )]
    Opcode {
        /// Where: the pc, as an offset in the program, and under a bootloader also in which program.
        place: String,
        /// The instruction.
        opcode: OpcodeExtension,
    },
    /// The virtual machine failed to set up the program or to finish the run, or it panicked.
    #[error("virtual machine: {0}")]
    Machine(String),
    /// The run's result is not a valid prover input.
    #[error(transparent)]
    Input(#[from] InputError),
}

impl From<MachineError> for RunError {
    fn from(error: MachineError) -> Self {
        match error {
            MachineError::StepLimit(steps) => Self::StepLimit(steps),
            MachineError::Panicked(data) => ExecutableError::Panicked(data).into(),
            MachineError::Memory { place } => Self::Memory(place),
            MachineError::Failed {
                place,
                why,
                traceback,
            } => Self::Failed {
                place,
                message: format!("{why}\n{traceback}").trim_end().to_owned(),
            },
            MachineError::Machine(why) => Self::Machine(why),
        }
    }
}
