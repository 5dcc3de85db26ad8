//! The verifier's side of a commitment.

use super::{Opening, Rows, TableShape, leaves, parents};
use crate::channel::{ChannelError, VerifierChannel};
use crate::parameters::CommitmentHashes;
use quarry_kernels::{Digest, Felt};
use std::collections::BTreeMap;

/// Why opened rows do not match a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecommitmentError {
    /// The bytes are not a valid decommitment.
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

    /// Receives the elements of the opened rows; elements that the opening leaves out are taken from `known`.
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

    /// Receives the rest of the opening and checks that `rows` are rows of the committed table.
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
        let leaf_hash = self.hashes.layer(self.shape.height().into());
        let mut level = leaves(self.shape, leaf_hash, &rows);
        for (&index, leaf) in &level {
            channel.note_leaf(leaf_hash, leaf, index);
        }
        let mut nodes = opening.nodes.iter().copied().peekable();
        for depth in (0..self.shape.height()).rev() {
            while let Some(index) = nodes.next_if(|node| node.ilog2() == depth + 1) {
                level.insert(index, channel.receive_node(index)?);
            }
            level = parents(self.hashes.layer(depth.into()), &level);
        }
        if level.get(&1) != Some(&self.root) {
            return Err(DecommitmentError::Root);
        }
        Ok(())
    }
}
