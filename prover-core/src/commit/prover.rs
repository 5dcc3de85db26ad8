//! The committing side: tables hashed segment by segment, and traces committed coset by coset.

use super::{Opening, TableShape};
use crate::channel::ProverChannel;
use crate::params::Parameters;
use quarry_kernels::domain::bit_reverse;
use quarry_kernels::ops::MerkleTree;
use quarry_kernels::{
    Backend, BitReversed, Columns, Coset, DeviceError, Felt, Hash, Natural, TableView, Tag,
};
use std::collections::{BTreeMap, BTreeSet};

/// A table under commitment: its segments (cosets) become contiguous subtrees of one Merkle tree.
pub struct TableProver<D: Backend> {
    shape: TableShape,
    log_segments: u32,
    layer_hash: Vec<Hash>,
    tree: MerkleTree<D>,
}

impl<D: Backend> TableProver<D> {
    /// Takes memory for the tree of a table of `2^(log_segments + log_segment_rows)` rows.
    ///
    /// # Errors
    /// What the device reports.
    pub fn new(
        device: &D,
        params: &Parameters,
        n_columns: usize,
        log_segment_rows: u32,
        log_segments: u32,
        tag: Tag,
    ) -> Result<Self, DeviceError> {
        let shape = TableShape {
            n_columns,
            log_rows: log_segments + log_segment_rows,
        };
        let layer_hash = params.commitment_hashes.layers(shape.height());
        let tree = MerkleTree::empty(device, shape.height(), tag)?;
        Ok(Self {
            shape,
            log_segments,
            layer_hash,
            tree,
        })
    }

    /// Hashes segment `index` up to the root of its subtree.
    ///
    /// # Errors
    /// What the device reports.
    pub fn add_segment(
        &mut self,
        device: &D,
        index: usize,
        table: &TableView<'_, D>,
    ) -> Result<(), DeviceError> {
        let log_segment_leaves = self.shape.height() - self.log_segments;
        let first_leaf = index << log_segment_leaves;
        let row_hash = self.layer_hash[self.shape.height() as usize];
        device
            .hash_rows(row_hash, table, &mut self.tree, first_leaf)?
            .detach();
        device
            .hash_subtree(&self.layer_hash, &mut self.tree, first_leaf, log_segment_leaves)?
            .detach();
        Ok(())
    }

    /// Hashes the layers above the segments and sends the root.
    ///
    /// # Errors
    /// What the device reports.
    pub fn commit(&mut self, device: &D, channel: &mut ProverChannel) -> Result<(), DeviceError> {
        device
            .hash_top(&self.layer_hash, &mut self.tree, self.log_segments)?
            .detach();
        let root = device.download(&self.tree.nodes, 1..2)?.wait()?;
        channel.send_commitment(&root[0]);
        Ok(())
    }

    /// Sends what opens `rows` without the elements `known`, which the verifier computes itself. `fetch` gives rows
    /// of the table, one after the other.
    ///
    /// # Errors
    /// What the device reports.
    pub fn decommit(
        &self,
        device: &D,
        channel: &mut ProverChannel,
        rows: impl IntoIterator<Item = u64>,
        known: &BTreeSet<(u64, usize)>,
        fetch: impl FnOnce(&[usize]) -> Result<Vec<Felt>, DeviceError>,
    ) -> Result<(), DeviceError> {
        let opening = Opening::new(self.shape, rows, known);
        let n_columns = self.shape.n_columns;
        let wanted: Vec<usize> = opening
            .rows
            .iter()
            .chain(&opening.package_rows)
            .map(|&row| row as usize)
            .collect();
        let values = fetch(&wanted)?;
        let (opened, packages) = values.split_at(opening.rows.len() * n_columns);
        for &(row, column) in &opening.elements {
            let place = opening.rows.partition_point(|&opened| opened < row);
            channel.send_row_element(&opened[place * n_columns + column], row, column);
        }
        for (element, &row) in packages.iter().zip(&opening.package_rows) {
            channel.send_package_element(element, row);
        }
        let nodes: Vec<usize> = opening.nodes.iter().map(|&node| node as usize).collect();
        let digests = device.gather(&self.tree.nodes, &nodes)?.wait()?;
        for (digest, &node) in digests.iter().zip(&opening.nodes) {
            channel.send_node(digest, node);
        }
        Ok(())
    }
}

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

    /// Logarithm of their number.
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

/// A trace whose low-degree extension is committed; the extension itself is not kept.
pub struct CommittedTrace<D: Backend> {
    /// The columns' coefficients.
    pub coefficients: Columns<D, BitReversed>,
    table: TableProver<D>,
}

impl<D: Backend> CommittedTrace<D> {
    /// Interpolates columns that are given on `trace_shift * <g>`, commits to their evaluations on every coset
    /// and sends the root. `after_coset` hears of every coset done and may stop the work.
    ///
    /// # Errors
    /// What the device or `after_coset` reports.
    pub fn commit(
        device: &D,
        params: &Parameters,
        columns: Columns<D, Natural>,
        trace_shift: Felt,
        cosets: &Cosets,
        channel: &mut ProverChannel,
        mut after_coset: impl FnMut() -> Result<(), DeviceError>,
    ) -> Result<Self, DeviceError> {
        let (n_columns, log_len) = (columns.n_columns(), columns.log_len());
        let coefficients = device.interpolate(columns, trace_shift)?;
        let mut table = TableProver::new(
            device,
            params,
            n_columns,
            log_len,
            cosets.log_cosets(),
            Tag("trace tree"),
        )?;
        let mut evaluations = Columns::zeros(device, n_columns, log_len, Tag("LDE of one coset"))?;
        for (index, &shift) in cosets.shifts.iter().enumerate() {
            device
                .evaluate_coset(&coefficients, shift, &mut evaluations)?
                .detach();
            table.add_segment(device, index, &TableView::of_trace(&evaluations))?;
            after_coset()?;
        }
        table.commit(device, channel)?;
        Ok(Self { coefficients, table })
    }

    /// The columns' evaluations on one coset.
    ///
    /// # Errors
    /// What the device reports.
    pub fn evaluate(&self, device: &D, shift: Felt) -> Result<Columns<D, Natural>, DeviceError> {
        let (n_columns, log_len) = (self.coefficients.n_columns(), self.coefficients.log_len());
        let mut evaluations = Columns::zeros(device, n_columns, log_len, Tag("LDE of one coset"))?;
        device
            .evaluate_coset(&self.coefficients, shift, &mut evaluations)?
            .detach();
        Ok(evaluations)
    }

    /// Opens whole rows.
    ///
    /// # Errors
    /// What the device reports.
    pub fn decommit(
        &self,
        device: &D,
        channel: &mut ProverChannel,
        cosets: &Cosets,
        rows: impl IntoIterator<Item = u64>,
    ) -> Result<(), DeviceError> {
        let fetch = |rows: &[usize]| self.rows(device, cosets, rows);
        self.table
            .decommit(device, channel, rows, &BTreeSet::new(), fetch)
    }

    /// Rows of the extension, recomputed: a coset with many of them is evaluated again (`n log n / 2`
    /// multiplications a column), a single row point by point (`n` a column).
    fn rows(&self, device: &D, cosets: &Cosets, rows: &[usize]) -> Result<Vec<Felt>, DeviceError> {
        let (n_columns, log_len) = (self.coefficients.n_columns(), self.coefficients.log_len());
        let mut by_coset: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (position, &row) in rows.iter().enumerate() {
            by_coset.entry(row >> log_len).or_default().push(position);
        }
        let mut values = vec![Felt::default(); rows.len() * n_columns];
        for (coset, positions) in by_coset {
            let found = if positions.len() > log_len as usize / 2 {
                let evaluations = self.evaluate(device, cosets.shifts[coset])?;
                let local: Vec<usize> = positions
                    .iter()
                    .map(|&p| rows[p] & ((1 << log_len) - 1))
                    .collect();
                device
                    .gather_rows(&TableView::of_trace(&evaluations), &local)?
                    .wait()?
            } else {
                let points = positions.iter().map(|&position| cosets.point(rows[position]));
                let at: Vec<_> = points
                    .flat_map(|x| (0..n_columns).map(move |column| (column, x)))
                    .collect();
                device.evaluate_at(&self.coefficients, &at)?.wait()?
            };
            for (&position, row) in positions.iter().zip(found.chunks_exact(n_columns)) {
                values[position * n_columns..][..n_columns].copy_from_slice(row);
            }
        }
        Ok(values)
    }
}
