//! The proof as the verifier program reads it: its struct `StarkProof`, in which every struct, and every list, is a
//! pointer to a segment.
//!
//! Source: cairo-lang 0.14, `starkware/cairo/stark_verifier`: the structs, and `air/parser.py`, which makes them.

use crate::calldata::opened::{Opened, Opening};
use crate::calldata::{fri, stark};
use crate::commit::TableShape;
use crate::facts::short_string;
use crate::statement::Statement;
use crate::verifier::N_COMPOSITION_COLUMNS;
use quarry_kernels::Felt;

/// A cell of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A number.
    Felt(Felt),
    /// A pointer to a segment with these cells.
    Segment(Vec<Self>),
}

impl Word {
    fn felts(values: &[Felt]) -> Self {
        Self::Segment(values.iter().copied().map(Self::Felt).collect())
    }

    fn numbers(values: impl IntoIterator<Item = u64>) -> Self {
        Self::Segment(values.into_iter().map(Self::from).collect())
    }
}

impl From<u64> for Word {
    fn from(value: u64) -> Self {
        Self::Felt(value.into())
    }
}

impl From<Felt> for Word {
    fn from(value: Felt) -> Self {
        Self::Felt(value)
    }
}

impl<const N: usize> From<[Self; N]> for Word {
    fn from(cells: [Self; N]) -> Self {
        Self::Segment(cells.into())
    }
}

/// `StarkProof`. The statement's public memory has no continuous pages.
pub(super) fn proof(statement: &Statement<'_>, opened: &Opened) -> Word {
    [
        config(statement),
        public_input(statement),
        unsent_commitment(opened),
        witness(opened),
    ]
    .into()
}

/// `StarkConfig`.
fn config(statement: &Statement<'_>) -> Word {
    let parameters = statement.parameters();
    let log_trace = statement.n_rows().ilog2();
    let log_rows = log_trace + parameters.log_n_cosets;
    let n_friendly = parameters.commitment_hashes.n_top_layers;
    let table = |shape: TableShape| {
        let vector = Word::numbers([u64::from(shape.log_rows), n_friendly]);
        [Word::from(shape.n_columns as u64), vector]
    };
    let trace = |n_columns| Word::from(table(TableShape { n_columns, log_rows }));
    let [first, interaction] = statement.air().air.n_columns;
    let of_fri = &parameters.fri;
    let steps = of_fri.fri_step_list.iter().copied().map(u64::from);
    [
        [trace(first), trace(interaction)].into(),
        trace(N_COMPOSITION_COLUMNS),
        [
            u64::from(log_rows).into(),
            (of_fri.fri_step_list.len() as u64).into(),
            Word::Segment(fri::tables(statement).flat_map(table).collect()),
            Word::numbers(steps),
            u64::from(of_fri.last_layer_degree_bound.max(1).ilog2()).into(),
        ]
        .into(),
        Word::numbers([u64::from(of_fri.proof_of_work_bits)]),
        u64::from(log_trace).into(),
        (of_fri.n_queries as u64).into(),
        u64::from(parameters.log_n_cosets).into(),
        n_friendly.into(),
    ]
    .into()
}

/// `PublicInput`.
fn public_input(statement: &Statement<'_>) -> Word {
    let public = statement.public_input();
    let segments = stark::segments(statement);
    // The order of the names, as in the program's struct.
    let dynamic_params = public.dynamic_params.iter().flat_map(|params| params.values());
    let cells = public.public_memory.iter();
    let page: Vec<_> = cells
        .flat_map(|cell| [Felt::from(cell.address), cell.value])
        .collect();
    // What pads the public memory: its first cell.
    let [padding_address, padding_value] = [0, 1].map(|i| page.get(i).copied().unwrap_or_default());
    [
        u64::from(public.n_steps.max(1).ilog2()).into(),
        public.rc_min.into(),
        public.rc_max.into(),
        short_string(&public.layout).into(),
        Word::numbers(dynamic_params.copied()),
        (segments.len() as u64 / 2).into(),
        Word::felts(&segments),
        padding_address.into(),
        padding_value.into(),
        (page.len() as u64 / 2).into(),
        Word::felts(&page),
        0.into(),
        Word::felts(&[]),
    ]
    .into()
}

/// `StarkUnsentCommitment`.
fn unsent_commitment(opened: &Opened) -> Word {
    let [first, interaction, composition] = opened.traces;
    [
        Word::felts(&[first, interaction]),
        composition.into(),
        Word::felts(&opened.out_of_domain),
        [Word::felts(&opened.layers), Word::felts(&opened.last_layer)].into(),
        Word::felts(&opened.nonce),
    ]
    .into()
}

/// `StarkWitness`.
fn witness(opened: &Opened) -> Word {
    let [first, interaction, composition] = &opened.trace_openings;
    let layers = opened.layer_openings.iter();
    let layers = layers.flat_map(|layer| {
        let [n_values, values] = counted(&layer.values);
        [n_values, values, nodes(layer)]
    });
    let values = |opening: &Opening| Word::from(counted(&opening.values));
    [
        [values(first), values(interaction)].into(),
        [nodes(first), nodes(interaction)].into(),
        values(composition),
        nodes(composition),
        [Word::Segment(layers.collect())].into(),
    ]
    .into()
}

/// `TableCommitmentWitness`, which holds nothing but a `VectorCommitmentWitness`.
fn nodes(opening: &Opening) -> Word {
    [counted(&opening.nodes).into()].into()
}

/// A list, behind its length.
fn counted(values: &[Felt]) -> [Word; 2] {
    [(values.len() as u64).into(), Word::felts(values)]
}
