//! FRI in the calldata: the witness of its layers, and in the split form the state before each call.

use super::opened::{Opened, Opening};
use super::stark::table_config;
use super::transaction::{Split, Transaction};
use super::writer::Writer;
use crate::channel::FriState;
use crate::commit::TableShape;
use crate::fri::FriLayer;
use crate::statement::Statement;
use quarry_kernels::Felt;
use quarry_kernels::hash::poseidon;

/// The tables of the committed layers: layer 1 and up, except the last.
pub(crate) fn tables(statement: &Statement<'_>) -> impl Iterator<Item = TableShape> {
    let parameters = statement.parameters();
    let log_domain = statement.n_rows().ilog2() + parameters.log_n_cosets;
    let layers = FriLayer::all(&parameters.fri, log_domain);
    let n_layers = layers.len().saturating_sub(1);
    let committed = layers.into_iter().take(n_layers).skip(1);
    committed.map(|layer| layer.table())
}

/// What the calls of a proof need of FRI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FriProof {
    /// For each committed layer, the members of the contracts' `TableCommitment`.
    commitments: Vec<Vec<Felt>>,
    /// For each committed layer, how many times it is folded in two.
    steps: Vec<Felt>,
    openings: Vec<Opening>,
    /// For each committed layer, then for the last.
    states: Vec<FriState>,
    last_layer: Vec<Felt>,
}

impl FriProof {
    pub fn new(statement: &Statement<'_>, opened: Opened, states: Vec<FriState>) -> Self {
        let commitment = |(table, &root): (TableShape, &Felt)| {
            let config @ [_, height, n_friendly] = table_config(statement, table);
            [&config[..], &[height, n_friendly, root]].concat()
        };
        let steps = statement.parameters().fri.fri_step_list.iter().skip(1);
        Self {
            commitments: tables(statement).zip(&opened.layers).map(commitment).collect(),
            steps: steps.copied().map(Felt::from).collect(),
            openings: opened.layer_openings,
            states,
            last_layer: opened.last_layer,
        }
    }

    /// `FriWitnessWithSerde`: one list of all layers.
    pub fn witness(&self) -> Vec<Felt> {
        let mut layers = Writer::default();
        for opening in &self.openings {
            layers.list(&opening.values).list(&opening.nodes);
        }
        let mut out = Writer::default();
        out.list(&layers.finish());
        out.finish()
    }

    /// The calls of the split form; `initial` is the calldata of the first.
    pub fn split(&self, job_id: Felt, initial: Vec<Felt>) -> Split {
        let constant = self.constant();
        let mut transactions = vec![Transaction::initial(initial)];
        for (i, state) in self.states.iter().enumerate() {
            let mut out = Writer::default();
            out.felt(job_id).felts(&constant).felts(&variable(i, state));
            let hash = variable_hash(i, state);
            transactions.push(match self.openings.get(i) {
                Some(opening) => {
                    out.list(&opening.values).list(&opening.nodes);
                    Transaction::step(i + 1, hash, out.finish())
                }
                None => {
                    out.list(&self.last_layer);
                    Transaction::last(hash, out.finish())
                }
            });
        }
        Split {
            job_id,
            state_constant_hash: self.constant_hash(),
            transactions,
        }
    }

    fn points(&self) -> Vec<Felt> {
        self.states.iter().filter_map(|state| state.point).collect()
    }

    /// `FriVerificationStateConstant`.
    fn constant(&self) -> Vec<Felt> {
        let mut out = Writer::default();
        out.felt(self.commitments.len() as u64)
            .felt(self.commitments.len() as u64)
            .felts(&self.commitments.concat())
            .list(&self.points())
            .list(&self.steps)
            .felt(poseidon::hash_many(&self.last_layer));
        out.finish()
    }

    /// The contracts' `hash_constant`.
    fn constant_hash(&self) -> Felt {
        let head = [
            Felt::from(self.commitments.len() as u64),
            poseidon::hash_many(self.points()),
            poseidon::hash_many(&self.steps),
            poseidon::hash_many(&self.last_layer),
        ];
        poseidon::hash_many(head.into_iter().chain(self.commitments.concat()))
    }
}

/// The queries of a state, three felts each.
fn queries(state: &FriState) -> Vec<Felt> {
    let queries = state.queries.iter();
    queries
        .flat_map(|query| [query.index.into(), query.value, query.inverse_point])
        .collect()
}

/// `FriVerificationStateVariable` after `i` layers.
fn variable(i: usize, state: &FriState) -> Vec<Felt> {
    let mut out = Writer::default();
    out.felt(i as u64)
        .felt(state.queries.len() as u64)
        .felts(&queries(state));
    out.finish()
}

/// The contracts' `hash_variable`.
fn variable_hash(i: usize, state: &FriState) -> Felt {
    poseidon::hash_many(std::iter::once(Felt::from(i as u64)).chain(queries(state)))
}
