//! Reading selected rows and elements.

use super::{CpuBuffer, CpuDevice};
use crate::device::{DeviceError, Element, Pending, check_range};
use crate::ops::GatherOps;

impl GatherOps for CpuDevice {
    fn gather<T: Element>(
        &self,
        from: &CpuBuffer<T>,
        indices: &[usize],
    ) -> Result<Pending<Vec<T>>, DeviceError> {
        let from = from.as_slice();
        let gathered = indices.iter().map(|index| {
            check_range("gather", *index, 1, from.len())?;
            Ok(from[*index])
        });
        Ok(Pending::ready(gathered.collect::<Result<_, DeviceError>>()?))
    }
}
