//! Expressions: polynomials in trace cells, periodic columns and scalars, kept as a graph in which equal subexpressions
//! share one node.

use ark_ff::{One, Zero};
use quarry_kernels::Felt;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::{Add, Mul, Neg, Sub};

/// A trace cell relative to the row where a constraint is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MaskCell {
    /// The column; interaction columns follow those of the first trace.
    pub column: usize,
    /// Number of rows ahead.
    pub offset: usize,
}

/// The index of a node in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// The index as a number.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A variable of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leaf {
    /// The scalar with this index; it is the same in every row.
    Scalar(usize),
    /// A trace cell.
    Cell(MaskCell),
    /// A periodic column.
    Periodic {
        /// Its index.
        column: usize,
        /// Number of rows ahead.
        offset: usize,
    },
}

/// A node of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A constant.
    Constant(Felt),
    /// A variable.
    Leaf(Leaf),
    /// `a + b`.
    Sum(NodeId, NodeId),
    /// `a - b`.
    Difference(NodeId, NodeId),
    /// `a * b`.
    Product(NodeId, NodeId),
}

impl Node {
    /// The operands; none for a leaf.
    pub fn operands(&self) -> Option<[NodeId; 2]> {
        match *self {
            Node::Sum(a, b) | Node::Difference(a, b) | Node::Product(a, b) => Some([a, b]),
            Node::Constant(_) | Node::Leaf(_) => None,
        }
    }
}

/// The value of every node, given that of every leaf.
pub(super) fn evaluate(nodes: &[Node], mut leaf: impl FnMut(Leaf) -> Felt) -> Vec<Felt> {
    let mut values: Vec<Felt> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let value = match *node {
            Node::Constant(constant) => constant,
            Node::Sum(a, b) => values[a.index()] + values[b.index()],
            Node::Difference(a, b) => values[a.index()] - values[b.index()],
            Node::Product(a, b) => values[a.index()] * values[b.index()],
            Node::Leaf(variable) => leaf(variable),
        };
        values.push(value);
    }
    values
}

/// A graph that only grows: nodes are never removed, and operands come before the nodes that use them.
#[derive(Debug, Default)]
pub struct Graph(RefCell<Interned>);

#[derive(Debug, Default)]
struct Interned {
    nodes: Vec<Node>,
    index: HashMap<Node, NodeId>,
}

impl Graph {
    /// A graph that starts with `nodes`.
    pub fn from_nodes(nodes: &[Node]) -> Self {
        let graph = Self::default();
        for &node in nodes {
            graph.intern(node);
        }
        graph
    }

    /// The nodes.
    pub fn into_nodes(self) -> Vec<Node> {
        self.0.into_inner().nodes
    }

    /// The expression for a node of this graph.
    pub fn expr(&self, id: NodeId) -> Expr<'_> {
        Expr { graph: self, id }
    }

    /// A variable.
    pub fn leaf(&self, leaf: Leaf) -> Expr<'_> {
        self.expr(self.intern(Node::Leaf(leaf)))
    }

    /// A constant.
    pub fn constant(&self, value: Felt) -> Expr<'_> {
        self.expr(self.intern(Node::Constant(value)))
    }

    fn intern(&self, node: Node) -> NodeId {
        let Interned { nodes, index } = &mut *self.0.borrow_mut();
        *index.entry(node).or_insert_with(|| {
            nodes.push(node);
            NodeId((nodes.len() - 1) as u32)
        })
    }

    fn constant_of(&self, id: NodeId) -> Option<Felt> {
        match self.0.borrow().nodes[id.index()] {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    fn add(&self, a: NodeId, b: NodeId) -> NodeId {
        match (self.constant_of(a), self.constant_of(b)) {
            (Some(x), Some(y)) => self.intern(Node::Constant(x + y)),
            (Some(x), None) if x.is_zero() => b,
            (None, Some(y)) if y.is_zero() => a,
            _ => self.intern(Node::Sum(a.min(b), a.max(b))),
        }
    }

    fn subtract(&self, a: NodeId, b: NodeId) -> NodeId {
        match (self.constant_of(a), self.constant_of(b)) {
            (Some(x), Some(y)) => self.intern(Node::Constant(x - y)),
            (None, Some(y)) if y.is_zero() => a,
            _ => self.intern(Node::Difference(a, b)),
        }
    }

    fn multiply(&self, a: NodeId, b: NodeId) -> NodeId {
        match (self.constant_of(a), self.constant_of(b)) {
            (Some(x), Some(y)) => self.intern(Node::Constant(x * y)),
            (None, Some(_)) => self.multiply(b, a),
            (Some(x), None) if x.is_zero() => a,
            (Some(x), None) if x.is_one() => b,
            // An addition costs a fifth of a multiplication.
            (Some(x), None) if x == Felt::from(2u64) => self.add(b, b),
            _ => self.intern(Node::Product(a.min(b), a.max(b))),
        }
    }
}

/// An expression: a node together with its graph. Arithmetic adds nodes to the graph.
#[derive(Clone, Copy, Debug)]
pub struct Expr<'g> {
    graph: &'g Graph,
    id: NodeId,
}

impl Expr<'_> {
    /// The node.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The square.
    pub fn square(self) -> Self {
        self * self
    }
}

/// An operand of expression arithmetic.
pub trait IntoExpr<'g> {
    /// Its node in `graph`.
    fn into_node(self, graph: &'g Graph) -> NodeId;
}

impl<'g> IntoExpr<'g> for Expr<'g> {
    fn into_node(self, _: &'g Graph) -> NodeId {
        self.id
    }
}

impl<'g> IntoExpr<'g> for Felt {
    fn into_node(self, graph: &'g Graph) -> NodeId {
        graph.constant(self).id
    }
}

impl<'g> IntoExpr<'g> for u64 {
    fn into_node(self, graph: &'g Graph) -> NodeId {
        Felt::from(self).into_node(graph)
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident $operation:ident),*) => {$(
        impl<'g, R: IntoExpr<'g>> $trait<R> for Expr<'g> {
            type Output = Expr<'g>;
            fn $method(self, rhs: R) -> Expr<'g> {
                let rhs = rhs.into_node(self.graph);
                self.graph.expr(self.graph.$operation(self.id, rhs))
            }
        }
        impl<'g> $trait<Expr<'g>> for u64 {
            type Output = Expr<'g>;
            fn $method(self, rhs: Expr<'g>) -> Expr<'g> {
                let lhs = self.into_node(rhs.graph);
                rhs.graph.expr(rhs.graph.$operation(lhs, rhs.id))
            }
        }
    )*};
}

arithmetic!(Add add add, Sub sub subtract, Mul mul multiply);

impl Neg for Expr<'_> {
    type Output = Self;
    fn neg(self) -> Self {
        0 - self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(graph: &Graph, offset: usize) -> Expr<'_> {
        graph.leaf(Leaf::Cell(MaskCell { column: 0, offset }))
    }

    #[test]
    fn equal_subexpressions_are_one_node() {
        let graph = Graph::default();
        let (x, y) = (cell(&graph, 0), cell(&graph, 1));
        assert_eq!(((x + y) * (x - y)).id(), ((x - y) * (y + x)).id());
        assert_ne!((x - y).id(), (y - x).id());
        assert_eq!((x * 2).id(), (x + x).id());
        assert_eq!((x * 1 + 0 - 0).id(), x.id());
        assert_eq!(
            (x * (1 - graph.constant(1u64.into()))).id(),
            graph.constant(Felt::zero()).id()
        );
        assert_eq!((x * (graph.constant(3u64.into()) - 2)).id(), x.id());
    }

    #[test]
    fn arithmetic_means_field_arithmetic() {
        let graph = Graph::default();
        let (x, y) = (cell(&graph, 0), cell(&graph, 1));
        let id = (-(3 * x) + (1 - y).square() * 5).id().index();
        let leaf = |leaf| match leaf {
            Leaf::Cell(cell) => Felt::from(7 + cell.offset as u64),
            other => panic!("{other:?} was not used"),
        };
        let values = evaluate(&graph.into_nodes(), leaf);
        assert_eq!(values[id], Felt::from(5 * 49 - 21));
    }
}
