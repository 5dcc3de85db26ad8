//! Layer 0 of FRI: the DEEP quotient of all traces, computed from their opened rows.

use super::{VerifyError, domain_point};
use crate::air::Air;
use crate::channel::VerifierChannel;
use crate::commit::verifier::{DecommitmentError, TableCommitment};
use crate::commit::{Opening, Rows};
use ark_ff::{Field, Zero, batch_inversion};
use quarry_kernels::{Felt, felt};
use std::collections::{BTreeMap, BTreeSet};

/// One opened value: `coefficient * (column(x) - value) / (x - poles[pole])`.
struct Term {
    column: usize,
    pole: usize,
    coefficient: Felt,
    value: Felt,
}

/// The DEEP quotient. For every claimed value of a column at a point outside the domain there is a quotient that is a
/// polynomial only if the value is right; these are summed with the powers of a random element.
pub(super) struct VirtualOracle {
    tables: [TableCommitment; 3],
    log_domain: u32,
    poles: Vec<Felt>,
    terms: Vec<Term>,
}

impl VirtualOracle {
    /// `values` are those of the mask around `point`, then those of the composition's columns at the square (for two
    /// columns) of `point`.
    pub fn new(
        air: &Air,
        tables: [TableCommitment; 3],
        log_domain: u32,
        point: Felt,
        values: &[Felt],
        alpha: Felt,
    ) -> Self {
        let generator = felt::subgroup_generator(air.trace_length.ilog2());
        let n_composition_columns = tables[2].shape.n_columns;
        let mut poles = Vec::new();
        let mut pole_of_offset = BTreeMap::new();
        let mut places = Vec::with_capacity(values.len());
        for cell in &air.mask {
            let pole = *pole_of_offset.entry(cell.offset).or_insert_with(|| {
                poles.push(point * generator.pow([cell.offset as u64]));
                poles.len() - 1
            });
            places.push((cell.column, pole));
        }
        poles.push(point.pow([n_composition_columns as u64]));
        let first_column: usize = air.n_columns.iter().sum();
        places.extend((0..n_composition_columns).map(|i| (first_column + i, poles.len() - 1)));
        let mut coefficient = Felt::from(1u64);
        let terms = places.into_iter().zip(values).map(|((column, pole), &value)| {
            let term = Term {
                column,
                pole,
                coefficient,
                value,
            };
            coefficient *= alpha;
            term
        });
        Self {
            terms: terms.collect(),
            tables,
            log_domain,
            poles,
        }
    }

    /// Number of columns of all traces.
    pub fn n_columns(&self) -> u128 {
        self.tables
            .iter()
            .map(|table| table.shape.n_columns as u128)
            .sum()
    }

    /// Opens all traces at the queries and evaluates the quotient there.
    pub fn evaluate(
        &self,
        channel: &mut VerifierChannel<'_>,
        queries: &[u64],
    ) -> Result<Vec<Felt>, VerifyError> {
        let mut traces = Vec::with_capacity(self.tables.len());
        for (trace, table) in self.tables.iter().enumerate() {
            channel.enter(&format!("Trace {trace}"));
            let rows = open(channel, table, queries);
            traces.push(rows.map_err(|error| VerifyError::Trace { trace, error })?);
            channel.exit();
        }
        let value = |&query: &u64| {
            let row: Vec<Felt> = traces
                .iter()
                .filter_map(|rows| rows.get(&query))
                .flatten()
                .copied()
                .collect();
            self.value(query, &row).ok_or(VerifyError::DegeneratePoint)
        };
        queries.iter().map(value).collect()
    }

    /// The quotient at index `query`, where the traces have `row`; `None` at a pole.
    fn value(&self, query: u64, row: &[Felt]) -> Option<Felt> {
        let x = domain_point(self.log_domain, query);
        let mut inverses: Vec<Felt> = self.poles.iter().map(|pole| x - pole).collect();
        if inverses.iter().any(Felt::is_zero) {
            return None;
        }
        batch_inversion(&mut inverses);
        let mut sum = Felt::zero();
        for term in &self.terms {
            sum += term.coefficient * (*row.get(term.column)? - term.value) * inverses.get(term.pole)?;
        }
        Some(sum)
    }
}

fn open(
    channel: &mut VerifierChannel<'_>,
    table: &TableCommitment,
    queries: &[u64],
) -> Result<Rows, DecommitmentError> {
    let opening = Opening::new(table.shape, queries.iter().copied(), &BTreeSet::new());
    let rows = table.receive_rows(channel, &opening, &BTreeMap::new())?;
    table.check_rows(channel, &opening, rows.clone())?;
    Ok(rows)
}
