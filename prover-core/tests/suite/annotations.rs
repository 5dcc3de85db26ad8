//! Outside verifiers read a proof through its annotations, never through `proof_hex`, so the two must match.

use crate::common::proving::{cpu, prove_golden_on};
use crate::common::repository_row;
use crate::corpus::bytes_of_hex;
use quarry_kernels::felt;
use quarry_prover_core::parameters::Parameters;

/// Parses a line of the prover: the byte range, the kind of the values, and the values.
fn parse(line: &str) -> Option<(std::ops::Range<usize>, &str, Vec<&str>)> {
    let (range, rest) = line.strip_prefix("P->V[")?.split_once("]: ")?;
    let (begin, end) = range.split_once(':')?;
    let (path, values) = rest.strip_suffix(')')?.rsplit_once('(')?;
    let kind = path.rsplit_once(": ")?.1;
    Some((
        begin.parse().ok()?..end.parse().ok()?,
        kind,
        values.split(", ").collect(),
    ))
}

/// The bytes that encode a value in the proof, `len` of them.
fn encode(value: &str, kind: &str, len: usize, montgomery: bool) -> Vec<u8> {
    if kind.starts_with("Field Element") {
        let element = felt::from_hex(value).expect("a field element");
        let bytes = if montgomery {
            felt::to_montgomery_bytes
        } else {
            felt::to_standard_bytes
        };
        return bytes(&element).to_vec();
    }
    let digits = value.strip_prefix("0x").expect("the prefix 0x");
    bytes_of_hex(&format!("0x{digits:0>width$}", width = 2 * len))
}

#[test]
fn annotations_say_what_the_proof_bytes_say() {
    for name in [
        "plain/fib_2p9/kek",
        "plain/fib_2p9/felt_vf_pos",
        "small/c1/integrity_kek",
    ] {
        let golden = repository_row(name);
        let params = Parameters::parse(&golden.parameters()).expect("good parameters");
        // The Poseidon channel sends values; rows are opened in Montgomery form under every channel.
        let sends_values = params.channel_hash.name() == "poseidon3";
        let proof = prove_golden_on(&cpu(None), &golden, true);
        let mut said = Vec::new();
        for line in proof.annotations.expect("annotations were asked for") {
            let Some((range, kind, values)) = parse(&line) else {
                continue;
            };
            assert_eq!(range.start, said.len(), "{name}: a gap before: {line}");
            let len = range.len() / values.len();
            let montgomery = !sends_values || line.contains("/Decommitment/");
            said.extend(
                values
                    .iter()
                    .flat_map(|value| encode(value, kind, len, montgomery)),
            );
            assert_eq!(range.end, said.len(), "{name}: wrong length: {line}");
            assert_eq!(said[range.clone()], proof.bytes[range], "{name}: {line}");
        }
        assert_eq!(
            said.len(),
            proof.bytes.len(),
            "{name}: bytes that no annotation tells of"
        );
    }
}
