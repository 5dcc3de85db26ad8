//! What a run needs of its trace, and what decides how many steps the trace has.

use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;

/// What can decide the number of steps, apart from a builtin: the run itself, or the units of the pools, for memory (also
/// for the addresses that the run skips), range checks and diluted values.
pub const STEPS: &str = "steps";
/// See [`STEPS`].
pub const POOLS: &str = "pools";

/// The steps until the loop at the end of the program.
pub fn steps_before_padding(input: &ProverInput) -> u64 {
    let last = input.trace.last();
    let padding = input.trace.iter().rev().take_while(|entry| Some(*entry) == last);
    (input.trace.len() - padding.count() + 1) as u64
}

/// The memory cells that a run used of a builtin.
pub fn used_cells(input: &ProverInput, builtin: &str) -> u64 {
    let segment = input.public.memory_segments.get(builtin);
    segment.map_or(0, |segment| segment.stop_ptr.saturating_sub(segment.begin_addr))
}

/// What makes the trace of a run in this layout as long as it is: [`STEPS`] (the run, or the least number of steps that
/// was asked for), [`POOLS`], or the builtin that needs the most steps.
pub fn decided_by(input: &ProverInput, layout: &Layout, min_steps: u64) -> &'static str {
    let n_steps = input.public.n_steps;
    let of_run = steps_before_padding(input).max(min_steps);
    if of_run
        .checked_next_power_of_two()
        .is_none_or(|steps| steps >= n_steps)
    {
        return STEPS;
    }
    let needed = layout.builtins().filter_map(|supply| {
        let instances = used_cells(input, supply.name).div_ceil(supply.n_cells.max(1));
        Some((supply.steps_for(instances)?, supply.name))
    });
    match needed.max() {
        Some((steps, builtin)) if steps >= n_steps => builtin,
        _ => POOLS,
    }
}
