//! A circuit modulo 7919 with each kind of gate: (1 / (3 + 5) - 5) * 3.

use core::circuit::{
    AddInputResultTrait, CircuitElement, CircuitInput, CircuitInputs, CircuitModulus, CircuitOutputsTrait,
    EvalCircuitTrait, circuit_add, circuit_inverse, circuit_mul, circuit_sub, u384,
};

#[executable]
fn main() -> u384 {
    let x = CircuitElement::<CircuitInput<0>> {};
    let y = CircuitElement::<CircuitInput<1>> {};
    let s = circuit_add(x, y);
    let i = circuit_inverse(s);
    let d = circuit_sub(i, y);
    let m = circuit_mul(d, x);
    let modulus = TryInto::<_, CircuitModulus>::try_into([7919, 0, 0, 0]).unwrap();
    let outputs = (m,)
        .new_inputs()
        .next(u384 { limb0: 3, limb1: 0, limb2: 0, limb3: 0 })
        .next(u384 { limb0: 5, limb1: 0, limb2: 0, limb3: 0 })
        .done()
        .eval(modulus)
        .unwrap();
    outputs.get_output(m)
}
