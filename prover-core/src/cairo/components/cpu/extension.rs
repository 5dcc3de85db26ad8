//! Instructions that Cairo's virtual machine runs, but that no layout of Stone has: opcode extensions, which S-two's AIR
//! has. Starknet's operating system executes them since version 0.14.1, where it hashes compiled classes by Blake2s.

use super::instruction::{ApUpdate, Instruction, Op1Base, Opcode, PcUpdate, Res};
use ark_ff::{BigInt, PrimeField};
use quarry_kernels::Felt;
use std::fmt;

/// An opcode extension: the number above the 15 flags of an instruction, if it is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpcodeExtension {
    /// 1: the compression function of Blake2s.
    Blake2s,
    /// 2: the same for the last block.
    Blake2sFinalize,
    /// 3: arithmetic in the extension field of Mersenne 31.
    Qm31,
}

impl OpcodeExtension {
    /// The extension of a word; `None` if the word is no such instruction. A number that is not meant as an instruction
    /// can look like one.
    pub fn of(word: Felt) -> Option<Self> {
        let BigInt([low, high, 0, 0]) = word.into_bigint() else {
            return None;
        };
        let extension = match (high, low >> 63) {
            (0, 1) => Self::Blake2s,
            (1, 0) => Self::Blake2sFinalize,
            (1, 1) => Self::Qm31,
            _ => return None,
        };
        let rest = Instruction::decode(Felt::from(low & (u64::MAX >> 1)))?;
        extension.takes(&rest).then_some(extension)
    }

    /// Whether the virtual machine takes the extension with these flags (cairo-vm, `decode_instruction`).
    fn takes(self, rest: &Instruction) -> bool {
        let goes_on = rest.pc_update == PcUpdate::Regular && rest.ap_update != ApUpdate::AddRes;
        goes_on
            && match self {
                Self::Blake2s | Self::Blake2sFinalize => {
                    rest.opcode == Opcode::Nop
                        && rest.res == Res::Op1
                        && matches!(rest.op1_base, Op1Base::Fp | Op1Base::Ap)
                }
                Self::Qm31 => {
                    rest.opcode == Opcode::AssertEq
                        && matches!(rest.res, Res::Add | Res::Mul)
                        && rest.op1_base != Op1Base::Op0
                }
            }
    }
}

/// The name in messages.
impl fmt::Display for OpcodeExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blake2s => "Blake2s",
            Self::Blake2sFinalize => "Blake2s (last block)",
            Self::Qm31 => "QM31",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_kernels::felt;

    #[test]
    fn extensions_are_told_from_instructions_and_numbers() {
        let of = |text| OpcodeExtension::of(felt::from_hex(text).expect("a number"));
        // The first three are words of Starknet's virtual operating system.
        for (text, expected) in [
            ("0x80107ffd7ffc7fff", OpcodeExtension::Blake2s),
            ("0x100107ffe7ffd7fff", OpcodeExtension::Blake2sFinalize),
            ("0x1080a7ffb7ffd7fff", OpcodeExtension::Blake2sFinalize),
            // [ap] = [ap] + [ap].
            ("0x1c0307fff7fff7fff", OpcodeExtension::Qm31),
        ] {
            assert_eq!(of(text), Some(expected), "{text}");
        }
        for text in [
            "0x0",
            // `ret`.
            "0x208b7fff7fff7ffe",
            // Numbers: 2^63, 2^64, 2^64 - 1, 2^65 and -1.
            "0x8000000000000000",
            "0x10000000000000000",
            "0xffffffffffffffff",
            "0x20000000000000000",
            "0x800000000000011000000000000000000000000000000000000000000000000",
            // Blake2s with a jump.
            "0x80907ffd7ffc7fff",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
