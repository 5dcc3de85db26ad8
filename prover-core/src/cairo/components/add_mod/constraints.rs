//! Constraints of `add_mod`: `a + b` is `c` or `c + p`, as numbers of four words.

use crate::cairo::components::modulo::constraints::Modulo;
use crate::cairo::components::scope::{Scope, ScopeError};

/// The interaction element.
pub const ELEMENT: &str = "add_mod/interaction_elm";

/// Carries between words.
const N_CARRIES: usize = 3;

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    let builtin = Modulo::new(layout, "add_mod")?;
    builtin.memory("initial_add_mod_addr")?;
    let (scope, rows) = (&builtin.scope, builtin.rows);
    let subtracts = scope.cell("sub_p_bit")?;
    scope.constrain("sub_p_bit", rows, subtracts * (subtracts - 1));
    let mut carries = Vec::new();
    for i in 1..=N_CARRIES {
        let (bit, sign) = (format!("carry{i}_bit"), format!("carry{i}_sign"));
        let (size, direction) = (scope.cell(&bit)?, scope.cell(&sign)?);
        scope.constrain(&bit, rows, size * (size - 1));
        scope.constrain(&sign, rows, direction.square() - 1);
        carries.push(size * direction);
    }
    let [a, b, c, p] = ["a", "b", "c", "p"].map(|name| builtin.number(name));
    let carried = builtin.polynomial(carries) * builtin.carry_weight();
    scope.constrain(
        "addition_constraint_0",
        rows,
        a? + b? + carried - (c? + p? * subtracts),
    );
    Ok(())
}
