use super::vectors::{felt, felts};
use super::*;
use crate::cairo::public_input::PublicInput;

const KECCAK: &str = include_str!("../../tests/data/small/c1/params_integrity_kek.json");

/// A claim about the run in layout small that the other tests hash, and its compiled program.
struct Case {
    cells: integrity::HashedCells,
    compiled: CompiledProgram,
    parameters: Parameters,
}

impl Case {
    fn new() -> Self {
        let public = include_str!("../../tests/data/small/c1/public_input.json");
        let public = PublicInput::parse(public).unwrap();
        let cells = integrity::hashed_cells(&public, MemoryVerification::Strict).unwrap();
        let compiled = CompiledProgram {
            main: 13,
            builtins: ["output", "pedersen", "range_check", "ecdsa"]
                .map(str::to_owned)
                .to_vec(),
            data: cells.program.clone(),
        };
        Self {
            cells,
            compiled,
            parameters: Parameters::parse(KECCAK).unwrap(),
        }
    }

    fn claim(&self) -> Claim<'_> {
        Claim {
            program: &self.cells.program,
            output: &self.cells.output,
            layout: "small",
            mode: MemoryVerification::Strict,
            parameters: &self.parameters,
            compiled: Some(&self.compiled),
            topology: None,
        }
    }
}

/// By hand: `compute_hash_on_elements` (`hash_state.py`), `poseidon_hash_many`, `cairo-hash-program` and
/// `generate_program_fact` over the public memory of the case.
#[test]
fn all_facts_of_a_claim() {
    let facts = Facts::of(&Case::new().claim()).unwrap();
    assert_eq!(facts.notes, [""; 0]);
    let expected = serde_json::json!({
        "program_hash_pedersen": "0x12d530a65933241ccd1c4d9ff0784af728a2b77d06ad09b92f116f44f2e1602",
        "program_hash_poseidon": "0x12fcb502630b8ac2138ad58f1b8aeb6b9f39b8ca0a87a7a1191154c7bc701c3",
        "bootloader_program_hash": {
            "pedersen": "0x25bfae17799338f6ffca3baf9e1f1f6eeaa3c7582191375c0e6b5043f6b667",
            "poseidon": "0x5e0497e373a644d3c49f22260874d20e4c55c0995c6d36117711d1eb886a4d9",
        },
        "output_hash": "0x28e6f356c48a363cf90eac9285dbf2ce74cc87789e930867441bb8a0313b726",
        "sharp_fact": "0xefb2ef5512c5a86b8ba41a40a3c54626400876ec9e592370498a7e65f474411c",
        "integrity_fact": "0x1fa4ca87a96e616e3a3f53c7dedb1e657bef11ebbfa40abcc2ee9accd1a7cab",
        "integrity_security_bits": 60,
        "integrity_verification": {
            "configuration": {
                "layout": "small",
                "hasher": "keccak_160_lsb",
                "stone_version": "stone6",
                "memory_verification": "strict",
            },
            "configuration_hash": "0x30687b6815225fd525614098406257586aa947fa2b7fdd5a9bfe1a918824917",
            "verification_hash": "0x3325631c38559b66582034f8bdead87dab12761097966f7eb4cd888aac893bc",
        },
        "notes": [],
    });
    assert_eq!(serde_json::to_value(&facts).unwrap(), expected);
}

#[test]
fn what_cannot_be_had_is_noted() {
    let case = Case::new();
    let facts = |claim: Claim<'_>| Facts::of(&claim).unwrap();
    let bare = facts(Claim {
        compiled: None,
        layout: "plain",
        ..case.claim()
    });
    assert_eq!((bare.sharp_fact, bare.bootloader_program_hash), (None, None));
    assert_eq!(bare.integrity_verification, None);
    assert!(bare.notes[0].starts_with("no SHARP fact: it needs the program file"));
    assert!(
        bare.notes[1].starts_with("no verification hash: "),
        "{:?}",
        bare.notes
    );
    let text = serde_json::to_value(&bare).unwrap();
    assert_eq!(text.get("sharp_fact"), None);

    let words = vec![Felt::from(1u64); 3801];
    let long = facts(Claim {
        output: &words,
        ..case.claim()
    });
    assert_eq!(long.sharp_fact, None);
    assert!(long.notes[0].contains("3801 words"), "{:?}", long.notes);
    let paged = Topology::declared(3801, &[(1, (1, 3800))].into(), Some(&[2, 2])).unwrap();
    let paged = facts(Claim {
        output: &words,
        topology: Some(&paged),
        ..case.claim()
    });
    assert!(paged.sharp_fact.is_some());
}

#[test]
fn another_program_file_is_refused() {
    let mut case = Case::new();
    case.compiled.data[7] += Felt::from(1u64);
    let error = Facts::of(&case.claim());
    assert_eq!(error, Err(FactsError::OtherProgram { word: 7 }));
    let mut case = Case::new();
    let n = case.compiled.data.len();
    case.compiled.data.pop();
    let error = Facts::of(&case.claim());
    assert_eq!(error, Err(FactsError::OtherProgram { word: n - 1 }));
    // In mode cairo1 cells of the run follow the program.
    let cairo1 = Claim {
        mode: MemoryVerification::Cairo1,
        ..case.claim()
    };
    assert!(Facts::of(&cairo1).is_ok());
}

#[test]
fn short_strings_are_big_endian() {
    assert_eq!(short_string(""), Felt::from(0u64));
    // cairo-lang: `from_bytes(b"stone6")`.
    assert_eq!([short_string("stone6")], felts("0x73746f6e6536")[..]);
    assert_eq!(short_string("strict"), felt("0x737472696374"));
}
