//! What a hint sees: its operands, the memory, and the state.

use super::super::state::State;
use crate::machine::failed;
use cairo_lang_casm::operand::{BinOpOperand, CellRef, DerefOrImmediate, Operation, Register, ResOperand};
use cairo_vm::Felt252;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use num_bigint::BigUint;
use num_traits::ToPrimitive;

/// The machine and the scopes of a run.
pub(super) struct Machine<'a> {
    pub(super) vm: &'a mut VirtualMachine,
    pub(super) scopes: &'a mut ExecutionScopes,
}

impl Machine<'_> {
    /// The state of the run.
    pub(super) fn state(&mut self) -> Result<&mut State, HintError> {
        State::of_mut(self.scopes)
    }

    /// Adds a segment.
    pub(super) fn add_segment(&mut self) -> Result<Relocatable, HintError> {
        self.state()?.spend_segment()?;
        Ok(self.vm.add_memory_segment())
    }

    /// The address of a cell.
    pub(super) fn address(&self, cell: &CellRef) -> Result<Relocatable, HintError> {
        let base = match cell.register {
            Register::AP => self.vm.get_ap(),
            Register::FP => self.vm.get_fp(),
        };
        Ok((base + i32::from(cell.offset))?)
    }

    /// The value at an address.
    pub(super) fn at(&self, address: Relocatable) -> Result<MaybeRelocatable, HintError> {
        let value = self.vm.get_maybe(&address);
        value.ok_or_else(|| failed(format!("the memory has no value at {address}")))
    }

    /// The number at an address.
    pub(super) fn number_at(&self, address: Relocatable) -> Result<Felt252, HintError> {
        number(self.at(address)?)
    }

    /// The pointer at an address.
    pub(super) fn pointer_at(&self, address: Relocatable) -> Result<Relocatable, HintError> {
        match self.at(address)? {
            MaybeRelocatable::RelocatableValue(pointer) => Ok(pointer),
            MaybeRelocatable::Int(number) => Err(failed(format!("{number} at {address} is no pointer"))),
        }
    }

    /// The value of an operand.
    pub(super) fn value(&self, operand: &ResOperand) -> Result<MaybeRelocatable, HintError> {
        match operand {
            ResOperand::Deref(cell) => self.at(self.address(cell)?),
            ResOperand::DoubleDeref(cell, offset) => {
                let pointer = self.pointer_at(self.address(cell)?)?;
                self.at((pointer + i32::from(*offset))?)
            }
            ResOperand::Immediate(number) => Ok(Felt252::from(&number.value).into()),
            ResOperand::BinOp(BinOpOperand { op, a, b }) => {
                let a = self.at(self.address(a)?)?;
                let b = match b {
                    DerefOrImmediate::Deref(cell) => number(self.at(self.address(cell)?)?)?,
                    DerefOrImmediate::Immediate(number) => Felt252::from(&number.value),
                };
                match op {
                    Operation::Add => Ok(a.add_int(&b)?),
                    Operation::Mul => Ok((number(a)? * b).into()),
                }
            }
        }
    }

    /// The value of an operand, a number.
    pub(super) fn number(&self, operand: &ResOperand) -> Result<Felt252, HintError> {
        number(self.value(operand)?)
    }

    /// The value of an operand, an integer of the field.
    pub(super) fn integer(&self, operand: &ResOperand) -> Result<BigUint, HintError> {
        Ok(self.number(operand)?.to_biguint())
    }

    /// The value of an operand, a size.
    pub(super) fn size(&self, operand: &ResOperand) -> Result<usize, HintError> {
        let number = self.number(operand)?;
        number
            .to_usize()
            .ok_or_else(|| failed(format!("{number} is no size")))
    }

    /// The value of an operand, a pointer.
    pub(super) fn pointer(&self, operand: &ResOperand) -> Result<Relocatable, HintError> {
        match self.value(operand)? {
            MaybeRelocatable::RelocatableValue(pointer) => Ok(pointer),
            MaybeRelocatable::Int(number) => Err(failed(format!("{number} is no pointer"))),
        }
    }

    /// Sets a cell.
    pub(super) fn set(
        &mut self,
        cell: &CellRef,
        value: impl Into<MaybeRelocatable>,
    ) -> Result<(), HintError> {
        self.set_at(self.address(cell)?, value)
    }

    /// Sets a cell to 0 or 1.
    pub(super) fn set_flag(&mut self, cell: &CellRef, flag: bool) -> Result<(), HintError> {
        self.set(cell, Felt252::from(flag))
    }

    /// Sets the value at an address.
    pub(super) fn set_at(
        &mut self,
        address: Relocatable,
        value: impl Into<MaybeRelocatable>,
    ) -> Result<(), HintError> {
        self.state()?.check_offset(address)?;
        Ok(self.vm.insert_value(address, value)?)
    }
}

fn number(value: MaybeRelocatable) -> Result<Felt252, HintError> {
    match value {
        MaybeRelocatable::Int(number) => Ok(number),
        MaybeRelocatable::RelocatableValue(pointer) => {
            Err(failed(format!("{pointer} is a pointer, not a number")))
        }
    }
}
