//! Hashing: rows in square tiles of the bit reversal, trees one layer at a time.

use super::CpuDevice;
use super::tiles::deal_runs;
use crate::columns::TableView;
use crate::device::{DeviceBuffer, DeviceError, Ticket, check_range, check_shape};
use crate::domain::bit_reverse;
use crate::felt::{self, Felt};
use crate::hash::{Digest, Hash};
use crate::ops::{HashOps, MerkleTree};
use rayon::prelude::*;
use std::ops::Range;

/// Logarithm of a tile's side, which is the length of the runs of rows read and of the runs of leaves written.
const LOG_SIDE: u32 = 3;

/// Nodes that a thread hashes at once.
const CHUNK: usize = 64;

impl HashOps for CpuDevice {
    fn hash_rows(
        &self,
        hash: Hash,
        table: &TableView<'_, Self>,
        tree: &mut MerkleTree<Self>,
        first_leaf: usize,
    ) -> Result<Ticket, DeviceError> {
        let rows = Rows::of_table(table)?;
        let leaves = check_range("hash_rows", first_leaf, 1 << rows.log_len, 1 << tree.log_leaves)?;
        let n_leaves = 1 << tree.log_leaves;
        let leaves = &mut tree.nodes.as_mut_slice()[n_leaves + leaves.start..n_leaves + leaves.end];
        self.pool.install(|| rows.hash(hash, leaves));
        Ok(Ticket::ready())
    }

    fn hash_subtree(
        &self,
        layer_hash: &[Hash],
        tree: &mut MerkleTree<Self>,
        first_leaf: usize,
        log_leaves: u32,
    ) -> Result<Ticket, DeviceError> {
        let top = tree.subtree_depth(first_leaf, log_leaves)?;
        self.hash_layers(layer_hash, tree, top..tree.log_leaves, first_leaf >> log_leaves)
    }

    fn hash_top(
        &self,
        layer_hash: &[Hash],
        tree: &mut MerkleTree<Self>,
        below_depth: u32,
    ) -> Result<Ticket, DeviceError> {
        check_range("hash_top", 0, below_depth as usize, tree.log_leaves as usize)?;
        self.hash_layers(layer_hash, tree, 0..below_depth, 0)
    }
}

impl CpuDevice {
    /// Hashes the nodes at `depths`, the deepest first, below node `root` of depth `depths.start` (`root` counts within
    /// its depth).
    fn hash_layers(
        &self,
        layer_hash: &[Hash],
        tree: &mut MerkleTree<Self>,
        depths: Range<u32>,
        root: usize,
    ) -> Result<Ticket, DeviceError> {
        check_range("hash_layers", 0, depths.end as usize, layer_hash.len())?;
        check_shape(
            "hash_layers",
            "nodes of the tree",
            2 << tree.log_leaves,
            tree.nodes.len(),
        )?;
        let nodes = tree.nodes.as_mut_slice();
        self.pool.install(|| {
            for depth in depths.clone().rev() {
                let below_root = depth - depths.start;
                let first = (1usize << depth) + (root << below_root);
                let (parents, children) = nodes.split_at_mut(2 << depth);
                let parents = &mut parents[first..first + (1 << below_root)];
                let children = &children[2 * first - (2 << depth)..][..2 * parents.len()];
                let chunks = parents.par_chunks_mut(CHUNK).zip(children.par_chunks(2 * CHUNK));
                chunks.for_each(|(parents, children)| {
                    layer_hash[depth as usize].hash_pairs_many(children, parents);
                });
            }
        });
        Ok(Ticket::ready())
    }
}

/// The rows of a table in hashing order: natural order, with leaf `bit_reverse(j)` for row `j`.
struct Rows<'a> {
    columns: Vec<&'a [Felt]>,
    log_len: u32,
    /// Whether a leaf is hashed as a pair of nodes instead of a row.
    pairs: bool,
}

impl<'a> Rows<'a> {
    fn of_table(table: &TableView<'a, CpuDevice>) -> Result<Self, DeviceError> {
        let values = table.values.as_slice();
        let pairs = table.n_columns() == 1;
        let mut log_len = table.log_rows;
        let mut starts = table.starts.clone();
        if pairs {
            // In natural order, committed rows 2k and 2k + 1 are half the column apart.
            log_len = log_len.checked_sub(1).ok_or(DeviceError::Shape {
                operation: "hash_rows",
                what: "rows of a table of one column, at least",
                expected: 2,
                got: 1,
            })?;
            starts.push(starts[0] + (1 << log_len));
        }
        let columns = starts.iter().map(|start| {
            let range = check_range("hash_rows", *start, 1 << log_len, values.len())?;
            Ok(&values[range])
        });
        Ok(Self {
            columns: columns.collect::<Result<_, DeviceError>>()?,
            log_len,
            pairs,
        })
    }

    /// Hashes all rows. With a row's index split into `high, middle, low`, a tile consists of the rows of one `middle`;
    /// their leaves have the index `rev low, rev middle, rev high`. So both rows and leaves come in runs.
    fn hash(&self, hash: Hash, leaves: &mut [Digest]) {
        let log_side = LOG_SIDE.min(self.log_len / 2);
        let log_middle = self.log_len - 2 * log_side;
        let side = 1 << log_side;
        let tiles = deal_runs(leaves, side, 1 << log_middle);
        tiles.into_par_iter().enumerate().for_each(|(middle, mut runs)| {
            let middle = bit_reverse(middle, log_middle);
            // Runs are read whole: the rows of one `middle` are so far apart that they share few sets of the cache.
            let mut bytes = vec![[0; 32]; self.columns.len() * side * side];
            for (i, column) in self.columns.iter().enumerate() {
                for high in 0..side {
                    let first = (high << (log_middle + log_side)) + (middle << log_side);
                    for (low, element) in column[first..first + side].iter().enumerate() {
                        let leaf = bit_reverse(low, log_side) * side + bit_reverse(high, log_side);
                        bytes[leaf * self.columns.len() + i] = felt::to_montgomery_bytes(element);
                    }
                }
            }
            let bytes = bytes.as_flattened();
            let mut digests = vec![Digest::default(); side * side];
            if self.pairs {
                hash.hash_pairs_many(bytes.as_chunks().0, &mut digests);
            } else {
                hash.hash_bytes_many(bytes, 32 * self.columns.len(), &mut digests);
            }
            for (run, digests) in runs.iter_mut().zip(digests.chunks_exact(side)) {
                run.copy_from_slice(digests);
            }
        });
    }
}
