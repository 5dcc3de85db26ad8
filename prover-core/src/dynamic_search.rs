//! Searches the parameters of layout `dynamic` with which a proof of a program, or of tasks, is cheapest.
//!
//! A step takes 16 rows, the least that a layout can have, so that the trace has as few rows as possible. Each builtin gets
//! as few instances, and each pool as few units, as the run needs: what they do not take saves columns.

use crate::cairo::input::ProverInput;
use crate::cairo::layouts::{CPU_COMPONENT_HEIGHT, Layout, n_pooled, place};
use crate::cairo::runner::{self, Executable, RunError, RunOptions};
use crate::demand::{POOLS, STEPS, steps_before_padding, used_cells};
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

/// What a run would have to do without so that its trace has fewer steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cheaper {
    /// The number of steps that the trace would have.
    pub n_steps: u64,
    /// Of what the run would have to use less: [`STEPS`], or a builtin.
    pub of: &'static str,
    /// How many steps or instances fewer.
    pub fewer: u64,
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
    /// What would save steps; `None` if nothing alone does.
    pub cheaper: Option<Cheaper>,
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
    if again.public.n_steps != found.n_steps {
        found.n_steps = again.public.n_steps;
        found.decided_by = POOLS;
        found.cheaper = None;
    }
    Ok(found)
}

/// What a run needs of a builtin, or how many steps it has.
struct Needed {
    /// The builtin, or [`STEPS`].
    name: &'static str,
    /// The ratio of the builtin.
    ratio: Option<&'static str>,
    /// Steps, or instances.
    used: u64,
    /// Instances in the rows of the ratio (keccak has 16 in them).
    per_ratio: u64,
    /// The least rows of the ratio.
    least: u64,
}

impl Needed {
    /// How often the rows of the ratio are needed.
    fn count(&self) -> u64 {
        self.used.div_ceil(self.per_ratio)
    }

    /// The least power of two of steps.
    fn n_steps(&self) -> u64 {
        let steps = (self.count() * self.least).div_ceil(CPU_COMPONENT_HEIGHT as u64);
        steps.next_power_of_two()
    }

    /// What a number of steps can hold at the most.
    fn held(&self, n_steps: u64) -> u64 {
        n_steps * CPU_COMPONENT_HEIGHT as u64 / self.least * self.per_ratio
    }
}

/// What a run needs: its steps, and the builtins that it uses.
fn needed(input: &ProverInput) -> Result<Vec<Needed>, RunError> {
    let layout = Layout::of(&input.public).map_err(|why| RunError::DynamicParam(why.to_string()))?;
    let mut all = vec![Needed {
        name: STEPS,
        ratio: None,
        used: steps_before_padding(input),
        per_ratio: 1,
        least: CPU_COMPONENT_HEIGHT as u64,
    }];
    for BuiltinRatio(name, ratio, least, _) in BUILTINS {
        let Some(supply) = layout.builtins().find(|supply| supply.name == name) else {
            continue;
        };
        let params = input.public.dynamic_params.as_ref();
        let rows = params.and_then(|params| params.get(ratio)).copied().unwrap_or(1);
        all.push(Needed {
            name,
            ratio: Some(ratio),
            used: used_cells(input, name) / supply.n_cells,
            per_ratio: (rows / supply.rows as u64).max(1),
            least,
        });
    }
    all.retain(|needed| needed.used > 0);
    Ok(all)
}

/// The cheapest parameters for a run.
fn fit(input: &ProverInput, options: &RunOptions) -> Result<Found, RunError> {
    let all = needed(input)?;
    let run_steps = steps_before_padding(input);
    let at_least = |others: &mut dyn Iterator<Item = &Needed>| {
        let least = (options.min_steps as u64).next_power_of_two();
        others.map(Needed::n_steps).max().unwrap_or(1).max(least)
    };
    let mut n_steps = at_least(&mut all.iter());
    // The run itself comes first: it decides if a builtin needs just as many steps.
    let most = all.iter().find(|needed| needed.n_steps() == n_steps);
    let mut decided_by = most.map_or(STEPS, |needed| needed.name);
    let mut cheaper = most.and_then(|most| {
        let mut others = all.iter().filter(|needed| needed.name != most.name);
        let fewer_steps = at_least(&mut others).max(n_steps / 2 * u64::from(most.name == STEPS));
        let fits = || with_pools(input, ratios(&all, fewer_steps), fewer_steps).is_some();
        (fewer_steps < n_steps && fits()).then(|| Cheaper {
            n_steps: fewer_steps,
            of: most.name,
            fewer: most.used - most.held(fewer_steps),
        })
    });
    let dynamic_params = loop {
        match with_pools(input, ratios(&all, n_steps), n_steps) {
            Some(params) => break params,
            None if n_steps >= options.max_steps as u64 => return Err(too_large(n_steps)),
            None => (n_steps, decided_by, cheaper) = (n_steps * 2, POOLS, None),
        }
    };
    let layout = Layout::dynamic(&dynamic_params).map_err(|why| RunError::DynamicParam(why.to_string()))?;
    let builtins = all.iter().filter_map(|needed| {
        let supply = layout.builtins().find(|supply| supply.name == needed.name)?;
        Some(BuiltinUse {
            name: needed.name,
            used: needed.used,
            held: supply.held(n_steps),
            rows: supply.rows as u64,
        })
    });
    Ok(Found {
        run_steps,
        n_steps,
        decided_by,
        cheaper,
        n_columns: layout.n_columns,
        builtins: builtins.collect(),
        dynamic_params,
    })
}

/// The largest ratios with which a number of steps holds what is needed, as far as it can.
fn ratios(all: &[Needed], n_steps: u64) -> BTreeMap<&'static str, u64> {
    let rows = n_steps * CPU_COMPONENT_HEIGHT as u64;
    let ratios = all.iter().filter_map(|needed| {
        let fitting = rows.checked_div(needed.count())?.max(1).ilog2();
        Some((needed.ratio?, needed.least.max(1 << fitting)))
    });
    ratios.collect()
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
    held.unwrap_or(0).saturating_sub(used_cells(input, name))
}

fn too_large(n_steps: u64) -> RunError {
    RunError::TooLarge(usize::try_from(n_steps).unwrap_or(usize::MAX))
}
