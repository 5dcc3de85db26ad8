//! The proving side: layers folded and committed coset by coset.

use crate::channel::ProverChannel;
use crate::commit::table::{CommittedTable, TableCommitter};
use crate::commit::trace::Cosets;
use crate::params::Parameters;
use quarry_kernels::domain::bit_reverse;
use quarry_kernels::{Backend, Columns, DeviceError, Felt, Natural, TableView, Tag};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The committed layers of a FRI proof.
pub struct FriProver<'a, D: Backend> {
    params: &'a Parameters,
    layers: Vec<CommittedLayer<D>>,
}

/// A layer and its commitment. The layer has one column a coset, in natural order.
struct CommittedLayer<D: Backend> {
    values: Arc<Columns<D, Natural>>,
    table: CommittedTable<D>,
    /// Logarithm of a table row's length: the step by which this layer is folded next.
    log_row: u32,
}

impl<'a, D: Backend> FriProver<'a, D> {
    /// The commitment phase. `first` holds the first layer, one column a coset of `cosets` (whose offset is 1
    /// here: FRI's own domain). Sends the roots of the layers and the coefficients of the last one.
    ///
    /// # Errors
    /// What the device or `after_layer` reports.
    pub fn commit(
        device: &D,
        params: &'a Parameters,
        first: Columns<D, Natural>,
        cosets: &Cosets,
        channel: &mut ProverChannel,
        mut after_layer: impl FnMut() -> Result<(), DeviceError>,
    ) -> Result<Self, DeviceError> {
        let steps = &params.fri.fri_step_list;
        let mut layers = Vec::with_capacity(steps.len());
        let mut shifts = cosets.shifts.clone();
        let mut current = Arc::new(first);
        channel.enter("Commitment");
        for (i, &step) in steps.iter().enumerate() {
            channel.enter(&format!("Layer {}", i + 1));
            if step > 0 {
                let mut point = channel.draw_felt("Evaluation point");
                for _ in 0..step {
                    current = Arc::new(device.fold(&current, &shifts, point)?);
                    shifts.iter_mut().for_each(|shift| *shift *= *shift);
                    point *= point;
                }
            }
            if let Some(&log_row) = steps.get(i + 1) {
                let log_rows = current.log_len() - log_row;
                let n_columns = 1 << log_row;
                let mut table = TableCommitter::new(
                    device,
                    params,
                    n_columns,
                    log_rows,
                    cosets.log_cosets(),
                    Tag("FRI tree"),
                )?;
                for coset in 0..shifts.len() {
                    table.add_segment(device, coset, &TableView::of_fri_layer(&current, coset, log_row))?;
                }
                layers.push(CommittedLayer {
                    values: Arc::clone(&current),
                    table: table.commit(device, channel)?,
                    log_row,
                });
            }
            channel.exit();
            after_layer()?;
        }
        send_last_layer(device, &current, &shifts, channel)?;
        channel.exit();
        Ok(Self { params, layers })
    }

    /// Opens every committed layer at the sorted queries, which index the domain after the first step.
    ///
    /// # Errors
    /// What the device reports.
    pub fn decommit(
        &self,
        device: &D,
        queries: &[u64],
        channel: &mut ProverChannel,
    ) -> Result<(), DeviceError> {
        let steps = &self.params.fri.fri_step_list;
        let mut shift = 0;
        for (i, layer) in self.layers.iter().enumerate() {
            channel.enter(&format!("Layer {}", i + 1));
            if i > 0 {
                shift += steps[i];
            }
            let cell = |query: &u64| {
                let index = query >> shift;
                (
                    index >> layer.log_row,
                    (index & ((1 << layer.log_row) - 1)) as usize,
                )
            };
            let known: BTreeSet<_> = queries.iter().map(cell).collect();
            let rows = known.iter().map(|&(row, _)| row);
            layer
                .table
                .decommit(device, channel, rows, &known, |blocks| layer.rows(device, blocks))?;
            channel.exit();
        }
        Ok(())
    }
}

impl<D: Backend> CommittedLayer<D> {
    /// The rows of blocks of the table.
    fn rows(&self, device: &D, blocks: &[usize]) -> Result<Vec<Felt>, DeviceError> {
        let log_block = self.table.log_block_rows();
        let rows = blocks
            .iter()
            .flat_map(|block| block << log_block..(block + 1) << log_block);
        let log_rows = self.values.log_len() - self.log_row;
        let elements = |row: usize| {
            let table = TableView::of_fri_layer(&self.values, row >> log_rows, self.log_row);
            let natural = bit_reverse(row & ((1 << log_rows) - 1), log_rows);
            table.starts.into_iter().map(move |start| start + natural)
        };
        let indices: Vec<usize> = rows.flat_map(elements).collect();
        device.gather(self.values.values(), &indices)?.wait()
    }
}

/// The last layer is a polynomial of degree below its length on one coset: the first coset's evaluations give
/// all its coefficients.
fn send_last_layer<D: Backend>(
    device: &D,
    layer: &Columns<D, Natural>,
    shifts: &[Felt],
    channel: &mut ProverChannel,
) -> Result<(), DeviceError> {
    let log_len = layer.log_len();
    let mut first = Columns::zeros(device, 1, log_len, Tag("FRI last layer"))?;
    device
        .copy(layer.values(), 0..1 << log_len, first.values_mut(), 0)?
        .detach();
    let coefficients = device.interpolate(first, shifts[0])?.download(device, 0)?;
    let natural: Vec<Felt> = (0..coefficients.len())
        .map(|i| coefficients[bit_reverse(i, log_len)])
        .collect();
    channel.enter("Last Layer");
    channel.send_felts(&natural, "Coefficients");
    channel.exit();
    Ok(())
}
