//! Trace cells of `pedersen`.

use super::BUILTIN;
use crate::cairo::canvas::{Canvas, MemoryCell};
use crate::cairo::components::instances::Instances;
use crate::cairo::components::stage::{Stage, Witness};
use crate::cairo::components::subset_sum::{SubsetSum, SubsetSumCells, SubsetSumRows, subset_sums};
use crate::cairo::error::{BuiltinError, InputError};
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use quarry_kernels::Felt;
use quarry_kernels::hash::pedersen::{N_BITS, POINTS, SHIFT};

/// The functions that write the cells.
pub(crate) const WITNESS: Witness = &[(Stage::Inputs, write)];

/// Instances that are computed in one batch.
const BATCH: usize = 64;

/// Writes every instance. Unused instances hash zeros.
fn write(canvas: &mut Canvas, layout: &Layout, input: &ProverInput) -> Result<(), InputError> {
    let memory =
        ["input0", "input1", "output"].map(|name| MemoryCell::new(layout, &format!("pedersen/{name}")));
    let [input0, input1, output] = memory;
    let memory = [input0?, input1?, output?];
    let hashes = hashes(layout)?;
    let builtin = Instances::new(BUILTIN, layout, input, canvas.n_rows())?;
    let instances = builtin.by_instance(&input.private.pedersen, |input| input.index)?;

    canvas.write_strips(BATCH * builtin.height(), |batch, strip| {
        let first = batch * BATCH;
        let inputs = &instances[first..instances.len().min(first + BATCH)];
        let inputs: Vec<[Felt; 2]> = inputs
            .iter()
            .map(|input| input.map_or_else(Default::default, |input| [input.x, input.y]))
            .collect();
        for (i, (rows, [x, y])) in hash_rows(&inputs).iter().zip(&inputs).enumerate() {
            let instance = first + i;
            if rows.iter().any(|rows| rows.is_degenerate) {
                return Err(builtin.error(instance as u64, BuiltinError::Degenerate));
            }
            let hash = &hashes[i % hashes.len()];
            for (k, rows) in rows.iter().enumerate() {
                hash.write(strip, 2 * (i / hashes.len()) + k, rows);
            }
            for (k, (cell, value)) in memory.into_iter().zip([*x, *y, rows[1].result().x]).enumerate() {
                if instances[instance].is_some() {
                    builtin.check_memory(instance, k as u64, value)?;
                }
                strip.access(cell, i, builtin.address(instance, k as u64), value);
            }
        }
        Ok(())
    })
}

/// Finds the layout's hash units. A batch has the same number of instances for each unit.
fn hashes(layout: &Layout) -> Result<Vec<SubsetSumCells>, InputError> {
    let name = |i: usize| format!("pedersen/hash{i}/ec_subset_sum");
    let count = (0..)
        .take_while(|&i| layout.cell(&format!("{}/slope", name(i))).is_some())
        .count();
    (0..count.max(1))
        .map(|i| SubsetSumCells::new(layout, &name(i)))
        .collect()
}

/// Computes the two sums of each hash. The second starts at the result of the first.
fn hash_rows(inputs: &[[Felt; 2]]) -> Vec<[SubsetSumRows; 2]> {
    let (points0, points1) = POINTS.split_at(N_BITS);
    let first = |[x, _]: &[Felt; 2]| SubsetSum {
        start: SHIFT,
        points: points0,
        selector: *x,
    };
    let firsts = subset_sums(&inputs.iter().map(first).collect::<Vec<_>>(), false);
    let second = |(rows, [_, y]): (&SubsetSumRows, &[Felt; 2])| SubsetSum {
        start: rows.result(),
        points: points1,
        selector: *y,
    };
    let seconds = subset_sums(&firsts.iter().zip(inputs).map(second).collect::<Vec<_>>(), false);
    firsts.into_iter().zip(seconds).map(|(a, b)| [a, b]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_kernels::hash::pedersen;

    #[test]
    fn the_sums_end_at_the_hash() {
        let inputs: Vec<[Felt; 2]> = [(0, 0), (1, 0), (0, 1), (3, 1 << 60)]
            .into_iter()
            .map(|(x, y): (u64, u64)| [Felt::from(x), -Felt::from(y)])
            .collect();
        for (rows, [x, y]) in hash_rows(&inputs).iter().zip(&inputs) {
            assert_eq!(rows[1].result().x, pedersen::hash(*x, *y));
        }
    }
}
