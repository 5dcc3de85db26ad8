//! The verifier rejects every change of a proof, of a value of its statement or of a parameter that it reads, and no
//! change makes it panic.
//!
//! Not read, and so not tested: unknown keys; `pow_hash` outside the Poseidon channel;
//! `verifier_friendly_commitment_hash` when no layer has it and channel updates are off. Fewer proof-of-work bits are
//! another statement about the same nonce, which holds once in 2^bits, so only more bits are tried. Another `pow_hash`
//! whose digests begin with zeros is not tried either: it requires less work, and the security bits show that.

use crate::common::repository_row;
use quarry_prover_core::cairo::public_input::PublicInput;
use quarry_prover_core::expectation::Expectation;
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::proof::ProofFile;
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::{Verifier, verify};
use serde_json::{Value, json};

/// A proof for each kind of channel (Poseidon, Keccak, Blake2s) and for each form of run that is not a whole run of a
/// Cairo 0 program, with the number of changes of its bytes. Proofs with few queries are quick to verify.
const SUBJECTS: [(&str, usize); 6] = [
    ("plain/fib_2p9/felt_vf_pos", 1000),
    ("small/fib_2p9/q1", 8000),
    ("plain/fib_2p9/blake", 1000),
    ("small/entry_without_ap/base", 2000),
    ("small/missing_builtin/base", 2000),
    ("small/pie/base", 200),
];

/// Number of mutations of each statement.
const STATEMENT_MUTATIONS: usize = 600;

/// p, big-endian.
const MODULUS: [u8; 32] = {
    let mut bytes = [0; 32];
    (bytes[0], bytes[7], bytes[31]) = (8, 17, 1);
    bytes
};

/// SplitMix64, so that a failure can be reproduced.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn subjects() -> impl Iterator<Item = (&'static str, ProofFile, usize)> {
    SUBJECTS.iter().map(|&(name, n_mutations)| {
        let text = repository_row(name).proof_file().expect("its proof is kept");
        (name, ProofFile::parse(&text).expect("a proof file"), n_mutations)
    })
}

/// Changes the bytes of a proof in one of the ways that a forger or a faulty disk might.
fn mutate_bytes(proof: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = proof.to_vec();
    let at = random.below(bytes.len());
    let word = random.below(bytes.len() / 32) * 32;
    match random.below(10) {
        0 | 1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes[at] = random.next() as u8,
        3 => bytes[word..word + 32].fill(0),
        4 => add_modulus(&mut bytes[word..word + 32]),
        5 => {
            let other = random.below(bytes.len() / 32) * 32;
            for i in 0..32 {
                bytes.swap(word + i, other + i);
            }
        }
        6 => bytes.truncate(at),
        7 => drop(bytes.drain(word..word + 32)),
        8 => {
            let copy = bytes[word..word + 32].to_vec();
            bytes.splice(word..word, copy);
        }
        _ => bytes.extend((0..=random.below(64)).map(|i| i as u8)),
    }
    bytes
}

/// The same value modulo p, in another form.
fn add_modulus(word: &mut [u8]) {
    let mut carry = 0;
    for (byte, addend) in word.iter_mut().zip(MODULUS).rev() {
        let sum = u16::from(*byte) + u16::from(addend) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
}

#[test]
fn every_change_of_a_proof_is_rejected() {
    for (name, file, n_mutations) in subjects() {
        let verifier = Statement::new(&file.statement, &file.parameters)
            .and_then(Verifier::new)
            .expect("a statement");
        verifier
            .verify(&file.proof, &Expectation::any())
            .expect("valid before the change");
        let mut random = Random(1);
        for i in 0..n_mutations {
            let mutated = mutate_bytes(&file.proof, &mut random);
            if mutated != file.proof {
                assert!(
                    verifier.verify(&mutated, &Expectation::any()).is_err(),
                    "{name}: mutation {i}"
                );
            }
        }
        for len in (0..file.proof.len()).step_by(397) {
            assert!(
                verifier.verify(&file.proof[..len], &Expectation::any()).is_err(),
                "{name}: {len} bytes"
            );
        }
    }
}

/// Changes one value of a public input.
fn mutate_statement(input: &Value, random: &mut Random) -> Value {
    let mut input = input.clone();
    let number = |value: &mut Value, random: &mut Random| {
        let old = value.as_u64().expect("a number");
        let choices = [
            old.wrapping_add(1),
            old.wrapping_sub(1),
            old << 1,
            0,
            random.next(),
            1 << random.below(64),
        ];
        *value = json!(choices[random.below(choices.len())]);
    };
    let cells = input["public_memory"].as_array().expect("cells").len();
    match random.below(12) {
        0 => input["layout"] = json!(["small", "plain", "dex", ""][random.below(4)]),
        1 => number(&mut input["n_steps"], random),
        2 => number(&mut input["rc_min"], random),
        3 => number(&mut input["rc_max"], random),
        4 | 5 => {
            let segments = input["memory_segments"].as_object_mut().expect("segments");
            let segment = segments
                .values_mut()
                .nth(random.below(6) % 2)
                .expect("two segments at least");
            let key = ["begin_addr", "stop_ptr"][random.below(2)];
            number(&mut segment[key], random);
        }
        6 => number(
            &mut input["public_memory"][random.below(cells)]["address"],
            random,
        ),
        7 => {
            let value = json!(format!("{:#x}", random.next()));
            input["public_memory"][random.below(cells)]["value"] = value;
        }
        8 => input["public_memory"][random.below(cells)]["page"] = json!(random.below(4)),
        9 => drop(
            input["public_memory"]
                .as_array_mut()
                .expect("cells")
                .remove(random.below(cells)),
        ),
        10 => {
            let (a, b) = (random.below(cells), random.below(cells));
            input["public_memory"].as_array_mut().expect("cells").swap(a, b);
        }
        _ => {
            let copy = input["public_memory"][random.below(cells)].clone();
            input["public_memory"]
                .as_array_mut()
                .expect("cells")
                .insert(random.below(cells), copy);
        }
    }
    input
}

fn is_accepted(statement: &Value, params: &Value, proof: &[u8]) -> bool {
    let (Ok(statement), Ok(params)) = (PublicInput::from_json(statement), Parameters::from_json(params))
    else {
        return false;
    };
    verify(&statement, &params, proof, &Expectation::any()).is_ok()
}

#[test]
fn every_change_of_a_statement_is_rejected() {
    for (name, file, _) in subjects() {
        let (input, params) = (file.statement.to_json(), file.parameters.to_json());
        let mut random = Random(2);
        for i in 0..STATEMENT_MUTATIONS {
            let mutated = mutate_statement(&input, &mut random);
            if mutated != input {
                let accepted = is_accepted(&mutated, &params, &file.proof);
                assert!(!accepted, "{name}: mutation {i}");
            }
        }
    }
}

/// All changes of a parameter that is read.
fn parameter_changes(params: &Parameters) -> Vec<(&'static str, Value)> {
    let fri = &params.fri;
    let mut changes = Vec::new();
    for n_queries in [fri.n_queries - 1, fri.n_queries + 1, 2 * fri.n_queries, 65536, 0] {
        changes.push(("/stark/fri/n_queries", json!(n_queries)));
    }
    for bits in fri.proof_of_work_bits + 1..=65 {
        changes.push(("/stark/fri/proof_of_work_bits", json!(bits)));
    }
    for log in (0..=47).filter(|&log| log != params.log_n_cosets) {
        changes.push(("/stark/log_n_cosets", json!(log)));
    }
    for log in 0..32 {
        let bound = 1u64 << log;
        if bound != fri.last_layer_degree_bound {
            changes.push(("/stark/fri/last_layer_degree_bound", json!(bound)));
        }
    }
    let sum = fri.log_reduction();
    for first in 0..=sum {
        for second in 1..=sum - first {
            let rest = sum - first - second;
            let list: Vec<_> = [first, second]
                .into_iter()
                .chain((rest > 0).then_some(rest))
                .collect();
            if list != fri.fri_step_list {
                changes.push(("/stark/fri/fri_step_list", json!(list)));
            }
        }
    }
    let names: Vec<_> = quarry_kernels::Hash::all()
        .map(quarry_kernels::Hash::name)
        .collect();
    let mut hashes = |pointer, old: quarry_kernels::Hash| {
        changes.extend(
            names
                .iter()
                .filter(|name| **name != old.name())
                .map(|name| (pointer, json!(name))),
        );
    };
    let commitment = params.commitment_hashes;
    let height = 9 + 4 + u64::from(params.log_n_cosets);
    if commitment.n_top_layers <= height {
        hashes("/commitment_hash", commitment.bottom);
    }
    if commitment.n_top_layers > 0 || params.verifier_friendly_channel_updates {
        hashes("/verifier_friendly_commitment_hash", commitment.top);
    }
    hashes("/channel_hash", params.channel_hash);
    if params.channel_hash == quarry_kernels::Hash::Poseidon3 {
        hashes("/pow_hash", params.pow_hash);
    }
    hashes("/statement/page_hash", params.page_hash);
    let layers = commitment.n_top_layers;
    for n in (0..64).chain([layers + 1, u64::MAX]).filter(|&n| n != layers) {
        changes.push(("/n_verifier_friendly_commitment_layers", json!(n)));
    }
    let updates = !params.verifier_friendly_channel_updates;
    changes.push(("/verifier_friendly_channel_updates", json!(updates)));
    changes
}

#[test]
fn every_change_of_a_parameter_is_rejected() {
    let mut n_changes = 0;
    for (name, file, _) in subjects() {
        let (input, whole) = (file.statement.to_json(), file.parameters.to_json());
        assert!(
            is_accepted(&input, &whole, &file.proof),
            "{name}: every key given"
        );
        for (pointer, value) in parameter_changes(&file.parameters) {
            if pointer == "/pow_hash" && value.as_str().is_some_and(|name| name.ends_with("_lsb")) {
                continue;
            }
            let mut changed = whole.clone();
            let text = format!("{name}: {pointer} = {value}");
            match changed.pointer_mut(pointer) {
                Some(place) => *place = value,
                None => panic!("{text}: no such key"),
            }
            assert!(!is_accepted(&input, &changed, &file.proof), "{text}");
            n_changes += 1;
        }
    }
    assert!(n_changes > 400, "{n_changes} changes");
}
