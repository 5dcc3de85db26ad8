//! Commitments: hashing of table rows and Merkle trees.

use crate::columns::TableView;
use crate::device::{Device, DeviceError, Tag, Ticket, check_range, check_shape};
use crate::hash::{Digest, Hash};

/// A Merkle tree over `2^log_leaves` leaves in heap order: node 1 is the root, nodes `2i` and `2i + 1` are
/// the children of node `i`, leaf `j` is node `2^log_leaves + j`. Node 0 is not used.
pub struct MerkleTree<D: Device> {
    /// The `2^(log_leaves + 1)` nodes.
    pub nodes: D::Buffer<Digest>,
    /// Logarithm of the number of leaves.
    pub log_leaves: u32,
}

impl<D: Device> MerkleTree<D> {
    /// Allocates a tree without hashing anything.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`].
    pub fn empty(device: &D, log_leaves: u32, tag: Tag) -> Result<Self, DeviceError> {
        Ok(Self {
            nodes: device.alloc(2 << log_leaves, tag)?,
            log_leaves,
        })
    }
}

impl<D: Device> MerkleTree<D> {
    /// The depth of the root of the subtree above the `2^log_leaves` leaves that start at `first_leaf`.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] if these leaves are out of range or do not form a subtree.
    pub fn subtree_depth(&self, first_leaf: usize, log_leaves: u32) -> Result<u32, DeviceError> {
        const NAME: &str = "hash_subtree";
        let range = check_range(NAME, first_leaf, 1 << log_leaves, 1 << self.log_leaves)?;
        let misaligned = first_leaf & (range.len() - 1);
        check_shape(NAME, "first leaf modulo the subtree's leaves", 0, misaligned)?;
        Ok(self.log_leaves - log_leaves)
    }
}

/// Hashing of rows and trees.
pub trait HashOps: Device {
    /// Hashes every row of `table` (each element as 32 big-endian bytes of its Montgomery form, in column order) with
    /// [`Hash::hash_bytes`] and writes the digest of natural row `j` to leaf `first_leaf + bit_reverse(j)` of `tree`.
    ///
    /// A table of one column is hashed two elements per leaf instead, with [`Hash::hash_pair`]: leaf `first_leaf + k`
    /// covers the committed rows `2k` and `2k + 1`. Such a table has at least two rows.
    fn hash_rows(
        &self,
        hash: Hash,
        table: &TableView<'_, Self>,
        tree: &mut MerkleTree<Self>,
        first_leaf: usize,
    ) -> Result<Ticket, DeviceError>;

    /// Computes the inner nodes above the leaves `first_leaf .. first_leaf + 2^log_leaves` (a subtree), up to and
    /// including the subtree's root. `first_leaf` is a multiple of the number of leaves. `layer_hash[d]` is the hash of
    /// the nodes at depth `d` (the tree's root has depth 0); it has an entry for every depth that is hashed.
    fn hash_subtree(
        &self,
        layer_hash: &[Hash],
        tree: &mut MerkleTree<Self>,
        first_leaf: usize,
        log_leaves: u32,
    ) -> Result<Ticket, DeviceError>;

    /// Computes the nodes at depths `0 .. below_depth` from the nodes at depth `below_depth`.
    fn hash_top(
        &self,
        layer_hash: &[Hash],
        tree: &mut MerkleTree<Self>,
        below_depth: u32,
    ) -> Result<Ticket, DeviceError>;
}
