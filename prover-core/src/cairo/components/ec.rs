//! Constraints for elliptic-curve arithmetic, shared by several builtins.

use super::scope::{Scope, ScopeError};
use crate::air::{Cells, Domain, Expr, every};
use ark_ff::Field;
use quarry_kernels::{Felt, curve};
use std::iter;

/// Cells of a subset sum in each of its virtual columns: the bits of a felt, padded to a power of two.
pub const SUBSET_SUM_HEIGHT: usize = 256;

/// The expressions of a point.
#[derive(Clone, Copy, Debug)]
pub struct Point<'a> {
    /// Its x coordinate.
    pub x: Expr<'a>,
    /// Its y coordinate.
    pub y: Expr<'a>,
}

/// Virtual columns of points.
#[derive(Clone, Debug)]
pub struct Points<'a> {
    /// The x coordinates.
    pub x: Cells<'a>,
    /// The y coordinates.
    pub y: Cells<'a>,
}

impl<'a> Points<'a> {
    /// The virtual columns `name/x` and `name/y`.
    ///
    /// # Errors
    /// [`ScopeError`] if the layout lacks a column.
    pub fn new(scope: &Scope<'a>, name: &str) -> Result<Self, ScopeError> {
        let scope = scope.part(name);
        Ok(Self {
            x: scope.cells("x")?,
            y: scope.cells("y")?,
        })
    }

    /// The point `index` steps ahead.
    pub fn at(&self, index: usize) -> Point<'a> {
        Point {
            x: self.x.at(index),
            y: self.y.at(index),
        }
    }
}

/// Pads points to the height of a subset sum by repeating the last one.
pub fn pad(points: &[curve::Point]) -> impl Iterator<Item = curve::Point> {
    let last = points.last().copied();
    points
        .iter()
        .copied()
        .chain(iter::repeat(last).flatten())
        .take(SUBSET_SUM_HEIGHT)
}

/// Constant points as the periodic columns `x` and `y` of `scope`, a point in every `step`-th row.
///
/// # Errors
/// [`ScopeError`] if they do not fit the trace.
pub fn periodic_point<'a>(
    scope: &Scope<'a>,
    step: usize,
    points: &[curve::Point],
) -> Result<Point<'a>, ScopeError> {
    let x: Vec<_> = points.iter().map(|point| point.x).collect();
    let y: Vec<_> = points.iter().map(|point| point.y).collect();
    Ok(Point {
        x: scope.periodic("x", step, &x)?,
        y: scope.periodic("y", step, &y)?,
    })
}

/// Constrains `sum = a + b`, given the slope of the line through `a` and `b`.
pub fn add<'a>(scope: &Scope<'a>, rows: &Domain, [a, b, sum]: [Point<'a>; 3], slope: Expr<'a>) {
    scope.constrain("x", rows.clone(), slope.square() - (a.x + b.x + sum.x));
    scope.constrain("y", rows.clone(), a.y + sum.y - slope * (a.x - sum.x));
}

/// Constrains each of `points` to be twice the previous one, over the height of a subset sum.
pub fn doubling<'a>(scope: &Scope<'a>, points: &Points<'a>, slope: Expr<'a>) {
    let step = points.x.step();
    let height = SUBSET_SUM_HEIGHT * step;
    let rows = every(step).except(every(height).at(height - step));
    let (point, next) = (points.at(0), points.at(1));
    let square = point.x.square();
    scope.constrain(
        "slope",
        rows.clone(),
        2 * square + square + curve::ALPHA - 2 * point.y * slope,
    );
    add(scope, &rows, [point, point, next], slope);
}

/// Additional checks of a subset sum.
#[derive(Clone, Copy, Debug)]
pub struct SubsetSum {
    /// Number of bits of the selector.
    pub n_bits: usize,
    /// Whether the selector is constrained to be below the field's prime.
    pub unpacks_bits: bool,
    /// Whether the two points of every addition are constrained to have different x coordinates.
    pub checks_x_difference: bool,
}

/// Constrains a subset sum. From each row to the next, `partial_sum` adds `point` if the selector's bit is set, from
/// the lowest bit on, and `selector` is shifted right by one bit. The initial value of `partial_sum` is not constrained
/// here.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn subset_sum(scope: &Scope<'_>, point: Point<'_>, checks: SubsetSum) -> Result<(), ScopeError> {
    let selector = scope.cells("selector")?;
    let bit = |i| selector.at(i) - 2 * selector.at(i + 1);
    let step = selector.step();
    let height = SUBSET_SUM_HEIGHT * step;
    let last = every(height).at(height - step);
    let each = || every(step).except(last);

    if checks.unpacks_bits {
        unpacked_bits(&scope.part("bit_unpacking"), &selector, height)?;
    }
    scope.constrain("booleanity_test", each(), bit(0) * (bit(0) - 1));
    scope.constrain(
        "bit_extraction_end",
        every(height).at(checks.n_bits * step),
        selector.at(0),
    );
    scope.constrain("zeros_tail", last, selector.at(0));

    let sums = Points::new(scope, "partial_sum")?;
    let (sum, next) = (sums.at(0), sums.at(1));
    let slope = scope.cell("slope")?;
    let add = scope.part("add_points");
    add.constrain(
        "slope",
        each(),
        bit(0) * (sum.y - point.y) - slope * (sum.x - point.x),
    );
    add.constrain("x", each(), slope.square() - bit(0) * (sum.x + point.x + next.x));
    add.constrain("y", each(), bit(0) * (sum.y + next.y) - slope * (sum.x - next.x));
    if checks.checks_x_difference {
        add.constrain(
            "x_diff_inv",
            each(),
            scope.cell("x_diff_inv")? * (sum.x - point.x) - 1,
        );
    }
    let copy = scope.part("copy_point");
    copy.constrain("x", each(), (1 - bit(0)) * (next.x - sum.x));
    copy.constrain("y", each(), (1 - bit(0)) * (next.y - sum.y));
    Ok(())
}

/// Constrains the selector to be below p = 2^251 + 2^196 + 2^192 + 1. If bit 251 is set, bits 197 to 250 are clear. If
/// bits 251 and 196 are set, bits 193 to 195 are clear. If bits 251, 196 and 192 are set, bits 0 to 191 are clear.
fn unpacked_bits(scope: &Scope<'_>, selector: &Cells<'_>, height: usize) -> Result<(), ScopeError> {
    let bit = |i| selector.at(i) - 2 * selector.at(i + 1);
    let power = |exponent: u64| Felt::from(2u64).pow([exponent]);
    let bits_251_196 = scope.cell("prod_ones196")?;
    let bits_251_196_192 = scope.cell("prod_ones192")?;
    // The number formed by the bits `from..to`, which is zero if they are clear.
    let clear = |from: usize, to: usize| selector.at(from) - selector.at(to) * power((to - from) as u64);
    let rows = every(height);
    scope.constrain("last_one_is_zero", rows, bits_251_196_192 * bit(0));
    scope.constrain("zeroes_between_ones0", rows, bits_251_196_192 * clear(1, 192));
    scope.constrain(
        "cumulative_bit192",
        rows,
        bits_251_196_192 - bits_251_196 * bit(192),
    );
    scope.constrain("zeroes_between_ones192", rows, bits_251_196 * clear(193, 196));
    scope.constrain("cumulative_bit196", rows, bits_251_196 - bit(251) * bit(196));
    scope.constrain("zeroes_between_ones196", rows, bit(251) * clear(197, 251));
    Ok(())
}
