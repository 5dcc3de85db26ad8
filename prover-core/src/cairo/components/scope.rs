//! Named access to the cells and constraints of a component.

use crate::air::{AirBuilder, AirError, Cells, Domain, Expr, PeriodicColumn, Rows, every};
use crate::cairo::layouts::Layout;
use quarry_kernels::Felt;

/// The error for a layout that does not fit a component's constraints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// The layout lacks a virtual column that a component needs.
    #[error("layout '{layout}' has no column '{name}'")]
    MissingColumn {
        /// The layout.
        layout: &'static str,
        /// The column.
        name: String,
    },
    /// The AIR rejects a column or constraint.
    #[error(transparent)]
    Air(#[from] AirError),
}

/// A part of a layout under a common prefix, such as `cpu/decode`: names of cells and of constraints are
/// relative to it.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    air: &'a AirBuilder,
    layout: &'a Layout,
    prefix: String,
}

impl<'a> Scope<'a> {
    /// The whole layout.
    pub fn new(air: &'a AirBuilder, layout: &'a Layout) -> Self {
        Self {
            air,
            layout,
            prefix: String::new(),
        }
    }

    /// The sub-scope `name`.
    pub fn part(&self, name: &str) -> Self {
        Self {
            prefix: format!("{}{name}/", self.prefix),
            ..*self
        }
    }

    /// The virtual column with this name.
    ///
    /// # Errors
    /// [`ScopeError::MissingColumn`].
    pub fn cells(&self, name: &str) -> Result<Cells<'a>, ScopeError> {
        let name = self.full(name);
        match self.layout.cell(&name) {
            Some(place) => Ok(self.air.cells(&name, place)),
            None => Err(ScopeError::MissingColumn {
                layout: self.layout.name,
                name,
            }),
        }
    }

    /// The first cell of the virtual column with this name.
    ///
    /// # Errors
    /// [`ScopeError::MissingColumn`].
    pub fn cell(&self, name: &str) -> Result<Expr<'a>, ScopeError> {
        Ok(self.cells(name)?.at(0))
    }

    /// The periodic column with this name, which holds `values` in every `step`-th row.
    ///
    /// # Errors
    /// [`ScopeError`] if it does not fit the trace.
    pub fn periodic(&self, name: &str, step: usize, values: &[Felt]) -> Result<Expr<'a>, ScopeError> {
        let column = PeriodicColumn::new(&self.full(name), step, values, self.air.trace_length())?;
        Ok(self.air.periodic(column))
    }

    /// The scalar with this name, which is not relative to the prefix.
    pub fn scalar(&self, name: &str) -> Expr<'a> {
        self.air.scalar(name)
    }

    /// Adds the constraint that `expression` vanishes on `domain`.
    pub fn constrain(&self, name: &str, domain: impl Into<Domain>, expression: Expr<'a>) {
        self.air.constrain(self.full(name), domain, expression);
    }

    /// The first row of the trace.
    pub fn first(&self) -> Rows {
        every(self.air.trace_length())
    }

    /// The last of the rows `0, step, 2 step, ..`.
    pub fn last(&self, step: usize) -> Rows {
        self.first().at(self.air.trace_length().saturating_sub(step))
    }

    fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}
