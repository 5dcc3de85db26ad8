//! Instructions that no layout of Stone has, found without running the program.

use crate::cairo::components::cpu::OpcodeExtension;
use quarry_kernels::Felt;
use serde::Serialize;

/// A word of a program that looks like an instruction that no layout of Stone has. If it is one, a run that reaches it
/// has no Stone proof; it can also be a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ForeignInstruction {
    /// Its place, as an offset in the program.
    pub offset: usize,
    /// The instruction, such as "Blake2s".
    pub opcode: String,
}

/// All such words of a program.
pub(super) fn foreign_instructions(words: impl Iterator<Item = Felt>) -> Vec<ForeignInstruction> {
    let found = words.enumerate().filter_map(|(offset, word)| {
        let opcode = OpcodeExtension::of(word)?.to_string();
        Some(ForeignInstruction { offset, opcode })
    });
    found.collect()
}
