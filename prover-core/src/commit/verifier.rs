//! The checking side of a commitment.

use super::{Opening, TableShape};
use crate::channel::{ChannelError, VerifierChannel};
use crate::params::CommitmentHashes;
use quarry_kernels::{Digest, Felt, felt};
use std::collections::BTreeMap;

/// Rows of a table by their index; every row has all its elements.
pub type Rows = BTreeMap<u64, Vec<Felt>>;

/// Rows that do not belong to a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecommitmentError {
    /// The bytes are no decommitment.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The rows and nodes do not hash to the root.
    #[error("the opened rows do not hash to the committed root")]
    Root,
}

/// A committed table whose root was received.
#[derive(Clone, Debug)]
pub struct TableCommitment {
    /// The table's shape.
    pub shape: TableShape,
    hashes: CommitmentHashes,
    root: Digest,
}

impl TableCommitment {
    /// Receives the root.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn receive(
        channel: &mut VerifierChannel<'_>,
        shape: TableShape,
        hashes: CommitmentHashes,
    ) -> Result<Self, ChannelError> {
        let root = channel.receive_commitment()?;
        Ok(Self { shape, hashes, root })
    }

    /// Receives the elements of the opened rows; those that the opening leaves out come from `known`.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn receive_rows(
        &self,
        channel: &mut VerifierChannel<'_>,
        opening: &Opening,
        known: &BTreeMap<(u64, usize), Felt>,
    ) -> Result<Rows, ChannelError> {
        let mut cells = known.clone();
        for &(row, column) in &opening.elements {
            cells.insert((row, column), channel.receive_row_element(row, column)?);
        }
        let mut rows = Rows::new();
        for ((row, _), value) in cells {
            rows.entry(row).or_default().push(value);
        }
        Ok(rows)
    }

    /// Receives the rest of the opening and checks that `rows` belong to the committed table.
    ///
    /// # Errors
    /// [`DecommitmentError`].
    pub fn check_rows(
        &self,
        channel: &mut VerifierChannel<'_>,
        opening: &Opening,
        mut rows: Rows,
    ) -> Result<(), DecommitmentError> {
        for &row in &opening.package_rows {
            rows.insert(row, vec![channel.receive_package_element(row)?]);
        }
        let mut level = self.leaves(&rows);
        for (&index, leaf) in &level {
            channel.note_leaf(self.hashes.layer(self.shape.height().into()), leaf, index);
        }
        let mut nodes = opening.nodes.iter().copied().peekable();
        for depth in (0..self.shape.height()).rev() {
            while let Some(index) = nodes.next_if(|node| node.ilog2() == depth + 1) {
                level.insert(index, channel.receive_node(index)?);
            }
            level = self.parents(&level, depth);
        }
        if level.get(&1) != Some(&self.root) {
            return Err(DecommitmentError::Root);
        }
        Ok(())
    }

    /// The leaves of the rows, by the index of their nodes.
    fn leaves(&self, rows: &Rows) -> BTreeMap<u64, Digest> {
        let mut bytes: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        for (&row, elements) in rows {
            let leaf = bytes.entry(self.shape.leaf_of_row(row)).or_default();
            leaf.extend(elements.iter().flat_map(felt::to_montgomery_bytes));
        }
        let hash = self.hashes.layer(self.shape.height().into());
        let digest = |bytes: &Vec<u8>| match bytes.as_chunks::<32>().0 {
            [left, right] if self.shape.n_columns == 1 => hash.hash_pair(left, right),
            _ => hash.hash_bytes(bytes),
        };
        bytes.iter().map(|(&leaf, bytes)| (leaf, digest(bytes))).collect()
    }

    /// The nodes at `depth` both of whose children are there.
    fn parents(&self, level: &BTreeMap<u64, Digest>, depth: u32) -> BTreeMap<u64, Digest> {
        let hash = self.hashes.layer(depth.into());
        let lefts = level.iter().filter(|(index, _)| *index % 2 == 0);
        let parent = |(&index, left)| Some((index / 2, hash.hash_pair(left, level.get(&(index + 1))?)));
        lefts.filter_map(parent).collect()
    }
}
