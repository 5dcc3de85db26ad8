//! The builder of an AIR.

use super::{Air, AirError, Constraint, Domain, Expr, Graph, Leaf, MaskCell, Node, NodeId, PeriodicColumn};
use quarry_kernels::Felt;
use quarry_kernels::ops::VirtualColumn;
use std::cell::RefCell;
use std::collections::HashMap;
use std::iter;

/// An AIR under construction. Expressions borrow the builder, so components can hold many of them while they state
/// their constraints.
#[derive(Debug)]
pub struct AirBuilder {
    trace_length: usize,
    n_columns: [usize; 2],
    graph: Graph,
    lists: RefCell<Lists>,
}

#[derive(Debug, Default)]
struct Lists {
    constraints: Vec<Constraint>,
    periodic: Vec<PeriodicColumn>,
    scalars: Vec<String>,
    cell_names: HashMap<MaskCell, (String, usize)>,
}

/// A virtual column, as seen from the row of a constraint.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    builder: &'a AirBuilder,
    name: String,
    place: VirtualColumn,
}

impl<'a> Cells<'a> {
    /// The cell `index` steps ahead.
    pub fn at(&self, index: usize) -> Expr<'a> {
        let VirtualColumn { column, step, offset } = self.place;
        let cell = MaskCell {
            column,
            offset: offset + index * step,
        };
        let mut lists = self.builder.lists.borrow_mut();
        // One physical cell may have several names; the first one is kept.
        lists
            .cell_names
            .entry(cell)
            .or_insert_with(|| (self.name.clone(), step));
        self.builder.graph.leaf(Leaf::Cell(cell))
    }

    /// Distance between neighbouring cells, in rows.
    pub fn step(&self) -> usize {
        self.place.step
    }
}

impl AirBuilder {
    /// An AIR without constraints, for a trace of `trace_length` rows.
    ///
    /// # Errors
    /// [`AirError::TraceLength`].
    pub fn new(trace_length: usize, n_columns: [usize; 2]) -> Result<Self, AirError> {
        if !trace_length.is_power_of_two() || trace_length > 1 << 62 {
            return Err(AirError::TraceLength(trace_length));
        }
        Ok(Self {
            trace_length,
            n_columns,
            graph: Graph::default(),
            lists: RefCell::default(),
        })
    }

    /// Number of rows.
    pub fn trace_length(&self) -> usize {
        self.trace_length
    }

    /// The virtual column at `place`; `name` appears in reports of violations.
    pub fn cells(&self, name: &str, place: VirtualColumn) -> Cells<'_> {
        Cells {
            builder: self,
            name: name.to_owned(),
            place,
        }
    }

    /// The scalar called `name`, created on first use.
    pub fn scalar(&self, name: &str) -> Expr<'_> {
        let scalars = &mut self.lists.borrow_mut().scalars;
        let index = scalars.iter().position(|known| known == name).unwrap_or_else(|| {
            scalars.push(name.to_owned());
            scalars.len() - 1
        });
        self.graph.leaf(Leaf::Scalar(index))
    }

    /// A new periodic column.
    pub fn periodic(&self, column: PeriodicColumn) -> Expr<'_> {
        let periodic = &mut self.lists.borrow_mut().periodic;
        periodic.push(column);
        self.graph.leaf(Leaf::Periodic {
            column: periodic.len() - 1,
            offset: 0,
        })
    }

    /// States that `expression` vanishes on `domain`. Constraints are numbered in the order of these calls.
    pub fn constrain(&self, name: String, domain: impl Into<Domain>, expression: Expr<'_>) {
        let constraint = Constraint {
            name,
            domain: domain.into(),
            expression: expression.id(),
        };
        self.lists.borrow_mut().constraints.push(constraint);
    }

    /// Fills the next `n` places in the order of constraints with constraints that always hold.
    pub fn leave_out(&self, n: usize) {
        let expression = self.graph.constant(Felt::default()).id();
        let nothing = Constraint {
            name: "unused".to_owned(),
            domain: Domain::default(),
            expression,
        };
        let constraints = &mut self.lists.borrow_mut().constraints;
        constraints.extend(iter::repeat_n(nothing, n));
    }

    /// Builds the AIR. Its mask has every cell that a constraint uses, sorted by column and then by offset.
    ///
    /// # Errors
    /// [`AirError::Domain`].
    pub fn finish(self) -> Result<Air, AirError> {
        let Lists {
            constraints,
            periodic,
            scalars,
            cell_names,
        } = self.lists.into_inner();
        for constraint in &constraints {
            constraint.domain.check(&constraint.name, self.trace_length)?;
        }
        let nodes = self.graph.into_nodes();
        let mut mask = cells_of(&nodes, constraints.iter().map(|constraint| constraint.expression));
        mask.sort();
        Ok(Air {
            trace_length: self.trace_length,
            n_columns: self.n_columns,
            mask,
            constraints,
            periodic,
            scalars,
            nodes,
            cell_names,
        })
    }
}

/// The nodes on which `roots` depend, operands first.
pub(super) fn reachable(nodes: &[Node], roots: impl Iterator<Item = NodeId>) -> Vec<usize> {
    let mut needed = vec![false; nodes.len()];
    roots.for_each(|root| needed[root.index()] = true);
    for i in (0..nodes.len()).rev() {
        if let (true, Some(operands)) = (needed[i], nodes[i].operands()) {
            operands.iter().for_each(|operand| needed[operand.index()] = true);
        }
    }
    (0..nodes.len()).filter(|&i| needed[i]).collect()
}

/// The trace cells on which `roots` depend.
pub(super) fn cells_of(nodes: &[Node], roots: impl Iterator<Item = NodeId>) -> Vec<MaskCell> {
    let cell = |i: usize| match nodes[i] {
        Node::Leaf(Leaf::Cell(cell)) => Some(cell),
        _ => None,
    };
    reachable(nodes, roots).into_iter().filter_map(cell).collect()
}
