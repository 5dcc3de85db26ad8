//! Hashing of rows and nodes, one invocation each.

use super::kernels::{Kernel, Parameters, WORKGROUP};
use super::memory::Allocation;
use super::{SCRATCH, WgpuDevice};
use crate::columns::TableView;
use crate::device::{DeviceBuffer, DeviceError, Ticket, check_range, check_shape};
use crate::domain::bit_reverse;
use crate::hash::{Digest, Hash};
use crate::ops::{HashOps, MerkleTree};
use std::ops::Range;
use std::sync::Arc;

/// Levels of a tree that one launch hashes: the number that keeps its workgroups full, and the maximum. (A workgroup
/// has 64 nodes of the lowest level.)
const FULL_LEVELS: u32 = 3;
const MAX_LEVELS: u32 = 7;

/// Below this number of nodes a GPU is not full anyway, and the number of launches determines the cost.
const FEW_NODES: usize = 1 << 14;

/// The kernels of an unmasked hash: for rows, for rows of two elements that are hashed as nodes, and for nodes.
pub(super) struct HashKernels {
    rows: Kernel,
    pairs: Kernel,
    nodes: Kernel,
    /// The kernel that searches for a nonce, if there is one.
    pub(super) grind: Option<Kernel>,
}

/// The kernels of a hash.
pub(super) fn hash_kernels(hash: Hash) -> HashKernels {
    match hash {
        // The hash of two nodes is the hash of their bytes.
        Hash::Blake256 | Hash::Blake256Masked160Msb | Hash::Blake256Masked248Lsb => HashKernels {
            rows: Kernel::RowsBlake2s,
            pairs: Kernel::RowsBlake2s,
            nodes: Kernel::NodesBlake2s,
            grind: Some(Kernel::GrindBlake2s),
        },
        Hash::Poseidon3 => HashKernels {
            rows: Kernel::RowsPoseidon,
            pairs: Kernel::PairsPoseidon,
            nodes: Kernel::NodesPoseidon,
            grind: None,
        },
        Hash::Pedersen => HashKernels {
            rows: Kernel::RowsPedersen,
            pairs: Kernel::PairsPedersen,
            nodes: Kernel::NodesPedersen,
            grind: None,
        },
        Hash::Keccak256 | Hash::Keccak256Masked160Msb | Hash::Keccak256Masked160Lsb => HashKernels {
            rows: Kernel::RowsKeccak,
            pairs: Kernel::RowsKeccak,
            nodes: Kernel::NodesKeccak,
            grind: Some(Kernel::GrindKeccak),
        },
    }
}

/// The words of a digest, in the order in which kernels read its bytes.
pub(super) fn words(digest: &Digest) -> Vec<u32> {
    let words = digest.as_chunks::<4>().0.iter();
    words.map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

/// Mask of the digest's bits that the hash keeps, as words.
pub(super) fn mask_words(hash: Hash) -> Vec<u32> {
    words(&hash.mask([0xff; 32]))
}

impl WgpuDevice {
    /// The tables of the hash, if it has any.
    fn hash_tables(&self, hash: Hash) -> Result<Option<Arc<Allocation>>, DeviceError> {
        Ok(match hash {
            Hash::Poseidon3 => Some(self.poseidon_constants()?),
            Hash::Pedersen => Some(self.pedersen_points()?),
            _ => None,
        })
    }

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
        let mut depth = depths.end;
        while depth > depths.start {
            let lowest = depth - 1;
            let hash = layer_hash[lowest as usize];
            let n = 1usize << (lowest - depths.start);
            let first = (1usize << lowest) + root * n;
            let same_hash = layer_hash[depths.start as usize..depth as usize].iter().rev();
            let n_same = same_hash.take_while(|layer| **layer == hash).count() as u32;
            let n_levels = n_same.min(if n < FEW_NODES { MAX_LEVELS } else { FULL_LEVELS });
            if 2 * (first + n) <= self.chunk_len() {
                self.hash_levels(hash, tree, first, n, n_levels)?;
                depth -= n_levels;
            } else {
                self.hash_level(hash, tree, first, n)?;
                depth -= 1;
            }
        }
        Ok(self.ticket())
    }

    /// Hashes levels of nodes that lie in the first chunk, with their children.
    fn hash_levels(
        &self,
        hash: Hash,
        tree: &MerkleTree<Self>,
        first: usize,
        n: usize,
        n_levels: u32,
    ) -> Result<(), DeviceError> {
        let tables = self.hash_tables(hash)?;
        let tables = tables
            .as_ref()
            .map_or(&self.context.nothing, |tables| tables.buffer());
        let parameters =
            Parameters::default()
                .words(&mask_words(hash))
                .words(&[first as u32, n as u32, n_levels, 0, 0]);
        let buffers = [tables, &self.context.nothing, tree.nodes.memory.buffer()];
        self.launch(hash_kernels(hash).nodes, &parameters, &buffers, n)
    }

    /// Hashes one level, whose children may lie in other chunks.
    fn hash_level(
        &self,
        hash: Hash,
        tree: &MerkleTree<Self>,
        first: usize,
        n: usize,
    ) -> Result<(), DeviceError> {
        let tables = self.hash_tables(hash)?;
        let tables = tables
            .as_ref()
            .map_or(&self.context.nothing, |tables| tables.buffer());
        let memory = &tree.nodes.memory;
        for children in memory.pieces::<Digest>(2 * first..2 * (first + n)) {
            let nodes = memory.piece::<Digest>(children.first / 2, children.len / 2)?;
            let is_apart = nodes.buffer != children.buffer;
            // Within one chunk, the place of the children follows from that of the node only if the chunk is the first.
            let parameters = Parameters::default().words(&mask_words(hash)).words(&[
                nodes.start,
                nodes.len as u32,
                1,
                children.start,
                u32::from(is_apart),
            ]);
            let apart = if is_apart {
                children.buffer
            } else {
                &self.context.nothing
            };
            let n_workgroups = nodes.len.div_ceil(WORKGROUP) as u64;
            let kernel = hash_kernels(hash).nodes;
            let buffers = [tables, apart, nodes.buffer];
            self.context
                .launch(kernel, parameters.bytes(), &buffers, n_workgroups, 1)?;
        }
        Ok(())
    }
}

impl HashOps for WgpuDevice {
    fn hash_rows(
        &self,
        hash: Hash,
        table: &TableView<'_, Self>,
        tree: &mut MerkleTree<Self>,
        first_leaf: usize,
    ) -> Result<Ticket, DeviceError> {
        let mut starts = table.starts.clone();
        let mut log_rows = table.log_rows;
        let kernels = hash_kernels(hash);
        let mut kernel = kernels.rows;
        if let [start] = starts[..] {
            // In natural order, committed rows 2k and 2k + 1 are half the column apart.
            log_rows = log_rows.checked_sub(1).ok_or(DeviceError::Shape {
                operation: "hash_rows",
                what: "rows of a table of one column, at least",
                expected: 2,
                got: 1,
            })?;
            starts.push(start + (1 << log_rows));
            kernel = kernels.pairs;
        }
        let n_rows = 1usize << log_rows;
        for start in &starts {
            check_range("hash_rows", *start, n_rows, table.values.len())?;
        }
        check_range("hash_rows", first_leaf, n_rows, 1 << tree.log_leaves)?;
        let first_leaf = (1 << tree.log_leaves) + first_leaf;
        let leaves: Vec<_> = tree
            .nodes
            .memory
            .pieces::<Digest>(first_leaf..first_leaf + n_rows)
            .collect();
        // If the leaves lie in several chunks, each chunk has the rows selected by their lowest bits.
        let log_pieces = leaves.len().ilog2();
        for piece in &leaves {
            check_shape("hash_rows", "leaves in a chunk", n_rows >> log_pieces, piece.len)?;
        }
        let memory = &table.values.memory;
        let strip = if memory.is_one_chunk() {
            n_rows
        } else {
            self.strip_rows(starts.len(), n_rows, leaves.len())?
        };
        let tables = self.hash_tables(hash)?;
        let tables = tables
            .as_ref()
            .map_or(&self.context.nothing, |tables| tables.buffer());
        for first_row in (0..n_rows).step_by(strip) {
            let rows = self.strip(memory, &starts, first_row..first_row + strip)?;
            let starts = Allocation::upload(&self.context, &rows.starts, SCRATCH)?;
            for (i, piece) in leaves.iter().enumerate() {
                let n = strip >> log_pieces;
                let leaf = piece.start.wrapping_sub((i * piece.len) as u32);
                let parameters = Parameters::default().words(&mask_words(hash)).words(&[
                    rows.starts.len() as u32,
                    log_rows,
                    first_row as u32,
                    log_pieces,
                    bit_reverse(i, log_pieces) as u32,
                    n as u32,
                    leaf,
                ]);
                let buffers = [rows.buffer(), starts.whole()?, tables, piece.buffer];
                self.launch(kernel, &parameters, &buffers, n)?;
            }
        }
        Ok(self.ticket())
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
