//! Constraints of `mul_mod`: `a b = c + q p`, as numbers of four words. The words of `q` and the carries between words are
//! sums of 16-bit parts.

use crate::air::Expr;
use crate::cairo::components::modulo::constraints::Modulo;
use crate::cairo::components::scope::{Scope, ScopeError};
use quarry_kernels::Felt;

/// The interaction element.
pub const ELEMENT: &str = "mul_mod/interaction_elm";

/// Words of the multiplier of `p`, and parts of each.
const MULTIPLIER: [usize; 2] = [4, 6];
/// Carries between words, and parts of each.
const CARRIES: [usize; 2] = [6, 7];
/// Bits of a part.
const PART_BITS: usize = 16;
/// Carries may be negative: this much is added to them.
const CARRY_BIAS: u128 = 1 << 98;

/// States the constraints. `layout` is the whole layout.
///
/// # Errors
/// A column that the layout lacks.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    let builtin = Modulo::new(layout, "mul_mod")?;
    builtin.memory("initial_mul_mod_addr")?;
    let [a, b, c, p] = ["a", "b", "c", "p"].map(|name| builtin.number(name));
    let multiplier = sums(&builtin.scope, "p_multiplier", MULTIPLIER)?;
    let carries = sums(&builtin.scope, "carry", CARRIES)?;
    let carries = carries.into_iter().map(|carry| carry - Felt::from(CARRY_BIAS));
    let carried = builtin.polynomial(carries.collect()) * builtin.carry_weight();
    builtin.scope.constrain(
        "multiplication_constraint_0",
        builtin.rows,
        a? * b? + carried - (c? + p? * builtin.polynomial(multiplier)),
    );
    Ok(())
}

/// The values `{name}{i}`, each the sum of its parts, lowest first.
fn sums<'a>(scope: &Scope<'a>, name: &str, [n, n_parts]: [usize; 2]) -> Result<Vec<Expr<'a>>, ScopeError> {
    let sum = |i: usize| {
        let part = |part: usize| scope.cell(&format!("{name}{i}/part{part}"));
        let shift = 1 << PART_BITS;
        (0..n_parts - 1)
            .rev()
            .try_fold(part(n_parts - 1)?, |sum, i| Ok(sum * shift + part(i)?))
    };
    (0..n).map(sum).collect()
}
