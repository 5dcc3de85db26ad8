//! Shared witness code of `add_mod` and `mul_mod`: memory accesses, and numbers of 384 bits.

use crate::cairo::canvas::{MemoryCell, Strip};
use crate::cairo::components::component::Builtin;
use crate::cairo::components::instances::Instances;
use crate::cairo::error::{BuiltinError, InputError};
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use crate::cairo::private_input::{MOD_WORDS, ModInput, ModInputs, ModNumber};
use quarry_kernels::Felt;

/// Bits of a word.
pub(crate) const WORD_BITS: usize = 96;

/// The operation of an instance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    /// The modulus; 0 in unused instances.
    pub p: ModNumber,
    /// a, b and c.
    pub values: [ModNumber; 3],
}

/// The memory cells and the instances of `add_mod` or `mul_mod`.
pub(crate) struct ModuloInstances<'a> {
    builtin: Instances<'a>,
    instances: Vec<Option<ModInput>>,
    zero_value_address: u64,
    /// The cells in the builtin's segment, in order.
    segment: Vec<MemoryCell>,
    /// The offsets of a, b and c.
    offsets: Vec<MemoryCell>,
    /// The words of a, b and c.
    values: Vec<Vec<MemoryCell>>,
}

impl<'a> ModuloInstances<'a> {
    /// Finds the instances. The builtin's segment is also the prefix of its virtual columns.
    pub fn new(
        builtin: Builtin,
        layout: &Layout,
        input: &'a ProverInput,
        inputs: &ModInputs,
        n_rows: usize,
    ) -> Result<Self, InputError> {
        let name = builtin.segment;
        let cell = |part: &str| MemoryCell::new(layout, &format!("{name}/{part}"));
        let words = |part: &str| {
            (0..MOD_WORDS)
                .map(|i| cell(&format!("{part}{i}")))
                .collect::<Result<Vec<_>, _>>()
        };
        let mut segment = words("p")?;
        for part in ["values_ptr", "offsets_ptr", "n"] {
            segment.push(cell(part)?);
        }
        let builtin = Instances::new(builtin, layout, input, n_rows)?;
        Ok(Self {
            instances: builtin.by_instance(&inputs.instances, |input| input.index)?,
            builtin,
            zero_value_address: inputs.zero_value_address,
            segment,
            offsets: ["a_offset", "b_offset", "c_offset"]
                .into_iter()
                .map(cell)
                .collect::<Result<_, _>>()?,
            values: ["a", "b", "c"].into_iter().map(words).collect::<Result<_, _>>()?,
        })
    }

    /// Rows per instance.
    pub fn height(&self) -> usize {
        self.builtin.height()
    }

    /// Writes the memory accesses of the strip's only instance. Unused instances operate on zeros, at the private
    /// input's `zero_value_address`.
    pub fn write_memory(&self, strip: &mut Strip, instance: usize) -> Result<Operation, InputError> {
        let input = match &self.instances[instance] {
            Some(input) => {
                self.check(input)?;
                *input
            }
            None => ModInput {
                index: instance as u64,
                p: Default::default(),
                values_ptr: self.zero_value_address,
                offsets_ptr: self.zero_value_address,
                n: 1,
                offsets: [0; 3],
                values: Default::default(),
            },
        };
        let is_used = self.instances[instance].is_some();
        let mut access = |cell: MemoryCell, address: u64, value: Felt| {
            if is_used {
                self.builtin.check_address(instance, address, value)?;
            }
            strip.access(cell, 0, address, value);
            Ok::<_, InputError>(())
        };
        let pointers = [input.values_ptr, input.offsets_ptr, input.n].map(Felt::from);
        let segment = input.p.map(Felt::from).into_iter().chain(pointers);
        for ((k, cell), value) in (0..).zip(&self.segment).zip(segment) {
            access(*cell, self.builtin.address(instance, k), value)?;
        }
        for ((k, cell), offset) in (0..).zip(&self.offsets).zip(input.offsets) {
            access(*cell, input.offsets_ptr.saturating_add(k), Felt::from(offset))?;
        }
        for ((cells, offset), words) in self.values.iter().zip(input.offsets).zip(&input.values) {
            let first = input.values_ptr.saturating_add(offset);
            for ((k, cell), word) in (0..).zip(cells).zip(words) {
                access(*cell, first.saturating_add(k), Felt::from(*word))?;
            }
        }
        Ok(Operation {
            p: input.p,
            values: input.values,
        })
    }

    /// Checks that every word has at most 96 bits and that the modulus is not 0.
    fn check(&self, input: &ModInput) -> Result<(), InputError> {
        let error = |problem| self.builtin.error(input.index, problem);
        if input.p == ModNumber::default() {
            return Err(error(BuiltinError::ZeroModulus));
        }
        for &word in input.p.iter().chain(input.values.as_flattened()) {
            if word >> WORD_BITS != 0 {
                return Err(error(BuiltinError::TooLarge {
                    value: Felt::from(word),
                    n_bits: WORD_BITS,
                }));
            }
        }
        Ok(())
    }

    /// Makes the error for an instance whose numbers do not satisfy its equation.
    pub fn wrong(&self, instance: usize, operation: &Operation) -> InputError {
        let [a, b, c] = operation.values.map(|value| to_hex(&value));
        self.builtin.error(
            instance as u64,
            BuiltinError::WrongResult {
                a,
                b,
                c,
                p: to_hex(&operation.p),
            },
        )
    }
}

/// Formats a number of 96-bit words in hexadecimal.
fn to_hex(number: &ModNumber) -> String {
    let digits: String = number.iter().rev().map(|word| format!("{word:024x}")).collect();
    format!("0x{}", digits.trim_start_matches('0'))
}
