//! The first trace: all columns that are committed before the interaction.

use crate::cairo::canvas::Canvas;
use crate::cairo::components::stage::Stage;
use crate::cairo::components::{cpu, rows};
use crate::cairo::error::InputError;
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use quarry_kernels::Felt;

/// Checks that the inputs are those of a valid execution, in which every step follows from the previous one, and builds
/// the columns of the first trace: natural order, `layout.rows_per_step * n_steps` rows each.
///
/// # Errors
/// [`InputError`], which names the step, the builtin's instance, the segment or the address.
pub fn build_trace(layout: &Layout, input: &ProverInput) -> Result<Vec<Vec<Felt>>, InputError> {
    check_shape(layout, input)?;
    cpu::witness::check_execution(input)?;
    fill_trace(layout, input)
}

/// Builds the columns of the first trace as Stone fills them, without checking that the steps follow from one another.
/// Used to check the constraints on invalid executions.
///
/// # Errors
/// [`InputError`] if a cell cannot be filled, for example because an operand is not in memory or a builtin has too few
/// instances.
pub fn fill_trace(layout: &Layout, input: &ProverInput) -> Result<Vec<Vec<Felt>>, InputError> {
    check_shape(layout, input)?;
    let mut canvas = Canvas::new(layout, layout.rows_per_step * input.trace.len())?;
    for stage in Stage::ALL {
        let functions = rows(layout).flat_map(|row| row.witness);
        for (_, write) in functions.filter(|(when, _)| *when == stage) {
            write(&mut canvas, layout, input)?;
        }
    }
    canvas.finish(layout)
}

/// Checks that the number of steps is that of the trace and holds at least one instance of every component, and that
/// the segments and the public memory fit the layout.
fn check_shape(layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let n_steps = input.public.n_steps;
    let found = input.trace.len() as u64;
    let least = (layout.least_rows() / layout.rows_per_step) as u64;
    if !n_steps.is_power_of_two() || n_steps < least {
        return Err(InputError::TooFewSteps {
            layout: layout.name,
            n_steps,
            least,
        });
    }
    if n_steps != found {
        return Err(InputError::StepCount {
            expected: n_steps,
            found,
        });
    }
    input.public.check_segments(layout)?;
    Ok(input.public.check_public_memory(layout)?)
}
