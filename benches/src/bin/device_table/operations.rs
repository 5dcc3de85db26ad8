//! Transforms and Merkle trees at the sizes of proofs.

use crate::median;
use crate::rates::Rates;
use crate::report::{Operation, Report};
use quarry_kernels::ops::MerkleTree;
use quarry_kernels::{Backend, BitReversed, Columns, DeviceError, Felt, Hash, Natural, TableView, Tag};
use quarry_prover_core::cost;
use std::time::Instant;

const TAG: Tag = Tag("measured");

/// Columns of the hashed table: those of the layout `recursive`.
const TREE_COLUMNS: usize = 10;

/// Times the operations, up to `2^largest` elements.
pub fn run<D: Backend>(
    device: &D,
    largest: u32,
    runs: usize,
    rates: Option<&Rates>,
    report: &mut Report,
) -> Result<(), DeviceError> {
    for log_len in (18.min(largest)..=largest).step_by(2) {
        match transform(device, log_len, runs) {
            Ok(seconds) => {
                let n = f64::from(log_len) / 2.0 * (1u64 << log_len) as f64;
                let bytes = 2.0 * 32.0 * (1u64 << log_len) as f64;
                let floor = rates.map(|rates| rates.floor(n, None, bytes));
                report.push(Operation::new(
                    format!("NTT 2^{log_len}, one column"),
                    seconds,
                    floor,
                ));
            }
            Err(DeviceError::OutOfMemory { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    for hash in [Hash::Keccak256, Hash::Blake256] {
        let largest = 24.min(largest.saturating_sub(2));
        for log_leaves in (20.min(largest)..=largest).step_by(2) {
            match tree(device, hash, log_leaves, runs) {
                Ok(seconds) => {
                    let leaves = (1u64 << log_leaves) as f64;
                    let a_row = cost::permutations(hash, TREE_COLUMNS * size_of::<Felt>());
                    let bytes = leaves * 32.0 * (TREE_COLUMNS as f64 + 4.0);
                    let permutations = Some((hash, leaves * (a_row + 1.0)));
                    let floor = rates.map(|rates| rates.floor(0.0, permutations, bytes));
                    let name = format!("{} tree, 2^{log_leaves} rows of {TREE_COLUMNS}", hash.name());
                    report.push(Operation::new(name, seconds, floor));
                }
                Err(DeviceError::OutOfMemory { .. }) => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Times the evaluation of one column on a coset.
fn transform<D: Backend>(device: &D, log_len: u32, runs: usize) -> Result<f64, DeviceError> {
    let coefficients = Columns::<D, BitReversed>::zeros(device, 1, log_len, TAG)?;
    let mut values = Columns::<D, Natural>::zeros(device, 1, log_len, TAG)?;
    let mut seconds = Vec::with_capacity(runs);
    // The first run creates tables and does not count.
    for _ in 0..=runs {
        let start = Instant::now();
        device
            .evaluate_coset(&coefficients, Felt::from(3u64), &mut values)?
            .wait()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(median(seconds.split_off(1)))
}

/// Times the Merkle tree of a table.
fn tree<D: Backend>(device: &D, hash: Hash, log_leaves: u32, runs: usize) -> Result<f64, DeviceError> {
    let columns = Columns::<D, Natural>::zeros(device, TREE_COLUMNS, log_leaves, TAG)?;
    let mut tree = MerkleTree::empty(device, log_leaves, TAG)?;
    let hashes = vec![hash; log_leaves as usize + 1];
    let mut seconds = Vec::with_capacity(runs);
    for _ in 0..=runs {
        let start = Instant::now();
        device
            .hash_rows(hash, &TableView::of_trace(&columns), &mut tree, 0)?
            .detach();
        device.hash_subtree(&hashes, &mut tree, 0, log_leaves)?.wait()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(median(seconds.split_off(1)))
}
