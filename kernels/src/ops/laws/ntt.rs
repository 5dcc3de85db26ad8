//! Laws of transforms.

use super::{TAG, download, horner, points, sample, sample_columns, upload};
use crate::columns::{BitReversed, Columns, Natural};
use crate::domain::bit_reverse;
use crate::felt::Felt;
use crate::ops::{HostColumns, NttOps};
use ark_ff::Field;

fn bit_reversed(column: &[Felt]) -> Vec<Felt> {
    let log_len = column.len().ilog2();
    (0..column.len())
        .map(|i| column[bit_reverse(i, log_len)])
        .collect()
}

/// Evaluates on a coset, compares about `n_rows` rows with Horner's rule, and interpolates back.
fn there_and_back<D: NttOps>(device: &D, coefficients: &[Vec<Felt>], shift: Felt, n_rows: usize) {
    let reversed: Vec<_> = coefficients.iter().map(|column| bit_reversed(column)).collect();
    let on_device: Columns<D, BitReversed> = upload(device, &reversed);
    let log_len = on_device.log_len();
    let mut out = Columns::<D, Natural>::zeros(device, coefficients.len(), log_len, TAG).unwrap();
    device
        .evaluate_coset(&on_device, shift, &mut out)
        .unwrap()
        .wait()
        .unwrap();
    let values = download(device, &out);
    // An odd stride reaches every position in a tile.
    let stride = ((1 << log_len) / n_rows) | 1;
    for (column, values) in coefficients.iter().zip(&values) {
        for (i, x) in points(shift, log_len).into_iter().enumerate().step_by(stride) {
            assert_eq!(values[i], horner(column, x), "2^{log_len} rows, row {i}");
        }
    }
    let back = device.interpolate(out, shift).unwrap();
    assert_eq!(download(device, &back), reversed, "2^{log_len} rows");
}

/// Evaluation agrees with Horner's rule on the coset, and interpolation is its inverse.
pub fn interpolate_and_evaluate<D: NttOps>(device: &D) {
    for (log_len, n_columns) in [(0, 1), (1, 2), (2, 1), (5, 3), (9, 2), (13, 2), (15, 1)] {
        let coefficients = sample_columns(n_columns, log_len, 2 * u64::from(log_len));
        for shift in [Felt::ONE, Felt::from(3u64), sample(2, 1)[1]] {
            there_and_back(device, &coefficients, shift, 1 << 9);
        }
    }
}

/// Columns from the host are interpolated like columns on the device, and the kept ones are returned unchanged. (A
/// device needs several uploads for the longest.)
pub fn upload_and_interpolate<D: NttOps>(device: &D) {
    let shift = Felt::from(3u64);
    for (log_len, n_columns, kept) in [(0, 1, &[0][..]), (3, 3, &[]), (9, 4, &[3, 1]), (20, 1, &[0])] {
        let host = sample_columns(n_columns, log_len, 5 + u64::from(log_len));
        let columns = HostColumns {
            values: &host,
            log_len,
            tag: TAG,
        };
        let (coefficients, as_they_came) = device.upload_and_interpolate(&columns, shift, kept, TAG).unwrap();
        let expected = device.interpolate(upload(device, &host), shift).unwrap();
        assert_eq!(download(device, &coefficients), download(device, &expected));
        let kept: Vec<_> = kept.iter().map(|&index| host[index].clone()).collect();
        assert_eq!(download(device, &as_they_came), kept);
    }
    let host = sample_columns(2, 3, 0);
    let columns = |values, log_len| HostColumns {
        values,
        log_len,
        tag: TAG,
    };
    // The memory is reused from earlier work that may not be done.
    let expected = device.interpolate(upload(device, &host), shift).unwrap();
    let expected: Vec<Vec<Felt>> = download(device, &expected);
    for _ in 0..32 {
        let both = || device.upload_and_interpolate(&columns(&host, 3), shift, &[0, 1], TAG);
        drop(both().unwrap());
        let (coefficients, as_they_came) = both().unwrap();
        assert_eq!(download(device, &coefficients), expected);
        assert_eq!(download(device, &as_they_came), host);
    }
    let too_short = device.upload_and_interpolate(&columns(&host, 4), shift, &[], TAG);
    assert!(too_short.is_err());
    let not_there = device.upload_and_interpolate(&columns(&host, 3), shift, &[2], TAG);
    assert!(not_there.is_err());
}

/// Evaluation and interpolation of a column for which a device needs several passes over its memory.
pub fn large_transform<D: NttOps>(device: &D) {
    there_and_back(device, &sample_columns(1, 21, 7), Felt::from(3u64), 1 << 3);
}

/// Single evaluations agree with Horner's rule.
pub fn evaluate_at<D: NttOps>(device: &D) {
    for log_len in [0, 1, 4, 11, 13] {
        let coefficients = sample_columns(3, log_len, 4);
        let reversed: Vec<_> = coefficients.iter().map(|column| bit_reversed(column)).collect();
        let on_device: Columns<D, BitReversed> = upload(device, &reversed);
        let xs = sample(5, 6);
        let at: Vec<_> = xs.iter().enumerate().map(|(i, x)| (i % 3, *x)).collect();
        let expected: Vec<_> = at
            .iter()
            .map(|(column, x)| horner(&coefficients[*column], *x))
            .collect();
        assert_eq!(
            device.evaluate_at(&on_device, &at).unwrap().wait().unwrap(),
            expected
        );
    }
    let columns: Columns<D, BitReversed> = upload(device, &sample_columns(1, 2, 0));
    assert!(device.evaluate_at(&columns, &[(1, Felt::ONE)]).is_err());
}

/// More points than fit in one dimension of a launch: an opening of many queries asks for as many. (Each point has its
/// own short column, so that the test is fast.)
pub fn evaluate_at_many_points<D: NttOps>(device: &D) {
    const N_POINTS: usize = 70_000;
    let coefficients = sample(2 * N_POINTS, 8);
    let mut buffer = device.alloc(2 * N_POINTS, TAG).unwrap();
    let ticket = device.upload(&coefficients, &mut buffer, 0).unwrap();
    ticket.wait().unwrap();
    let columns = Columns::<D, BitReversed>::from_buffer(buffer, N_POINTS, 1).unwrap();
    let xs = sample(5, 6);
    let at: Vec<_> = (0..N_POINTS).map(|i| (i, xs[i % xs.len()])).collect();
    let expected: Vec<_> = at
        .iter()
        .map(|(column, x)| coefficients[2 * column] + *x * coefficients[2 * column + 1])
        .collect();
    let values = device.evaluate_at(&columns, &at).unwrap().wait().unwrap();
    assert!(values == expected);
}
