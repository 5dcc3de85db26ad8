//! Replays Stone's annotations through the prover's channel: everything drawn, the bytes of the proof, the lines and
//! the statistics must equal Stone's.

use super::annotated;
use crate::corpus::{AnnotatedProof, bytes_of_hex};
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::public_input::PublicInput;
use quarry_prover_core::channel::ProverChannel;
use quarry_prover_core::parameters::Parameters;

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
        scopes.pop(); // The channel enters this scope itself.
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
        // An element that is only needed to complete a leaf of a one-column table.
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
    for (_, proof) in annotated() {
        check(&proof, &proof.bytes());
    }
}

/// Compares the draws of a Pedersen channel with an independent computation: Stone's rules of the hash chain, with
/// StarkWare's C++ library (crypto-cpp) for Pedersen. The seed and the commitment have words of p and above; in the
/// second case Keccak hashes the seed, to a digest above p.
#[test]
fn a_pedersen_channel_draws_what_stones_rules_give() {
    let mut seed = [0; 64];
    seed[..32].fill(0xff);
    seed[63] = 9;
    let cases = [
        (
            false,
            [
                "0x4b072c3b87cb6593fc0a28d80d7b38766b5337118d2e1c471291bbf21d0476d",
                "0x3713132185e60182ba528ba1271b9dd8850d6b15ebec444af6db17326aef731",
                "0x78619b9324815ff1a7c3cc0ad79590de197e379900106f6485e8debbdd31235",
            ],
            [121561, 84337, 21243, 70590, 317, 33793],
            [
                100354736928681,
                39133370830042,
                108889906750268,
                57108498052846,
                71591424673366,
            ],
        ),
        (
            true,
            [
                "0x381ea942c7a44655fcc309a3f33e223d5050273107814b8b5ac283f5c5ca7bf",
                "0x4329e947f6cc49d6d904244bfada97866654fe1aed2076ac9f1ee2bc1949f1a",
                "0x797025c2c0fc70e2247331c7aa48e591f2db3150345691803c87afc17f76f3e",
            ],
            [6350, 27369, 111138, 97619, 116662, 11396],
            [
                35455071657661,
                5960761467373,
                42412292845741,
                17325819466597,
                57725666211242,
            ],
        ),
    ];
    for (updates, felts, small, large) in cases {
        let params = serde_json::json!({
            "field": "PrimeField0",
            "use_extension_field": false,
            "stark": { "log_n_cosets": 1, "fri": {
                "fri_step_list": [0],
                "last_layer_degree_bound": 64,
                "n_queries": 1,
                "proof_of_work_bits": 0,
            } },
            "channel_hash": "pedersen",
            "verifier_friendly_commitment_hash": "keccak256",
            "verifier_friendly_channel_updates": updates,
        });
        let params = Parameters::from_json(&params).expect("parameters");
        let mut channel = ProverChannel::new(&params, &seed, false);
        channel.send_commitment(&[0xff; 32]);
        assert_eq!(felt::to_hex(&channel.draw_felt("")), felts[0]);
        assert_eq!(felt::to_hex(&channel.draw_felt("")), felts[1]);
        channel.send_felt(&Felt::from(5u64), "");
        assert_eq!(small.map(|_| channel.draw_number(1 << 17, "")), small);
        assert_eq!(felt::to_hex(&channel.draw_felt("")), felts[2]);
        channel.send_felts(&[Felt::from(1u64), Felt::from(2u64)], "");
        assert_eq!(large.map(|_| channel.draw_number(1 << 47, "")), large);
    }
}
