//! Explains a Scarb executable: where it can be entered, and what a bootloader would say of it.

use super::{ForeignInstruction, foreign_instructions};
use crate::cairo::runner::to_felt;
use crate::facts::{BootloaderHashes, CompiledProgram};
use quarry_tasks::executable::{EntryPointKind, Executable};
use serde::Serialize;

/// An entry point of an executable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InspectedEntryPoint {
    /// Its kind, as in the file.
    pub kind: &'static str,
    /// Its place, as an offset in the program.
    pub offset: usize,
    /// The builtins that it takes, in order.
    pub builtins: Vec<&'static str>,
}

/// An executable, explained. It is not run for this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExecutableInspection {
    /// Number of words of the program.
    pub program_words: usize,
    /// Number of hints.
    pub hints: usize,
    /// What looks like instructions that no layout of Stone has.
    pub foreign_instructions: Vec<ForeignInstruction>,
    /// The entry points.
    pub entry_points: Vec<InspectedEntryPoint>,
    /// The program's hashes, as a bootloader writes them; `None` if there is no entry point for bootloaders.
    pub program_hash: Option<BootloaderHashes>,
}

/// Explains an executable. (One Pedersen hash per word of the program: 10 to 20 microseconds each.)
pub fn inspect_executable(executable: &Executable) -> ExecutableInspection {
    let entry_points = executable.entry_points.iter();
    let entry_points = entry_points.map(|entry_point| InspectedEntryPoint {
        kind: entry_point.kind.name(),
        offset: entry_point.offset,
        builtins: entry_point
            .builtins
            .iter()
            .map(|builtin| builtin.to_str())
            .collect(),
    });
    let of_bootloader = executable.entry_point(EntryPointKind::Bootloader).ok();
    let program_hash = of_bootloader.map(|entry_point| {
        let builtins = entry_point.builtins.iter();
        let program = CompiledProgram {
            main: entry_point.offset as u64,
            builtins: builtins.map(|builtin| builtin.to_str().to_owned()).collect(),
            data: executable.bytecode.iter().map(to_felt).collect(),
        };
        program.bootloader_hashes()
    });
    ExecutableInspection {
        program_words: executable.bytecode.len(),
        hints: executable.n_hints(),
        foreign_instructions: foreign_instructions(executable.bytecode.iter().map(to_felt)),
        entry_points: entry_points.collect(),
        program_hash,
    }
}
