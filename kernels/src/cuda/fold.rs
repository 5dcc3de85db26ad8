//! Folding, with one thread per pair of opposite points.

use super::buffer::Allocation;
use super::kernels::{Grid, Kernel, arguments};
use super::{CudaDevice, SCRATCH};
use crate::columns::{Columns, Natural};
use crate::device::{DeviceError, Tag, Ticket, check_shape};
use crate::felt::Felt;
use crate::ops::{FoldOps, check_split, half_len};
use ark_ff::Field;

impl FoldOps for CudaDevice {
    fn fold(
        &self,
        layer: &Columns<Self, Natural>,
        shifts: &[Felt],
        point: Felt,
    ) -> Result<Columns<Self, Natural>, DeviceError> {
        check_shape("fold", "shifts", layer.n_columns(), shifts.len())?;
        let half = half_len("fold", layer)? as u64;
        let out = Columns::unwritten(self, layer.n_columns(), layer.log_len() - 1, Tag("FRI layer"))?;
        let factor = |shift: &Felt| point * shift.inverse().unwrap_or_default();
        let factors: Vec<Felt> = shifts.iter().map(factor).collect();
        if factors.is_empty() {
            return Ok(out);
        }
        let factors = Allocation::upload(&self.context, &factors, SCRATCH)?;
        let table = self.roots(layer.log_len())?;
        let kernel = Kernel::Fold;
        let grid = Grid {
            y: shifts.len() as u64,
            ..kernel.grid(half)
        };
        let (from, to) = (layer.values().address(0), out.values().address(0));
        // SAFETY: the arguments of `fold`; columns of `layer` have `2 half` elements, those of `out` `half`.
        unsafe {
            self.context.launch(
                kernel,
                grid,
                0,
                arguments![from, factors.address(), to, half, table.roots],
            )?;
        }
        Ok(out)
    }

    fn split_even_odd(
        &self,
        column: &Columns<Self, Natural>,
        shift: Felt,
        phase: usize,
        out: &mut Columns<Self, Natural>,
    ) -> Result<Ticket, DeviceError> {
        let half = check_split(column, phase, out)? as u64;
        let one_half = Felt::from(2u64).inverse().unwrap_or_default();
        let factor = one_half * shift.inverse().unwrap_or_default();
        let table = self.roots(column.log_len())?;
        let kernel = Kernel::SplitEvenOdd;
        let (from, to) = (column.values().address(0), out.values().address(0));
        // SAFETY: the arguments of `split_even_odd`; `column` has `2 half` elements, `out` twice as many.
        unsafe {
            self.context.launch(
                kernel,
                kernel.grid(half),
                0,
                arguments![from, to, half, phase as u32, one_half, factor, table.roots],
            )?;
        }
        self.ticket()
    }
}
