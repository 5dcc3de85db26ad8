//! The proof as the contracts' `StarkProofWithSerde`, up to the part that opens the layers of FRI.

use super::fri;
use super::opened::{Opened, Opening};
use super::writer::Writer;
use crate::commit::TableShape;
use crate::facts::short_string;
use crate::statement::Statement;
use crate::verifier::N_COMPOSITION_COLUMNS;
use quarry_kernels::Felt;

/// Everything but the last member, the witness of FRI.
pub(super) fn head(statement: &Statement<'_>, opened: &Opened) -> Vec<Felt> {
    [
        config(statement),
        public_input(statement),
        unsent_commitment(opened),
        witness(opened),
    ]
    .concat()
}

/// `TableCommitmentConfig`. Its height is that of a tree over single rows, also where Stone has two in a leaf.
pub(super) fn table_config(statement: &Statement<'_>, shape: TableShape) -> [Felt; 3] {
    let n_friendly = statement.parameters().commitment_hashes.n_top_layers;
    [
        Felt::from(shape.n_columns as u64),
        Felt::from(shape.log_rows),
        Felt::from(n_friendly),
    ]
}

/// `StarkConfigWithSerde`.
fn config(statement: &Statement<'_>) -> Vec<Felt> {
    let parameters = statement.parameters();
    let log_trace = statement.n_rows().ilog2();
    let log_rows = log_trace + parameters.log_n_cosets;
    let [first, interaction] = statement.air().air.n_columns;
    let mut out = Writer::default();
    for n_columns in [first, interaction, N_COMPOSITION_COLUMNS] {
        out.felts(&table_config(statement, TableShape { n_columns, log_rows }));
    }
    let steps: Vec<_> = parameters
        .fri
        .fri_step_list
        .iter()
        .copied()
        .map(Felt::from)
        .collect();
    let layers: Vec<_> = fri::tables(statement)
        .map(|table| table_config(statement, table))
        .collect();
    out.felt(log_rows)
        .felt(steps.len() as u64)
        .list(&layers.concat())
        .list(&steps)
        .felt(parameters.fri.last_layer_degree_bound.max(1).ilog2())
        .felt(parameters.fri.proof_of_work_bits)
        .felt(log_trace)
        .felt(parameters.fri.n_queries as u64)
        .felt(parameters.log_n_cosets)
        .felt(parameters.commitment_hashes.n_top_layers);
    out.finish()
}

/// Where the segments begin and end, in the layout's order: two numbers each.
pub(crate) fn segments(statement: &Statement<'_>) -> Vec<Felt> {
    let public = statement.public_input();
    let segments = statement.layout().segments.iter();
    let segments = segments.filter_map(|name| public.memory_segments.get(*name));
    let ends = segments.flat_map(|segment| [segment.begin_addr, segment.stop_ptr]);
    ends.map(Felt::from).collect()
}

/// `PublicInputWithSerde`. There are no parameters of a dynamic layout and no continuous pages.
fn public_input(statement: &Statement<'_>) -> Vec<Felt> {
    let public = statement.public_input();
    let segments = segments(statement);
    let cells = public.public_memory.iter();
    let page: Vec<_> = cells
        .flat_map(|cell| [Felt::from(cell.address), cell.value])
        .collect();
    let mut out = Writer::default();
    out.felt(public.n_steps.max(1).ilog2())
        .felt(public.rc_min)
        .felt(public.rc_max)
        .felt(short_string(&public.layout))
        .list(&[])
        .felt(segments.len() as u64 / 2)
        .list(&segments)
        // What pads the public memory: its first cell.
        .felts(page.get(..2).unwrap_or_default())
        .felt(page.len() as u64 / 2)
        .list(&page)
        .counted_list(&[]);
    out.finish()
}

/// `StarkUnsentCommitmentWithSerde`.
fn unsent_commitment(opened: &Opened) -> Vec<Felt> {
    let mut out = Writer::default();
    out.felts(&opened.traces)
        .list(&opened.out_of_domain)
        .list(&opened.layers)
        .list(&opened.last_layer)
        .felts(&opened.nonce);
    out.finish()
}

/// `StarkWitnessWithSerde` without its last member: values and nodes of both traces, then those of the composition.
fn witness(opened: &Opened) -> Vec<Felt> {
    let mut out = Writer::default();
    for tables in [0..2, 2..3] {
        let tables: &[Opening] = opened.trace_openings.get(tables).unwrap_or_default();
        for table in tables {
            out.counted_list(&table.values);
        }
        for table in tables {
            out.counted_list(&table.nodes);
        }
    }
    out.finish()
}
