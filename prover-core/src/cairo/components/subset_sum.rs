//! The witness of subset sums of curve points: chains of additions selected by bits, and chains of doublings.
//!
//! Every addition needs an inversion, and the next addition depends on its result. So sums are computed in batches, row
//! by row, with one batch inversion per row.

use crate::cairo::canvas::{Strip, cell};
use crate::cairo::error::InputError;
use crate::cairo::layouts::Layout;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField, Zero};
use quarry_kernels::Felt;
use quarry_kernels::curve::{self, Point};
use quarry_kernels::ops::VirtualColumn;

/// Rows of a sum, a power of two: one more than the maximum number of points.
pub(crate) const HEIGHT: usize = 256;

/// The sum of `start` and the points selected by the bits of `selector`, lowest bit first.
pub(crate) struct SubsetSum<'a> {
    /// The initial value.
    pub start: Point,
    /// The points. The last one is repeated for the remaining rows.
    pub points: &'a [Point],
    /// The bits.
    pub selector: Felt,
}

/// The rows of a sum.
pub(crate) struct SubsetSumRows {
    selector: Felt,
    /// The sum before each row's point.
    partial_sums: Vec<Point>,
    /// The slope of each addition; 0 if nothing is added.
    slopes: Vec<Felt>,
    /// The inverse of the difference of the x coordinates, also for points that are not added if `every_difference` is
    /// set.
    x_diff_inv: Vec<Felt>,
    /// Whether a required difference is 0, because a point meets itself or its inverse. The rows are then invalid.
    pub is_degenerate: bool,
}

impl SubsetSumRows {
    fn new(sum: &SubsetSum) -> Self {
        let mut partial_sums = Vec::with_capacity(HEIGHT);
        partial_sums.push(sum.start);
        Self {
            selector: sum.selector,
            partial_sums,
            slopes: Vec::with_capacity(HEIGHT - 1),
            x_diff_inv: Vec::with_capacity(HEIGHT - 1),
            is_degenerate: false,
        }
    }

    /// The final sum.
    pub fn result(&self) -> Point {
        self.partial_sums.last().copied().unwrap_or_default()
    }
}

/// Computes a batch of sums. If `every_difference` is set, the inverses of the differences are also computed, and must
/// exist, for points that are not added.
pub(crate) fn subset_sums(sums: &[SubsetSum], every_difference: bool) -> Vec<SubsetSumRows> {
    let selectors: Vec<_> = sums.iter().map(|sum| sum.selector.into_bigint()).collect();
    let mut rows: Vec<SubsetSumRows> = sums.iter().map(SubsetSumRows::new).collect();
    let mut inverses = vec![Felt::ZERO; sums.len()];
    for j in 0..HEIGHT - 1 {
        let point = |i: usize| sums[i].points[j.min(sums[i].points.len() - 1)];
        for (i, inverse) in inverses.iter_mut().enumerate() {
            let is_needed = every_difference || selectors[i].get_bit(j);
            *inverse = match is_needed {
                true => rows[i].partial_sums[j].x - point(i).x,
                false => Felt::ZERO,
            };
            rows[i].is_degenerate |= is_needed && inverse.is_zero();
        }
        ark_ff::batch_inversion(&mut inverses);
        for (i, (rows, inverse)) in rows.iter_mut().zip(&inverses).enumerate() {
            let sum = rows.partial_sums[j];
            let (slope, next) = match selectors[i].get_bit(j) {
                true => {
                    let slope = (sum.y - point(i).y) * inverse;
                    (slope, sum.add_with_slope(&point(i), slope))
                }
                false => (Felt::ZERO, sum),
            };
            rows.slopes.push(slope);
            rows.x_diff_inv.push(*inverse);
            rows.partial_sums.push(next);
        }
    }
    rows
}

/// The rows of a chain of doublings.
pub(crate) struct DoublingRows {
    /// The point times 2^i, by i.
    pub points: Vec<Point>,
    /// The slopes of the tangents between them.
    pub slopes: Vec<Felt>,
}

/// Computes `start + scalar * point` for each point and pair `(start, scalar)`, with the chains of doublings.
pub(crate) fn multiples(
    points: &[Point],
    sums: impl Iterator<Item = (Point, Felt)>,
) -> Vec<(DoublingRows, SubsetSumRows)> {
    let chains = doublings(points);
    let sums = chains
        .iter()
        .zip(sums)
        .map(|(chain, (start, selector))| SubsetSum {
            start,
            points: &chain.points,
            selector,
        });
    let sums = subset_sums(&sums.collect::<Vec<_>>(), true);
    chains.into_iter().zip(sums).collect()
}

/// Computes a batch of chains of doublings, of [`HEIGHT`] points each.
pub(crate) fn doublings(points: &[Point]) -> Vec<DoublingRows> {
    let mut rows: Vec<DoublingRows> = points
        .iter()
        .map(|point| DoublingRows {
            points: vec![*point],
            slopes: Vec::with_capacity(HEIGHT - 1),
        })
        .collect();
    for i in 0..HEIGHT - 1 {
        let mut inverses: Vec<Felt> = rows.iter().map(|rows| rows.points[i].y.double()).collect();
        ark_ff::batch_inversion(&mut inverses);
        for (rows, inverse) in rows.iter_mut().zip(inverses) {
            let point = rows.points[i];
            let square = point.x.square();
            let slope = (square.double() + square + curve::ALPHA) * inverse;
            rows.slopes.push(slope);
            rows.points.push(point.add_with_slope(&point, slope));
        }
    }
    rows
}

/// The virtual columns of a sum.
pub(crate) struct SubsetSumCells {
    x: VirtualColumn,
    y: VirtualColumn,
    slope: VirtualColumn,
    selector: VirtualColumn,
    x_diff_inv: Option<VirtualColumn>,
    /// Running products of the bits in [`ONES`], starting with the product of the first two.
    products: Option<[VirtualColumn; 2]>,
}

/// The 1 bits of p except the lowest, highest first. If a selector has all of these bits set, further constraints show
/// that it is below p.
const ONES: [usize; 3] = [251, 196, 192];

impl SubsetSumCells {
    /// Finds the virtual columns of the sum with this name.
    pub fn new(layout: &Layout, name: &str) -> Result<Self, InputError> {
        let cell = |part: &str| cell(layout, &format!("{name}/{part}"));
        let product = |bit: usize| layout.cell(&format!("{name}/bit_unpacking/prod_ones{bit}"));
        Ok(Self {
            x: cell("partial_sum/x")?,
            y: cell("partial_sum/y")?,
            slope: cell("slope")?,
            selector: cell("selector")?,
            x_diff_inv: layout.cell(&format!("{name}/x_diff_inv")),
            products: product(ONES[1])
                .zip(product(ONES[2]))
                .map(|(first, second)| [first, second]),
        })
    }

    /// Writes a sum as instance `index` of the strip.
    pub fn write(&self, strip: &mut Strip, index: usize, rows: &SubsetSumRows) {
        let mut selector = rows.selector.into_bigint();
        if let Some(cells) = self.products {
            let mut product = selector.get_bit(ONES[0]);
            for (cell, bit) in cells.into_iter().zip(&ONES[1..]) {
                product &= selector.get_bit(*bit);
                strip.set(cell, index, Felt::from(product));
            }
        }
        for (j, sum) in (index * HEIGHT..).zip(&rows.partial_sums) {
            strip.set(self.x, j, sum.x);
            strip.set(self.y, j, sum.y);
            strip.set(self.selector, j, Felt::from_bigint(selector).unwrap_or_default());
            selector >>= 1;
        }
        for (j, slope) in (index * HEIGHT..).zip(&rows.slopes) {
            strip.set(self.slope, j, *slope);
        }
        if let Some(cell) = self.x_diff_inv {
            for (j, inverse) in (index * HEIGHT..).zip(&rows.x_diff_inv) {
                strip.set(cell, j, *inverse);
            }
        }
    }
}

/// The virtual columns of a chain of doublings.
pub(crate) struct DoublingCells {
    x: VirtualColumn,
    y: VirtualColumn,
    slope: VirtualColumn,
}

impl DoublingCells {
    /// Finds the virtual columns of a chain: `points/x`, `points/y` and `slope`.
    pub fn new(layout: &Layout, points: &str, slope: &str) -> Result<Self, InputError> {
        Ok(Self {
            x: cell(layout, &format!("{points}/x"))?,
            y: cell(layout, &format!("{points}/y"))?,
            slope: cell(layout, slope)?,
        })
    }

    /// Writes a chain as instance `index` of the strip.
    pub fn write(&self, strip: &mut Strip, index: usize, rows: &DoublingRows) {
        for (i, point) in (index * HEIGHT..).zip(&rows.points) {
            strip.set(self.x, i, point.x);
            strip.set(self.y, i, point.y);
        }
        for (i, slope) in (index * HEIGHT..).zip(&rows.slopes) {
            strip.set(self.slope, i, *slope);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::BigInt;

    fn multiple(k: u64) -> Point {
        curve::GENERATOR.mul(&BigInt::from(k)).unwrap()
    }

    #[test]
    fn sums_are_those_of_the_group() {
        let powers = doublings(&[curve::GENERATOR, multiple(3)]);
        assert_eq!(powers[1].points[10], multiple(3 << 10));
        assert_eq!(powers[0].points.len(), HEIGHT);
        let sum = |start, points, selector: u64| SubsetSum {
            start,
            points,
            selector: Felt::from(selector),
        };
        for every_difference in [false, true] {
            let rows = subset_sums(
                &[
                    sum(multiple(1 << 20), &powers[0].points, 1234),
                    sum(multiple(1 << 19), &powers[1].points[..251], 0),
                ],
                every_difference,
            );
            assert_eq!(rows[0].result(), multiple((1 << 20) + 1234));
            assert_eq!(rows[1].result(), multiple(1 << 19));
        }
    }

    #[test]
    fn a_point_that_meets_itself_is_reported() {
        let points = [multiple(5)];
        let sum = |selector: u64| SubsetSum {
            start: multiple(5),
            points: &points,
            selector: Felt::from(selector),
        };
        let rows = subset_sums(&[sum(1), sum(0)], false);
        assert!(rows[0].is_degenerate && !rows[1].is_degenerate);
    }
}
