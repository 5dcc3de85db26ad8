//! The DEEP quotient, with one thread per row.

use super::buffer::Allocation;
use super::kernels::{Kernel, arguments};
use super::{CudaDevice, SCRATCH};
use crate::columns::{Columns, Natural};
use crate::device::{DeviceError, Tag, Ticket, check_shape};
use crate::felt::{Felt, subgroup_generator};
use crate::launch::quotient as launch;
use crate::ops::{Pole, QuotientOps};
use ark_ff::Field;

/// `Term` of `quotient.cu`.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Term {
    coefficient: Felt,
    column: u64,
}

/// `Fraction` of `quotient.cu`.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Fraction {
    constant: Felt,
    offset: u64,
    first_term: u32,
    end_term: u32,
}

/// Encodes the fractions for the kernel, for columns at these addresses.
fn encode(fractions: &[launch::Fraction], columns: &[u64]) -> (Vec<Fraction>, Vec<Term>) {
    let mut terms = Vec::new();
    let mut encoded = Vec::with_capacity(fractions.len());
    for fraction in fractions {
        let first_term = terms.len() as u32;
        terms.extend(fraction.terms.iter().map(|&(coefficient, column)| Term {
            coefficient,
            column: columns[column],
        }));
        encoded.push(Fraction {
            constant: fraction.constant,
            offset: fraction.offset as u64,
            first_term,
            end_term: terms.len() as u32,
        });
    }
    (encoded, terms)
}

impl QuotientOps for CudaDevice {
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
        let columns: Vec<u64> = tables
            .iter()
            .flat_map(|table| (0..table.n_columns()).map(|i| table.column_address(i)))
            .collect();
        let (n, log_len) = (out.n_rows(), out.log_len());
        let g_inverse = subgroup_generator(log_len).inverse().unwrap_or_default();
        self.context
            .clear(out.values().address(0), (n * size_of::<Felt>()) as u64)?;
        for pole in poles {
            let fractions = launch::fractions(pole, columns.len(), n, g_inverse)?;
            let (fractions, terms) = encode(&fractions, &columns);
            if fractions.is_empty() {
                continue;
            }
            let n_fractions = fractions.len() as u32;
            let fractions = Allocation::upload(&self.context, &fractions, SCRATCH)?;
            let terms = Allocation::upload(&self.context, &terms, SCRATCH)?;
            let mut inverses = self.points_less(shift, log_len, pole.point, Tag("quotient"))?;
            self.invert(&mut inverses)?;
            let kernel = Kernel::DeepQuotient;
            // SAFETY: the arguments of `deep_quotient`; columns, inverses and `out` have `n` rows.
            unsafe {
                self.context.launch(
                    kernel,
                    kernel.grid(n as u64),
                    0,
                    arguments![
                        fractions.address(),
                        n_fractions,
                        terms.address(),
                        inverses.address(0),
                        out.values().address(0),
                        n as u64,
                    ],
                )?;
            }
        }
        self.ticket()
    }
}
