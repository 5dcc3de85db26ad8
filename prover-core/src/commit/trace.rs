//! The prover's side of a trace commitment: the trace is extended and committed coset by coset.

use super::blocks::Blocks;
use super::table::{CommittedTable, TableCommitter};
use crate::channel::ProverChannel;
use crate::parameters::Parameters;
use crate::tags::EXTENSION;
use quarry_kernels::domain::bit_reverse;
use quarry_kernels::{Backend, BitReversed, Columns, Coset, DeviceError, Felt, Natural, TableView, Ticket};
use std::collections::BTreeSet;
use std::ops::Deref;

/// The cosets of an evaluation domain in committed order: coset `i` has the shift
/// `offset * w^bit_reverse(i)`, `w` generating the subgroup of order `2^(log_len + log_cosets)`.
#[derive(Clone, Debug)]
pub struct Cosets {
    /// The shift of every coset.
    pub shifts: Vec<Felt>,
    /// Logarithm of the length of a coset.
    pub log_len: u32,
}

impl Cosets {
    /// `2^log_cosets` cosets of `2^log_len` points each.
    pub fn new(offset: Felt, log_len: u32, log_cosets: u32) -> Self {
        let domain = Coset {
            shift: offset,
            log_len: log_len + log_cosets,
        };
        let shifts = (0..1 << log_cosets)
            .map(|i| domain.point(bit_reverse(i, log_cosets)))
            .collect();
        Self { shifts, log_len }
    }

    /// Logarithm of the number of cosets.
    pub fn log_cosets(&self) -> u32 {
        self.shifts.len().ilog2()
    }

    /// The point of committed row `row`.
    pub fn point(&self, row: usize) -> Felt {
        let (coset, local) = (row >> self.log_len, row & ((1 << self.log_len) - 1));
        Coset {
            shift: self.shifts[coset],
            log_len: self.log_len,
        }
        .point(bit_reverse(local, self.log_len))
    }
}

/// A trace whose low-degree extension is committed. The first cosets of the extension may be kept; the others are
/// evaluated again when they are needed.
pub struct CommittedTrace<D: Backend> {
    /// The columns' coefficients.
    pub coefficients: Columns<D, BitReversed>,
    kept: Vec<Columns<D, Natural>>,
    table: CommittedTable<D>,
}

/// The columns of a trace on one coset.
pub enum Extension<'a, D: Backend> {
    /// Kept since the commitment.
    Kept(&'a Columns<D, Natural>),
    /// Evaluated again.
    Evaluated(Columns<D, Natural>),
}

impl<D: Backend> Deref for Extension<'_, D> {
    type Target = Columns<D, Natural>;

    fn deref(&self) -> &Self::Target {
        match self {
            Extension::Kept(columns) => columns,
            Extension::Evaluated(columns) => columns,
        }
    }
}

impl<D: Backend> CommittedTrace<D> {
    /// Commits to the evaluations of columns on every coset and sends the root; keeps the evaluations on the first
    /// `n_kept` cosets. `after_coset` gets the ticket of every coset and can stop the work with an error.
    ///
    /// # Errors
    /// What the device or `after_coset` reports.
    pub fn commit(
        device: &D,
        parameters: &Parameters,
        coefficients: Columns<D, BitReversed>,
        cosets: &Cosets,
        n_kept: usize,
        channel: &mut ProverChannel,
        mut after_coset: impl FnMut(Ticket) -> Result<(), DeviceError>,
    ) -> Result<Self, DeviceError> {
        let (n_columns, log_len) = (coefficients.n_columns(), coefficients.log_len());
        let mut table = TableCommitter::new(device, parameters, n_columns, log_len, cosets.log_cosets())?;
        let mut kept = Vec::with_capacity(n_kept);
        let mut scratch = None;
        for (index, &shift) in cosets.shifts.iter().enumerate() {
            let mut evaluations = match scratch.take() {
                Some(evaluations) => evaluations,
                None => Columns::zeros(device, n_columns, log_len, EXTENSION)?,
            };
            device
                .evaluate_coset(&coefficients, shift, &mut evaluations)?
                .detach();
            after_coset(table.add_segment(device, index, &TableView::of_trace(&evaluations))?)?;
            if index < n_kept {
                kept.push(evaluations);
            } else {
                scratch = Some(evaluations);
            }
        }
        drop(scratch);
        let table = table.commit(device, channel)?;
        Ok(Self {
            coefficients,
            kept,
            table,
        })
    }

    /// The columns' evaluations on coset `index`.
    ///
    /// # Errors
    /// What the device reports.
    pub fn extension(
        &self,
        device: &D,
        cosets: &Cosets,
        index: usize,
    ) -> Result<Extension<'_, D>, DeviceError> {
        if let Some(kept) = self.kept.get(index) {
            return Ok(Extension::Kept(kept));
        }
        let (n_columns, log_len) = (self.coefficients.n_columns(), self.coefficients.log_len());
        let mut evaluations = Columns::zeros(device, n_columns, log_len, EXTENSION)?;
        device
            .evaluate_coset(&self.coefficients, cosets.shifts[index], &mut evaluations)?
            .detach();
        Ok(Extension::Evaluated(evaluations))
    }

    /// Drops the kept cosets.
    pub fn forget_kept(&mut self) {
        self.kept.clear();
    }

    /// Opens whole rows; consumes the trace.
    ///
    /// # Errors
    /// What the device reports.
    pub fn decommit(
        self,
        device: &D,
        channel: &mut ProverChannel,
        cosets: &Cosets,
        rows: impl IntoIterator<Item = u64>,
    ) -> Result<(), DeviceError> {
        let Self {
            coefficients, table, ..
        } = self;
        let blocks = Blocks {
            device,
            cosets,
            log_rows: table.log_block_rows(),
        };
        table.decommit(device, channel, rows, &BTreeSet::new(), |indices| {
            blocks.evaluate(coefficients, indices)
        })
    }
}
