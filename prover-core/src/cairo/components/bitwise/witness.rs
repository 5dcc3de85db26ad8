//! Trace cells of `bitwise`: two numbers `x` and `y` of 251 bits, `x & y`, `x ^ y` and `x | y`.

use super::BUILTIN;
use crate::cairo::canvas::{Canvas, MemoryCell, Strip, cell};
use crate::cairo::components::instances::Instances;
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::diluted::{N_BITS as PART_BITS, SPACING};
use crate::cairo::error::{BuiltinError, InputError};
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use crate::cairo::private_input::BitwiseInput;
use ark_ff::{BigInt, BigInteger, PrimeField};
use quarry_kernels::Felt;
use quarry_kernels::ops::VirtualColumn;

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[(Stage::Inputs, write)];

/// Bits of a number.
const N_BITS: usize = 251;

/// Memory cells of an instance, in order.
const MEMORY: [&str; BUILTIN.n_cells as usize] = ["x", "y", "x_and_y", "x_xor_y", "x_or_y"];

/// The lowest bit of each part of a number. A part has every fourth bit, 16 in all.
const SHIFTS: [usize; 16] = [0, 1, 2, 3, 64, 65, 66, 67, 128, 129, 130, 131, 192, 193, 194, 195];

/// The lowest bits of the parts that extend beyond a number's last bit. The part of `x | y`, shifted until the last
/// valid bit is the last bit of a diluted number, must be diluted too. So the bits beyond are clear.
const TRIMMED: [usize; 4] = [192, 193, 194, 195];

/// The virtual columns of the component.
struct Cells {
    memory: Vec<MemoryCell>,
    parts: VirtualColumn,
    trimmed: Vec<VirtualColumn>,
}

impl Cells {
    fn new(layout: &Layout) -> Result<Self, InputError> {
        let memory = MEMORY.map(|name| MemoryCell::new(layout, &format!("bitwise/{name}")));
        let trimmed = TRIMMED.map(|shift| cell(layout, &format!("bitwise/trim_unpacking{shift}")));
        Ok(Self {
            memory: memory.into_iter().collect::<Result<_, _>>()?,
            parts: cell(layout, "bitwise/diluted_var_pool")?,
            trimmed: trimmed.into_iter().collect::<Result<_, _>>()?,
        })
    }

    /// Writes the strip's only instance, without its memory accesses.
    fn write(&self, strip: &mut Strip, numbers: &[BigInt<4>; 5]) {
        for (k, number) in numbers[..4].iter().enumerate() {
            for (i, shift) in SHIFTS.into_iter().enumerate() {
                strip.diluted(self.parts, SHIFTS.len() * k + i, part(number, shift));
            }
        }
        for (cell, shift) in self.trimmed.iter().zip(TRIMMED) {
            let beyond = shift + SPACING * (PART_BITS - 1) + 1 - N_BITS;
            strip.diluted(*cell, 0, part(&numbers[4], shift) << beyond.div_ceil(SPACING));
        }
    }
}

/// The bits `shift`, `shift + 4`, .. of a number.
fn part(number: &BigInt<4>, shift: usize) -> u16 {
    let bits = (0..PART_BITS).map(|i| u16::from(number.get_bit(shift + SPACING * i)) << i);
    bits.sum()
}

/// Writes every instance. Unused instances have zeros.
fn write(canvas: &mut Canvas, layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let cells = Cells::new(layout)?;
    let builtin = Instances::new(BUILTIN, layout, input, canvas.n_rows())?;
    let instances = builtin.by_instance(&input.private.bitwise, |input| input.index)?;
    let operands = |instance: usize, input: &BitwiseInput| {
        for value in [input.x, input.y] {
            if value.into_bigint().num_bits() as usize > N_BITS {
                let problem = BuiltinError::TooLarge {
                    value,
                    n_bits: N_BITS,
                };
                return Err(builtin.error(instance as u64, problem));
            }
        }
        Ok([input.x, input.y])
    };
    canvas.write_strips(builtin.height(), |i, strip| {
        let [x, y] = match &instances[i] {
            Some(input) => operands(i, input)?,
            None => Default::default(),
        };
        let (x, y) = (x.into_bigint(), y.into_bigint());
        let numbers = [x, y, x & y, x ^ y, x | y];
        let values = numbers.map(|number| Felt::from_bigint(number).unwrap_or_default());
        if instances[i].is_some() {
            builtin.check_cells(i, &values)?;
        }
        cells.write(strip, &numbers);
        for (k, (cell, value)) in cells.memory.iter().zip(values).enumerate() {
            strip.access(*cell, 0, builtin.address(i, k as u64), value);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_cover_every_bit_once() {
        for bit in 0..256 {
            let mut number = BigInt::<4>::from(1u64);
            number <<= bit;
            let parts = SHIFTS.map(|shift| part(&number, shift));
            assert_eq!(
                parts.iter().map(|part| part.count_ones()).sum::<u32>(),
                1,
                "bit {bit}"
            );
        }
    }
}
