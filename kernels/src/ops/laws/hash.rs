//! Laws of commitments.

use super::{TAG, sample_columns, upload};
use crate::columns::{Columns, Natural, TableView};
use crate::device::Device;
use crate::domain::bit_reverse;
use crate::felt::{self, Felt};
use crate::hash::{Digest, Hash};
use crate::ops::{HashOps, MerkleTree};

fn nodes<D: Device>(device: &D, tree: &MerkleTree<D>) -> Vec<Digest> {
    device
        .download(&tree.nodes, 0..2 << tree.log_leaves)
        .unwrap()
        .wait()
        .unwrap()
}

fn bytes(row: impl IntoIterator<Item = Felt>) -> Vec<u8> {
    row.into_iter()
        .flat_map(|element| felt::to_montgomery_bytes(&element))
        .collect()
}

/// Leaves are the hashes of rows in committed order, for every hash. Other leaves are unchanged. A table of one column
/// has two elements per leaf. A row of an FRI layer holds the elements that fold together.
pub fn hash_rows<D: HashOps>(device: &D) {
    for (hash, log_rows) in Hash::all().flat_map(|hash| [(hash, 0), (hash, 1), (hash, 3), (hash, 7)]) {
        let columns = sample_columns(3, log_rows, 2);
        let on_device: Columns<D, Natural> = upload(device, &columns);
        let mut tree = MerkleTree::empty(device, log_rows + 1, TAG).unwrap();
        let n = 1 << log_rows;
        let table = TableView::of_trace(&on_device);
        device
            .hash_rows(hash, &table, &mut tree, n)
            .unwrap()
            .wait()
            .unwrap();
        let leaves = nodes(device, &tree).split_off(2 * n);
        assert_eq!(leaves[..n], vec![Digest::default(); n]);
        for (k, leaf) in leaves[n..].iter().enumerate() {
            let row = bit_reverse(k, log_rows);
            let expected = hash.hash_bytes(&bytes(columns.iter().map(|column| column[row])));
            assert_eq!(*leaf, expected, "{}, leaf {k}", hash.name());
        }
    }
    for hash in [Hash::Keccak256Masked160Lsb, Hash::Pedersen, Hash::Poseidon3] {
        let column = sample_columns(1, 6, 8);
        let on_device: Columns<D, Natural> = upload(device, &column);
        let committed: Vec<_> = (0..64).map(|row| column[0][bit_reverse(row, 6)]).collect();
        let mut tree = MerkleTree::empty(device, 5, TAG).unwrap();
        device
            .hash_rows(hash, &TableView::of_trace(&on_device), &mut tree, 0)
            .unwrap()
            .wait()
            .unwrap();
        let leaves = nodes(device, &tree).split_off(32);
        for (k, leaf) in leaves.iter().enumerate() {
            let [left, right] = [0, 1].map(|i| felt::to_montgomery_bytes(&committed[2 * k + i]));
            assert_eq!(*leaf, hash.hash_pair(&left, &right), "{}, leaf {k}", hash.name());
        }
        let mut tree = MerkleTree::empty(device, 4, TAG).unwrap();
        let table = TableView::of_fri_layer(&on_device, 0, 2);
        device
            .hash_rows(hash, &table, &mut tree, 0)
            .unwrap()
            .wait()
            .unwrap();
        let leaves = nodes(device, &tree).split_off(16);
        for (leaf, row) in leaves.iter().zip(committed.chunks(4)) {
            assert_eq!(*leaf, hash.hash_bytes(&bytes(row.to_vec())), "{}", hash.name());
        }
    }
}

/// Inner nodes are the hashes of their children, each depth with its own hash, whether a tree is built at once or from
/// subtrees. A subtree changes no other node.
pub fn hash_trees<D: HashOps>(device: &D) {
    let log_leaves = 8;
    let hashes = [
        Hash::Poseidon3,
        Hash::Pedersen,
        Hash::Keccak256,
        Hash::Blake256,
        Hash::Blake256Masked248Lsb,
        Hash::Keccak256Masked160Msb,
        Hash::Blake256Masked160Msb,
        Hash::Pedersen,
    ];
    let leaves: Vec<Digest> = (0u16..256)
        .map(|i| Hash::Blake256.hash_bytes(&i.to_be_bytes()))
        .collect();
    let mut expected = vec![Digest::default(); 256];
    expected.extend(&leaves);
    for i in (1..256usize).rev() {
        expected[i] = hashes[i.ilog2() as usize].hash_pair(&expected[2 * i], &expected[2 * i + 1]);
    }
    let fresh = || {
        let mut tree = MerkleTree::empty(device, log_leaves, TAG).unwrap();
        device
            .upload(&leaves, &mut tree.nodes, 256)
            .unwrap()
            .wait()
            .unwrap();
        tree
    };
    let mut tree = fresh();
    device
        .hash_subtree(&hashes, &mut tree, 0, log_leaves)
        .unwrap()
        .wait()
        .unwrap();
    assert_eq!(nodes(device, &tree), expected);

    let mut tree = fresh();
    device
        .hash_subtree(&hashes, &mut tree, 64, 6)
        .unwrap()
        .wait()
        .unwrap();
    let partial = nodes(device, &tree);
    assert_eq!(partial[5], expected[5]);
    assert_eq!(partial[80..96], expected[80..96]);
    assert_eq!(
        [partial[1], partial[2], partial[4], partial[6]],
        [Digest::default(); 4]
    );
    for first_leaf in [0, 128, 192] {
        device
            .hash_subtree(&hashes, &mut tree, first_leaf, 6)
            .unwrap()
            .wait()
            .unwrap();
    }
    device.hash_top(&hashes, &mut tree, 2).unwrap().wait().unwrap();
    assert_eq!(nodes(device, &tree), expected);
    assert!(
        device.hash_subtree(&hashes, &mut tree, 32, 6).is_err(),
        "a subtree begins at its own multiple"
    );
    assert!(
        device.hash_subtree(&hashes[..7], &mut tree, 0, 8).is_err(),
        "every depth needs a hash"
    );
}
