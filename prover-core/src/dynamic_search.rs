//! Searches the parameters of layout `dynamic` with which a proof of a program, or of tasks, is cheapest.
//!
//! A step takes 16 rows, the least that a layout can have, so that the trace has as few rows as possible. Each builtin gets
//! as few instances, and each pool as few units, as the run needs: what they do not take saves columns.

use crate::cairo::input::ProverInput;
use crate::cairo::layouts::{CPU_COMPONENT_HEIGHT, Layout, n_pooled, place};
use crate::cairo::runner::{self, Executable, RunError, RunOptions};
use serde::Serialize;
use std::collections::BTreeMap;

/// A builtin of the layout: its segment, its ratio, the least rows of an instance, and the rows in the first run.
struct BuiltinRatio(&'static str, &'static str, u64, u64);

/// The builtins. Their ratios in the first run fit together in the pools.
const BUILTINS: [BuiltinRatio; 10] = [
    BuiltinRatio("pedersen", "pedersen_builtin_row_ratio", 512, 512),
    BuiltinRatio("range_check", "range_check_builtin_row_ratio", 16, 16),
    BuiltinRatio("ecdsa", "ecdsa_builtin_row_ratio", 512, 2048),
    BuiltinRatio("bitwise", "bitwise__row_ratio", 64, 256),
    BuiltinRatio("ec_op", "ec_op_builtin_row_ratio", 256, 1024),
    BuiltinRatio("keccak", "keccak__row_ratio", 32768, 32768),
    BuiltinRatio("poseidon", "poseidon__row_ratio", 64, 64),
    BuiltinRatio("range_check96", "range_check96_builtin_row_ratio", 16, 64),
    BuiltinRatio("add_mod", "add_mod__row_ratio", 128, 512),
    BuiltinRatio("mul_mod", "mul_mod__row_ratio", 128, 512),
];

/// The pools: the ratio of their units. A step needs four units of memory and three of range checks.
const MEMORY: &str = "memory_units_row_ratio";
const RANGE_CHECK: &str = "range_check_units_row_ratio";
const DILUTED: &str = "diluted_units_row_ratio";

/// Rows per unit of a pool that are tried, from the cheapest on.
const UNIT_ROWS: [u64; 11] = [1024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1];

/// What can decide the number of steps, apart from a builtin: the run itself, or the units that every trace must have.
pub const STEPS: &str = "steps";
/// See [`STEPS`].
pub const POOLS: &str = "pools";

/// Values of the diluted form that must all occur.
const N_DILUTED: u64 = 1 << 16;

/// What a run uses of a builtin, and what it gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BuiltinUse {
    /// The builtin.
    pub name: &'static str,
    /// Instances that the run uses.
    pub used: u64,
    /// Instances that the trace has.
    pub held: u64,
    /// Rows of the trace per instance.
    pub rows: u64,
}

/// Parameters, and why they are these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Steps of the run before padding.
    pub run_steps: u64,
    /// Steps of the trace.
    pub n_steps: u64,
    /// What needs that many steps: [`STEPS`], [`POOLS`], or a builtin.
    pub decided_by: &'static str,
    /// Columns of the first and of the interaction trace.
    pub n_columns: [usize; 2],
    /// The builtins that the run uses.
    pub builtins: Vec<BuiltinUse>,
    /// Stone's `dynamic_params`.
    pub dynamic_params: BTreeMap<String, u64>,
}

/// Runs a program or tasks with generous parameters, searches cheaper ones, and runs it with these again.
///
/// # Errors
/// [`RunError`].
pub fn search(executable: Executable<'_>, options: &RunOptions) -> Result<Found, RunError> {
    let mut ratios: BTreeMap<_, _> = BUILTINS.iter().map(|builtin| (builtin.1, builtin.3)).collect();
    ratios.extend([MEMORY, RANGE_CHECK, DILUTED].map(|pool| (pool, 1)));
    let first = place(&ratios).ok_or(too_large(0))?;
    let input = runner::run_dynamic(executable, &first, options)?;
    let mut found = fit(&input, options)?;
    let quiet = RunOptions {
        prints: false,
        ..*options
    };
    let again = runner::run_dynamic(executable, &found.dynamic_params, &quiet)?;
    found.n_steps = again.public.n_steps;
    Ok(found)
}

/// The cheapest parameters for a run.
fn fit(input: &ProverInput, options: &RunOptions) -> Result<Found, RunError> {
    let run_steps = steps_before_padding(input);
    let (mut n_steps, mut decided_by) = (run_steps.max(options.min_steps as u64), STEPS);
    let mut used = Vec::new();
    let whole = Layout::of(&input.public).map_err(|why| RunError::DynamicParam(why.to_string()))?;
    for BuiltinRatio(name, ratio, least, _) in BUILTINS {
        let Some(supply) = whole.builtins().find(|supply| supply.name == name) else {
            continue;
        };
        let segment = input.public.memory_segments.get(name);
        let cells = segment.map_or(0, |segment| segment.stop_ptr - segment.begin_addr);
        // An instance may take a part of the rows of the ratio (keccak has 16 in them).
        let per_ratio = input
            .public
            .dynamic_params
            .as_ref()
            .and_then(|params| params.get(ratio));
        let per_ratio = per_ratio.map_or(1, |rows| (rows / supply.rows as u64).max(1));
        let count = (cells / supply.n_cells).div_ceil(per_ratio);
        if count > 0 {
            let needed = (count * least).div_ceil(CPU_COMPONENT_HEIGHT as u64);
            if needed.next_power_of_two() > n_steps.next_power_of_two() {
                (n_steps, decided_by) = (needed, name);
            }
            used.push((name, ratio, count, cells / supply.n_cells));
        }
    }
    n_steps = n_steps.next_power_of_two();
    let dynamic_params = loop {
        let rows = n_steps * CPU_COMPONENT_HEIGHT as u64;
        let ratios = used
            .iter()
            .map(|(_, ratio, count, _)| (*ratio, (rows / count).ilog2()));
        let ratios = ratios.map(|(ratio, log)| (ratio, 1 << log)).collect();
        match with_pools(input, ratios, n_steps) {
            Some(params) => break params,
            None if n_steps >= options.max_steps as u64 => return Err(too_large(n_steps)),
            None => (n_steps, decided_by) = (n_steps * 2, POOLS),
        }
    };
    let layout = Layout::dynamic(&dynamic_params).map_err(|why| RunError::DynamicParam(why.to_string()))?;
    let builtins = used.iter().filter_map(|&(name, _, _, used)| {
        let supply = layout.builtins().find(|supply| supply.name == name)?;
        let (held, rows) = (supply.held(n_steps), supply.rows as u64);
        Some(BuiltinUse {
            name,
            used,
            held,
            rows,
        })
    });
    Ok(Found {
        run_steps,
        n_steps,
        decided_by,
        n_columns: layout.n_columns,
        builtins: builtins.collect(),
        dynamic_params,
    })
}

/// Adds the largest ratios of the pools that hold what the run needs.
fn with_pools(
    input: &ProverInput,
    mut ratios: BTreeMap<&'static str, u64>,
    n_steps: u64,
) -> Option<BTreeMap<String, u64>> {
    let rows = n_steps * CPU_COMPONENT_HEIGHT as u64;
    let cells = input.memory.len() as u64;
    let last = input
        .memory
        .cells()
        .map(|(address, _)| address)
        .max()
        .unwrap_or(0);
    // Unused instances have addresses of their own, but their cells are no holes: the trace fills them.
    let unused: u64 = BUILTINS
        .iter()
        .map(|builtin| n_unused_cells(input, builtin.0))
        .sum();
    let holes = last.saturating_sub(cells + unused);
    let n_public = input.public.public_memory.len() as u64;
    let bounds = input.public.rc_max - input.public.rc_min + 1;
    ratios.extend([MEMORY, RANGE_CHECK, DILUTED].map(|pool| (pool, 1)));
    for (pool, units, free) in [
        ("mem_pool", MEMORY, holes),
        ("range_check16_pool", RANGE_CHECK, bounds),
        ("diluted_pool", DILUTED, N_DILUTED),
    ] {
        let fits = |&unit_rows: &u64| {
            let mut ratios = ratios.clone();
            ratios.insert(units, unit_rows);
            let params = place(&ratios)?;
            let needed = n_pooled(&params, pool, n_steps) + free;
            let is_public = units == MEMORY && rows / unit_rows / 8 < n_public;
            (rows / unit_rows >= needed && !is_public).then_some(unit_rows)
        };
        let largest = UNIT_ROWS.iter().find_map(fits)?;
        ratios.insert(units, largest);
    }
    place(&ratios)
}

/// The cells of the instances of a builtin that a run has and does not use.
fn n_unused_cells(input: &ProverInput, name: &str) -> u64 {
    let layout = Layout::of(&input.public).ok();
    let held = layout.and_then(|layout| {
        let supply = layout.builtins().find(|supply| supply.name == name)?;
        Some(supply.held(input.public.n_steps) * supply.n_cells)
    });
    let segment = input.public.memory_segments.get(name);
    let used = segment.map_or(0, |segment| segment.stop_ptr - segment.begin_addr);
    held.unwrap_or(0).saturating_sub(used)
}

/// The steps until the loop at the end of the program.
fn steps_before_padding(input: &ProverInput) -> u64 {
    let last = input.trace.last();
    let padding = input.trace.iter().rev().take_while(|entry| Some(*entry) == last);
    (input.trace.len() - padding.count() + 1) as u64
}

fn too_large(n_steps: u64) -> RunError {
    RunError::TooLarge(usize::try_from(n_steps).unwrap_or(usize::MAX))
}
