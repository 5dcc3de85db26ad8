//! Constraints of `bitwise`: `x & y`, `x ^ y` and `x | y` of two values, through their bits in diluted form.
//!
//! A value is split into diluted numbers. Part `i` of chunk `c` has the bits `CHUNK_BITS c + SPACING j + i`. In this
//! form the sum of two numbers is their xor plus twice their and, without carries between bits.

use crate::air::{Domain, every};
use crate::cairo::components::scope::{Scope, ScopeError};
use crate::cairo::diluted::{N_BITS, SPACING};
use ark_ff::Field;
use quarry_kernels::Felt;

/// Bits of a value.
const VALUE_BITS: usize = 251;
/// Total bits of the diluted numbers of a chunk.
const CHUNK_BITS: usize = N_BITS * SPACING;
/// Chunks per value.
const N_CHUNKS: usize = VALUE_BITS.div_ceil(CHUNK_BITS);
/// Diluted numbers per value.
const N_PARTS: usize = N_CHUNKS * SPACING;
/// Values per instance in the pool: `x`, `y`, `x & y` and `x ^ y`.
const N_VALUES: usize = 4;

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    let scope = layout.part("bitwise");
    let pool = scope.cells("var_pool/addr")?;
    let value_rows = every(pool.step());
    let instance = N_VALUES * pool.step();
    let rows = every(instance);
    let or = scope.cell("x_or_y/addr")?;
    scope.constrain(
        "init_var_pool_addr",
        scope.first(),
        pool.at(0) - scope.scalar("initial_bitwise_addr"),
    );
    scope.constrain(
        "step_var_pool_addr",
        value_rows.except(rows.at(instance - pool.step())),
        pool.at(1) - (pool.at(0) + 1),
    );
    scope.constrain("x_or_y_addr", rows, or - (pool.at(N_VALUES - 1) + 1));
    scope.constrain(
        "next_var_pool_addr",
        rows.except(scope.last(instance)),
        pool.at(N_VALUES) - (or + 1),
    );

    let bits = scope.cells("diluted_var_pool")?;
    let weight = |part: usize| {
        let exponent = part / SPACING * CHUNK_BITS + part % SPACING;
        Felt::from(2u64).pow([exponent as u64])
    };
    let sum = (1..N_PARTS).fold(bits.at(0), |sum, part| sum + bits.at(part) * weight(part));
    scope.constrain("partition", value_rows, sum - scope.cell("var_pool/value")?);
    let value = |name: &str| scope.cell(&format!("{name}/value"));
    scope.constrain(
        "or_is_and_plus_xor",
        rows,
        value("x_or_y")? - (value("x_and_y")? + value("x_xor_y")?),
    );

    let (x, y) = (scope.cells("x")?, scope.cells("y")?);
    let (and, xor) = (scope.cells("x_and_y")?, scope.cells("x_xor_y")?);
    let parts = Domain {
        rows: (0..N_PARTS).map(|part| rows.at(part * x.step())).collect(),
        except: Vec::new(),
    };
    scope.constrain(
        "addition_is_xor_with_and",
        parts,
        x.at(0) + y.at(0) - (xor.at(0) + and.at(0) + and.at(0)),
    );
    // The last chunk is not full. Its numbers must still be diluted when shifted to its end, so the bits beyond are
    // clear.
    for i in 0..SPACING {
        let (part, bit) = (N_PARTS - SPACING + i, (N_CHUNKS - 1) * CHUNK_BITS + i);
        let unused = CHUNK_BITS - (VALUE_BITS - bit).next_multiple_of(SPACING);
        scope.constrain(
            &format!("unique_unpacking{bit}"),
            rows,
            (and.at(part) + xor.at(part)) * (1 << unused) - scope.cell(&format!("trim_unpacking{bit}"))?,
        );
    }
    Ok(())
}
