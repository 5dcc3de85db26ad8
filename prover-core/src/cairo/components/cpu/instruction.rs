//! Instructions of the Cairo CPU (Cairo whitepaper, sections 4.4 and 4.5).

use crate::cairo::error::StepError;
use crate::cairo::input::TraceEntry;
use ark_ff::{BigInt, One, PrimeField, Zero};
use quarry_kernels::Felt;

/// The bias of the three offsets.
const HALF: i64 = 1 << 15;

/// The base of the second operand's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op1Base {
    Op0,
    Pc,
    Fp,
    Ap,
}

/// How the result is computed from the operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Res {
    Op1,
    Add,
    Mul,
    /// Only in `jnz`: the result cell holds the inverse of the condition.
    Unconstrained,
}

/// The update of pc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PcUpdate {
    Regular,
    Jump,
    JumpRelative,
    Jnz,
}

/// The update of ap. `call` adds 2 in addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApUpdate {
    Regular,
    AddRes,
    Add1,
}

/// The opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Nop,
    Call,
    Ret,
    AssertEq,
}

/// A decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    /// The three encoded offsets (with a bias of 2^15): dst, op0, op1.
    pub offsets: [u16; 3],
    /// The 15 flags.
    pub flags: u16,
    pub dst_is_fp: bool,
    pub op0_is_fp: bool,
    pub op1_base: Op1Base,
    pub res: Res,
    pub pc_update: PcUpdate,
    pub ap_update: ApUpdate,
    pub opcode: Opcode,
}

impl Instruction {
    /// Decodes a word of memory; `None` if it is not an instruction.
    pub fn decode(word: Felt) -> Option<Self> {
        let word = to_u64(word)?;
        let flags = (word >> 48) as u16;
        let bit = |i: u32| flags >> i & 1 == 1;
        // At most one flag of a group is set.
        let group = |bits: &[u32]| match bits.iter().filter(|&&i| bit(i)).count() {
            0 => Some(None),
            1 => bits.iter().position(|&i| bit(i)).map(Some),
            _ => None,
        };
        if bit(15) {
            return None;
        }
        let pc_update = match group(&[7, 8, 9])? {
            None => PcUpdate::Regular,
            Some(0) => PcUpdate::Jump,
            Some(1) => PcUpdate::JumpRelative,
            Some(_) => PcUpdate::Jnz,
        };
        Some(Self {
            offsets: [word as u16, (word >> 16) as u16, (word >> 32) as u16],
            flags,
            dst_is_fp: bit(0),
            op0_is_fp: bit(1),
            op1_base: match group(&[2, 3, 4])? {
                None => Op1Base::Op0,
                Some(0) => Op1Base::Pc,
                Some(1) => Op1Base::Fp,
                Some(_) => Op1Base::Ap,
            },
            res: match group(&[5, 6, 9])? {
                None => Res::Op1,
                Some(0) => Res::Add,
                Some(1) => Res::Mul,
                Some(_) => Res::Unconstrained,
            },
            pc_update,
            ap_update: match group(&[10, 11])? {
                None => ApUpdate::Regular,
                Some(0) => ApUpdate::AddRes,
                Some(_) => ApUpdate::Add1,
            },
            opcode: match group(&[12, 13, 14])? {
                None => Opcode::Nop,
                Some(0) => Opcode::Call,
                Some(1) => Opcode::Ret,
                Some(_) => Opcode::AssertEq,
            },
        })
    }

    /// Size of the instruction in words: 2 with an immediate value, otherwise 1.
    pub fn size(&self) -> u64 {
        1 + u64::from(self.op1_base == Op1Base::Pc)
    }

    /// The address of dst.
    pub fn dst_address(&self, entry: &TraceEntry) -> Result<u64, StepError> {
        let base = if self.dst_is_fp { entry.fp } else { entry.ap };
        self.address("dst", 0, Felt::from(base))
    }

    /// The address of op0.
    pub fn op0_address(&self, entry: &TraceEntry) -> Result<u64, StepError> {
        let base = if self.op0_is_fp { entry.fp } else { entry.ap };
        self.address("op0", 1, Felt::from(base))
    }

    /// The address of op1, given op0.
    pub fn op1_address(&self, entry: &TraceEntry, op0: Felt) -> Result<u64, StepError> {
        let base = match self.op1_base {
            Op1Base::Op0 => op0,
            Op1Base::Pc => Felt::from(entry.pc),
            Op1Base::Fp => Felt::from(entry.fp),
            Op1Base::Ap => Felt::from(entry.ap),
        };
        self.address("op1", 2, base)
    }

    fn address(&self, what: &'static str, offset: usize, base: Felt) -> Result<u64, StepError> {
        let offset = i64::from(self.offsets[offset]) - HALF;
        to_u64(base + Felt::from(offset)).ok_or(StepError::AddressOutOfRange(what))
    }

    /// The result of the operands; `None` for `jnz`, where the result cell holds the inverse of dst, if it has one.
    pub fn result(&self, op0: Felt, op1: Felt) -> Option<Felt> {
        match self.res {
            Res::Op1 => Some(op1),
            Res::Add => Some(op0 + op1),
            Res::Mul => Some(op0 * op1),
            Res::Unconstrained => None,
        }
    }

    /// Checks what the instruction asserts about its operands. Returns the registers after it: pc, ap, fp.
    pub fn execute(&self, entry: &TraceEntry, operands: &Operands) -> Result<[Felt; 3], StepError> {
        let Operands { dst, op0, op1 } = *operands;
        let [pc, ap, fp] = [entry.pc, entry.ap, entry.fp].map(Felt::from);
        let next_pc = pc + Felt::from(self.size());
        let res = self.result(op0, op1).unwrap_or_default();
        let assert = |what, found: Felt, expected: Felt| match found == expected {
            true => Ok(()),
            false => Err(StepError::Assert {
                what,
                expected,
                found,
            }),
        };
        let plain = self.opcode == Opcode::Nop && self.ap_update != ApUpdate::AddRes;
        if self.res == Res::Unconstrained && !plain {
            return Err(StepError::Malformed("jnz"));
        }
        let ap_update = match self.ap_update {
            ApUpdate::Regular => ap,
            ApUpdate::AddRes => ap + res,
            ApUpdate::Add1 => ap + Felt::one(),
        };
        let (ap_update, fp_update) = match self.opcode {
            Opcode::Nop => (ap_update, fp),
            Opcode::AssertEq => {
                assert("dst", dst, res)?;
                (ap_update, fp)
            }
            Opcode::Call => {
                if self.offsets[..2] != [1 << 15, (1 << 15) + 1] || self.dst_is_fp || self.op0_is_fp {
                    return Err(StepError::Malformed("call"));
                }
                assert("dst", dst, fp)?;
                assert("op0", op0, next_pc)?;
                let two = Felt::from(2u64);
                (ap_update + two, ap + two)
            }
            Opcode::Ret => {
                let jump = self.pc_update == PcUpdate::Jump && self.res == Res::Op1;
                let frame = self.dst_is_fp && self.op1_base == Op1Base::Fp;
                if [self.offsets[0], self.offsets[2]] != [(1 << 15) - 2, (1 << 15) - 1] || !jump || !frame {
                    return Err(StepError::Malformed("ret"));
                }
                (ap_update, dst)
            }
        };
        let pc_update = match self.pc_update {
            PcUpdate::Jump => res,
            PcUpdate::JumpRelative => pc + res,
            PcUpdate::Jnz if !dst.is_zero() => pc + op1,
            PcUpdate::Jnz | PcUpdate::Regular => next_pc,
        };
        Ok([pc_update, ap_update, fp_update])
    }
}

/// The values of a step's operands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operands {
    pub dst: Felt,
    pub op0: Felt,
    pub op1: Felt,
}

fn to_u64(felt: Felt) -> Option<u64> {
    let BigInt([low, rest @ ..]) = felt.into_bigint();
    (rest == [0; 3]).then_some(low)
}
