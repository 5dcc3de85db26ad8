//! The register program: the form in which constraints reach a device.
//!
//! A program computes one field element per row. It is compiled once from a constraint graph (elsewhere) and
//! interpreted by every device, a strip of rows at a time. It has no branches and no loops. Values that differ between
//! proofs are passed as scalars, values that differ between cosets as tables.

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
        /// Number of rows ahead.
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
    /// The operation.
    pub opcode: Opcode,
    /// The register to write.
    pub target: u16,
    /// The first operand.
    pub a: Operand,
    /// The second operand.
    pub b: Operand,
}

/// A straight-line program over field elements. Its value is `result` after the last instruction.
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
    /// The operand that holds the value of the row.
    pub result: Operand,
}

/// How much a program reads beside its registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputCounts {
    /// Number of columns, over all tables of columns.
    pub n_columns: usize,
    /// Number of periodic tables.
    pub n_periodic: usize,
    /// Number of scalars.
    pub n_scalars: usize,
}

impl Program {
    /// What a run of the program is given.
    pub fn input_counts(&self) -> InputCounts {
        InputCounts {
            n_columns: self.n_columns,
            n_periodic: self.n_periodic,
            n_scalars: self.n_scalars,
        }
    }

    /// Number of multiplications per row.
    pub fn n_multiplications(&self) -> usize {
        self.instructions
            .iter()
            .filter(|instruction| instruction.opcode == Opcode::Mul)
            .count()
    }
}
