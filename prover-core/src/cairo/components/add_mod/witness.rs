//! Trace cells of `add_mod`: `a + b = c` or `a + b = c + p`, word by word.

use super::BUILTIN;
use crate::cairo::canvas::{Canvas, cell};
use crate::cairo::components::modulo::witness::{ModuloInstances, Operation, WORD_BITS};
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::error::InputError;
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use crate::cairo::private_input::MOD_WORDS;
use ark_ff::Field;
use quarry_kernels::Felt;
use quarry_kernels::ops::VirtualColumn;

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[(Stage::Inputs, write)];

/// Carries between words.
const N_CARRIES: usize = MOD_WORDS - 1;

/// Whether p is subtracted, and the carries, each -1, 0 or 1.
type Sum = (bool, [i128; N_CARRIES]);

/// Computes how `a + b` reduces to `c`; `None` if it does not.
fn sum(operation: &Operation) -> Option<Sum> {
    [false, true].into_iter().find_map(|subtract| {
        let Operation { p, values: [a, b, c] } = operation;
        let mut carries = [0; MOD_WORDS];
        let mut carry = 0;
        for (i, out) in carries.iter_mut().enumerate() {
            // Words have at most 96 bits.
            let word = |number: &[u128; MOD_WORDS]| number[i] as i128;
            let sum = word(a) + word(b) - word(c) - if subtract { word(p) } else { 0 } + carry;
            if sum % (1 << WORD_BITS) != 0 {
                return None;
            }
            carry = sum >> WORD_BITS;
            *out = carry;
        }
        let [first, second, third, last] = carries;
        (last == 0).then_some((subtract, [first, second, third]))
    })
}

/// The virtual columns of the component.
struct Cells {
    sub_p: VirtualColumn,
    /// Magnitude and sign of every carry.
    carries: Vec<[VirtualColumn; 2]>,
}

impl Cells {
    fn new(layout: &Layout) -> Result<Self, InputError> {
        let cell = |part: &str| cell(layout, &format!("add_mod/{part}"));
        let carry = |i| Ok([cell(&format!("carry{i}_bit"))?, cell(&format!("carry{i}_sign"))?]);
        Ok(Self {
            sub_p: cell("sub_p_bit")?,
            carries: (1..=N_CARRIES).map(carry).collect::<Result<_, InputError>>()?,
        })
    }
}

/// Writes every instance. Unused instances add zeros.
fn write(canvas: &mut Canvas, layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let cells = Cells::new(layout)?;
    let inputs = &input.private.add_mod;
    let builtin = ModuloInstances::new(BUILTIN, layout, input, inputs, canvas.n_rows())?;
    canvas.write_strips(builtin.height(), |i, strip| {
        let operation = builtin.write_memory(strip, i)?;
        let (subtract, carries) = sum(&operation).ok_or_else(|| builtin.wrong(i, &operation))?;
        strip.set(cells.sub_p, 0, Felt::from(subtract));
        for ([bit, sign], carry) in cells.carries.iter().zip(carries) {
            strip.set(*bit, 0, Felt::from(carry != 0));
            strip.set(*sign, 0, if carry < 0 { -Felt::ONE } else { Felt::ONE });
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: u128 = (1 << WORD_BITS) - 1;

    fn operation(p: [u128; 4], values: [[u128; 4]; 3]) -> Operation {
        Operation { p, values }
    }

    #[test]
    fn carries_go_both_ways() {
        let p = [5, 0, 0, 7];
        let plain = operation(p, [[TOP, 1, 0, 0], [1, 2, 0, 0], [0, 4, 0, 0]]);
        assert_eq!(sum(&plain), Some((false, [1, 0, 0])));
        let wrapped = operation(p, [[1, 0, 0, 4], [2, 0, 0, 4], [TOP - 1, TOP, TOP, 0]]);
        assert_eq!(sum(&wrapped), Some((true, [-1, -1, -1])));
        let wrong = operation(p, [[1, 0, 0, 0], [2, 0, 0, 0], [4, 0, 0, 0]]);
        assert_eq!(sum(&wrong), None);
        assert_eq!(sum(&operation([0; 4], [[0; 4]; 3])), Some((false, [0; 3])));
    }
}
