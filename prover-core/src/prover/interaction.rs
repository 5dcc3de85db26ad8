//! The interaction columns, computed from a few columns of the first trace.

use super::ProveError;
use crate::cairo::air::CairoAir;
use crate::tags;
use quarry_kernels::ops::VirtualColumn;
use quarry_kernels::{Backend, Columns, Felt, Natural};

/// The columns of the first trace that the interaction columns are computed from.
pub(super) struct ScannedColumns<D: Backend> {
    /// Their indices in the first trace, ascending.
    pub(super) indices: Vec<usize>,
    /// The columns, in that order.
    pub(super) columns: Columns<D, Natural>,
}

impl<D: Backend> ScannedColumns<D> {
    /// Uploads the columns of a trace that is on the host.
    pub(super) fn upload(device: &D, air: &CairoAir, trace: &[Vec<Felt>]) -> Result<Self, ProveError> {
        let indices = air.scanned_columns()?;
        let columns: Vec<_> = indices.iter().map(|&index| trace[index].clone()).collect();
        let log_len = air.air.trace_length.ilog2();
        let columns = Columns::upload(device, &columns, log_len, tags::SCANNED)?;
        Ok(Self { indices, columns })
    }

    /// The interaction columns for the elements that the verifier drew.
    pub(super) fn interaction(
        self,
        device: &D,
        air: &CairoAir,
        elements: &[Felt],
    ) -> Result<Columns<D, Natural>, ProveError> {
        let n_columns = air.air.n_columns[1];
        let log_len = self.columns.log_len();
        let mut out = Columns::zeros(device, n_columns, log_len, tags::INTERACTION)?;
        let place = |part: &mut VirtualColumn| {
            part.column = self.indices.partition_point(|&index| index < part.column);
        };
        for (mut scan, target) in air.scans(elements)? {
            scan.columns_mut().into_iter().for_each(place);
            scan.run(device, &self.columns, &mut out, target)?.detach();
        }
        Ok(out)
    }
}
