//! Why an executable cannot be read or run.

use crate::panic::PanicData;

/// Why an executable cannot be read or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutableError {
    /// The file is too large.
    #[error("the executable has {size} bytes; at most {most} are read")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit.
        most: usize,
    },
    /// The file is not the JSON of an executable.
    #[error("not a Scarb executable: {0}")]
    Json(String),
    /// A hint of Starknet.
    #[error(
        "the hint at pc {pc} is {name}, which only Starknet's contracts have: an executable with system calls cannot be \
         proved"
    )]
    Starknet {
        /// Its place, as an offset in the program.
        pc: usize,
        /// Its name.
        name: &'static str,
    },
    /// A hint is too long, or too many of them belong to one pc, or one belongs to no word.
    #[error("the hints at pc {pc}: {why}")]
    Hints {
        /// Their place, as an offset in the program.
        pc: usize,
        /// What is wrong.
        why: String,
    },
    /// The executable lacks an entry point.
    #[error("the executable has no entry point of kind {0}")]
    NoEntryPoint(&'static str),
    /// An entry point is impossible.
    #[error("the entry point of kind {kind}: {why}")]
    EntryPoint {
        /// Its kind.
        kind: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The arguments are not field elements.
    #[error("the arguments: {0}")]
    Arguments(String),
    /// The program panicked.
    #[error("the program panics with {0}")]
    Panicked(PanicData),
    /// The program does not end.
    #[error("the program did not end within {0} steps")]
    StepLimit(usize),
    /// The run needs more memory than there is, such as for a cell that is far from all others.
    #[error("the run takes more memory than there is, at {0}")]
    Memory(String),
    /// The run failed.
    #[error("the program failed at {place}: {why}")]
    Failed {
        /// Where it failed.
        place: String,
        /// The virtual machine's message.
        why: String,
    },
    /// The virtual machine failed to set up the program or to finish the run, or it panicked.
    #[error("virtual machine: {0}")]
    Machine(String),
}

impl ExecutableError {
    /// A stable word for the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "executable.file_size",
            Self::Json(_) => "executable.json",
            Self::Starknet { .. } => "executable.starknet",
            Self::Hints { .. } => "executable.hints",
            Self::NoEntryPoint(_) | Self::EntryPoint { .. } => "executable.entry_point",
            Self::Arguments(_) => "executable.arguments",
            Self::Panicked(_) => "executable.panic",
            Self::StepLimit(_) => "executable.steps",
            Self::Memory(_) => "executable.memory",
            Self::Failed { .. } => "executable.run",
            Self::Machine(_) => "executable.machine",
        }
    }
}
