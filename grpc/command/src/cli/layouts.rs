//! `quarry layouts`: lists the layouts, or shows one in detail.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::grid::Grid;
use crate::cli::source::{named_layout, read_params};
use crate::cli::terminal;
use quarry_prover_core::cairo::air::CairoAir;
use quarry_prover_core::cairo::capacity::Supply;
use quarry_prover_core::cairo::layouts::{Layout, STATIC_LAYOUTS};
use quarry_prover_core::profiles;
use serde::Serialize;
use std::path::PathBuf;

/// Examples for `layouts --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry layouts
  quarry layouts recursive --steps 65536
  quarry layouts starknet --json
  quarry layouts dynamic
      shows layout dynamic with the default parameters
  quarry layouts dynamic --dynamic-params dynamic.json";

/// Arguments of `layouts`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Layout to show in detail [default: list all layouts]
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Parameters of layout dynamic (Stone's dynamic_params, JSON) [default: those of --layout dynamic]
    #[arg(long, value_name = "FILE", requires = "name")]
    dynamic_params: Option<PathBuf>,
    /// Show how many builtin instances fit in this many steps, a power of two [default: the layout's minimum]
    #[arg(long, value_name = "N", requires = "name")]
    steps: Option<u64>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Headings of the table. `columns` shows those of the first trace and of the interaction trace.
const HEADING: [&str; 6] = [
    "layout",
    "columns",
    "constraints",
    "mask cells",
    "interaction elements",
    "minimum steps",
];

/// A layout's row in the table.
#[derive(Serialize)]
struct Row {
    layout: &'static str,
    n_columns: [usize; 2],
    n_constraints: usize,
    n_mask_cells: usize,
    n_interaction_elements: usize,
    least_steps: u64,
}

/// A layout in detail.
#[derive(Serialize)]
struct Details {
    #[serde(flatten)]
    row: Row,
    components: Vec<Component>,
    segments: Vec<&'static str>,
    profiles: Vec<&'static str>,
    n_steps: u64,
    builtins: Vec<Held>,
    pools: Vec<Held>,
}

/// A component and how many constraints it has.
#[derive(Serialize)]
struct Component {
    name: String,
    n_constraints: usize,
}

/// How many instances of a builtin, or units of a pool, a number of steps holds.
#[derive(Serialize)]
struct Held {
    name: &'static str,
    /// Trace rows per instance or unit.
    rows: usize,
    /// Trace rows per step.
    rows_per_step: usize,
    held: u64,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    if let Some(name) = &args.name {
        let layout = match &args.dynamic_params {
            Some(path) => Layout::dynamic(&read_params(path)?).or_bad_input()?,
            None => named_layout(name)?,
        };
        if layout.name != name {
            let message = format!("--dynamic-params: layout '{name}' has no parameters");
            return Err(Failure::bad_input(message));
        }
        let details = details(&layout, args.steps)?;
        return match args.json {
            true => terminal::print_json(&details),
            false => terminal::print(details.text()),
        };
    }
    let rows = STATIC_LAYOUTS.iter().map(|layout| {
        let layout = Layout::by_name(layout.name).or_bad_input()?;
        Ok(row(&layout, &air(&layout, least_steps(&layout))?))
    });
    let rows = rows.collect::<Result<Vec<_>, Failure>>()?;
    if args.json {
        return terminal::print_json(&rows);
    }
    let mut grid = Grid::new(HEADING);
    for row in &rows {
        grid.row(row.values());
    }
    terminal::print(grid)
}

fn least_steps(layout: &Layout) -> u64 {
    layout.least_rows().div_ceil(layout.rows_per_step) as u64
}

fn air(layout: &Layout, n_steps: u64) -> Result<CairoAir, Failure> {
    CairoAir::new(layout, n_steps).or_bad_input()
}

fn row(layout: &Layout, air: &CairoAir) -> Row {
    Row {
        layout: layout.name,
        n_columns: layout.n_columns,
        n_constraints: air.air.constraints.len(),
        n_mask_cells: air.air.mask.len(),
        n_interaction_elements: air.n_interaction_elements(),
        least_steps: least_steps(layout),
    }
}

impl Row {
    fn values(&self) -> [String; 6] {
        [
            self.layout.to_owned(),
            self.n_columns.map(|n| n.to_string()).join(" + "),
            self.n_constraints.to_string(),
            self.n_mask_cells.to_string(),
            self.n_interaction_elements.to_string(),
            self.least_steps.to_string(),
        ]
    }
}

fn details(layout: &Layout, n_steps: Option<u64>) -> Result<Details, Failure> {
    let n_steps = n_steps.unwrap_or_else(|| least_steps(layout));
    let air = air(layout, n_steps)?;
    let mut components: Vec<Component> = Vec::new();
    // In `dynamic`, unused components keep their places in the order of constraints, under the name `unused`.
    let used = |name: &str| name != "unused";
    for constraint in air
        .air
        .constraints
        .iter()
        .filter(|constraint| used(&constraint.name))
    {
        // A constraint's name begins with its component's name; one without it belongs to the component before.
        let name = constraint.name.split_once('/').map(|(name, _)| name);
        let last = components.last_mut();
        match (name, last) {
            (Some(name), last) if last.as_ref().is_none_or(|last| last.name != name) => {
                components.push(Component {
                    name: name.to_owned(),
                    n_constraints: 1,
                });
            }
            (_, Some(last)) => last.n_constraints += 1,
            (_, None) => {}
        }
    }
    let held = |supply: Supply| Held {
        name: supply.name,
        rows: supply.rows,
        rows_per_step: supply.rows_per_step,
        held: supply.held(n_steps),
    };
    Ok(Details {
        row: row(layout, &air),
        components,
        segments: layout.segments.to_vec(),
        profiles: profiles::profiles_of(layout.name),
        n_steps,
        builtins: layout.builtins().map(held).collect(),
        pools: layout.pools().map(held).collect(),
    })
}

impl Details {
    fn text(&self) -> String {
        let mut shape = Grid::new(HEADING);
        shape.row(self.row.values());
        let mut components = Grid::new(["component", "constraints"]);
        for component in &self.components {
            components.row([component.name.clone(), component.n_constraints.to_string()]);
        }
        let heading = format!("{} steps hold", self.n_steps);
        let mut supplies = Grid::new(["", "ratio", &heading]);
        for held in self.builtins.iter().chain(&self.pools) {
            supplies.row([
                held.name.to_owned(),
                ratio(held.rows, held.rows_per_step),
                held.held.to_string(),
            ]);
        }
        let segments = self.segments.join(", ");
        let profiles = self.profiles.join(", ");
        format!("{shape}\nsegments: {segments}\nprofiles: {profiles}\n\n{components}\n{supplies}")
    }
}

/// The ratio of one instance in `rows` trace rows, in steps.
fn ratio(rows: usize, rows_per_step: usize) -> String {
    if rows > rows_per_step {
        format!("1 in {} steps", rows / rows_per_step)
    } else {
        format!("{} per step", rows_per_step.checked_div(rows).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_for_people() {
        assert_eq!(ratio(2, 16), "8 per step");
        assert_eq!(ratio(16, 16), "1 per step");
        assert_eq!(ratio(128, 16), "1 in 8 steps");
    }

    #[test]
    fn a_layout_in_detail() {
        let details = details(&Layout::by_name("small").unwrap(), Some(1024)).unwrap();
        let names: Vec<_> = details.components.iter().map(|c| c.name.as_str()).collect();
        let first = ["cpu", "memory", "range_check16", "pedersen"];
        assert!(names.starts_with(&first), "{names:?}");
        let total: usize = details.components.iter().map(|c| c.n_constraints).sum();
        assert_eq!(total, 179);
        let held: Vec<_> = details.builtins.iter().map(|b| (b.name, b.held)).collect();
        assert_eq!(held, [("pedersen", 128), ("range_check", 128), ("ecdsa", 2)]);
        assert!(details.text().contains("1 in 512 steps"), "{}", details.text());
    }
}
