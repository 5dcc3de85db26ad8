//! The capacity of a layout: how many builtin instances and pool units fit in a number of steps.

use crate::cairo::components::component::Pool;
use crate::cairo::components::memory::PUBLIC_MEMORY;
use crate::cairo::components::{COMPONENTS, builtins};
use crate::cairo::layouts::Layout;

/// A resource of the trace that occurs at a fixed interval of rows: a builtin instance or a unit of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    /// The builtin's segment, or the name of the pool.
    pub name: &'static str,
    /// Memory cells per instance; 0 for units of a pool.
    pub n_cells: u64,
    /// Rows per instance or unit.
    pub rows: usize,
    /// Rows per step.
    pub rows_per_step: usize,
}

impl Supply {
    /// The number of instances or units in `n_steps` steps.
    pub fn held(&self, n_steps: u64) -> u64 {
        let rows = u128::from(n_steps) * self.rows_per_step as u128;
        let held = rows.checked_div(self.rows as u128);
        held.map_or(0, |held| u64::try_from(held).unwrap_or(u64::MAX))
    }

    /// The least power of two of steps that holds `count` instances or units; `None` if it exceeds `u64`.
    pub fn steps_for(&self, count: u64) -> Option<u64> {
        let rows = u128::from(count) * self.rows as u128;
        let steps = rows.div_ceil(self.rows_per_step as u128).next_power_of_two();
        u64::try_from(steps).ok()
    }
}

impl Layout {
    /// The least number of rows in which every virtual column has a cell and every component an instance.
    pub fn least_rows(&self) -> usize {
        let instances = builtins().filter_map(|builtin| Some(builtin.rows(self)? * builtin.n_together));
        self.steps().chain(instances).max().unwrap_or(1)
    }

    /// The builtins of which the layout has instances, in the order of the table of components. Layout `dynamic` has
    /// the segments of all builtins but instances only of those that its parameters enable.
    pub fn builtins(&self) -> impl Iterator<Item = Supply> {
        builtins().filter_map(|builtin| {
            Some(Supply {
                name: builtin.segment,
                n_cells: builtin.n_cells,
                rows: builtin.rows(self)?,
                rows_per_step: self.rows_per_step,
            })
        })
    }

    /// The pools that the layout has.
    pub fn pools(&self) -> impl Iterator<Item = Supply> {
        let pools = COMPONENTS.iter().flat_map(|row| row.component.pools);
        pools.filter_map(|pool| self.pool(pool))
    }

    /// The capacity for public memory cells.
    pub fn public_memory(&self) -> Option<Supply> {
        self.pool(&PUBLIC_MEMORY)
    }

    fn pool(&self, pool: &Pool) -> Option<Supply> {
        Some(Supply {
            name: pool.name,
            n_cells: 0,
            rows: self.cell(pool.column)?.step,
            rows_per_step: self.rows_per_step,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cairo::layouts::STATIC_LAYOUTS;

    #[test]
    fn every_segment_with_instances_has_a_supply() {
        for layout in STATIC_LAYOUTS {
            let layout = Layout::by_name(layout.name).expect("known");
            let mut supplied: Vec<_> = layout.builtins().map(|supply| supply.name).collect();
            let plain = ["program", "execution", "output"];
            let mut segments = layout.segments.to_vec();
            segments.retain(|name| !plain.contains(name));
            supplied.sort_unstable();
            segments.sort_unstable();
            assert_eq!(supplied, segments, "{}", layout.name);
            assert!(layout.public_memory().is_some(), "{}", layout.name);
        }
    }

    /// Steps per instance, as published in cairo-lang's `instances.py`.
    #[test]
    fn ratios_are_the_published_ones() {
        let table: &[(&str, &[(&str, usize)])] = &[
            ("plain", &[]),
            ("small", &[("pedersen", 8), ("range_check", 8), ("ecdsa", 512)]),
            ("dex", &[("pedersen", 8), ("range_check", 8), ("ecdsa", 512)]),
            (
                "recursive",
                &[("pedersen", 128), ("range_check", 8), ("bitwise", 8)],
            ),
            (
                "starknet_with_keccak",
                &[
                    ("pedersen", 32),
                    ("range_check", 16),
                    ("ecdsa", 2048),
                    ("bitwise", 64),
                    ("ec_op", 1024),
                    ("keccak", 2048),
                    ("poseidon", 32),
                ],
            ),
        ];
        for (name, ratios) in table {
            let layout = Layout::by_name(name).expect("known");
            let found: Vec<_> = layout
                .builtins()
                .map(|supply| (supply.name, supply.rows / supply.rows_per_step))
                .collect();
            assert_eq!(found, *ratios, "{name}");
        }
    }

    #[test]
    fn the_steps_that_are_needed_are_the_least() {
        let supply = Supply {
            name: "pedersen",
            n_cells: 3,
            rows: 128,
            rows_per_step: 16,
        };
        assert_eq!(supply.held(64), 8);
        for count in 0..100 {
            let steps = supply.steps_for(count).expect("few");
            assert!(supply.held(steps) >= count);
            assert!(steps == 1 || supply.held(steps / 2) < count, "{count}");
        }
        assert_eq!(supply.steps_for(u64::MAX), None);
        assert_eq!(supply.held(u64::MAX), u64::MAX / 8);
    }
}
