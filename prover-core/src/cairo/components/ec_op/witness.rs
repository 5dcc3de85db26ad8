//! Trace cells of `ec_op`: `p + m * q` on the curve.

use super::BUILTIN;
use crate::cairo::canvas::{Canvas, MemoryCell, Strip};
use crate::cairo::components::instances::Instances;
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::components::subset_sum::{
    DoublingCells, DoublingRows, SubsetSumCells, SubsetSumRows, multiples,
};
use crate::cairo::error::{BuiltinError, InputError};
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use crate::cairo::private_input::EcOpInput;
use ark_ff::Zero;
use quarry_kernels::Felt;
use quarry_kernels::curve::{GENERATOR, Point};
use quarry_kernels::hash::pedersen::SHIFT;
use rayon::prelude::*;

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[(Stage::Inputs, write)];

/// Memory cells of an instance, in order.
const MEMORY: [&str; BUILTIN.n_cells as usize] = ["p_x", "p_y", "q_x", "q_y", "m", "r_x", "r_y"];

/// Instances that are computed in one batch.
const BATCH: usize = 32;

/// One operation: p, q and m.
#[derive(Clone, Copy)]
struct Operation {
    p: Point,
    q: Point,
    m: Felt,
}

impl Operation {
    /// The operation in unused instances.
    fn dummy() -> Self {
        Self {
            p: SHIFT,
            q: GENERATOR,
            m: Felt::zero(),
        }
    }

    fn new(input: &EcOpInput) -> Result<Self, BuiltinError> {
        let point = |[x, y]: [Felt; 2]| {
            let point = Point { x, y };
            match point.is_on_curve() {
                true => Ok(point),
                false => Err(BuiltinError::PointNotOnCurve { x, y }),
            }
        };
        Ok(Self {
            p: point(input.p)?,
            q: point(input.q)?,
            m: input.m,
        })
    }
}

/// An operation with the rows that compute it.
struct Computation {
    operation: Operation,
    doublings: DoublingRows,
    sum: SubsetSumRows,
}

impl Computation {
    /// The values of the instance's memory cells.
    fn memory(&self) -> [Felt; 7] {
        let (Operation { p, q, m }, r) = (self.operation, self.sum.result());
        [p.x, p.y, q.x, q.y, m, r.x, r.y]
    }
}

/// Computes a batch of operations.
fn compute(operations: &[Operation]) -> Vec<Computation> {
    let points: Vec<Point> = operations.iter().map(|operation| operation.q).collect();
    let sums = operations.iter().map(|operation| (operation.p, operation.m));
    let rows = multiples(&points, sums).into_iter().zip(operations);
    rows.map(|((doublings, sum), operation)| Computation {
        operation: *operation,
        doublings,
        sum,
    })
    .collect()
}

/// The virtual columns of the component.
struct Cells {
    memory: Vec<MemoryCell>,
    doublings: DoublingCells,
    sum: SubsetSumCells,
}

impl Cells {
    fn new(layout: &Layout) -> Result<Self, InputError> {
        let memory = MEMORY.map(|name| MemoryCell::new(layout, &format!("ec_op/{name}")));
        Ok(Self {
            memory: memory.into_iter().collect::<Result<_, _>>()?,
            doublings: DoublingCells::new(layout, "ec_op/doubled_points", "ec_op/doubling_slope")?,
            sum: SubsetSumCells::new(layout, "ec_op/ec_subset_sum")?,
        })
    }

    /// Writes the strip's only instance, without its memory accesses.
    fn write(&self, strip: &mut Strip, computation: &Computation) {
        self.doublings.write(strip, 0, &computation.doublings);
        self.sum.write(strip, 0, &computation.sum);
    }
}

/// Writes every instance. Unused instances hold a fixed operation.
fn write(canvas: &mut Canvas, layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let cells = Cells::new(layout)?;
    let builtin = Instances::new(BUILTIN, layout, input, canvas.n_rows())?;
    let instances = builtin.by_instance(&input.private.ec_op, |input| input.index)?;

    // The first computation is the dummy's. The computations of the used instances follow in order.
    let mut operations = vec![Operation::dummy()];
    let mut chosen = vec![0; instances.len()];
    for (i, input) in instances.iter().enumerate() {
        if let Some(input) = input {
            chosen[i] = operations.len();
            operations.push(Operation::new(input).map_err(|problem| builtin.error(input.index, problem))?);
        }
    }
    let computations: Vec<Computation> = operations.par_chunks(BATCH).flat_map_iter(compute).collect();
    canvas.write_strips(builtin.height(), |i, strip| {
        let computation = &computations[chosen[i]];
        if computation.sum.is_degenerate {
            return Err(builtin.error(i as u64, BuiltinError::Degenerate));
        }
        let values = computation.memory();
        if instances[i].is_some() {
            builtin.check_cells(i, &values)?;
        }
        cells.write(strip, computation);
        for (k, (cell, value)) in cells.memory.iter().zip(values).enumerate() {
            strip.access(*cell, 0, builtin.address(i, k as u64), value);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::BigInt;

    #[test]
    fn the_result_is_the_groups() {
        let multiple = |k: u64| GENERATOR.mul(&BigInt::from(k)).unwrap();
        let operation = Operation {
            p: multiple(1 << 40),
            q: multiple(3),
            m: Felt::from(1000u64),
        };
        let computations = compute(&[operation, Operation::dummy()]);
        assert!(
            computations
                .iter()
                .all(|computation| !computation.sum.is_degenerate)
        );
        assert_eq!(computations[0].sum.result(), multiple((1 << 40) + 3000));
        assert_eq!(computations[1].sum.result(), SHIFT);
    }
}
