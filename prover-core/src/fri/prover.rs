//! The prover's side of FRI: layers are folded and committed coset by coset.

use super::layer::Layer;
use crate::channel::ProverChannel;
use crate::commit::blocks::Blocks;
use crate::commit::table::CommittedTable;
use crate::commit::trace::Cosets;
use crate::parameters::Parameters;
use quarry_kernels::domain::bit_reverse;
use quarry_kernels::{Backend, BitReversed, Columns, DeviceError, Felt};
use std::collections::BTreeSet;

/// The committed layers of a FRI proof.
pub struct FriProver<'a, D: Backend> {
    parameters: &'a Parameters,
    cosets: &'a Cosets,
    layers: Vec<CommittedLayer<D>>,
}

/// A layer and its commitment.
struct CommittedLayer<D: Backend> {
    layer: Layer<D>,
    table: CommittedTable<D>,
    /// Logarithm of a table row's length: the step by which this layer is folded next.
    log_row: u32,
}

impl<'a, D: Backend> FriProver<'a, D> {
    /// Runs the commitment phase. `first` is the polynomial of the first layer on `cosets`. Sends the roots of the
    /// layers and the coefficients of the last one.
    ///
    /// # Errors
    /// What the device or `after_layer` reports.
    pub fn commit(
        device: &D,
        parameters: &'a Parameters,
        first: Columns<D, BitReversed>,
        cosets: &'a Cosets,
        channel: &mut ProverChannel,
        mut after_layer: impl FnMut() -> Result<(), DeviceError>,
    ) -> Result<Self, DeviceError> {
        let steps = &parameters.fri.fri_step_list;
        let mut layers = Vec::with_capacity(steps.len());
        // FRI does not use the offset of the evaluation domain: its own domain has offset 1.
        let mut shifts = Cosets::new(Felt::from(1u64), cosets.log_len, cosets.log_cosets()).shifts;
        let mut current = Layer::Polynomial(first);
        let mut table = None;
        channel.enter("Commitment");
        for (i, &step) in steps.iter().enumerate() {
            channel.enter(&format!("Layer {}", i + 1));
            if step > 0 {
                let point = channel.draw_felt("Evaluation point");
                let folded = current.fold(device, cosets, &mut shifts, point, step)?;
                let layer = std::mem::replace(&mut current, folded);
                layers.extend(table.take().map(|table| CommittedLayer {
                    layer,
                    table,
                    log_row: step,
                }));
            }
            if let Some(&log_row) = steps.get(i + 1) {
                table = Some(current.commit(device, parameters, cosets, log_row, channel)?);
            }
            channel.exit();
            after_layer()?;
        }
        send_last_layer(device, &current, cosets, &shifts, channel)?;
        channel.exit();
        Ok(Self {
            parameters,
            cosets,
            layers,
        })
    }

    /// Opens every committed layer at the sorted queries, which index the domain after the first step.
    ///
    /// # Errors
    /// What the device reports.
    pub fn decommit(
        self,
        device: &D,
        queries: &[u64],
        channel: &mut ProverChannel,
    ) -> Result<(), DeviceError> {
        let steps = &self.parameters.fri.fri_step_list;
        let mut shift = 0;
        for (i, layer) in self.layers.into_iter().enumerate() {
            channel.enter(&format!("Layer {}", i + 1));
            if i > 0 {
                shift += steps[i];
            }
            let CommittedLayer {
                layer,
                table,
                log_row,
            } = layer;
            let cell = |query: &u64| {
                let index = query >> shift;
                (index >> log_row, (index & ((1 << log_row) - 1)) as usize)
            };
            let known: BTreeSet<_> = queries.iter().map(cell).collect();
            let rows = known.iter().map(|&(row, _)| row);
            let blocks = Blocks {
                device,
                cosets: self.cosets,
                log_rows: table.log_block_rows() + log_row,
            };
            table.decommit(device, channel, rows, &known, |indices| {
                layer.evaluations(&blocks, indices)
            })?;
            channel.exit();
        }
        Ok(())
    }
}

/// The last layer is a polynomial of degree below its length on one coset: the first coset's evaluations give
/// all its coefficients.
fn send_last_layer<D: Backend>(
    device: &D,
    layer: &Layer<D>,
    cosets: &Cosets,
    shifts: &[Felt],
    channel: &mut ProverChannel,
) -> Result<(), DeviceError> {
    let log_len = layer.log_len();
    let first = layer.first_coset(device, cosets)?;
    let coefficients = device.interpolate(first, shifts[0])?.download(device, 0)?;
    let natural: Vec<Felt> = (0..coefficients.len())
        .map(|i| coefficients[bit_reverse(i, log_len)])
        .collect();
    channel.enter("Last Layer");
    channel.send_felts(&natural, "Coefficients");
    channel.exit();
    Ok(())
}
