//! Compiles an expression graph to the instructions of a register program.

use super::expr::Leaf;
use super::{Node, NodeId};
use quarry_kernels::program::{Instruction, Opcode, Operand};
use std::collections::HashMap;

/// Instructions that compute one node.
pub(super) struct Emitted {
    /// The instructions. No instruction writes a register that it reads.
    pub instructions: Vec<Instruction>,
    /// Number of registers.
    pub n_registers: usize,
    /// The nodes whose values are the scalars of the program.
    pub scalars: Vec<NodeId>,
    /// Location of the value.
    pub result: Operand,
}

/// Emits the computation of `root`. `cell` returns the operand of a leaf that is not a scalar. A node that depends only
/// on scalars and constants becomes one scalar.
pub(super) fn emit(nodes: &[Node], root: NodeId, cell: impl Fn(Leaf) -> Option<Operand>) -> Emitted {
    let mut emitter = Emitter {
        is_scalar: scalar_nodes(nodes),
        registers_needed: registers_needed(nodes),
        nodes,
        cell,
        steps: Vec::new(),
        places: HashMap::new(),
        scalars: Vec::new(),
    };
    let result = emitter.place(root);
    let Emitter { steps, scalars, .. } = emitter;
    let (instructions, n_registers, result) = allocate(&steps, result);
    Emitted {
        instructions,
        n_registers,
        scalars,
        result,
    }
}

/// The location of a node's value, before registers are allocated.
#[derive(Clone, Copy)]
enum Place {
    /// The result of the step with this index.
    Step(usize),
    /// An operand that needs no computation.
    Operand(Operand),
}

/// An instruction before registers are allocated.
struct Step {
    opcode: Opcode,
    operands: [Place; 2],
}

struct Emitter<'a, F> {
    nodes: &'a [Node],
    is_scalar: Vec<bool>,
    registers_needed: Vec<u32>,
    cell: F,
    steps: Vec<Step>,
    places: HashMap<NodeId, Place>,
    scalars: Vec<NodeId>,
}

impl<F: Fn(Leaf) -> Option<Operand>> Emitter<'_, F> {
    fn place(&mut self, id: NodeId) -> Place {
        if let Some(&place) = self.places.get(&id) {
            return place;
        }
        let place = match self.nodes[id.index()] {
            _ if self.is_scalar[id.index()] => self.scalar(id),
            Node::Sum(a, b) => self.step(Opcode::Add, a, b),
            Node::Difference(a, b) => self.step(Opcode::Sub, a, b),
            Node::Product(a, b) => self.step(Opcode::Mul, a, b),
            Node::Leaf(leaf) => (self.cell)(leaf).map_or_else(|| self.scalar(id), Place::Operand),
            Node::Constant(_) => self.scalar(id),
        };
        self.places.insert(id, place);
        place
    }

    fn scalar(&mut self, id: NodeId) -> Place {
        self.scalars.push(id);
        Place::Operand(Operand::Scalar(self.scalars.len() as u32 - 1))
    }

    /// Computes the operand that needs more registers first: meanwhile the other one occupies none.
    fn step(&mut self, opcode: Opcode, a: NodeId, b: NodeId) -> Place {
        let operands = if self.registers_needed[a.index()] >= self.registers_needed[b.index()] {
            let a = self.place(a);
            [a, self.place(b)]
        } else {
            let b = self.place(b);
            [self.place(a), b]
        };
        self.steps.push(Step { opcode, operands });
        Place::Step(self.steps.len() - 1)
    }
}

/// For every node, whether it depends only on constants and scalars.
fn scalar_nodes(nodes: &[Node]) -> Vec<bool> {
    let mut is_scalar: Vec<bool> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let scalar = match node {
            Node::Constant(_) | Node::Leaf(Leaf::Scalar(_)) => true,
            Node::Leaf(_) => false,
            Node::Sum(a, b) | Node::Difference(a, b) | Node::Product(a, b) => {
                is_scalar[a.index()] && is_scalar[b.index()]
            }
        };
        is_scalar.push(scalar);
    }
    is_scalar
}

/// For every node, the number of registers that its computation needs if nothing is shared (Sethi and Ullman).
fn registers_needed(nodes: &[Node]) -> Vec<u32> {
    let mut needed: Vec<u32> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let registers = match node
            .operands()
            .map(|operands| operands.map(|id| needed[id.index()]))
        {
            None => 0,
            Some([a, b]) if a == b => a + 1,
            Some([a, b]) => a.max(b),
        };
        needed.push(registers);
    }
    needed
}

/// Allocates a register for every step. A register is reused once the step's value has been read for the last time.
fn allocate(steps: &[Step], result: Place) -> (Vec<Instruction>, usize, Operand) {
    let mut last_use = vec![usize::MAX; steps.len()];
    for (i, step) in steps.iter().enumerate() {
        for operand in &step.operands {
            if let Place::Step(computed) = *operand {
                last_use[computed] = i;
            }
        }
    }
    if let Place::Step(computed) = result {
        last_use[computed] = usize::MAX;
    }
    let mut registers: Vec<u16> = Vec::with_capacity(steps.len());
    let mut free: Vec<u16> = Vec::new();
    let mut n_registers = 0;
    let mut instructions = Vec::with_capacity(steps.len());
    for (i, step) in steps.iter().enumerate() {
        let target = free.pop().unwrap_or_else(|| {
            n_registers += 1;
            n_registers - 1
        });
        let [a, b] = step.operands.map(|operand| operand_of(operand, &registers));
        registers.push(target);
        instructions.push(Instruction {
            opcode: step.opcode,
            target,
            a,
            b,
        });
        let mut freed: Vec<usize> = step
            .operands
            .iter()
            .filter_map(|operand| match *operand {
                Place::Step(computed) if last_use[computed] == i => Some(computed),
                _ => None,
            })
            .collect();
        freed.dedup();
        free.extend(freed.into_iter().map(|computed| registers[computed]));
    }
    (
        instructions,
        usize::from(n_registers),
        operand_of(result, &registers),
    )
}

fn operand_of(place: Place, registers: &[u16]) -> Operand {
    match place {
        Place::Step(computed) => Operand::Register(registers[computed]),
        Place::Operand(operand) => operand,
    }
}
