//! Laws of folding.

use super::{download, horner, points, sample, sample_columns, upload};
use crate::columns::{Columns, Natural};
use crate::felt::Felt;
use crate::ops::FoldOps;
use ark_ff::Field;

fn evaluations(coefficients: &[Felt], shift: Felt, log_len: u32) -> Vec<Felt> {
    points(shift, log_len)
        .into_iter()
        .map(|x| horner(coefficients, x))
        .collect()
}

/// For `f(x) = e(x^2) + x o(x^2)`, folding with `point` gives `2 e + 2 point o` on the squared coset.
pub fn fold<D: FoldOps>(device: &D) {
    for log_len in [1, 2, 7, 12] {
        let polynomials = sample_columns(3, log_len, 40);
        let shifts = sample(3, 41);
        let columns = polynomials
            .iter()
            .zip(&shifts)
            .map(|(f, shift)| evaluations(f, *shift, log_len));
        let layer: Columns<D, Natural> = upload(device, &columns.collect::<Vec<_>>());
        let point = sample(1, 43)[0];
        let folded = device.fold(&layer, &shifts, point).unwrap();
        let expected = polynomials.iter().zip(&shifts).map(|(f, shift)| {
            let pairs = f.as_chunks::<2>().0.iter();
            let folded: Vec<_> = pairs.map(|[e, o]| (*e + point * o) * Felt::from(2u64)).collect();
            evaluations(&folded, shift.square(), log_len - 1)
        });
        assert_eq!(
            download(device, &folded),
            expected.collect::<Vec<_>>(),
            "2^{log_len} rows"
        );
        assert!(device.fold(&layer, &shifts[1..], point).is_err());
    }
    let constant: Columns<D, Natural> = upload(device, &sample_columns(1, 0, 0));
    assert!(
        device.fold(&constant, &[Felt::ONE], Felt::ONE).is_err(),
        "one point has no opposite"
    );
}

/// The even and odd parts on the squared coset fill every second row. The rows between are unchanged.
pub fn split_even_odd<D: FoldOps>(device: &D) {
    for (log_len, phase) in [(1, 0), (1, 1), (6, 0), (12, 1)] {
        let h = sample(1 << log_len, 44);
        let shift = sample(1, 45)[0];
        let values: Vec<Felt> = if log_len == 12 {
            // Two terms are enough to tell rows apart.
            points(shift, log_len)
                .into_iter()
                .map(|x| h[4] * x.pow([4]) + h[9] * x.pow([9]))
                .collect()
        } else {
            evaluations(&h, shift, log_len)
        };
        let column: Columns<D, Natural> = upload(device, &[values]);
        let before = sample_columns(2, log_len, 46);
        let mut out: Columns<D, Natural> = upload(device, &before);
        device
            .split_even_odd(&column, shift, phase, &mut out)
            .unwrap()
            .wait()
            .unwrap();
        let after = download(device, &out);
        let (even, odd): (Vec<Felt>, Vec<Felt>) = h.as_chunks::<2>().0.iter().map(|[e, o]| (*e, *o)).unzip();
        for (i, y) in points(shift.square(), log_len - 1).into_iter().enumerate() {
            let [e, o] = if log_len == 12 {
                [h[4] * y.square(), h[9] * y.square().square()]
            } else {
                [horner(&even, y), horner(&odd, y)]
            };
            assert_eq!(
                [after[0][2 * i + phase], after[1][2 * i + phase]],
                [e, o],
                "2^{log_len}, row {i}"
            );
            let between = 2 * i + 1 - phase;
            assert_eq!(
                [after[0][between], after[1][between]],
                [before[0][between], before[1][between]]
            );
        }
        assert!(device.split_even_odd(&column, shift, 2, &mut out).is_err());
    }
}
