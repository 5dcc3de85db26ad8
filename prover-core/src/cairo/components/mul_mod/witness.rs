//! Trace cells of `mul_mod`: `a * b = q * p + c`, word by word.

use super::BUILTIN;
use crate::cairo::canvas::{Canvas, Strip, cell};
use crate::cairo::components::modulo::witness::{ModuloInstances, Operation, WORD_BITS};
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::error::InputError;
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use crate::cairo::private_input::{MOD_WORDS, ModNumber};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use quarry_kernels::Felt;
use quarry_kernels::ops::VirtualColumn;

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[(Stage::Inputs, write)];

/// Carries between the words of a product.
const N_CARRIES: usize = 2 * (MOD_WORDS - 1);

/// Bits of a range-checked part.
const PART_BITS: usize = 16;
/// Parts per word of q.
const QUOTIENT_PARTS: usize = WORD_BITS / PART_BITS;
/// Parts per carry. A carry is written with a bias of 4 * 2^96, so that it is not negative.
const CARRY_PARTS: usize = 7;

/// 32-bit limbs of a number and of a product.
const LIMBS: usize = MOD_WORDS * WORD_BITS / 32;
type Product = [u32; 2 * LIMBS];

fn limbs(number: &ModNumber) -> [u32; LIMBS] {
    std::array::from_fn(|i| (number[i / 3] >> (32 * (i % 3))) as u32)
}

fn multiply(a: &ModNumber, b: &ModNumber) -> Product {
    let mut product = [0; 2 * LIMBS];
    for (i, a) in limbs(a).into_iter().enumerate() {
        let mut carry = 0u64;
        for (out, b) in product[i..].iter_mut().zip(limbs(b)) {
            let sum = u64::from(*out) + u64::from(a) * u64::from(b) + carry;
            *out = sum as u32;
            carry = sum >> 32;
        }
        product[i + LIMBS] = carry as u32;
    }
    product
}

/// Computes `a -= b`. Returns whether it underflowed.
fn subtract(a: &mut [u32], b: &[u32]) -> bool {
    let mut borrow = false;
    for (a, b) in a.iter_mut().zip(b.iter().copied().chain(std::iter::repeat(0))) {
        let (difference, under) = a.overflowing_sub(b);
        let (difference, under2) = difference.overflowing_sub(u32::from(borrow));
        (*a, borrow) = (difference, under | under2);
    }
    borrow
}

/// Computes quotient and remainder bit by bit. `divisor` must not be 0.
fn divide(number: &Product, divisor: &ModNumber) -> (Product, [u32; LIMBS + 1]) {
    let divisor = limbs(divisor);
    let (mut quotient, mut rest) = ([0; 2 * LIMBS], [0; LIMBS + 1]);
    for bit in (0..32 * number.len()).rev() {
        let mut carry = number[bit / 32] >> (bit % 32) & 1;
        for limb in &mut rest {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 31);
        }
        let mut less = rest;
        if !subtract(&mut less, &divisor) {
            rest = less;
            quotient[bit / 32] |= 1 << (bit % 32);
        }
    }
    (quotient, rest)
}

/// The q with `a * b = q * p + c`; `None` if no such q has at most 384 bits.
fn quotient(operation: &Operation) -> Option<ModNumber> {
    let Operation { p, values: [a, b, c] } = operation;
    let mut product = multiply(a, b);
    if subtract(&mut product, &limbs(c)) {
        return None;
    }
    if *p == ModNumber::default() {
        return (product == [0; 2 * LIMBS]).then(ModNumber::default);
    }
    let (quotient, rest) = divide(&product, p);
    let (low, high) = quotient.split_at(LIMBS);
    let fits = rest.iter().chain(high).all(|limb| *limb == 0);
    let word = |i: usize| (0..3).fold(0, |word, k| word | u128::from(low[3 * i + k]) << (32 * k));
    fits.then(|| std::array::from_fn(word))
}

/// The carries from word to word of `a * b - q * p - c`, which is 0. They are small integers, possibly negative,
/// computed in the field by dividing by 2^96.
fn carries(operation: &Operation, q: &ModNumber) -> [Felt; N_CARRIES] {
    let shift = Felt::from(1u128 << WORD_BITS).inverse().unwrap_or_default();
    let element = |number: &ModNumber| number.map(Felt::from);
    let [a, b, c] = operation.values.each_ref().map(element);
    let (p, q) = (element(&operation.p), element(q));
    let mut carry = Felt::ZERO;
    std::array::from_fn(|word| {
        for i in 0..=word.min(MOD_WORDS - 1) {
            if let (Some(b), Some(p)) = (b.get(word - i), p.get(word - i)) {
                carry += a[i] * b - q[i] * p;
            }
        }
        carry -= c.get(word).copied().unwrap_or_default();
        carry *= shift;
        carry
    })
}

/// The virtual columns of the component: the parts of the words of q and of the carries, lowest first.
struct Cells {
    quotient: Vec<Vec<VirtualColumn>>,
    carries: Vec<Vec<VirtualColumn>>,
}

impl Cells {
    fn new(layout: &Layout) -> Result<Self, InputError> {
        let words = |name: &str, n_words: usize, n_parts: usize| {
            let word = |i| {
                (0..n_parts)
                    .map(|part| cell(layout, &format!("mul_mod/{name}{i}/part{part}")))
                    .collect()
            };
            (0..n_words).map(word).collect::<Result<Vec<Vec<_>>, _>>()
        };
        Ok(Self {
            quotient: words("p_multiplier", MOD_WORDS, QUOTIENT_PARTS)?,
            carries: words("carry", N_CARRIES, CARRY_PARTS)?,
        })
    }
}

/// Writes the parts of a value. Returns whether the value fits in them.
fn write_parts(strip: &mut Strip, cells: &[VirtualColumn], value: Felt) -> bool {
    let mut value = value.into_bigint();
    for cell in cells {
        strip.range_check(*cell, 0, value.0[0] as u16);
        value >>= PART_BITS as u32;
    }
    value.is_zero()
}

/// Writes every instance. Unused instances multiply zeros.
fn write(canvas: &mut Canvas, layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let cells = Cells::new(layout)?;
    let inputs = &input.private.mul_mod;
    let builtin = ModuloInstances::new(BUILTIN, layout, input, inputs, canvas.n_rows())?;
    let carry_shift = Felt::from((MOD_WORDS as u128) << WORD_BITS);
    canvas.write_strips(builtin.height(), |i, strip| {
        let operation = builtin.write_memory(strip, i)?;
        let quotient = quotient(&operation).ok_or_else(|| builtin.wrong(i, &operation))?;
        let quotients = quotient.map(Felt::from);
        let carries = carries(&operation, &quotient).map(|carry| carry + carry_shift);
        let cells = cells.quotient.iter().chain(&cells.carries);
        let mut fits = true;
        for (cells, value) in cells.zip(quotients.into_iter().chain(carries)) {
            fits &= write_parts(strip, cells, value);
        }
        if fits {
            Ok(())
        } else {
            Err(builtin.wrong(i, &operation))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: u128 = (1 << WORD_BITS) - 1;

    fn operation(p: ModNumber, values: [ModNumber; 3]) -> Operation {
        Operation { p, values }
    }

    #[test]
    fn products_divide_back() {
        let (p, b) = ([3, 0, TOP, 12345], [TOP, 7, TOP, TOP]);
        let c = [11, TOP, 0, 1];
        // a = p and c = 0 gives q = b. With another c the difference is not divisible by p.
        assert_eq!(quotient(&operation(p, [p, b, [0; 4]])), Some(b));
        assert_eq!(quotient(&operation(p, [p, b, c])), None);
        assert_eq!(quotient(&operation(p, [c, [1, 0, 0, 0], c])), Some([0; 4]));
        // a * b < c.
        assert_eq!(quotient(&operation(p, [[0; 4], b, p])), None);
        // q has more than 384 bits.
        assert_eq!(quotient(&operation([1, 0, 0, 0], [b, b, [0; 4]])), None);
        assert_eq!(quotient(&operation([0; 4], [[0; 4]; 3])), Some([0; 4]));
        let (quotient, rest) = divide(&multiply(&p, &b), &b);
        assert_eq!(quotient[..LIMBS], limbs(&p));
        assert_eq!(rest, [0; LIMBS + 1]);
    }

    #[test]
    fn carries_end_at_nothing() {
        let (p, b) = ([3, 0, TOP, 12345], [TOP, 7, TOP, TOP]);
        let operation = operation(p, [p, b, [0; 4]]);
        assert_eq!(carries(&operation, &b), [Felt::ZERO; N_CARRIES]);
        let swapped = operation_of([TOP, TOP, TOP, TOP], [TOP, 0, 5, TOP]);
        let q = quotient(&swapped).unwrap();
        let last = carries(&swapped, &q)[N_CARRIES - 1];
        let [a, b, _] = swapped.values;
        let top = Felt::from(a[3]) * Felt::from(b[3]) - Felt::from(q[3]) * Felt::from(swapped.p[3]);
        assert_eq!(last + top, Felt::ZERO);
    }

    /// `a * b = c` modulo 2^384 - 31, with c computed.
    fn operation_of(a: ModNumber, b: ModNumber) -> Operation {
        let p = [TOP - 30, TOP, TOP, TOP];
        let (_, rest) = divide(&multiply(&a, &b), &p);
        let word = |i: usize| (0..3).fold(0, |word, k| word | u128::from(rest[3 * i + k]) << (32 * k));
        operation(p, [a, b, std::array::from_fn(word)])
    }
}
