//! Geometric sequences on the device, used by other operations.

use super::kernels::{Kernel, Parameters};
use super::{WgpuBuffer, WgpuDevice};
use crate::device::{DeviceError, Tag};
use crate::felt::Felt;
use crate::launch::tables::log_low;

impl WgpuDevice {
    /// The points `shift * g^i`, minus `minus`.
    pub(super) fn points_less(
        &self,
        shift: Felt,
        log_len: u32,
        minus: Felt,
        tag: Tag,
    ) -> Result<WgpuBuffer<Felt>, DeviceError> {
        let out = WgpuBuffer::zeroed(&self.context, 1 << log_len, tag)?;
        let roots = self.roots(log_len)?;
        for piece in out.memory.pieces::<Felt>(0..1 << log_len) {
            let parameters = Parameters::default().felt(&shift).felt(&minus).words(&[
                piece.first as u32,
                piece.len as u32,
                log_low(log_len),
            ]);
            let buffers = [roots.buffer(), piece.buffer];
            self.launch(Kernel::Powers, &parameters, &buffers, piece.len)?;
        }
        Ok(out)
    }
}
