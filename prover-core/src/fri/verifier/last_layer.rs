//! Evaluates the last layer's polynomial at the queries.
//!
//! At every point with `x^(2^k) = c` a polynomial has the same value as its remainder modulo `X^(2^k) - c`, and
//! decrementing `k` halves the length of the remainder. The points of a layer fold into those of the next by squaring,
//! so queries share the remainders of all layers in which they have met. Few queries cost as much as Horner's rule, all
//! of them as much as a transform.

use super::FriLayer;
use ark_ff::Field;
use quarry_kernels::Felt;

/// The values at `rows`, which are ascending indices of the layer, of the polynomial with `2^n` coefficients.
pub(super) fn evaluate(layer: &FriLayer, coefficients: &[Felt], rows: &[u64]) -> Vec<Felt> {
    let mut values = Vec::with_capacity(rows.len());
    descend(layer, coefficients, rows, &mut values);
    values
}

/// Number of multiplications that [`evaluate`] does.
pub(super) fn work(layer: &FriLayer, n_coefficients: usize, rows: &[u64]) -> u64 {
    let log_len = n_coefficients.max(1).ilog2();
    let remainders = |log: u32| rows.chunk_by(|a, b| a >> log == b >> log).count() as u64;
    let lengths = (0..log_len.min(layer.log_len)).map(|log| remainders(log) << log);
    lengths.fold(0, u64::saturating_add)
}

/// Evaluates at `rows`; `remainder` is valid at the points of all of them.
fn descend(layer: &FriLayer, remainder: &[Felt], rows: &[u64], values: &mut Vec<Felt>) {
    let [low, high] = match remainder {
        [] => return values.resize(values.len() + rows.len(), Felt::default()),
        [value] => return values.resize(values.len() + rows.len(), *value),
        _ => <[&[Felt]; 2]>::from(remainder.split_at(remainder.len() / 2)),
    };
    // At c the remainder low + high X^(2^log) is low + c high.
    let log = high.len().ilog2();
    let folded = FriLayer {
        log_len: layer.log_len.saturating_sub(log),
        ..*layer
    };
    for rows in rows.chunk_by(|a, b| a >> log == b >> log) {
        let Some(first) = rows.first() else { continue };
        let c = folded.inverse_point(first >> log).inverse().unwrap_or_default();
        let half: Vec<_> = low.iter().zip(high).map(|(low, high)| *low + c * high).collect();
        descend(layer, &half, rows, values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(log_len: u32) -> FriLayer {
        FriLayer {
            log_len,
            step: 0,
            query_shift: 0,
        }
    }

    fn coefficients(count: u64) -> Vec<Felt> {
        (0..count).map(|i| Felt::from(i * i + 7)).collect()
    }

    #[test]
    fn values_are_those_of_horners_rule() {
        let layer = layer(7);
        let all: Vec<u64> = (0..128).collect();
        for rows in [&all[..], &[0, 1, 5, 5, 64, 127], &[99], &[]] {
            for log in 0..=7 {
                let coefficients = coefficients(1 << log);
                let horner = |&row: &u64| {
                    let x = layer.inverse_point(row).inverse().expect("a root of unity");
                    coefficients
                        .iter()
                        .rev()
                        .fold(Felt::from(0u64), |sum, c| sum * x + c)
                };
                let expected: Vec<_> = rows.iter().map(horner).collect();
                assert_eq!(
                    evaluate(&layer, &coefficients, rows),
                    expected,
                    "2^{log} at {rows:?}"
                );
            }
        }
        assert!(evaluate(&layer, &[], &[1]) == [Felt::default()]);
    }

    #[test]
    fn work_is_that_of_horners_rule_or_of_a_transform() {
        // One query: n - 1 multiplications; all points of a layer of n: n for each halving.
        assert_eq!(work(&layer(20), 1 << 18, &[12345]), (1 << 18) - 1);
        let all: Vec<u64> = (0..1 << 12).collect();
        assert_eq!(work(&layer(12), 1 << 12, &all), 12 << 12);
        // The maximum number of queries, spread over a layer twice and 2^20 times as large as the polynomial.
        let spread = |log_len: u32| (0..1 << 16).map(|i| i << (log_len - 16)).collect::<Vec<u64>>();
        assert!(work(&layer(23), 1 << 22, &spread(23)) < 1 << 28);
        assert!(work(&layer(42), 1 << 22, &spread(42)) > super::super::MAX_WORK);
        // The largest realistic case: no fold, a gigabyte of coefficients, 80 bits or 128.
        let honest = |log_cosets: u32, n_queries: usize| {
            let rows: Vec<_> = spread(24 + log_cosets)
                .into_iter()
                .step_by((1 << 16) / n_queries)
                .collect();
            work(&layer(24 + log_cosets), 1 << 24, &rows)
        };
        assert!(honest(1, 128) < 1 << 28);
        assert!(honest(4, 32) < 1 << 30);
    }
}
