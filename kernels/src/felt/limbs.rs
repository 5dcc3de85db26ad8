//! Arithmetic on the four limbs of a Montgomery form, with strict or lazy reduction.
//!
//! The lowest limb of p = 2^251 + 17 * 2^192 + 1 is 1, and two limbs are 0. So the factor of a Montgomery step is the
//! negated low limb, and a step costs one multiplication by [`TOP`] beside the carries. As 32 p > 2^256 > 31 p, sums
//! may grow to 31 p before they must be reduced. Each *lazy* function documents the bounds it keeps.

use super::Felt;
use ark_ff::BigInt;

/// The highest limb of p.
pub const TOP: u64 = 0x0800_0000_0000_0011;

/// Four little-endian 64-bit limbs.
pub type Limbs = [u64; 4];

/// `a + b` modulo 2^256. Most callers keep the sum below 2^256.
#[inline(always)]
pub fn add(a: &Limbs, b: &Limbs) -> Limbs {
    let (r0, c) = a[0].overflowing_add(b[0]);
    let (r1, c) = a[1].carrying_add(b[1], c);
    let (r2, c) = a[2].carrying_add(b[2], c);
    let (r3, _) = a[3].carrying_add(b[3], c);
    [r0, r1, r2, r3]
}

/// `a - b` modulo 2^256, and whether the difference is negative.
#[inline(always)]
pub fn sub(a: &Limbs, b: &Limbs) -> (Limbs, bool) {
    let (r0, c) = a[0].overflowing_sub(b[0]);
    let (r1, c) = a[1].borrowing_sub(b[1], c);
    let (r2, c) = a[2].borrowing_sub(b[2], c);
    let (r3, c) = a[3].borrowing_sub(b[3], c);
    ([r0, r1, r2, r3], c)
}

/// `a - b`, or `a - b + p` if that is negative: below p for operands below p.
#[inline(always)]
pub fn sub_strict(a: &Limbs, b: &Limbs) -> Limbs {
    let (r, negative) = sub(a, b);
    let mask = u64::from(negative).wrapping_neg();
    add(&r, &[mask & 1, 0, 0, mask & TOP])
}

/// `a - b + 2 p` for `b <= 2 p` and `a + 2 p` below 2^256.
#[inline(always)]
pub fn sub_lazy(a: &Limbs, b: &Limbs) -> Limbs {
    sub(&add(a, &[2, 0, 0, 2 * TOP]), b).0
}

/// `a - p` if that is not negative, else `a`. The result is below p for `a < 2 p`.
#[inline(always)]
pub fn reduce_once(a: &Limbs) -> Limbs {
    sub_strict(a, &[1, 0, 0, TOP])
}

/// [`reduce_once`] for a product of elements below p. Only about one such product in sixty is not below p itself, so a
/// well-predicted branch costs less than a subtraction.
#[inline(always)]
pub fn reduce_product(a: &Limbs) -> Limbs {
    if a[3] < TOP { *a } else { reduce_once(a) }
}

/// The value below p that is congruent to any `a`.
#[inline(always)]
pub fn reduce(a: &Limbs) -> Limbs {
    // floor(a / 2^251) is the quotient by p or one more, as 31 (p - 2^251) < p.
    let quotient = a[3] >> 59;
    sub_strict(a, &[quotient, 0, 0, quotient * TOP])
}

/// The quotient of any `a` by p.
pub fn quotient(a: &Limbs) -> u64 {
    let quotient = a[3] >> 59;
    let (_, negative) = sub(a, &[quotient, 0, 0, quotient * TOP]);
    quotient - u64::from(negative)
}

/// `a * factor`, computed as one row of products and one carry chain.
#[inline(always)]
fn mul_limb(a: &Limbs, factor: u64) -> [u64; 5] {
    let [(l0, h0), (l1, h1), (l2, h2), (l3, h3)] = a.map(|limb| limb.carrying_mul(factor, 0));
    let (r1, c) = l1.overflowing_add(h0);
    let (r2, c) = l2.carrying_add(h1, c);
    let (r3, c) = l3.carrying_add(h2, c);
    [l0, r1, r2, r3, h3 + u64::from(c)]
}

/// `t + row`, split into the lowest limb and the others.
#[inline(always)]
fn accumulate(t: &Limbs, row: &[u64; 5]) -> (u64, Limbs) {
    let (r0, c) = t[0].overflowing_add(row[0]);
    let (r1, c) = t[1].carrying_add(row[1], c);
    let (r2, c) = t[2].carrying_add(row[2], c);
    let (r3, c) = t[3].carrying_add(row[3], c);
    (r0, [r1, r2, r3, row[4].wrapping_add(u64::from(c))])
}

/// `(low + 2^128 high + m p) / 2^128`, for the `m < 2^128` that makes the division exact.
#[inline(always)]
fn divide_by_two_limbs(low: [u64; 2], high: &Limbs) -> Limbs {
    // m = -low, and adding it to low carries 1 unless low was 0 already.
    let (m0, borrow) = 0u64.overflowing_sub(low[0]);
    let (m1, carry) = 0u64.borrowing_sub(low[1], borrow);
    let (l0, c) = m0.carrying_mul(TOP, 0);
    let (l1, l2) = m1.carrying_mul(TOP, c);
    let (r0, c) = high[0].overflowing_add(u64::from(carry));
    let (r1, c) = high[1].carrying_add(l0, c);
    let (r2, c) = high[2].carrying_add(l1, c);
    let (r3, _) = high[3].carrying_add(l2, c);
    [r0, r1, r2, r3]
}

/// Montgomery product `a b / 2^256` for `a < 30 p` and any `b`: below `p + a b / 2^256`, so below `2 p` when
/// `a` is below p.
#[inline(always)]
pub fn mul_lazy(a: &Limbs, b: &Limbs) -> Limbs {
    let mut t = [0; 4];
    for [b0, b1] in b.as_chunks::<2>().0 {
        let (x0, sum) = accumulate(&t, &mul_limb(a, *b0));
        let (x1, sum) = accumulate(&sum, &mul_limb(a, *b1));
        t = divide_by_two_limbs([x0, x1], &sum);
    }
    t
}

/// Montgomery reduction `t / 2^256` of a value below `2^256 p`: below p.
#[inline(always)]
fn reduce_wide(t: &[u64; 8]) -> Limbs {
    // With q = (t mod 2^256) / p mod 2^256, the result is the high half of t minus the high half of q p, and q equals
    // the low half of t except in the highest limb.
    let q3 = t[3].wrapping_sub(t[0].wrapping_mul(TOP));
    let (_, c) = t[0].carrying_mul(TOP, q3);
    let (h0, c) = t[1].carrying_mul(TOP, c);
    let (h1, c) = t[2].carrying_mul(TOP, c);
    let (h2, h3) = q3.carrying_mul(TOP, c);
    sub_strict(&[t[4], t[5], t[6], t[7]], &[h0, h1, h2, h3])
}

/// Montgomery square of a value below p.
#[inline(always)]
pub fn square(a: &Limbs) -> Limbs {
    let (t1, c) = a[0].carrying_mul(a[1], 0);
    let (t2, c) = a[0].carrying_mul(a[2], c);
    let (t3, t4) = a[0].carrying_mul(a[3], c);
    let (t3, c) = a[1].carrying_mul_add(a[2], t3, 0);
    let (t4, t5) = a[1].carrying_mul_add(a[3], t4, c);
    let (t5, t6) = a[2].carrying_mul_add(a[3], t5, 0);
    let cross = [0, t1, t2, t3, t4, t5, t6, 0];
    let mut t = [0; 8];
    let mut carry = false;
    for i in 0..4 {
        let low = cross[2 * i] << 1 | if i > 0 { cross[2 * i - 1] >> 63 } else { 0 };
        let high = cross[2 * i + 1] << 1 | cross[2 * i] >> 63;
        let (l, h) = a[i].carrying_mul(a[i], 0);
        (t[2 * i], carry) = low.carrying_add(l, carry);
        (t[2 * i + 1], carry) = high.carrying_add(h, carry);
    }
    reduce_wide(&t)
}

/// The element whose Montgomery form is congruent to `limbs`.
#[inline(always)]
pub fn to_felt(limbs: &Limbs) -> Felt {
    Felt::new_unchecked(BigInt(reduce(limbs)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{Field, Fp256, MontBackend, MontConfig};

    /// The same field with the generic operations of `ark-ff`, as a reference.
    struct ReferenceConfig;
    impl MontConfig<4> for ReferenceConfig {
        const MODULUS: BigInt<4> = BigInt([1, 0, 0, TOP]);
        const GENERATOR: Reference = Reference::new(BigInt([3, 0, 0, 0]));
        // The tests use no roots.
        const TWO_ADIC_ROOT_OF_UNITY: Reference = Reference::ONE;
    }
    type Reference = Fp256<MontBackend<ReferenceConfig, 4>>;

    /// Montgomery forms below p: edges of limbs and of the range, then a pseudorandom walk.
    fn samples() -> Vec<Limbs> {
        let mut samples = vec![
            [0, 0, 0, 0],
            [1, 0, 0, 0],
            [0, 0, 0, TOP],
            [u64::MAX, u64::MAX, u64::MAX, TOP - 1],
            [u64::MAX, u64::MAX, u64::MAX, 0],
            [0, 1, 0, 0],
            [0, 0, 1, 0],
            [0, 0, 0, 1],
            Felt::R.0,
        ];
        let mut x = Reference::new_unchecked(BigInt([3, 5, 7, 11]));
        for _ in 0..40 {
            x = x.square() + Reference::from(17u64);
            samples.push(x.0.0);
        }
        samples
    }

    fn reference(limbs: &Limbs) -> Reference {
        Reference::new_unchecked(BigInt(*limbs))
    }

    #[test]
    fn field_operations_equal_the_derived_ones() {
        for a in samples() {
            let (fa, ra) = (Felt::new_unchecked(BigInt(a)), reference(&a));
            assert_eq!(fa.square().0, ra.square().0);
            assert_eq!((fa + fa).0, (ra + ra).0);
            assert_eq!((-fa).0, (-ra).0);
            assert_eq!(fa.inverse().map(|x| x.0), ra.inverse().map(|x| x.0));
            for b in samples() {
                let (fb, rb) = (Felt::new_unchecked(BigInt(b)), reference(&b));
                assert_eq!((fa * fb).0, (ra * rb).0, "{a:x?} * {b:x?}");
                assert_eq!((fa + fb).0, (ra + rb).0, "{a:x?} + {b:x?}");
                assert_eq!((fa - fb).0, (ra - rb).0, "{a:x?} - {b:x?}");
            }
        }
    }

    #[test]
    fn lazy_operations_keep_their_bounds_and_values() {
        let p: Limbs = [1, 0, 0, TOP];
        let below = |a: &Limbs, multiple: u64| sub(a, &[multiple, 0, 0, multiple * TOP]).1;
        for a in samples() {
            // a + k p for every k that the functions allow.
            let mut large = a;
            for k in 0..31 {
                assert_eq!(reduce(&large), a, "a + {k} p");
                assert_eq!(quotient(&large), k);
                for b in samples() {
                    let product = mul_lazy(&b, &large);
                    assert!(below(&product, 2));
                    assert_eq!(reduce(&product), (reference(&a) * reference(&b)).0.0);
                    if k < 29 {
                        assert_eq!(reduce(&mul_lazy(&large, &b)), reduce(&product));
                        let subtrahend = add(&b, &p);
                        let difference = sub_lazy(&large, &subtrahend);
                        assert_eq!(reduce(&difference), (reference(&a) - reference(&b)).0.0);
                    }
                }
                large = add(&large, &p);
            }
        }
        // 2^256 - 1 is congruent to R - 1.
        let mut r_minus_one = Felt::R.0;
        r_minus_one[0] -= 1;
        assert_eq!(reduce(&[u64::MAX; 4]), r_minus_one);
    }
}
