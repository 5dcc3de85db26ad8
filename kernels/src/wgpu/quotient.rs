//! The DEEP quotient, as a register program whose sources are the columns and the inverses around a pole.

use super::WgpuDevice;
use super::compose::{SourceCells, columns};
use crate::columns::{Columns, Natural};
use crate::device::{DeviceError, Tag, Ticket, check_shape};
use crate::felt::{Felt, subgroup_generator};
use crate::launch::quotient::{Fraction, fractions};
use crate::ops::{ComposeOps, Pole, QuotientOps};
use crate::program::{Instruction, Opcode, Operand, Program};
use ark_ff::Field;

/// The program and its scalars for the fractions of one pole. The inverses of the pole are the source after the
/// columns.
fn program(fractions: &[Fraction], n_columns: usize, n_rows: usize) -> (Program, Vec<Felt>) {
    const SUM: u16 = 0;
    const NUMERATOR: u16 = 1;
    const PRODUCT: u16 = 2;
    let mut scalars = vec![Felt::default()];
    let mut instructions = Vec::new();
    let mut scalar = |value| {
        scalars.push(value);
        Operand::Scalar(scalars.len() as u32 - 1)
    };
    let mut step = |opcode, target, a, b| instructions.push(Instruction { opcode, target, a, b });
    let (sum, numerator, product) = (
        Operand::Register(SUM),
        Operand::Register(NUMERATOR),
        Operand::Register(PRODUCT),
    );
    let cell = |source: usize, offset: usize| Operand::Cell {
        source: source as u16,
        offset: offset as u32,
    };
    let zero = Operand::Scalar(0);
    step(Opcode::Add, SUM, zero, zero);
    for fraction in fractions {
        let constant = scalar(fraction.constant);
        step(Opcode::Sub, NUMERATOR, zero, constant);
        for (coefficient, column) in &fraction.terms {
            let coefficient = scalar(*coefficient);
            step(Opcode::Mul, PRODUCT, coefficient, cell(*column, 0));
            step(Opcode::Add, NUMERATOR, numerator, product);
        }
        let ahead = (n_rows - fraction.offset) & (n_rows - 1);
        step(Opcode::Mul, NUMERATOR, numerator, cell(n_columns, ahead));
        step(Opcode::Add, SUM, sum, numerator);
    }
    let program = Program {
        instructions,
        n_registers: 3,
        n_scalars: scalars.len(),
        n_columns,
        n_periodic: 1,
        result: sum,
    };
    (program, scalars)
}

impl QuotientOps for WgpuDevice {
    fn deep_quotient(
        &self,
        tables: &[&Columns<Self, Natural>],
        shift: Felt,
        poles: &[Pole],
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError> {
        check_shape("deep_quotient", "columns of out", 1, out.n_columns())?;
        for table in tables {
            check_shape("deep_quotient", "rows of a table", out.n_rows(), table.n_rows())?;
        }
        let (n_rows, log_len) = (out.n_rows(), out.log_len());
        let columns: Vec<_> = columns(tables).collect();
        let g_inverse = subgroup_generator(log_len).inverse().unwrap_or_default();
        let mut is_first = true;
        let nothing = Pole {
            point: Felt::default(),
            terms: Vec::new(),
        };
        let non_empty = poles.iter().filter(|pole| !pole.terms.is_empty());
        // If there is no term at all, the sum (zero) is still written.
        for pole in non_empty.chain(poles.iter().all(|pole| pole.terms.is_empty()).then_some(&nothing)) {
            let fractions = fractions(pole, columns.len(), n_rows, g_inverse)?;
            let (program, scalars) = program(&fractions, columns.len(), n_rows);
            let mut inverses = self.points_less(shift, log_len, pole.point, Tag("quotient"))?;
            self.invert(&mut inverses)?;
            let mut sources = columns.clone();
            sources.push(SourceCells {
                memory: &inverses.memory,
                first: 0,
                len: n_rows,
            });
            self.run(&self.load(&program)?, &sources, &scalars, out, !is_first)?;
            is_first = false;
        }
        Ok(self.ticket())
    }
}
