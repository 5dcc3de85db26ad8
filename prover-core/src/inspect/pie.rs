//! Explains a Cairo PIE: what a bootloader would say of it, and how large it is.

use super::{ForeignInstruction, foreign_instructions};
use crate::cairo::runner::to_felt;
use crate::facts::{BootloaderHashes, CompiledProgram};
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::types::relocatable::MaybeRelocatable;
use quarry_kernels::Felt;
use quarry_tasks::pie::CairoPie;
use serde::Serialize;

/// A builtin of a PIE's program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PieBuiltin {
    /// Its name.
    pub name: &'static str,
    /// The number of memory cells that the run used of it.
    pub cells: usize,
}

/// A PIE, explained. Nothing of it is checked by running it: it is what the PIE says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PieInspection {
    /// Number of words of the program.
    pub program_words: usize,
    /// The program's hashes, as a bootloader writes them.
    pub program_hash: BootloaderHashes,
    /// The program's builtins in order.
    pub builtins: Vec<PieBuiltin>,
    /// What looks like instructions that no layout of Stone has.
    pub foreign_instructions: Vec<ForeignInstruction>,
    /// Number of steps that the PIE claims. A bootloader adds its own.
    pub claimed_steps: usize,
    /// Number of cells of its memory.
    pub memory_cells: usize,
    /// The output; `None` if a part of it is missing or is no number.
    #[serde(serialize_with = "crate::hex::write_felts_if_any")]
    pub output: Option<Vec<Felt>>,
}

/// Explains a PIE. (One Pedersen hash per word of the program: 10 to 20 microseconds each.)
pub fn inspect_pie(pie: &CairoPie) -> PieInspection {
    let metadata = &pie.metadata;
    let builtins = metadata.program.builtins.iter().map(|builtin| PieBuiltin {
        name: builtin.to_str(),
        cells: metadata
            .builtin_segments
            .get(builtin)
            .map_or(0, |segment| segment.size),
    });
    let builtins: Vec<_> = builtins.collect();
    let words = metadata.program.data.iter();
    let foreign_instructions =
        foreign_instructions(words.clone().map(|word| number(word).unwrap_or_default()));
    let words = words.filter_map(number);
    let program = CompiledProgram {
        main: metadata.program.main as u64,
        builtins: builtins.iter().map(|builtin| builtin.name.to_owned()).collect(),
        data: words.collect(),
    };
    PieInspection {
        program_words: program.data.len(),
        program_hash: program.bootloader_hashes(),
        foreign_instructions,
        claimed_steps: pie.execution_resources.n_steps,
        memory_cells: pie.memory.0.len(),
        output: output(pie),
        builtins,
    }
}

/// The cells of the output segment, which may be anywhere in the memory.
fn output(pie: &CairoPie) -> Option<Vec<Felt>> {
    let Some(segment) = pie.metadata.builtin_segments.get(&BuiltinName::output) else {
        return Some(Vec::new());
    };
    // A PIE can claim a large segment and have few cells, so memory is taken only for those that are there.
    let cells = pie.memory.0.iter();
    let cells = cells.filter(|((index, _), _)| index.cast_signed() == segment.index);
    let mut cells: Vec<_> = cells.map(|((_, offset), value)| (*offset, value)).collect();
    cells.sort_unstable_by_key(|(offset, _)| *offset);
    let is_whole = cells.len() == segment.size;
    let values = cells.into_iter().map(|(_, value)| number(value));
    values.collect::<Option<_>>().filter(|_| is_whole)
}

fn number(value: &MaybeRelocatable) -> Option<Felt> {
    match value {
        MaybeRelocatable::Int(value) => Some(to_felt(value)),
        MaybeRelocatable::RelocatableValue(_) => None,
    }
}
