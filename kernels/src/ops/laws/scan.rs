//! Laws of scans.

use super::{download, sample, sample_columns, upload};
use crate::columns::{Columns, Natural};
use crate::felt::Felt;
use crate::ops::{CumulativeArgument, PermutationArgument, ScanOps, VirtualColumn};
use ark_ff::Field;

/// The target's cells are the running products by definition, and all other cells are unchanged.
pub fn permutation_product<D: ScanOps>(device: &D) {
    let cells = |column, step, offset| VirtualColumn { column, step, offset };
    for (log_len, step, n_parts) in [(0, 1, 1), (3, 2, 2), (3, 8, 2), (12, 1, 2), (13, 4, 3)] {
        let random = sample(8, 51);
        let argument = PermutationArgument {
            original: (0..n_parts)
                .map(|part| cells(part % 2, step, part % step))
                .collect(),
            sorted: (0..n_parts)
                .map(|part| cells(2 + part % 2, step, step - 1))
                .collect(),
            z: random[0],
            alphas: random[1..n_parts].to_vec(),
        };
        let columns = sample_columns(4, log_len, 52);
        let before = sample_columns(2, log_len, 60);
        let on_device: Columns<D, Natural> = upload(device, &columns);
        let mut out: Columns<D, Natural> = upload(device, &before);
        let target = cells(1, step, step / 2);
        device
            .permutation_product(&on_device, &argument, &mut out, target)
            .unwrap()
            .wait()
            .unwrap();

        let shifted = |parts: &[VirtualColumn], i: usize| {
            let cell = |part: &VirtualColumn| columns[part.column][part.offset + i * part.step];
            let weighted = parts[1..]
                .iter()
                .zip(&argument.alphas)
                .map(|(part, alpha)| cell(part) * alpha);
            argument.z - cell(&parts[0]) - weighted.sum::<Felt>()
        };
        let mut expected = before;
        let mut product = Felt::ONE;
        for i in 0..(1 << log_len) / step {
            product *= shifted(&argument.original, i) / shifted(&argument.sorted, i);
            expected[1][target.offset + i * step] = product;
        }
        assert_eq!(download(device, &out), expected, "2^{log_len} rows, step {step}");

        for wrong in [cells(2, step, 0), cells(0, step, step), cells(0, 2 * step, 0)] {
            assert!(
                device
                    .permutation_product(&on_device, &argument, &mut out, wrong)
                    .is_err()
            );
        }
        let mut short = argument.clone();
        short.alphas.push(Felt::ONE);
        assert!(
            device
                .permutation_product(&on_device, &short, &mut out, target)
                .is_err()
        );
    }
}

/// The target's cells are the cumulative values by definition, and all other cells are unchanged.
pub fn cumulative_value<D: ScanOps>(device: &D) {
    let cells = |column, step, offset| VirtualColumn { column, step, offset };
    for (log_len, step) in [(0, 1), (3, 2), (3, 8), (12, 1), (14, 4)] {
        let random = sample(2, 71);
        let argument = CumulativeArgument {
            values: cells(1, step, step - 1),
            z: random[0],
            alpha: random[1],
        };
        let columns = sample_columns(2, log_len, 72);
        let before = sample_columns(2, log_len, 80);
        let on_device: Columns<D, Natural> = upload(device, &columns);
        let mut out: Columns<D, Natural> = upload(device, &before);
        let target = cells(1, step, step / 2);
        device
            .cumulative_value(&on_device, &argument, &mut out, target)
            .unwrap()
            .wait()
            .unwrap();

        let mut expected = before;
        let mut value = Felt::ONE;
        let mut previous: Option<Felt> = None;
        for i in 0..(1 << log_len) / step {
            let cell = columns[1][i * step + step - 1];
            if let Some(previous) = previous {
                let difference = cell - previous;
                value = value * (Felt::ONE + argument.z * difference) + argument.alpha * difference.square();
            }
            previous = Some(cell);
            expected[1][target.offset + i * step] = value;
        }
        assert_eq!(download(device, &out), expected, "2^{log_len} rows, step {step}");

        for wrong in [cells(2, step, 0), cells(0, step, step), cells(0, 2 * step, 0)] {
            assert!(
                device
                    .cumulative_value(&on_device, &argument, &mut out, wrong)
                    .is_err()
            );
        }
    }
}
