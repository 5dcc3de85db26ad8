//! The permutation argument: one list of tuples is a permutation of another.

use super::scope::{Scope, ScopeError};
use crate::air::{Cells, Expr, every};

/// A permutation argument over virtual columns. A tuple is compressed to `part0 + sum weights[k] part(k+1)`. The
/// product column holds the running product of `(z - original[i]) / (z - sorted[i])`.
#[derive(Clone, Copy, Debug)]
pub struct Permutation {
    /// The prefix of the constraints' names.
    pub name: &'static str,
    /// The columns of the tuple's parts, in the original order.
    pub original: &'static [&'static str],
    /// The columns of the same parts, sorted.
    pub sorted: &'static [&'static str],
    /// The interaction column of the running product.
    pub product: &'static str,
    /// The interaction element `z`.
    pub z: &'static str,
    /// The interaction elements that are the weights of the parts after the first.
    pub weights: &'static [&'static str],
    /// The scalar that equals the final product. If `None`, the final product is 1.
    pub total: Option<&'static str>,
}

/// Adds the constraints of the argument. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain<'a>(layout: &Scope<'a>, argument: &Permutation) -> Result<(), ScopeError> {
    let scope = layout.part(argument.name);
    let z = layout.scalar(argument.z);
    let weights: Vec<_> = argument.weights.iter().map(|name| layout.scalar(name)).collect();
    let columns = |names: &[&str]| {
        names
            .iter()
            .map(|name| layout.cells(name))
            .collect::<Result<Vec<_>, _>>()
    };
    let (original, sorted) = (columns(argument.original)?, columns(argument.sorted)?);
    // `z` minus the compressed tuple.
    let shifted = |parts: &[Cells<'a>], i: usize| -> Expr<'a> {
        let weighted = |(k, part): (usize, &Cells<'a>)| match k.checked_sub(1).and_then(|k| weights.get(k)) {
            Some(&weight) => weight * part.at(i),
            None => part.at(i),
        };
        parts
            .iter()
            .enumerate()
            .map(weighted)
            .fold(z, |sum, part| sum - part)
    };
    let product = layout.cells(argument.product)?;
    let (step, last) = (product.step(), scope.last(product.step()));
    scope.constrain(
        "init0",
        scope.first(),
        shifted(&sorted, 0) * product.at(0) - shifted(&original, 0),
    );
    scope.constrain(
        "step0",
        every(step).except(last),
        shifted(&sorted, 1) * product.at(1) - shifted(&original, 1) * product.at(0),
    );
    let total = argument
        .total
        .map_or(product.at(0) - 1, |total| product.at(0) - layout.scalar(total));
    scope.constrain("last", last, total);
    Ok(())
}
