//! Constraints of `ecdsa`: signatures on the STARK curve. For a signature `(r, w)` of the message `z` by the key `Q`,
//! where `w` is the inverse of `s`, `r` must be the x coordinate of `w (z G + r Q)`. `Q` is known up to sign.

use crate::air::every;
use crate::cairo::components::ec::{self, Points, SUBSET_SUM_HEIGHT, SubsetSum};
use crate::cairo::components::scope::{Scope, ScopeError};
use quarry_kernels::curve::{self, ALPHA, BETA, GENERATOR};
use quarry_kernels::hash::pedersen::SHIFT;
use std::iter;

/// Bits of `z`, `r` and `w`.
const N_BITS: usize = 251;

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    let scope = layout.part("ecdsa");
    signature(&scope)?;

    let signature = scope.part("signature0");
    let (pubkey, message) = (scope.cells("pubkey/addr")?, scope.cells("message/addr")?);
    let rows = every(pubkey.step());
    scope.constrain(
        "init_addr",
        scope.first(),
        pubkey.at(0) - scope.scalar("initial_ecdsa_addr"),
    );
    scope.constrain("message_addr", rows, message.at(0) - (pubkey.at(0) + 1));
    let has_next = rows.except(scope.last(pubkey.step()));
    scope.constrain("pubkey_addr", has_next, pubkey.at(1) - (message.at(0) + 1));
    let z = signature.cell("exponentiate_generator/selector")?;
    scope.constrain("message_value0", rows, scope.cell("message/value")? - z);
    let q = Points::new(&signature, "key_points")?.at(0);
    scope.constrain("pubkey_value0", rows, scope.cell("pubkey/value")? - q.x);
    Ok(())
}

/// Constrains one signature. Its rows have two halves: the first multiplies `Q` by `r`, the second `z G + r Q` by `w`.
/// `z G` is computed in parallel in other columns.
fn signature(ecdsa: &Scope<'_>) -> Result<(), ScopeError> {
    let scope = ecdsa.part("signature0");
    let constants: Vec<_> = iter::successors(Some(GENERATOR), curve::Point::double)
        .take(N_BITS)
        .collect();
    let constants: Vec<_> = ec::pad(&constants).collect();
    let step = scope.cells("exponentiate_generator/selector")?.step();
    let generator = ec::periodic_point(&ecdsa.part("generator_points"), step, &constants)?;
    let key = Points::new(&scope, "key_points")?;
    let half = SUBSET_SUM_HEIGHT * key.x.step();
    let (halves, rows) = (every(half), every(2 * half));

    ec::doubling(&scope.part("doubling_key"), &key, scope.cell("doubling_slope")?);
    let checks = SubsetSum {
        n_bits: N_BITS,
        unpacks_bits: false,
        checks_x_difference: true,
    };
    let times_generator = scope.part("exponentiate_generator");
    ec::subset_sum(&times_generator, generator, checks)?;
    let times_key = scope.part("exponentiate_key");
    ec::subset_sum(&times_key, key.at(0), checks)?;

    // The sums of the key start at the shift point, that of the generator at its inverse, so that the shift cancels.
    let (generator_sums, key_sums) = (
        Points::new(&times_generator, "partial_sum")?,
        Points::new(&times_key, "partial_sum")?,
    );
    scope.constrain("init_gen/x", rows, generator_sums.at(0).x - SHIFT.x);
    scope.constrain("init_gen/y", rows, generator_sums.at(0).y + SHIFT.y);
    scope.constrain("init_key/x", halves, key_sums.at(0).x - SHIFT.x);
    scope.constrain("init_key/y", halves, key_sums.at(0).y - SHIFT.y);

    let (a, b) = (
        generator_sums.at(SUBSET_SUM_HEIGHT - 1),
        key_sums.at(SUBSET_SUM_HEIGHT - 1),
    );
    let slope = scope.cell("add_results_slope")?;
    let add = scope.part("add_results");
    add.constrain("slope", rows, a.y - (b.y + slope * (a.x - b.x)));
    ec::add(&add, &rows.into(), [a, b, key.at(SUBSET_SUM_HEIGHT)], slope);
    add.constrain(
        "x_diff_inv",
        rows,
        scope.cell("add_results_inv")? * (a.x - b.x) - 1,
    );

    let w = key_sums.at(2 * SUBSET_SUM_HEIGHT - 1);
    let slope = scope.cell("extract_r_slope")?;
    let r = times_key.cell("selector")?;
    let extract = scope.part("extract_r");
    extract.constrain("slope", rows, w.y + SHIFT.y - slope * (w.x - SHIFT.x));
    extract.constrain("x", rows, slope.square() - (w.x + SHIFT.x + r));
    extract.constrain(
        "x_diff_inv",
        rows,
        scope.cell("extract_r_inv")? * (w.x - SHIFT.x) - 1,
    );

    let z = times_generator.cell("selector")?;
    scope.constrain("z_nonzero", rows, z * scope.cell("z_inv")? - 1);
    // The key's selector is r in the first half and w in the second.
    scope.constrain("r_and_w_nonzero", halves, r * scope.cell("r_w_inv")? - 1);

    let (q, x_squared) = (key.at(0), scope.cell("q_x_squared")?);
    let on_curve = scope.part("q_on_curve");
    on_curve.constrain("x_squared", rows, x_squared - q.x.square());
    on_curve.constrain(
        "on_curve",
        rows,
        q.y.square() - (q.x * x_squared + q.x * ALPHA + BETA),
    );
    Ok(())
}
