//! Geometric sequences on the device, used by other operations.

use super::kernels::{Kernel, arguments};
use super::{CudaBuffer, CudaDevice};
use crate::device::{DeviceBuffer, DeviceError, Tag};
use crate::felt::{Felt, subgroup_generator};
use ark_ff::Field;

/// Elements of a sequence that a thread writes.
const POWERS_PER_THREAD: u64 = 32;

/// `Squares` of `powers.cuh`: element `i` is `a^(2^i)`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Squares([Felt; 32]);

impl Squares {
    fn of(a: Felt) -> Self {
        let mut squares = [a; 32];
        for i in 1..squares.len() {
            squares[i] = squares[i - 1].square();
        }
        Self(squares)
    }
}

impl CudaDevice {
    /// The points `shift * g^i`, minus `minus`.
    pub(super) fn points_less(
        &self,
        shift: Felt,
        log_len: u32,
        minus: Felt,
        tag: Tag,
    ) -> Result<CudaBuffer<Felt>, DeviceError> {
        let out = CudaBuffer::unwritten(&self.context, 1 << log_len, tag)?;
        let n = out.len() as u64;
        let ratio = Squares::of(subgroup_generator(log_len));
        let grid = Kernel::Powers.grid(n.div_ceil(POWERS_PER_THREAD));
        // SAFETY: the arguments of `powers`; `out` has `n` elements.
        unsafe {
            self.context.launch(
                Kernel::Powers,
                grid,
                0,
                arguments![out.address(0), n, shift, minus, ratio],
            )?;
        };
        Ok(out)
    }
}
