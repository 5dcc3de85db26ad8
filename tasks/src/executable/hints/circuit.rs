//! The hint of circuits: it computes the values of the gates, and fills the instances of the builtins `add_mod` and
//! `mul_mod` that check them.

use super::machine::Machine;
use crate::machine::failed;
use cairo_lang_casm::operand::ResOperand;
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{One, Zero};

/// Number of cells of a value: limbs of 96 bits.
const LIMBS: usize = 4;
const LIMB: u32 = 96;
/// Cells of an instance: the modulus, where the values lie, where the offsets lie, how many instances follow.
const VALUES: usize = LIMBS;
const OFFSETS: usize = LIMBS + 1;
const COUNT: usize = LIMBS + 2;
const INSTANCE: usize = LIMBS + 3;
/// Number of offsets of a gate: of its two inputs and of its output.
const GATE: usize = 3;

/// The gates of a kind.
struct Gates {
    /// The first instance of the builtin.
    builtin: Relocatable,
    /// Where their offsets lie.
    offsets: Relocatable,
    n: usize,
}

/// Computes a circuit: additions with their number, and multiplications with theirs. A multiplication may be given
/// backwards, for an inverse. If one does not exist, only the multiplications before it are checked.
pub(super) fn evaluate(
    machine: &mut Machine<'_>,
    (add, n_add): (&ResOperand, &ResOperand),
    (mul, n_mul): (&ResOperand, &ResOperand),
) -> Result<(), HintError> {
    let (add, n_add) = (machine.pointer(add)?, machine.size(n_add)?);
    let (mul, n_mul) = (machine.pointer(mul)?, machine.size(n_mul)?);
    machine
        .state()?
        .spend(n_add.saturating_add(n_mul).saturating_mul(INSTANCE))?;
    let values = machine.pointer_at((mul + VALUES)?)?;
    let mul_offsets = machine.pointer_at((mul + OFFSETS)?)?;
    let add_offsets = match n_add {
        0 => mul_offsets,
        _ => machine.pointer_at((add + OFFSETS)?)?,
    };
    let modulus = (0..LIMBS).map(|i| machine.number_at((mul + i)?));
    let modulus = modulus.collect::<Result<Vec<_>, _>>()?;
    let circuit = Circuit {
        values,
        modulus: read(machine, mul)?.ok_or_else(|| failed("the modulus of a circuit is missing"))?,
    };
    if circuit.modulus.is_zero() {
        return Err(failed("the modulus of a circuit is zero"));
    }
    let add = Gates {
        builtin: add,
        offsets: add_offsets,
        n: n_add,
    };
    let mut mul = Gates {
        builtin: mul,
        offsets: mul_offsets,
        n: n_mul,
    };
    mul.n = circuit.compute(machine, &add, &mul)?;
    for gates in [add, mul] {
        fill_instances(machine, &gates, &modulus, values)?;
    }
    Ok(())
}

struct Circuit {
    /// Where the values lie.
    values: Relocatable,
    modulus: BigUint,
}

impl Circuit {
    /// Computes all gates, additions as soon as their inputs are there. Returns the number of multiplications before
    /// the first inverse that does not exist.
    fn compute(&self, machine: &mut Machine<'_>, add: &Gates, mul: &Gates) -> Result<usize, HintError> {
        let (mut n_added, mut n_good) = (0, mul.n);
        for i in 0..=mul.n {
            while n_added < add.n && self.add(machine, add.gate(n_added)?)? {
                n_added += 1;
            }
            if i < mul.n && !self.multiply(machine, mul.gate(i)?)? {
                n_good = n_good.min(i);
            }
        }
        Ok(n_good)
    }

    /// Computes an addition, or the subtraction that it is if the first input is missing. Returns whether it could.
    fn add(&self, machine: &mut Machine<'_>, gate: Relocatable) -> Result<bool, HintError> {
        let [left, right, result] = self.addresses(machine, gate)?;
        let Some(of_right) = read(machine, right)? else {
            return Ok(false);
        };
        if let Some(of_left) = read(machine, left)? {
            write(machine, result, (of_left + of_right) % &self.modulus)?;
            return Ok(true);
        }
        let Some(of_result) = read(machine, result)? else {
            return Ok(false);
        };
        let difference = BigInt::from(of_result) - BigInt::from(of_right);
        write(machine, left, self.reduced(&difference)?)?;
        Ok(true)
    }

    /// Computes a multiplication, or the inverse of the second input if the first one is missing. Returns whether it
    /// exists.
    fn multiply(&self, machine: &mut Machine<'_>, gate: Relocatable) -> Result<bool, HintError> {
        let [left, right, result] = self.addresses(machine, gate)?;
        let of_right = read(machine, right)?;
        let of_right = of_right.ok_or_else(|| failed("an input of a multiplication is missing"))?;
        if let Some(of_left) = read(machine, left)? {
            write(machine, result, of_left * of_right % &self.modulus)?;
            return Ok(true);
        }
        let gcd = of_right.gcd(&self.modulus);
        if !gcd.is_one() {
            // A number that is not 0, but whose product with the input is: it shows that there is no inverse.
            write(machine, left, &self.modulus / gcd)?;
            return Ok(false);
        }
        let inverse = BigInt::from(of_right)
            .extended_gcd(&self.modulus.clone().into())
            .x;
        write(machine, left, self.reduced(&inverse)?)?;
        Ok(true)
    }

    fn reduced(&self, number: &BigInt) -> Result<BigUint, HintError> {
        let reduced = number.mod_floor(&self.modulus.clone().into());
        reduced
            .to_biguint()
            .ok_or_else(|| failed("a negative value of a circuit"))
    }

    /// Where the inputs and the output of a gate lie.
    fn addresses(&self, machine: &Machine<'_>, gate: Relocatable) -> Result<[Relocatable; GATE], HintError> {
        let mut addresses = [self.values; GATE];
        for (i, address) in addresses.iter_mut().enumerate() {
            *address = (*address + &machine.number_at((gate + i)?)?)?;
        }
        Ok(addresses)
    }
}

impl Gates {
    /// Where the offsets of a gate lie.
    fn gate(&self, i: usize) -> Result<Relocatable, HintError> {
        Ok((self.offsets + i * GATE)?)
    }
}

/// The value at an address; `None` if it is not all there.
fn read(machine: &Machine<'_>, address: Relocatable) -> Result<Option<BigUint>, HintError> {
    let mut value = BigUint::zero();
    for i in (0..LIMBS).rev() {
        match machine.vm.get_maybe(&(address + i)?) {
            Some(MaybeRelocatable::Int(limb)) => value = (value << LIMB) + limb.to_biguint(),
            _ => return Ok(None),
        }
    }
    Ok(Some(value))
}

fn write(machine: &mut Machine<'_>, address: Relocatable, mut value: BigUint) -> Result<(), HintError> {
    let limb = BigUint::one() << LIMB;
    for i in 0..LIMBS {
        let (rest, low) = value.div_rem(&limb);
        machine.set_at((address + i)?, Felt252::from(&low))?;
        value = rest;
    }
    Ok(())
}

fn fill_instances(
    machine: &mut Machine<'_>,
    gates: &Gates,
    modulus: &[Felt252],
    values: Relocatable,
) -> Result<(), HintError> {
    for i in 0..gates.n {
        let instance = (gates.builtin + i * INSTANCE)?;
        for (j, limb) in modulus.iter().enumerate() {
            machine.set_at((instance + j)?, *limb)?;
        }
        machine.set_at((instance + VALUES)?, values)?;
        machine.set_at((instance + OFFSETS)?, gates.gate(i)?)?;
        machine.set_at((instance + COUNT)?, Felt252::from(gates.n - i))?;
    }
    Ok(())
}
