//! Folding, with one invocation per pair of opposite points.

use super::WgpuDevice;
use super::kernels::{Kernel, Parameters, WORKGROUP};
use super::memory::Allocation;
use crate::columns::{Columns, Natural};
use crate::device::{DeviceError, Tag, Ticket, check_shape};
use crate::felt::Felt;
use crate::launch::tables::log_low;
use crate::ops::{FoldOps, check_split, half_len};
use ark_ff::Field;

impl FoldOps for WgpuDevice {
    fn fold(
        &self,
        layer: &Columns<Self, Natural>,
        shifts: &[Felt],
        point: Felt,
    ) -> Result<Columns<Self, Natural>, DeviceError> {
        check_shape("fold", "shifts", layer.n_columns(), shifts.len())?;
        let half = half_len("fold", layer)?;
        let (n_columns, log_len) = (layer.n_columns(), layer.log_len());
        let out = Columns::zeros(self, n_columns, log_len - 1, Tag("FRI layer"))?;
        let factor = |shift: &Felt| point * shift.inverse().unwrap_or_default();
        let factors: Vec<Felt> = shifts.iter().map(factor).collect();
        let factors = Allocation::upload(&self.context, &factors, super::SCRATCH)?;
        let roots = self.roots(log_len)?;
        // As many whole columns as fit in a chunk, or parts of one column.
        let chunk_len = self.chunk_len();
        let columns_at_once = (chunk_len / (2 * half)).max(1);
        let n = half.min(chunk_len);
        for column in (0..n_columns).step_by(columns_at_once) {
            let n_layers = columns_at_once.min(n_columns - column);
            for first in (0..half).step_by(n) {
                let from = &layer.values().memory;
                let low = from.piece::<Felt>(column * 2 * half + first, n)?;
                let high = from.piece::<Felt>(column * 2 * half + half + first, n)?;
                let to = out.values().memory.piece::<Felt>(column * half + first, n)?;
                let parameters = Parameters::default()
                    .felt(&Felt::default())
                    .felt(&Felt::default())
                    .words(&[low.start, high.start, to.start])
                    .words(&[first as u32, n as u32, 2 * half as u32, half as u32])
                    .words(&[column as u32, log_low(log_len), log_len]);
                self.context.launch(
                    Kernel::Fold,
                    parameters.bytes(),
                    &[
                        roots.whole()?,
                        factors.whole()?,
                        low.buffer,
                        high.buffer,
                        to.buffer,
                    ],
                    n.div_ceil(WORKGROUP) as u64,
                    n_layers,
                )?;
            }
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
        let half = check_split(column, phase, out)?;
        let log_len = column.log_len();
        let one_half = Felt::from(2u64).inverse().unwrap_or_default();
        let factor = one_half * shift.inverse().unwrap_or_default();
        let roots = self.roots(log_len)?;
        let n = half.min(self.chunk_len() / 2);
        for odd in [0, 1] {
            for first in (0..half).step_by(n) {
                let from = &column.values().memory;
                let low = from.piece::<Felt>(first, n)?;
                let high = from.piece::<Felt>(half + first, n)?;
                let to = 2 * (odd * half + first);
                let to = out.values().memory.piece::<Felt>(to, 2 * n)?;
                let parameters = Parameters::default()
                    .felt(&factor)
                    .felt(&one_half)
                    .words(&[low.start, high.start, to.start + phase as u32])
                    .words(&[first as u32, n as u32, 0, 0])
                    .words(&[0, log_low(log_len), log_len, odd as u32]);
                let nothing = &self.context.nothing;
                let buffers = [roots.whole()?, nothing, low.buffer, high.buffer, to.buffer];
                self.launch(Kernel::Split, &parameters, &buffers, n)?;
            }
        }
        Ok(self.ticket())
    }
}
