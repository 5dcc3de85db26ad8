//! Algebraic intermediate representation: expressions, domains, constraints, and the code that evaluates them.
//!
//! An [`Air`] is a list of constraints over the cells of a trace, independent of Cairo. It is built once, with
//! [`AirBuilder`], and read by [`Air::evaluate_at`] (the verifier, at the out-of-domain point), `compile` (a register
//! program for devices) and [`Air::find_violation`] (the checker, row by row).

mod builder;
mod check;

#[cfg(feature = "prover")]
#[cfg(feature = "prover")]
mod compile;
mod domain;
#[cfg(feature = "prover")]
#[cfg(feature = "prover")]
mod emit;
mod expr;
mod periodic;
mod point;

pub use builder::{AirBuilder, Cells};

pub use check::{CellValue, Violation};
#[cfg(feature = "prover")]
#[cfg(feature = "prover")]
pub use compile::{CompiledAir, Table};
pub use domain::{Domain, Rows, every};
pub use expr::{Expr, Graph, IntoExpr, Leaf, MaskCell, Node, NodeId};
pub use periodic::PeriodicColumn;

use std::collections::HashMap;

/// One constraint: `expression` vanishes on every row of `domain`.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// Its name.
    pub name: String,
    /// Where it must hold.
    pub domain: Domain,
    /// The expression that must vanish: a node of [`Air::nodes`].
    pub expression: NodeId,
}

/// Constraints over a trace of `trace_length` rows. Everything that varies between proofs is a named scalar, so one
/// `Air` serves all proofs of the same shape.
#[derive(Clone, Debug)]
pub struct Air {
    /// Number of rows, a power of two.
    pub trace_length: usize,
    /// Number of columns of the first and of the interaction trace.
    pub n_columns: [usize; 2],
    /// The cells that are opened at the out-of-domain point, in the order of the proof.
    pub mask: Vec<MaskCell>,
    /// The constraints; number `i` is weighted with the `i`-th power of the random element.
    pub constraints: Vec<Constraint>,
    /// The periodic columns.
    pub periodic: Vec<PeriodicColumn>,
    /// The names of the scalars, in the order in which their values are given.
    pub scalars: Vec<String>,
    /// The expression graph; operands come before the nodes that use them.
    pub nodes: Vec<Node>,
    /// For every cell of the mask, the name and step of a virtual column that contains it.
    pub cell_names: HashMap<MaskCell, (String, usize)>,
}

/// Why an AIR could not be built or evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AirError {
    /// The number of rows is not valid for a trace.
    #[error("a trace of {0} rows: the number must be a power of two, at most 2^62")]
    TraceLength(usize),
    /// A domain does not fit the trace.
    #[error("constraint '{name}': rows {offset} modulo {step} in a trace of {trace_length} rows")]
    Domain {
        /// The constraint.
        name: String,
        /// The step of the rows.
        step: usize,
        /// The first row.
        offset: usize,
        /// Rows of the trace.
        trace_length: usize,
    },
    /// A periodic column does not fit the trace.
    #[error("periodic column '{name}': {len} values at step {step} in a trace of {trace_length} rows")]
    Periodic {
        /// The column.
        name: String,
        /// Number of values.
        len: usize,
        /// Its step.
        step: usize,
        /// Rows of the trace.
        trace_length: usize,
    },
    /// A list has the wrong length.
    #[error("{what}: expected {expected}, got {got}")]
    Length {
        /// What the list holds.
        what: &'static str,
        /// The length it must have.
        expected: usize,
        /// The length it has.
        got: usize,
    },
    /// The point lies in the domain of a constraint, where the composition polynomial has no value.
    #[error("the point lies in the domain of constraint '{0}'")]
    PointInDomain(String),
}

fn check_length(what: &'static str, expected: usize, got: usize) -> Result<(), AirError> {
    if expected == got {
        return Ok(());
    }
    Err(AirError::Length { what, expected, got })
}
