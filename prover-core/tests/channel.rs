//! Replays Stone's annotations through the prover's channel: everything that is drawn, the bytes of the proof,
//! the lines and the statistics must be Stone's.
#![cfg(feature = "prover")]

mod common;

use common::{AnnotatedProof, bytes_of_hex};
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::public_input::PublicInput;
use quarry_prover_core::channel::ProverChannel;
use quarry_prover_core::params::Parameters;

fn felt_of(text: &str) -> Felt {
    felt::from_hex(text).expect("a field element")
}

fn digest_of(text: &str) -> [u8; 32] {
    let digits = text.strip_prefix("0x").expect("0x");
    bytes_of_hex(&format!("0x{digits:0>64}"))
        .try_into()
        .expect("32 bytes")
}

/// The scopes and the rest of a line after its direction.
fn scopes(line: &str) -> (Vec<&str>, &str) {
    let (scopes, rest) = line.split_once(": ").expect("scopes");
    (scopes.split('/').skip(1).collect(), rest)
}

fn replay(channel: &mut ProverChannel, current: &mut Vec<String>, line: &str, domain: u64) {
    let drawn = line.strip_prefix("V->P: ");
    let sent = line
        .strip_prefix("P->V[")
        .map(|rest| rest.split_once("]: ").expect("a range").1);
    let (mut scopes, rest) = scopes(drawn.or(sent).expect("a direction"));
    if scopes.last() == Some(&"Proof of Work") {
        scopes.pop(); // The channel's own.
    }
    let common = current.iter().zip(&scopes).take_while(|(a, b)| a == b).count();
    for _ in common..current.len() {
        channel.exit();
    }
    current.truncate(common);
    for scope in &scopes[common..] {
        channel.enter(scope);
        current.push((*scope).to_owned());
    }
    if scopes.contains(&"Decommitment") {
        channel.begin_query_phase();
    }
    let (name, value) = rest.rsplit_once(": ").expect("a name");
    let (kind, value) = value
        .strip_suffix(')')
        .and_then(|v| v.split_once('('))
        .expect("a value");
    match (drawn.is_some(), kind) {
        (true, "Field Element") => assert_eq!(felt::to_hex(&channel.draw_felt(name)), value, "{line}"),
        (true, "Number") => assert_eq!(channel.draw_number(domain, name).to_string(), value, "{line}"),
        (false, "Field Elements") => {
            channel.send_felts(&value.split(", ").map(felt_of).collect::<Vec<_>>(), name);
        }
        (false, "Field Element") => match name.strip_prefix("Row ").and_then(|n| n.split_once(", Column ")) {
            Some((row, column)) => {
                let (row, column) = (row.parse().expect("a row"), column.parse().expect("a column"));
                channel.send_row_element(&felt_of(value), row, column);
            }
            None => channel.send_felt(&felt_of(value), name),
        },
        (false, "Hash") if name == "Commitment" => channel.send_commitment(&digest_of(value)),
        (false, "Hash") => {
            let node = name.strip_prefix("For node ").expect("a node");
            channel.send_node(&digest_of(value), node.parse().expect("an index"));
        }
        (false, "Data") if name == "POW" => {
            let nonce = u64::from_str_radix(&value[2..], 16).expect("a nonce");
            channel.send_nonce(nonce);
        }
        // An element that only completes a leaf of a table of one column.
        (false, "Data") => channel.send_data(&digest_of(value), name),
        _ => panic!("unknown: {line}"),
    }
}

fn check(
    AnnotatedProof {
        name,
        file,
        annotations,
    }: &AnnotatedProof,
    bytes: &[u8],
) {
    let params = Parameters::from_json(&file["proof_parameters"]).expect("parameters");
    let input = PublicInput::from_json(&file["public_input"]).expect("a public input");
    params.fits(input.n_steps).expect("fitting parameters");
    let layout = Layout::of(&input).expect("a layout");
    let seed = input.initial_seed(&layout, &params).expect("a seed");
    let n_rows = input.n_steps * layout.rows_per_step as u64;
    let domain = n_rows << params.log_n_cosets >> params.fri.fri_step_list[0];
    let mut channel = ProverChannel::new(&params, &seed, true);
    let mut current = vec!["cpu air".to_owned()];
    for line in &annotations[2..annotations.len() - 8] {
        replay(&mut channel, &mut current, line, domain);
    }
    for _ in 1..current.len() {
        channel.exit();
    }
    let (sent, lines) = channel.finish();
    assert_eq!(&lines.expect("wanted"), annotations, "{name}");
    let differs = sent.iter().zip(bytes).position(|(a, b)| a != b);
    assert_eq!((differs, sent.len()), (None, bytes.len()), "{name}");
}

#[test]
fn the_channel_replays_stone() {
    for (_, proof) in common::annotated() {
        check(&proof, &proof.bytes());
    }
}
