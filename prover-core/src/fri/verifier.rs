//! The verifier's side of FRI.

mod last_layer;

use super::FriLayer;
use crate::channel::{ChannelError, FriQuery, FriState, VerifierChannel};
use crate::commit::verifier::{DecommitmentError, TableCommitment};
use crate::parameters::Parameters;
use quarry_kernels::Felt;
use std::collections::BTreeMap;

/// Why FRI rejects the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FriError {
    /// The opened rows of a layer do not match its commitment.
    #[error("FRI layer {layer}: {error}")]
    Decommitment {
        /// The layer.
        layer: usize,
        /// What is wrong.
        error: DecommitmentError,
    },
    /// A query ends at a value that differs from the last layer's.
    #[error("FRI query {query} does not agree with the coefficients of the last layer")]
    LastLayer {
        /// Which query, counted in ascending order.
        query: usize,
    },
    /// Evaluating the last layer at so many queries would take too much work.
    #[error(
        "FRI: evaluating the last layer at the queries takes {work} multiplications, more than the limit of \
         {MAX_WORK}; use fewer n_queries or a smaller last_layer_degree_bound"
    )]
    LastLayerWork {
        /// Multiplications.
        work: u64,
    },
}

/// Limit of the multiplications for the last layer: half a minute of work. Even an extreme proof, of 2^20 steps without
/// a single fold, takes at most half of it.
const MAX_WORK: u64 = 1 << 31;

/// The prover's commitments: inner layers and the last layer's coefficients.
pub struct FriCommitment {
    layers: Vec<FriLayer>,
    /// For every layer but the last, the folding point; absent if its step is 0.
    points: Vec<Option<Felt>>,
    /// For layers 1 and up, except the last.
    tables: Vec<TableCommitment>,
    coefficients: Vec<Felt>,
}

impl FriCommitment {
    /// Receives the commitments to all layers; layer 0 has `2^log_domain` points.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn receive(
        channel: &mut VerifierChannel<'_>,
        parameters: &Parameters,
        log_domain: u32,
    ) -> Result<Self, ChannelError> {
        let layers = FriLayer::all(&parameters.fri, log_domain);
        let (mut points, mut tables) = (Vec::new(), Vec::new());
        for (i, pair) in layers.windows(2).enumerate() {
            let [folded, next] = pair else { continue };
            channel.enter(&format!("Layer {}", i + 1));
            points.push((folded.step > 0).then(|| channel.draw_felt("Evaluation point")));
            // The last layer has step 0 and no table.
            if next.step > 0 {
                tables.push(TableCommitment::receive(
                    channel,
                    next.table(),
                    parameters.commitment_hashes,
                )?);
            }
            channel.exit();
        }
        channel.enter("Last Layer");
        let count = usize::try_from(parameters.fri.last_layer_degree_bound).unwrap_or(usize::MAX);
        let coefficients = channel.receive_felts(count, "Coefficients")?;
        channel.exit();
        Ok(Self {
            layers,
            points,
            tables,
            coefficients,
        })
    }

    /// Checks the queries (indices of layer 1, ascending, without repeats). `first_values` are values of layer 0: for
    /// each query the `2^step` values that fold into it.
    ///
    /// # Errors
    /// [`FriError`].
    pub fn check(
        &self,
        channel: &mut VerifierChannel<'_>,
        queries: &[u64],
        first_values: &[Felt],
    ) -> Result<(), FriError> {
        let mut values = self.fold_first(queries, first_values);
        let layers = self.layers.iter().zip(&self.points).skip(1);
        for (i, ((layer, point), table)) in layers.zip(&self.tables).enumerate() {
            let number = i + 1;
            channel.enter(&format!("Layer {number}"));
            let point = point.unwrap_or_default();
            let folded = fold_layer(channel, layer, point, table, queries, &values);
            values = folded.map_err(|error| FriError::Decommitment { layer: number, error })?;
            channel.exit();
        }
        channel.enter("Last Layer");
        self.check_last(channel, queries, &values)?;
        channel.exit();
        Ok(())
    }

    fn fold_first(&self, queries: &[u64], first_values: &[Felt]) -> Vec<Felt> {
        let (Some(first), Some(Some(point))) = (self.layers.first(), self.points.first()) else {
            return first_values.to_vec();
        };
        let rows = queries.iter().zip(first_values.chunks(1 << first.step));
        rows.map(|(&query, values)| first.fold_row(query, values, *point))
            .collect()
    }

    fn check_last(
        &self,
        channel: &mut VerifierChannel<'_>,
        queries: &[u64],
        values: &[Felt],
    ) -> Result<(), FriError> {
        let Some(last) = self.layers.last() else {
            return Ok(());
        };
        let rows: Vec<_> = queries.iter().map(|&query| last.cell(query).0).collect();
        let work = last_layer::work(last, self.coefficients.len(), &rows);
        if work > MAX_WORK {
            return Err(FriError::LastLayerWork { work });
        }
        let expected = last_layer::evaluate(last, &self.coefficients, &rows);
        if let Some(query) = values.iter().zip(&expected).position(|(a, b)| a != b) {
            return Err(FriError::LastLayer { query });
        }
        note_queries(channel, last, None, queries, values);
        Ok(())
    }
}

/// Opens a layer, in which the queries have `values`, and folds it.
fn fold_layer(
    channel: &mut VerifierChannel<'_>,
    layer: &FriLayer,
    point: Felt,
    table: &TableCommitment,
    queries: &[u64],
    values: &[Felt],
) -> Result<Vec<Felt>, DecommitmentError> {
    channel.expect_words(layer.n_elements(queries))?;
    let opening = layer.opening(queries);
    let known: BTreeMap<_, _> = queries
        .iter()
        .zip(values)
        .map(|(&query, &value)| (layer.cell(query), value))
        .collect();
    let rows = table.receive_rows(channel, &opening, &known)?;
    note_queries(channel, layer, Some(point), queries, values);
    let folded: BTreeMap<u64, Felt> = rows
        .iter()
        .map(|(&row, values)| (row, layer.fold_row(row, values, point)))
        .collect();
    table.check_rows(channel, &opening, rows)?;
    let value = |&query: &u64| folded.get(&layer.cell(query).0).copied().unwrap_or_default();
    Ok(queries.iter().map(value).collect())
}

/// Notes the value and the inverse point of every query in a layer, each index once, as Stone's verifier does for proof
/// splitters.
fn note_queries(
    channel: &mut VerifierChannel<'_>,
    layer: &FriLayer,
    point: Option<Felt>,
    queries: &[u64],
    values: &[Felt],
) {
    let mut noted: Vec<FriQuery> = Vec::with_capacity(queries.len());
    for (&query, &value) in queries.iter().zip(values) {
        let index = query >> layer.query_shift;
        if noted.last().is_some_and(|last| last.index == index) {
            continue;
        }
        let (row, column) = layer.cell(query);
        let inverse_point = layer.inverse_point(index);
        channel.note_felt(&value, &format!("Row {row}, Column {column}"));
        channel.note_felt(&inverse_point, &format!("xInv for index {index}"));
        noted.push(FriQuery {
            index,
            value,
            inverse_point,
        });
    }
    channel.note_fri(|| FriState {
        point,
        queries: noted,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Recording;
    use serde_json::json;

    /// A row of 2^40 elements is rejected before anything of that size is allocated.
    #[test]
    fn layers_cannot_ask_for_more_than_the_proof_holds() {
        let parameters = json!({
            "field": "PrimeField0",
            "use_extension_field": false,
            "stark": {
                "log_n_cosets": 1,
                "fri": {
                    "fri_step_list": [0, 40],
                    "last_layer_degree_bound": 1,
                    "n_queries": 2,
                    "proof_of_work_bits": 0,
                },
            },
        });
        let parameters = Parameters::from_json(&parameters).expect("valid");
        let proof = [0; 1000];
        let mut channel = VerifierChannel::new(&parameters, &[], &proof, Recording::Nothing);
        let commitment =
            FriCommitment::receive(&mut channel, &parameters, 41).expect("a root and a coefficient");
        let error = commitment.check(&mut channel, &[3, 1 << 40], &[Felt::from(0u64); 2]);
        let error = error.expect_err("too long").to_string();
        assert!(error.contains("the proof ends at byte 1000"), "{error}");
    }

    /// The maximum number of queries, at points of which nearly no two share a remainder.
    #[test]
    fn the_last_layer_cannot_ask_for_hours_of_work() {
        let parameters = json!({
            "field": "PrimeField0",
            "use_extension_field": false,
            "stark": {
                "log_n_cosets": 20,
                "fri": {
                    "fri_step_list": [0],
                    "last_layer_degree_bound": 1 << 16,
                    "n_queries": 1 << 16,
                    "proof_of_work_bits": 0,
                },
            },
        });
        let parameters = Parameters::from_json(&parameters).expect("valid");
        let commitment = FriCommitment {
            layers: FriLayer::all(&parameters.fri, 36),
            points: vec![None],
            tables: Vec::new(),
            coefficients: vec![Felt::from(0u64); 1 << 16],
        };
        let mut channel = VerifierChannel::new(&parameters, &[], &[], Recording::Nothing);
        let queries: Vec<u64> = (0..1 << 16).map(|i| i << 20).collect();
        let values = vec![Felt::from(0u64); 1 << 16];
        commitment
            .check(&mut channel, &queries[..100], &values[..100])
            .expect("few queries");
        let error = commitment.check(&mut channel, &queries, &values);
        let work = (1 << 16) * ((1 << 16) - 1);
        assert_eq!(error, Err(FriError::LastLayerWork { work }));
    }
}
