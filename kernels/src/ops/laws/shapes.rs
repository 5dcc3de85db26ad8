//! Shapes that violate a contract.

use super::{TAG, sample_columns, upload};
use crate::columns::{BitReversed, Columns, Natural, TableView};
use crate::device::DeviceError;
use crate::felt::Felt;
use crate::hash::Hash;
use crate::ops::{Backend, MerkleTree};
use ark_ff::Field;

/// Wrong shapes are typed errors, not panics.
pub fn wrong_shapes_are_errors<D: Backend>(device: &D) {
    let is_shape = |error: Option<DeviceError>| assert!(matches!(error, Some(DeviceError::Shape { .. })));
    let columns: Columns<D, Natural> = upload(device, &sample_columns(2, 4, 0));
    let coefficients: Columns<D, BitReversed> = upload(device, &sample_columns(2, 4, 0));
    let mut longer = Columns::<D, Natural>::zeros(device, 2, 5, TAG).unwrap();
    let mut wider = Columns::<D, Natural>::zeros(device, 3, 4, TAG).unwrap();
    is_shape(device.evaluate_coset(&coefficients, Felt::ONE, &mut longer).err());
    is_shape(device.evaluate_coset(&coefficients, Felt::ONE, &mut wider).err());
    is_shape(device.split_even_odd(&columns, Felt::ONE, 0, &mut longer).err());

    let mut tree = MerkleTree::empty(device, 4, TAG).unwrap();
    let table = TableView::of_trace(&columns);
    is_shape(device.hash_rows(Hash::Keccak256, &table, &mut tree, 1).err());
    let beyond = TableView {
        values: columns.values(),
        starts: vec![0, 17],
        log_rows: 4,
    };
    is_shape(device.hash_rows(Hash::Keccak256, &beyond, &mut tree, 0).err());
    is_shape(device.gather_rows(&beyond, &[0]).err());
    is_shape(device.hash_subtree(&[Hash::Keccak256; 4], &mut tree, 0, 5).err());
    is_shape(device.hash_top(&[Hash::Keccak256; 4], &mut tree, 5).err());
    is_shape(Columns::<D, Natural>::upload(device, &[vec![Felt::ONE; 3]], 2, TAG).err());
    is_shape(Columns::<D, Natural>::from_buffer(columns.into_buffer(), 3, 4).err());
}
