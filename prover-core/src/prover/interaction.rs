//! The interaction columns, computed from a few columns of the first trace.

use super::ProveError;
use crate::cairo::air::{CairoAir, CairoAirError};
use crate::memory_plan;
use quarry_kernels::ops::VirtualColumn;
use quarry_kernels::{Backend, Columns, Felt, Natural};

/// The columns of the first trace that the interaction columns are computed from.
pub(super) struct ScannedColumns {
    /// Which they are, ascending.
    indices: Vec<usize>,
    columns: Vec<Vec<Felt>>,
}

impl ScannedColumns {
    pub(super) fn keep(air: &CairoAir, trace: &[Vec<Felt>]) -> Result<Self, CairoAirError> {
        let indices = air.scanned_columns()?;
        let columns = indices.iter().map(|&index| trace[index].clone()).collect();
        Ok(Self { indices, columns })
    }

    pub(super) fn interaction<D: Backend>(
        self,
        device: &D,
        air: &CairoAir,
        elements: &[Felt],
        log_len: u32,
    ) -> Result<Columns<D, Natural>, ProveError> {
        let columns = Columns::upload(device, &self.columns, log_len, memory_plan::SCANNED)?;
        let mut out = Columns::zeros(device, air.air.n_columns[1], log_len, memory_plan::INTERACTION)?;
        let place = |part: &mut VirtualColumn| {
            part.column = self.indices.partition_point(|&index| index < part.column);
        };
        for (mut scan, target) in air.scans(elements)? {
            scan.columns_mut().into_iter().for_each(place);
            scan.run(device, &columns, &mut out, target)?.detach();
        }
        Ok(out)
    }
}
