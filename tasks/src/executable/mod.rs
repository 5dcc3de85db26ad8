//! Scarb executables: what `scarb build` makes of a package's target `[executable]`.
//!
//! An executable is a compiled Cairo program with two entry points. The one of kind `Bootloader` is a function; Quarry
//! runs it to a Cairo PIE, so that a bootloader takes it as a task. The one of kind `Standalone` begins as a Cairo 0
//! program in proof mode does, so it runs and is proved by itself.
//!
//! The hints of Cairo's compiler are data, and Quarry executes them itself. (`cairo-vm` has a feature for them,
//! `cairo-1-hints`. It brings 109 packages, among them half of the compiler, and lacks the hints that only executables
//! have.)
//! A hint only finds values; what it writes is checked by the program. Every hint does a bounded amount of work for
//! the steps that the run may have.

mod arguments;
mod error;
mod felt;
mod file;
mod hints;
mod program;
mod run;
mod size;
mod state;

pub use arguments::{MAX_ARGUMENTS_BYTES, parse_argument, read_arguments};
pub use error::ExecutableError;
pub use file::{MAX_BYTES, read};
pub use run::Alone;

pub use crate::panic::PanicData;
use cairo_lang_casm::hints::Hint;
pub use cairo_vm::Felt252;
use cairo_vm::types::builtin_name::BuiltinName;
use std::collections::BTreeMap;

/// An executable that was read.
#[derive(Clone, Debug)]
pub struct Executable {
    /// The words of the program.
    pub bytecode: Vec<Felt252>,
    /// The hints by the offset of the word before which they are executed, each with its text.
    hints: BTreeMap<usize, Vec<(String, Hint)>>,
    /// The entry points.
    pub entry_points: Vec<EntryPoint>,
}

/// Where a program can be entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPoint {
    /// Who enters there.
    pub kind: EntryPointKind,
    /// The builtins that it takes, in order.
    pub builtins: Vec<BuiltinName>,
    /// Its place, as an offset in the program.
    pub offset: usize,
}

/// Who enters a program at an entry point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum EntryPointKind {
    /// A bootloader, which calls it as a function.
    Bootloader,
    /// Nobody: the run begins there and ends in a loop.
    Standalone,
}

impl EntryPointKind {
    /// The name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bootloader => "Bootloader",
            Self::Standalone => "Standalone",
        }
    }
}

impl Executable {
    /// The entry point of a kind.
    ///
    /// # Errors
    /// [`ExecutableError::NoEntryPoint`].
    pub fn entry_point(&self, kind: EntryPointKind) -> Result<&EntryPoint, ExecutableError> {
        let mut found = self.entry_points.iter();
        let found = found.find(|entry_point| entry_point.kind == kind);
        found.ok_or(ExecutableError::NoEntryPoint(kind.name()))
    }

    /// Number of hints.
    pub fn n_hints(&self) -> usize {
        self.hints.values().map(Vec::len).sum()
    }
}
