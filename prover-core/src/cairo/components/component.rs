//! What a component states about itself, besides its witness.

use super::permutation::Permutation;
use super::scope::{Scope, ScopeError};
use crate::cairo::layouts::Layout;
use std::iter;

/// A component, as its folder states it.
#[derive(Clone, Copy, Debug)]
pub struct Component {
    /// A virtual column that a layout has if and only if it has the component.
    pub column: &'static str,
    /// Adds the component's constraints.
    pub constrain: fn(&Scope<'_>) -> Result<(), ScopeError>,
    /// The permutation argument. Its interaction elements are drawn before the component's others.
    pub permutation: Option<Permutation>,
    /// The cumulative value.
    pub cumulative: Option<Cumulative>,
    /// An interaction element that belongs to neither of them.
    pub element: Option<&'static str>,
    /// The instances that programs use, if the component is a builtin.
    pub builtin: Option<Builtin>,
    /// The pools that the component checks and that all components share.
    pub pools: &'static [Pool],
}

/// A cumulative value over a virtual column.
#[derive(Clone, Copy, Debug)]
pub struct Cumulative {
    /// The column of values.
    pub values: &'static str,
    /// The interaction column.
    pub sum: &'static str,
    /// The interaction elements `z` and `alpha`.
    pub elements: [&'static str; 2],
}

/// The instances of a builtin, and their places in the memory pool.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// The builtin's memory segment.
    pub segment: &'static str,
    /// Memory cells per instance.
    pub n_cells: u64,
    /// A virtual column of the builtin in the memory pool.
    pub column: &'static str,
    /// Cells of this column per instance.
    pub n_column_cells: usize,
    /// Instances that the constraints take together.
    pub n_together: usize,
}

/// Units that all components share.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// The name of the units.
    pub name: &'static str,
    /// The virtual column that holds them.
    pub column: &'static str,
}

impl Component {
    /// A component without interaction, instances and pools.
    pub const fn new(column: &'static str, constrain: fn(&Scope<'_>) -> Result<(), ScopeError>) -> Self {
        Self {
            column,
            constrain,
            permutation: None,
            cumulative: None,
            element: None,
            builtin: None,
            pools: &[],
        }
    }

    /// A builtin without interaction.
    pub const fn of_builtin(builtin: Builtin, constrain: fn(&Scope<'_>) -> Result<(), ScopeError>) -> Self {
        Self {
            builtin: Some(builtin),
            ..Self::new(builtin.column, constrain)
        }
    }

    /// Whether a layout has the component.
    pub fn is_in(&self, layout: &Layout) -> bool {
        layout.cell(self.column).is_some()
    }

    /// The number of constraints whose place in the order a layout keeps although it does not use the component; `None`
    /// if it keeps none.
    pub fn unused(&self, layout: &Layout) -> Option<usize> {
        let prefix = self.column.split('/').next();
        let mut unused = layout.unused.iter();
        unused.find(|(name, _)| prefix == Some(*name)).map(|(_, n)| *n)
    }

    /// The names of the component's interaction elements, in the order in which they are drawn.
    pub fn elements(&self) -> impl Iterator<Item = &'static str> {
        let permutation = self.permutation.iter();
        let permutation =
            permutation.flat_map(|argument| iter::once(argument.z).chain(argument.weights.iter().copied()));
        permutation
            .chain(self.cumulative.iter().flat_map(|cumulative| cumulative.elements))
            .chain(self.element)
    }
}

impl Builtin {
    /// A builtin with one cell of `column` per instance.
    pub const fn new(segment: &'static str, column: &'static str, n_cells: u64) -> Self {
        Self {
            segment,
            n_cells,
            column,
            n_column_cells: 1,
            n_together: 1,
        }
    }

    /// Rows per instance; `None` if the layout does not have the builtin.
    pub fn rows(&self, layout: &Layout) -> Option<usize> {
        Some(layout.cell(self.column)?.step * self.n_column_cells)
    }
}
