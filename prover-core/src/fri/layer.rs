//! A FRI layer on the prover's side.

use crate::channel::ProverChannel;
use crate::commit::blocks::Blocks;
use crate::commit::table::{CommittedTable, TableCommitter};
use crate::commit::trace::Cosets;
use crate::parameters::Parameters;
use crate::tags::{FRI_COSET, FRI_LAYER};
use quarry_kernels::domain::bit_reverse;
use quarry_kernels::{Backend, BitReversed, Columns, DeviceError, Felt, Natural, TableView};

/// The evaluations of a layer.
pub(super) enum Layer<D: Backend> {
    /// The first layer, which would need as many columns as there are cosets. Only its polynomial is kept, and each
    /// coset is evaluated again when it is needed.
    Polynomial(Columns<D, BitReversed>),
    /// One column per coset.
    Values(Columns<D, Natural>),
}

impl<D: Backend> Layer<D> {
    pub(super) fn log_len(&self) -> u32 {
        match self {
            Self::Polynomial(polynomial) => polynomial.log_len(),
            Self::Values(values) => values.log_len(),
        }
    }

    /// Folds `step > 0` times. `shifts` are those of the cosets in FRI's domain, and are updated to the folded domain.
    pub(super) fn fold(
        &self,
        device: &D,
        cosets: &Cosets,
        shifts: &mut [Felt],
        point: Felt,
        step: u32,
    ) -> Result<Self, DeviceError> {
        let polynomial = match self {
            Self::Values(values) => return Ok(Self::Values(fold(device, values, shifts, point, step)?)),
            Self::Polynomial(polynomial) => polynomial,
        };
        let log_len = polynomial.log_len() - step;
        let mut folded = Columns::zeros(device, shifts.len(), log_len, FRI_LAYER)?;
        for (i, shift) in shifts.chunks_mut(1).enumerate() {
            let coset = evaluate(device, polynomial, cosets.shifts[i])?;
            let coset = fold(device, &coset, shift, point, step)?;
            device
                .copy(coset.values(), 0..1 << log_len, folded.values_mut(), i << log_len)?
                .detach();
        }
        Ok(Self::Values(folded))
    }

    /// Commits to the layer as a table of rows of `2^log_row` evaluations.
    pub(super) fn commit(
        &self,
        device: &D,
        parameters: &Parameters,
        cosets: &Cosets,
        log_row: u32,
        channel: &mut ProverChannel,
    ) -> Result<CommittedTable<D>, DeviceError> {
        let log_rows = self.log_len() - log_row;
        let mut table = TableCommitter::new(device, parameters, 1 << log_row, log_rows, cosets.log_cosets())?;
        for (i, &shift) in cosets.shifts.iter().enumerate() {
            match self {
                Self::Polynomial(polynomial) => {
                    let coset = evaluate(device, polynomial, shift)?;
                    table
                        .add_segment(device, i, &TableView::of_fri_layer(&coset, 0, log_row))?
                        .detach();
                }
                Self::Values(values) => {
                    table
                        .add_segment(device, i, &TableView::of_fri_layer(values, i, log_row))?
                        .detach();
                }
            }
        }
        table.commit(device, channel)
    }

    /// The first coset's evaluations.
    pub(super) fn first_coset(
        &self,
        device: &D,
        cosets: &Cosets,
    ) -> Result<Columns<D, Natural>, DeviceError> {
        match self {
            Self::Polynomial(polynomial) => evaluate(device, polynomial, cosets.shifts[0]),
            Self::Values(values) => {
                let log_len = values.log_len();
                let mut first = Columns::zeros(device, 1, log_len, FRI_COSET)?;
                device
                    .copy(values.values(), 0..1 << log_len, first.values_mut(), 0)?
                    .detach();
                Ok(first)
            }
        }
    }

    /// The evaluations of blocks, concatenated, in committed order.
    pub(super) fn evaluations(
        self,
        blocks: &Blocks<'_, D>,
        indices: &[usize],
    ) -> Result<Vec<Felt>, DeviceError> {
        match self {
            Self::Polynomial(polynomial) => blocks.evaluate(polynomial, indices),
            Self::Values(values) => {
                let log_len = values.log_len();
                let place = |i: usize| {
                    let (coset, local) = (i >> log_len, i & ((1 << log_len) - 1));
                    (coset << log_len) + bit_reverse(local, log_len)
                };
                let elements = |block: &usize| block << blocks.log_rows..(block + 1) << blocks.log_rows;
                let places: Vec<usize> = indices.iter().flat_map(elements).map(place).collect();
                blocks.device.gather(values.values(), &places)?.wait()
            }
        }
    }
}

/// Folds columns on the cosets of `shifts` `step > 0` times, and squares the shifts each time.
fn fold<D: Backend>(
    device: &D,
    values: &Columns<D, Natural>,
    shifts: &mut [Felt],
    mut point: Felt,
    step: u32,
) -> Result<Columns<D, Natural>, DeviceError> {
    let mut folded = device.fold(values, shifts, point)?;
    for _ in 1..step {
        shifts.iter_mut().for_each(|shift| *shift *= *shift);
        point *= point;
        folded = device.fold(&folded, shifts, point)?;
    }
    shifts.iter_mut().for_each(|shift| *shift *= *shift);
    Ok(folded)
}

/// Evaluates a polynomial on one coset.
fn evaluate<D: Backend>(
    device: &D,
    polynomial: &Columns<D, BitReversed>,
    shift: Felt,
) -> Result<Columns<D, Natural>, DeviceError> {
    let mut values = Columns::zeros(device, 1, polynomial.log_len(), FRI_COSET)?;
    device.evaluate_coset(polynomial, shift, &mut values)?.detach();
    Ok(values)
}
