//! The checker: evaluates every constraint in every row of an execution's trace, without proving anything.

use super::ProveError;
use super::interaction::ScannedColumns;
use crate::air::Violation;
use crate::cairo::air::{CairoAir, CairoAirError};
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use crate::cairo::trace::fill_trace;
use crate::statement::StatementError;
use quarry_kernels::{Backend, Felt, Hash, felt};

/// The result of the checker.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Number of rows.
    pub n_rows: usize,
    /// Number of constraints.
    pub n_constraints: usize,
    /// The first constraint that fails: the one in the lowest row, and within that row the one with the lowest index.
    pub violation: Option<Violation>,
}

/// Looks for the first constraint that an execution violates.
///
/// The interaction elements are fixed, while a proof's depend on the trace. That is enough to find mistakes, but not to
/// detect a trace that was made to deceive the checker.
///
/// # Errors
/// [`ProveError`]: inputs that do not fill a trace, or a device failure.
pub fn check<D: Backend>(device: &D, input: &ProverInput) -> Result<Checked, ProveError> {
    let layout = Layout::of(&input.public).map_err(StatementError::from)?;
    let air = CairoAir::new(&layout, input.public.n_steps).map_err(StatementError::from)?;
    let mut columns = fill_trace(&layout, input)?;
    let n_rows = air.air.trace_length;

    let elements: Vec<_> = (0..air.n_interaction_elements()).map(element).collect();
    let scanned = ScannedColumns::upload(device, &air, &columns)?;
    let interaction = scanned.interaction(device, &air, &elements)?;
    for column in 0..interaction.n_columns() {
        columns.push(interaction.download(device, column)?);
    }
    let scalars = air.scalars(&input.public, &elements)?;
    let violation = air
        .air
        .find_violation(&columns, &scalars)
        .map_err(CairoAirError::from)?;
    Ok(Checked {
        n_rows,
        n_constraints: air.air.constraints.len(),
        violation,
    })
}

/// A fixed pseudorandom interaction element.
fn element(i: usize) -> Felt {
    let digest = Hash::Keccak256.hash_bytes(&i.to_be_bytes());
    felt::from_bytes_reduced(&digest)
}
