//! Constraints of `mul_mod`: `a b = c + q p`, as numbers of four words. The words of `q` and the carries between words
//! are sums of 16-bit parts.

use crate::air::Expr;
use crate::cairo::components::modulo::constraints::Modulo;
use crate::cairo::components::scope::{Scope, ScopeError};
use quarry_kernels::Felt;

/// The interaction element.
pub const ELEMENT: &str = "mul_mod/interaction_elm";

/// Number of words of the multiplier `q` of `p`, and number of parts of each.
const MULTIPLIER: [usize; 2] = [4, 6];
/// Number of carries between words, and number of parts of each.
const CARRIES: [usize; 2] = [6, 7];
/// Bits of a part.
const PART_BITS: usize = 16;
/// The bias that is added to carries, which may be negative.
const CARRY_BIAS: u128 = 1 << 98;

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
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

/// The `n` values `{name}{i}`, each the weighted sum of its `n_parts` parts.
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
