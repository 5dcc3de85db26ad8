//! Layouts: where each virtual column lies. A static layout is one file of data; everything else about a
//! layout (ratios, instances per builtin, repetitions) follows from the steps of its virtual columns.

mod plain;
mod small;

use quarry_kernels::ops::VirtualColumn;
use std::collections::HashMap;

/// Rows of the trace for every step of the CPU (times `cpu_component_step` in `dynamic`).
pub const CPU_COMPONENT_HEIGHT: usize = 16;

/// A layout as its file states it.
pub struct StaticLayout {
    /// Stone's name.
    pub name: &'static str,
    /// Number of columns of the first and of the interaction trace.
    pub n_columns: [usize; 2],
    /// Memory segments in the order in which the public input is hashed.
    pub segments: &'static [&'static str],
    /// Virtual columns: name, column (interaction columns follow the first ones), step, offset.
    pub cells: &'static [(&'static str, usize, usize, usize)],
    /// Periodic columns: name and step.
    pub periodic: &'static [(&'static str, usize)],
}

/// All static layouts.
pub const STATIC_LAYOUTS: &[&StaticLayout] = &[&plain::PLAIN, &small::SMALL];

/// A layout that is ready for use.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Stone's name.
    pub name: &'static str,
    /// Number of columns of the first and of the interaction trace.
    pub n_columns: [usize; 2],
    /// Memory segments in the order in which the public input is hashed.
    pub segments: &'static [&'static str],
    /// Steps of the periodic columns.
    pub periodic: HashMap<&'static str, usize>,
    cells: HashMap<&'static str, VirtualColumn>,
}

/// A layout of that name is not known.
#[derive(Debug, thiserror::Error)]
#[error("unknown layout '{name}'; known are {}", known.join(", "))]
pub struct UnknownLayout {
    /// The name that was asked for.
    pub name: String,
    /// The names that there are.
    pub known: Vec<&'static str>,
}

impl Layout {
    /// The static layout of that name.
    ///
    /// # Errors
    /// [`UnknownLayout`].
    pub fn by_name(name: &str) -> Result<Self, UnknownLayout> {
        let known = || STATIC_LAYOUTS.iter().map(|layout| layout.name).collect();
        let layout = STATIC_LAYOUTS
            .iter()
            .find(|layout| layout.name == name)
            .ok_or_else(|| UnknownLayout {
                name: name.to_owned(),
                known: known(),
            })?;
        let cell = |&(name, column, step, offset): &(&'static str, usize, usize, usize)| {
            (name, VirtualColumn { column, step, offset })
        };
        Ok(Self {
            name: layout.name,
            n_columns: layout.n_columns,
            segments: layout.segments,
            periodic: layout.periodic.iter().copied().collect(),
            cells: layout.cells.iter().map(cell).collect(),
        })
    }

    /// The virtual column of that name, if the layout has it. Its column counts interaction columns after the
    /// first ones.
    pub fn cell(&self, name: &str) -> Option<VirtualColumn> {
        self.cells.get(name).copied()
    }

    /// Whether the layout has a memory segment (a builtin) of that name.
    pub fn has_segment(&self, name: &str) -> bool {
        self.segments.contains(&name)
    }
}
