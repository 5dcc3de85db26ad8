//! Law of the DEEP quotient.

use super::{TAG, download, points, sample, sample_columns, upload};
use crate::columns::{Columns, Natural};
use crate::felt::{Felt, subgroup_generator};
use crate::ops::{Pole, QuotientOps, QuotientTerm};
use ark_ff::{AdditiveGroup, Field};

/// Every row is the sum of its terms, with one division per term.
pub fn deep_quotient<D: QuotientOps>(device: &D) {
    for log_len in [0, 3, 9, 12] {
        let columns = sample_columns(4, log_len, 30);
        let first: Columns<D, Natural> = upload(device, &columns[..3]);
        let second: Columns<D, Natural> = upload(device, &columns[3..]);
        let random = sample(100, 31);
        let term = |i: usize| QuotientTerm {
            column: i % 4,
            offset: [0, 1, 2, 300, 7][i % 5],
            value: random[2 * i],
            coefficient: random[2 * i + 1],
        };
        let poles = [
            Pole {
                point: random[98],
                terms: (0..40).map(term).collect(),
            },
            Pole {
                point: random[99],
                terms: vec![term(45)],
            },
            Pole {
                point: random[97],
                terms: vec![],
            },
        ];
        let shift = Felt::from(3u64);
        let mut out = upload(device, &sample_columns(1, log_len, 1));
        device
            .deep_quotient(&[&first, &second], shift, &poles, &mut out)
            .unwrap()
            .wait()
            .unwrap();
        let g = subgroup_generator(log_len);
        let terms = || {
            poles
                .iter()
                .flat_map(|pole| pole.terms.iter().map(move |term| (pole.point, term)))
        };
        let values = points(shift, log_len).into_iter().enumerate().map(|(i, x)| {
            terms().fold(Felt::ZERO, |sum, (point, term)| {
                let denominator = x - point * g.pow([term.offset as u64]);
                sum + term.coefficient * (columns[term.column][i] - term.value) / denominator
            })
        });
        assert_eq!(
            download(device, &out),
            [values.collect::<Vec<_>>()],
            "2^{log_len} rows"
        );
        assert!(device.deep_quotient(&[&first], shift, &poles, &mut out).is_err());
        let mut two_columns = Columns::<D, Natural>::zeros(device, 2, log_len, TAG).unwrap();
        assert!(
            device
                .deep_quotient(&[&first, &second], shift, &poles, &mut two_columns)
                .is_err()
        );
    }
}
