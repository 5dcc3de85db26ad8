//! The prover's side of a table commitment: the table is hashed segment by segment, and only the upper layers of its
//! tree are kept.

use super::{Level, Opening, Rows, TableShape, leaves, parents};
use crate::channel::ProverChannel;
use crate::parameters::Parameters;
use crate::tags::{SEGMENT, TREE};
use quarry_kernels::ops::MerkleTree;
use quarry_kernels::{Backend, DeviceError, Felt, Hash, TableView, Ticket};
use std::collections::BTreeSet;

/// A block is a subtree that is hashed again when one of its rows is opened. A block has four leaves for every segment,
/// so the kept layers have half as many nodes as one segment has leaves, however many segments there are.
const LOG_BLOCK_LEAVES_PER_SEGMENT: u32 = 2;

/// The numbers of nodes of the two trees that a commitment to such a table holds: the tree of one of its
/// `2^log_segments` segments, during the commitment, and the layers that are kept.
pub fn tree_nodes(shape: TableShape, log_segments: u32) -> [usize; 2] {
    [
        2 << (shape.height() - log_segments),
        2 << log_top_leaves(shape, log_segments),
    ]
}

/// Logarithm of the number of blocks.
fn log_top_leaves(shape: TableShape, log_segments: u32) -> u32 {
    let log_segment_leaves = shape.height() - log_segments;
    shape.height() - log_segment_leaves.min(log_segments + LOG_BLOCK_LEAVES_PER_SEGMENT)
}

/// A table under commitment: its segments (cosets) become contiguous subtrees of one Merkle tree.
pub struct TableCommitter<D: Backend> {
    shape: TableShape,
    log_segments: u32,
    /// The hash of every depth.
    layer_hash: Vec<Hash>,
    /// The tree of one segment.
    segment: MerkleTree<D>,
    /// The layers above the blocks.
    top: MerkleTree<D>,
}

impl<D: Backend> TableCommitter<D> {
    /// Allocates memory for a table of `2^(log_segments + log_segment_rows)` rows.
    ///
    /// # Errors
    /// What the device reports.
    pub fn new(
        device: &D,
        parameters: &Parameters,
        n_columns: usize,
        log_segment_rows: u32,
        log_segments: u32,
    ) -> Result<Self, DeviceError> {
        let shape = TableShape {
            n_columns,
            log_rows: log_segments + log_segment_rows,
        };
        Ok(Self {
            shape,
            log_segments,
            layer_hash: parameters.commitment_hashes.layers(shape.height()),
            segment: MerkleTree::empty(device, shape.height() - log_segments, SEGMENT)?,
            top: MerkleTree::empty(device, log_top_leaves(shape, log_segments), TREE)?,
        })
    }

    /// Hashes segment `index` up to the root of its subtree; returns the ticket of the whole segment.
    ///
    /// # Errors
    /// What the device reports.
    pub fn add_segment(
        &mut self,
        device: &D,
        index: usize,
        table: &TableView<'_, D>,
    ) -> Result<Ticket, DeviceError> {
        let segment = &mut self.segment;
        let hashes = &self.layer_hash[self.log_segments as usize..];
        device
            .hash_rows(hashes[segment.log_leaves as usize], table, segment, 0)?
            .detach();
        device
            .hash_subtree(hashes, segment, 0, segment.log_leaves)?
            .detach();
        let root = (1 << self.log_segments) + index;
        let mut done = Ticket::ready();
        for depth in 0..=self.top.log_leaves - self.log_segments {
            let nodes = 1 << depth..2 << depth;
            done = device.copy(&segment.nodes, nodes, &mut self.top.nodes, root << depth)?;
        }
        Ok(done)
    }

    /// Hashes the layers above the segments and sends the root.
    ///
    /// # Errors
    /// What the device reports.
    pub fn commit(
        mut self,
        device: &D,
        channel: &mut ProverChannel,
    ) -> Result<CommittedTable<D>, DeviceError> {
        device
            .hash_top(&self.layer_hash, &mut self.top, self.log_segments)?
            .detach();
        let root = device.download(&self.top.nodes, 1..2)?.wait()?;
        channel.send_commitment(&root[0]);
        Ok(CommittedTable {
            shape: self.shape,
            layer_hash: self.layer_hash,
            top: self.top,
        })
    }
}

/// A table whose root has been sent.
pub struct CommittedTable<D: Backend> {
    shape: TableShape,
    layer_hash: Vec<Hash>,
    top: MerkleTree<D>,
}

impl<D: Backend> CommittedTable<D> {
    /// Logarithm of the number of rows in a block: to open a row, all rows of its block are needed.
    pub fn log_block_rows(&self) -> u32 {
        self.shape.log_rows - self.top.log_leaves
    }

    /// Sends the opening of `rows`, without the elements `known`, which the verifier computes itself. `fetch` returns
    /// the rows of the given blocks, concatenated: block `b` begins at row `b << log_block_rows`.
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
        let rows = self.block_rows(&opening, fetch)?;
        for &(row, column) in &opening.elements {
            channel.send_row_element(&rows[&row][column], row, column);
        }
        for row in &opening.package_rows {
            channel.send_package_element(&rows[row][0], *row);
        }
        let below = self.below(&rows);
        let (lower, upper): (Vec<u64>, Vec<u64>) =
            opening.nodes.iter().partition(|node| below.contains_key(node));
        for node in lower {
            channel.send_node(&below[&node], node);
        }
        let indices: Vec<usize> = upper.iter().map(|&node| node as usize).collect();
        let digests = device.gather(&self.top.nodes, &indices)?.wait()?;
        for (digest, node) in digests.iter().zip(upper) {
            channel.send_node(digest, node);
        }
        Ok(())
    }

    /// All rows of the blocks that contain an opened row.
    fn block_rows(
        &self,
        opening: &Opening,
        fetch: impl FnOnce(&[usize]) -> Result<Vec<Felt>, DeviceError>,
    ) -> Result<Rows, DeviceError> {
        let log_rows = self.log_block_rows();
        let blocks: BTreeSet<u64> = opening.rows.iter().map(|row| row >> log_rows).collect();
        let indices: Vec<usize> = blocks.iter().map(|&block| block as usize).collect();
        let values = fetch(&indices)?;
        let rows = blocks
            .iter()
            .flat_map(|block| block << log_rows..(block + 1) << log_rows);
        Ok(rows
            .zip(values.chunks_exact(self.shape.n_columns).map(<[Felt]>::to_vec))
            .collect())
    }

    /// The nodes of the blocks, below the kept layers.
    fn below(&self, rows: &Rows) -> Level {
        let hash = |depth: u32| self.layer_hash[depth as usize];
        let mut level = leaves(self.shape, hash(self.shape.height()), rows);
        let mut below = Level::new();
        for depth in (self.top.log_leaves..self.shape.height()).rev() {
            let above = parents(hash(depth), &level);
            below.append(&mut level);
            level = above;
        }
        below
    }
}
