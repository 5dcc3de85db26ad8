//! Laws that every device must satisfy: each compares an operation with its definition, written out naively.
//!
//! A device's tests call every law with an instance of the device. A violated law panics. `for_each_law`, a macro at
//! the root of the crate, lists them; `examples/own_device` certifies a device that is defined outside this crate.

mod compose;
mod device;
mod fold;
mod gather;
mod grind;
mod hash;
mod ntt;
mod quotient;
mod scan;
mod shapes;

pub use compose::{compose, tables};
pub use device::{memory_accounts, transfers};
pub use fold::{fold, split_even_odd};
pub use gather::gather;
pub use grind::grind;
pub use hash::{hash_rows, hash_trees};
pub use ntt::{
    evaluate_at, evaluate_at_many_points, interpolate_and_evaluate, large_transform, upload_and_interpolate,
};
pub use quotient::deep_quotient;
pub use scan::{cumulative_value, permutation_product};
pub use shapes::wrong_shapes_are_errors;

/// Gives the names of all laws to a macro: `for_each_law!(check)` expands to `check! { transfers, memory_accounts, .. }`.
/// It is the only list of them: tests of every device and the table that certifies a GPU expand it.
#[macro_export]
macro_rules! for_each_law {
    ($check:ident) => {
        $check! {
            transfers,
            memory_accounts,
            interpolate_and_evaluate,
            upload_and_interpolate,
            large_transform,
            evaluate_at,
            evaluate_at_many_points,
            hash_rows,
            hash_trees,
            compose,
            tables,
            deep_quotient,
            fold,
            split_even_odd,
            cumulative_value,
            permutation_product,
            gather,
            grind,
            wrong_shapes_are_errors,
        }
    };
}

use crate::columns::{Columns, Order};
use crate::device::{Device, Tag};
use crate::felt::{self, Felt};
use crate::hash::Hash;
use ark_ff::{AdditiveGroup, Field};

const TAG: Tag = Tag("law");

/// Pseudorandom elements; for an even seed, the edges of the range come first.
fn sample(n: usize, seed: u64) -> Vec<Felt> {
    let edges = [Felt::ZERO, -Felt::ONE, Felt::ONE];
    let first = felt::from_bytes_reduced(&Hash::Keccak256.hash_bytes(&seed.to_be_bytes()));
    let random = std::iter::successors(Some(first), |x| Some(x.square() + first));
    edges
        .into_iter()
        .chain(random)
        .skip(if seed.is_multiple_of(2) { 0 } else { 3 })
        .take(n)
        .collect()
}

/// Columns of pseudorandom elements.
fn sample_columns(n_columns: usize, log_len: u32, seed: u64) -> Vec<Vec<Felt>> {
    (0..n_columns)
        .map(|column| sample(1 << log_len, seed + column as u64))
        .collect()
}

/// Uploads columns.
fn upload<D: Device, O: Order>(device: &D, columns: &[Vec<Felt>]) -> Columns<D, O> {
    let log_len = columns[0].len().ilog2();
    Columns::upload(device, columns, log_len, TAG).unwrap()
}

/// Downloads columns.
fn download<D: Device, O: Order>(device: &D, columns: &Columns<D, O>) -> Vec<Vec<Felt>> {
    (0..columns.n_columns())
        .map(|column| columns.download(device, column).unwrap())
        .collect()
}

/// The polynomial's value by Horner's rule. The coefficients start with the constant term.
fn horner(coefficients: &[Felt], x: Felt) -> Felt {
    coefficients
        .iter()
        .rev()
        .fold(Felt::ZERO, |value, coefficient| value * x + coefficient)
}

/// The points of a coset in natural order.
fn points(shift: Felt, log_len: u32) -> Vec<Felt> {
    let g = felt::subgroup_generator(log_len);
    std::iter::successors(Some(shift), |x| Some(*x * g))
        .take(1 << log_len)
        .collect()
}
