//! The interaction columns, computed from a few columns of the first trace.

use super::ProveError;
use crate::cairo::air::{CairoAir, CairoAirError};
use quarry_kernels::ops::VirtualColumn;
use quarry_kernels::{Backend, Columns, Felt, Natural, Tag};

/// The columns of the first trace that the interaction columns are computed from.
pub(super) struct ScannedColumns {
    /// Which they are, ascending.
    indices: Vec<usize>,
    columns: Vec<Vec<Felt>>,
}

impl ScannedColumns {
    pub(super) fn keep(air: &CairoAir, trace: &[Vec<Felt>]) -> Result<Self, CairoAirError> {
        let unset = vec![Felt::default(); air.n_interaction_elements()];
        let mut scans = air.scans(&unset)?;
        let parts = scans.iter_mut().flat_map(|(scan, _)| scan.columns_mut());
        let mut indices: Vec<usize> = parts.map(|part| part.column).collect();
        indices.sort_unstable();
        indices.dedup();
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
        let columns = Columns::upload(device, &self.columns, log_len, Tag("scanned columns"))?;
        let mut out = Columns::zeros(device, air.air.n_columns[1], log_len, Tag("interaction"))?;
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
