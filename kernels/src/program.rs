//! The register program: how constraints reach a device.
//!
//! A program computes one field element a row. It is compiled once from a constraint graph (elsewhere)
//! and interpreted by every device, a strip of rows at a time; there is no branch and no loop in it.
//! What varies from proof to proof comes in as scalars, what varies from coset to coset as tables.

/// Where an operand comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A register, written earlier in the program.
    Register(u16),
    /// Scalar `i`: the same for every row.
    Scalar(u32),
    /// Source `source` at row `(row + offset) mod len`, where `len` is the source's own length.
    /// Sources are first the columns (all tables of columns concatenated), then the periodic tables.
    Cell {
        /// Index of the source.
        source: u16,
        /// Rows ahead.
        offset: u32,
    },
}

/// What an instruction does with its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
}

/// `register[target] = a (opcode) b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What to do.
    pub opcode: Opcode,
    /// The register that is written.
    pub target: u16,
    /// The first operand.
    pub a: Operand,
    /// The second operand.
    pub b: Operand,
}

/// A straight-line program over field elements. The result is `result` after the last instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The instructions in order.
    pub instructions: Vec<Instruction>,
    /// Number of registers.
    pub n_registers: usize,
    /// Number of scalars.
    pub n_scalars: usize,
    /// Number of columns, over all tables of columns.
    pub n_columns: usize,
    /// Number of periodic tables.
    pub n_periodic: usize,
    /// The value of the row.
    pub result: Operand,
}

impl Program {
    /// Number of multiplications a row.
    pub fn n_multiplications(&self) -> usize {
        self.instructions
            .iter()
            .filter(|instruction| instruction.opcode == Opcode::Mul)
            .count()
    }
}
