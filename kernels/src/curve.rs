//! The STARK curve `y^2 = x^3 + x + BETA` over the field, in affine coordinates.
//!
//! The constants are the published ones, taken from the digits of pi. The group has prime order [`ORDER`], so no
//! point has order 2.

use crate::felt::Felt;
use ark_ff::{AdditiveGroup, BigInt, BigInteger, Field, MontFp};
use std::ops::Neg;

/// The coefficient of `x`.
pub const ALPHA: Felt = MontFp!("1");

/// The constant term.
pub const BETA: Felt =
    MontFp!("3141592653589793238462643383279502884197169399375105820974944592307816406665");

/// Number of points including the point at infinity; a prime.
pub const ORDER: BigInt<4> = BigInt([
    0x1e66_a241_adc6_4d2f,
    0xb781_126d_cae7_b232,
    0xffff_ffff_ffff_ffff,
    0x0800_0000_0000_0010,
]);

/// The generator point used by ECDSA.
pub const GENERATOR: Point = Point {
    x: MontFp!("874739451078007766457464989774322083649278607533249481151382481072868806602"),
    y: MontFp!("152666792071518830868575557812948353041420400780739481342941381225525861407"),
};

/// A finite point. The point at infinity is the `None` of an `Option<Point>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Point {
    /// The x coordinate.
    pub x: Felt,
    /// The y coordinate.
    pub y: Felt,
}

impl Point {
    /// Whether the coordinates satisfy the curve's equation.
    pub fn is_on_curve(&self) -> bool {
        self.y.square() == (self.x.square() + ALPHA) * self.x + BETA
    }

    /// The slope of the line through two points, or of the tangent if they are equal; `None` if it is vertical.
    pub fn slope(&self, other: &Point) -> Option<Felt> {
        let (numerator, denominator) = self.slope_fraction(other);
        Some(numerator * denominator.inverse()?)
    }

    /// [`Point::slope`] as numerator and denominator; the denominator is 0 for a vertical line.
    fn slope_fraction(&self, other: &Point) -> (Felt, Felt) {
        if self == other {
            let square = self.x.square();
            (square.double() + square + ALPHA, self.y.double())
        } else {
            (self.y - other.y, self.x - other.x)
        }
    }

    /// The sum of two points, given the slope of the line through them.
    pub fn add_with_slope(&self, other: &Point, slope: Felt) -> Point {
        let x = slope.square() - self.x - other.x;
        let y = slope * (self.x - x) - self.y;
        Point { x, y }
    }

    /// The sum; `None` is the point at infinity.
    pub fn add(&self, other: &Point) -> Option<Point> {
        let slope = self.slope(other)?;
        Some(self.add_with_slope(other, slope))
    }

    /// Twice the point. (For points of this curve, it is never the point at infinity.)
    pub fn double(&self) -> Option<Point> {
        self.add(self)
    }

    /// The multiple `scalar * self`; `None` is the point at infinity.
    pub fn mul(&self, scalar: &BigInt<4>) -> Option<Point> {
        let mut sum = None;
        for bit in (0..scalar.num_bits() as usize).rev() {
            sum = add(sum.as_ref(), sum.as_ref());
            if scalar.get_bit(bit) {
                sum = add(sum.as_ref(), Some(self));
            }
        }
        sum
    }
}

impl Neg for Point {
    type Output = Point;

    fn neg(self) -> Point {
        Point {
            x: self.x,
            y: -self.y,
        }
    }
}

/// Group addition, including the point at infinity.
pub fn add(a: Option<&Point>, b: Option<&Point>) -> Option<Point> {
    match (a, b) {
        (Some(a), Some(b)) => a.add(b),
        (a, b) => a.or(b).copied(),
    }
}

/// Adds pairs of points (element `2i` and `2i + 1` become element `i` of the result) with one inversion for all.
pub fn add_pairs(points: &[Option<Point>]) -> Vec<Option<Point>> {
    let pairs = points.as_chunks::<2>().0;
    let fractions = pairs.iter().map(|pair| match pair {
        [Some(a), Some(b)] => a.slope_fraction(b),
        // Batch inversion leaves zeros unchanged.
        _ => (Felt::ZERO, Felt::ZERO),
    });
    let (numerators, mut inverses): (Vec<Felt>, Vec<Felt>) = fractions.unzip();
    ark_ff::batch_inversion(&mut inverses);
    let slopes = numerators.iter().zip(&inverses);
    let sums = pairs
        .iter()
        .zip(slopes)
        .map(|(pair, (numerator, inverse))| match pair {
            [Some(_), Some(_)] if *inverse == Felt::ZERO => None,
            [Some(a), Some(b)] => Some(a.add_with_slope(b, *numerator * inverse)),
            [a, b] => a.or(*b),
        });
    sums.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multiple(k: u64) -> Option<Point> {
        GENERATOR.mul(&BigInt::from(k))
    }

    #[test]
    fn the_generator_lies_on_the_curve_and_has_the_order() {
        assert!(GENERATOR.is_on_curve());
        assert_eq!(GENERATOR.mul(&ORDER), None);
        let mut order_less_one = ORDER;
        order_less_one.0[0] -= 1;
        assert_eq!(GENERATOR.mul(&order_less_one), Some(-GENERATOR));
    }

    #[test]
    fn multiples_add_up() {
        let mut sum = None;
        for k in 0..20 {
            assert_eq!(multiple(k), sum);
            assert!(sum.is_none_or(|point| point.is_on_curve()));
            sum = add(sum.as_ref(), Some(&GENERATOR));
        }
        assert_eq!(GENERATOR.add(&-GENERATOR), None);
    }

    #[test]
    fn pairs_add_as_single_points_do() {
        let points = [
            [multiple(3), multiple(5)],
            [multiple(4), multiple(4)],
            [multiple(7), multiple(7).map(|point| -point)],
            [None, multiple(6)],
            [multiple(6), None],
            [None, None],
        ];
        let sums = add_pairs(points.as_flattened());
        assert_eq!(
            sums,
            [multiple(8), multiple(8), None, multiple(6), multiple(6), None]
        );
    }
}
