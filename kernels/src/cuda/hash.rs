//! Hashing of rows and nodes, one thread each.

use super::CudaDevice;
use super::buffer::Allocation;
use super::kernels::{Kernel, arguments};
use crate::columns::TableView;
use crate::device::{DeviceBuffer, DeviceError, Ticket, check_range, check_shape};
use crate::hash::{Digest, Hash};
use crate::ops::{HashOps, MerkleTree};
use std::ops::Range;
use std::sync::Arc;

/// Levels of a tree that one launch hashes: the number that keeps all its warps full, and the maximum. (A block has 128
/// nodes of the lowest level.)
const FULL_LEVELS: u32 = 3;
const MAX_LEVELS: u32 = 8;

/// Below this number of nodes a GPU is not full anyway, and the number of launches determines the cost.
const FEW_NODES: u64 = 1 << 14;

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
            rows: Kernel::HashRowsBlake2s,
            pairs: Kernel::HashRowsBlake2s,
            nodes: Kernel::HashNodesBlake2s,
            grind: Some(Kernel::GrindBlake2s),
        },
        Hash::Poseidon3 => HashKernels {
            rows: Kernel::HashRowsPoseidon,
            pairs: Kernel::HashPairsPoseidon,
            nodes: Kernel::HashNodesPoseidon,
            grind: None,
        },
        Hash::Pedersen => HashKernels {
            rows: Kernel::HashRowsPedersen,
            pairs: Kernel::HashPairsPedersen,
            nodes: Kernel::HashNodesPedersen,
            grind: None,
        },
        Hash::Keccak256 | Hash::Keccak256Masked160Msb | Hash::Keccak256Masked160Lsb => HashKernels {
            rows: Kernel::HashRowsKeccak,
            pairs: Kernel::HashRowsKeccak,
            nodes: Kernel::HashNodesKeccak,
            grind: Some(Kernel::GrindKeccak),
        },
    }
}

/// Mask of the digest's bits that the hash keeps.
pub(super) fn mask(hash: Hash) -> Digest {
    hash.mask([0xff; 32])
}

impl CudaDevice {
    /// The tables of the hash, if it has any, and their address.
    fn hash_tables(&self, hash: Hash) -> Result<(Option<Arc<Allocation>>, u64), DeviceError> {
        let tables = match hash {
            Hash::Poseidon3 => Some(self.poseidon_constants()?),
            Hash::Pedersen => Some(self.pedersen_points()?),
            _ => None,
        };
        let address = tables.as_ref().map_or(0, |tables| tables.address());
        Ok((tables, address))
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
            let n = 1u64 << (lowest - depths.start);
            let same_hash = layer_hash[depths.start as usize..depth as usize].iter().rev();
            let n_same = same_hash.take_while(|layer| **layer == hash).count() as u32;
            let n_levels = n_same.min(if n < FEW_NODES { MAX_LEVELS } else { FULL_LEVELS });
            let first = (1u64 << lowest) + root as u64 * n;
            let (_tables, tables) = self.hash_tables(hash)?;
            let kernel = hash_kernels(hash).nodes;
            let mask = mask(hash);
            // SAFETY: the arguments of every node kernel; the nodes and their children are in the tree.
            unsafe {
                self.context.launch(
                    kernel,
                    kernel.grid(n),
                    0,
                    arguments![tree.nodes.address(0), first, n, n_levels, tables, mask],
                )?;
            }
            depth -= n_levels;
        }
        self.ticket()
    }
}

impl HashOps for CudaDevice {
    fn hash_rows(
        &self,
        hash: Hash,
        table: &TableView<'_, Self>,
        tree: &mut MerkleTree<Self>,
        first_leaf: usize,
    ) -> Result<Ticket, DeviceError> {
        let mut starts: Vec<u64> = table.starts.iter().map(|start| *start as u64).collect();
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
        for start in &starts {
            check_range("hash_rows", *start as usize, 1 << log_rows, table.values.len())?;
        }
        check_range("hash_rows", first_leaf, 1 << log_rows, 1 << tree.log_leaves)?;
        let leaves = tree.nodes.address((1 << tree.log_leaves) + first_leaf);
        let (_tables, tables) = self.hash_tables(hash)?;
        let n_columns = u32::try_from(starts.len()).unwrap_or(u32::MAX);
        let starts = Allocation::upload(&self.context, &starts, super::SCRATCH)?;
        let values = table.values.address(0);
        // SAFETY: the arguments of every row kernel; rows and leaves were checked to be in their buffers.
        unsafe {
            self.context.launch(
                kernel,
                kernel.grid(1 << log_rows),
                0,
                arguments![
                    values,
                    starts.address(),
                    n_columns,
                    log_rows,
                    tables,
                    mask(hash),
                    leaves
                ],
            )?;
        }
        self.ticket()
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
