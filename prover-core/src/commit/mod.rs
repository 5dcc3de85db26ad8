//! Commitments to tables: a Merkle tree over the rows, and the data that opens some of them.

#[cfg(feature = "prover")]
pub(crate) mod blocks;
#[cfg(feature = "prover")]
pub mod table;
#[cfg(feature = "prover")]
pub mod trace;
pub mod verifier;

use quarry_kernels::{Digest, Felt, Hash, felt};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of a table by index; every row has all its elements.
pub type Rows = BTreeMap<u64, Vec<Felt>>;

/// Nodes of one depth by heap index.
type Level = BTreeMap<u64, Digest>;

/// The shape of a committed table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableShape {
    /// Number of columns.
    pub n_columns: usize,
    /// Logarithm of the number of rows.
    pub log_rows: u32,
}

impl TableShape {
    /// Logarithm of the number of rows in a leaf: a one-column table has two rows per leaf.
    fn log_package(self) -> u32 {
        u32::from(self.n_columns == 1).min(self.log_rows)
    }

    /// Height of the Merkle tree: its leaves, the hashed rows, have this depth.
    pub fn height(self) -> u32 {
        self.log_rows - self.log_package()
    }

    /// The heap index of the leaf that contains a row.
    pub fn leaf_of_row(self, row: u64) -> u64 {
        (1 << self.height()) + (row >> self.log_package())
    }
}

/// The leaves that contain `rows`, which must be complete.
fn leaves(shape: TableShape, hash: Hash, rows: &Rows) -> Level {
    let mut bytes: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    for (&row, elements) in rows {
        let leaf = bytes.entry(shape.leaf_of_row(row)).or_default();
        leaf.extend(elements.iter().flat_map(felt::to_montgomery_bytes));
    }
    let digest = |bytes: &Vec<u8>| match bytes.as_chunks::<32>().0 {
        [left, right] if shape.n_columns == 1 => hash.hash_pair(left, right),
        _ => hash.hash_bytes(bytes),
    };
    bytes.iter().map(|(&leaf, bytes)| (leaf, digest(bytes))).collect()
}

/// The parents of the nodes in `level` whose sibling is in `level` too.
fn parents(hash: Hash, level: &Level) -> Level {
    let lefts = level.iter().filter(|(index, _)| *index % 2 == 0);
    let parent = |(&index, left)| Some((index / 2, hash.hash_pair(left, level.get(&(index + 1))?)));
    lefts.filter_map(parent).collect()
}

/// What is sent to open rows of a table: first `elements`, then `package_rows`, then `nodes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The opened rows, ascending.
    pub rows: Vec<u64>,
    /// Their elements as (row, column), ascending, without those that the verifier computes itself.
    pub elements: Vec<(u64, usize)>,
    /// In a one-column table, the rows that complete the leaves of the opened ones, ascending.
    pub package_rows: Vec<u64>,
    /// Heap indices of nodes (the root is 1): level by level from the leaves, ascending within a level.
    pub nodes: Vec<u64>,
}

impl Opening {
    /// Plans the opening of `rows`; the verifier computes the elements `known` itself.
    pub fn new(
        shape: TableShape,
        rows: impl IntoIterator<Item = u64>,
        known: &BTreeSet<(u64, usize)>,
    ) -> Self {
        let rows: BTreeSet<u64> = rows.into_iter().collect();
        let cells = rows
            .iter()
            .flat_map(|&row| (0..shape.n_columns).map(move |column| (row, column)));
        let package_rows = match shape.log_package() {
            0 => Vec::new(),
            _ => missing_siblings(&rows),
        };
        let mut nodes = Vec::new();
        let mut level: BTreeSet<u64> = rows.iter().map(|&row| shape.leaf_of_row(row)).collect();
        for _ in 0..shape.height() {
            nodes.extend(missing_siblings(&level));
            level = level.iter().map(|node| node / 2).collect();
        }
        Self {
            elements: cells.filter(|cell| !known.contains(cell)).collect(),
            package_rows,
            nodes,
            rows: rows.into_iter().collect(),
        }
    }
}

/// The siblings of `indices` that are not themselves in `indices`, ascending.
fn missing_siblings(indices: &BTreeSet<u64>) -> Vec<u64> {
    indices
        .iter()
        .map(|index| index ^ 1)
        .filter(|sibling| !indices.contains(sibling))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_are_sent_level_by_level() {
        let shape = TableShape {
            n_columns: 2,
            log_rows: 3,
        };
        let opening = Opening::new(shape, [5, 0, 1, 5], &[(0, 1)].into());
        assert_eq!(opening.rows, [0, 1, 5]);
        assert_eq!(opening.elements, [(0, 0), (1, 0), (1, 1), (5, 0), (5, 1)]);
        assert_eq!((opening.package_rows, opening.nodes), (vec![], vec![12, 5, 7]));
    }

    #[test]
    fn one_column_has_two_rows_in_a_leaf() {
        let shape = TableShape {
            n_columns: 1,
            log_rows: 3,
        };
        let opening = Opening::new(shape, [7, 2, 3], &BTreeSet::new());
        assert_eq!(shape.height(), 2);
        assert_eq!(opening.elements, [(2, 0), (3, 0), (7, 0)]);
        assert_eq!((opening.package_rows, opening.nodes), (vec![6], vec![4, 6]));
    }
}
