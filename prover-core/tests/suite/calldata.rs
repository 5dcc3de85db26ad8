//! Calldata for Integrity: its form, and the proofs for which there is none. (`golden/calldata.rs` compares it with
//! that of Integrity's tools.)

use crate::common::repository_row;
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::run::RunMode;
use quarry_prover_core::calldata::{
    CALL_OVERHEAD, Calldata, CalldataError, Transaction, TransactionError, check_public_memory,
};
use quarry_prover_core::facts::{FactOptions, ProofFacts};
use quarry_prover_core::proof::ProofFile;
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::Verifier;

/// The proof of the repository for Integrity.
const ROW: &str = "small/c1/integrity_kek";

fn proof_file(row: &str) -> ProofFile {
    let text = repository_row(row).proof_file().expect("its proof is kept");
    ProofFile::parse(&text).expect("a proof file")
}

fn calldata(file: &ProofFile, mode: Option<RunMode>) -> Result<Calldata, CalldataError> {
    let verifier = Statement::new(&file.statement, &file.parameters).and_then(Verifier::new);
    Calldata::of(&verifier.expect("a statement"), &file.proof, mode)
}

fn refusal(file: &ProofFile, mode: Option<RunMode>) -> String {
    calldata(file, mode).expect_err("no calldata").to_string()
}

/// Reads felts as Cairo's `Serde` does.
struct Reader<'a>(&'a [Felt]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> &'a [Felt] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn number(&mut self) -> usize {
        let hex = felt::to_hex(&self.take(1)[0]);
        usize::from_str_radix(hex.trim_start_matches("0x"), 16).expect("a small number")
    }

    fn list(&mut self) -> &'a [Felt] {
        let count = self.number();
        self.take(count)
    }

    /// A list that follows its own number of entries of `size` felts.
    fn counted(&mut self, size: usize) -> &'a [Felt] {
        let count = self.number();
        let list = self.list();
        assert_eq!(count * size, list.len());
        list
    }
}

/// The parts of the full form that the split form has elsewhere.
struct Parts<'a> {
    /// Everything before the witness of FRI.
    head: &'a [Felt],
    roots: &'a [Felt],
    last_layer: &'a [Felt],
    /// Leaves and nodes of each layer.
    layers: Vec<[&'a [Felt]; 2]>,
}

/// Reads the full form from its first felt to its last.
fn parts(full: &[Felt]) -> Parts<'_> {
    let mut reader = Reader(full);
    // Settings; the tables of the traces; the logarithm of FRI's domain.
    reader.take(4 + 9 + 1);
    let n_layers = reader.number();
    assert_eq!(reader.list().len(), 3 * (n_layers - 1), "tables of the layers");
    assert_eq!(reader.list().len(), n_layers, "steps");
    let log_last_layer = reader.number();
    // Proof of work, trace, queries, cosets, layers hashed with Poseidon; steps, range checks, layout.
    reader.take(5 + 4);
    assert_eq!(reader.list().len(), 0, "parameters of the layout");
    reader.counted(2);
    let padding = reader.take(2);
    let page = reader.counted(2);
    assert_eq!(page[..2], *padding);
    assert_eq!(reader.counted(4).len(), 0, "continuous pages");
    reader.take(3);
    assert!(!reader.list().is_empty(), "out-of-domain values");
    let (roots, last_layer) = (reader.list(), reader.list());
    assert_eq!(
        (roots.len(), last_layer.len()),
        (n_layers - 1, 1 << log_last_layer)
    );
    reader.take(1);
    // Values of the traces, their nodes; values of the composition, its nodes.
    for _ in 0..6 {
        assert!(!reader.counted(1).is_empty());
    }
    let head = &full[..full.len() - reader.0.len()];
    let mut witness = Reader(reader.list());
    assert_eq!(reader.0.len(), 0, "felts after the end");
    let layers = (1..n_layers).map(|_| [witness.list(), witness.list()]).collect();
    assert_eq!(witness.0.len(), 0, "felts after the last layer");
    Parts {
        head,
        roots,
        last_layer,
        layers,
    }
}

#[test]
fn the_split_form_has_the_parts_of_the_full_one() {
    let calldata = calldata(&proof_file(ROW), None).expect("a proof for Integrity");
    let full = calldata.full();
    let parts = parts(&full.calldata);
    let job = Felt::from(7u64);
    let split = calldata.split(job);
    let [initial, steps @ .., last] = &split.transactions[..] else {
        panic!("too few calls");
    };
    assert_eq!(
        initial.calldata,
        [&[job], parts.head, &[Felt::from(0u64)]].concat()
    );
    assert_eq!(steps.len(), parts.layers.len());
    let mut constants = Vec::new();
    for (i, call) in steps.iter().chain([last]).enumerate() {
        let mut reader = Reader(&call.calldata);
        assert_eq!(reader.take(1), [job]);
        let all = reader.0;
        assert_eq!(reader.number(), steps.len());
        let n_commitments = reader.number();
        let roots: Vec<_> = reader
            .take(6 * n_commitments)
            .chunks(6)
            .map(|table| table[5])
            .collect();
        assert_eq!(roots, parts.roots);
        assert_eq!(
            (reader.list().len(), reader.list().len()),
            (steps.len(), steps.len())
        );
        reader.take(1);
        constants.push(&all[..all.len() - reader.0.len()]);
        assert_eq!(reader.number(), i, "layers checked before");
        let n_queries = reader.number();
        let indices = reader
            .take(3 * n_queries)
            .chunks(3)
            .map(|query| felt::to_hex(&query[0]));
        let indices: Vec<_> = indices.map(|hex| (hex.len(), hex)).collect();
        assert!(indices.is_sorted_by(|a, b| a < b), "{indices:?}");
        let witness = match parts.layers.get(i) {
            Some(layer) => layer.map(<[Felt]>::to_vec).to_vec(),
            None => vec![parts.last_layer.to_vec()],
        };
        for list in witness {
            assert_eq!(reader.list(), list, "{}", call.name);
        }
        assert_eq!(reader.0.len(), 0, "felts after the end");
    }
    constants.dedup();
    assert_eq!(constants.len(), 1, "the constant state changes");
}

#[test]
fn calls_name_their_functions_and_hashes() {
    let calldata = calldata(&proof_file(ROW), None).expect("a proof for Integrity");
    let split = calldata.split(Felt::from(1u64));
    let functions = split.transactions.iter().map(|call| (&*call.name, call.function));
    assert_eq!(
        functions.collect::<Vec<_>>(),
        [
            ("initial", "verify_proof_initial"),
            ("step1", "verify_proof_step"),
            ("step2", "verify_proof_step"),
            ("final", "verify_proof_final_and_register_fact"),
        ]
    );
    let has_hash = |call: &Transaction| call.state_variable_hash.is_some();
    assert_eq!(
        split.transactions.iter().map(has_hash).collect::<Vec<_>>(),
        [false, true, true, true]
    );
    let full = calldata.full();
    assert_eq!(
        (&*full.name, full.function),
        ("full", "verify_proof_full_and_register_fact")
    );
    // Another job differs in its id only.
    let other = calldata.split(Felt::from(2u64));
    assert_eq!(other.state_constant_hash, split.state_constant_hash);
    for (a, b) in split.transactions.iter().zip(&other.transactions) {
        assert_eq!((a.calldata[0], b.calldata[0]), (1u64.into(), 2u64.into()));
        assert_eq!(
            (&a.calldata[1..], a.state_variable_hash),
            (&b.calldata[1..], b.state_variable_hash)
        );
    }
}

#[test]
fn the_mode_is_a_setting() {
    let file = proof_file(ROW);
    let setting = |mode| {
        let full = calldata(&file, mode).expect("a proof for Integrity").full();
        felt::to_hex(&full.calldata[3])
    };
    // The strictest is the default.
    assert_eq!(setting(None), setting(Some(RunMode::Strict)));
    assert_eq!(setting(Some(RunMode::Relaxed)), "0x72656c61786564");
    let said = refusal(&file, Some(RunMode::Cairo1));
    assert!(said.contains("it accepts it as strict, relaxed"), "{said}");
}

/// Mode strict reads cell by cell to the end of the page; mode relaxed skips what lies before the output.
#[test]
fn cells_that_mode_strict_cannot_read_make_it_relaxed() {
    use quarry_prover_core::cairo::public_input::PublicMemoryCell as Cell;
    type Change = fn(&mut Vec<Cell>);
    fn more(address: u64) -> Cell {
        Cell {
            address,
            value: 0u64.into(),
            page: 0,
        }
    }
    let changes: [Change; 3] = [
        |cells| cells.insert(87, more(88)),
        |cells| cells.swap(85, 86),
        |cells| cells.push(more(217)),
    ];
    for change in changes {
        let mut file = proof_file(ROW);
        change(&mut file.statement.public_memory);
        let verifier = Statement::new(&file.statement, &file.parameters).and_then(Verifier::new);
        let verifier = verifier.expect("a statement");
        let facts = ProofFacts::of(&verifier, FactOptions::default()).expect("facts");
        assert_eq!(facts.mode, "relaxed");
        assert_eq!(
            verifier.claim().run_modes,
            [RunMode::Relaxed],
            "as `verify` says it"
        );
        let said = refusal(&file, Some(RunMode::Strict));
        assert!(said.contains("it accepts it as relaxed"), "{said}");
    }
}

#[test]
fn a_transaction_has_a_limit() {
    let full = calldata(&proof_file(ROW), None)
        .expect("a proof for Integrity")
        .full();
    let felts = full.felts();
    assert_eq!(felts, full.calldata.len() + 4);
    assert_eq!(full.check(felts), Ok(()));
    let error = full.check(felts - 1).expect_err("too long");
    assert!(matches!(error, TransactionError::TooLong { max, .. } if max == felts - 1));
    let said = error.to_string();
    assert!(
        said.contains("full") && said.contains("less public memory"),
        "{said}"
    );
    // The calls for FRI have no public memory.
    let calldata = calldata(&proof_file(ROW), None).expect("a proof for Integrity");
    for call in &calldata.split(Felt::from(1u64)).transactions {
        let said = call.check(1).expect_err("too long").to_string();
        assert!(said.contains("prove with fewer queries"), "{said}");
        assert_eq!(said.contains("public memory"), call.name == "initial", "{said}");
    }
    // The first call is longer than the public memory in it.
    let public = proof_file(ROW).statement;
    let felts = 2 * public.public_memory.len() + CALL_OVERHEAD;
    assert_eq!(check_public_memory(&public, felts), Ok(()));
    let max = felts - 1;
    assert_eq!(
        check_public_memory(&public, max),
        Err(TransactionError::PublicMemory { felts, max })
    );
}

#[test]
fn what_integrity_cannot_accept_is_refused() {
    // A hash of the commitments that it does not have; it does not support layout plain.
    let said = refusal(&proof_file("small/pie/base"), None);
    assert!(
        said.contains("commitment_hash") && said.contains("keccak256_masked160_lsb"),
        "{said}"
    );
    let mut file = proof_file(ROW);
    file.statement.layout = "plain".to_owned();
    file.statement
        .memory_segments
        .retain(|name, _| ["program", "execution"].contains(&&**name));
    let said = refusal(&file, None);
    let layouts = "it has dex, recursive, recursive_with_poseidon, small, starknet, starknet_with_keccak";
    assert_eq!(
        said,
        format!("Integrity has no verifier for layout 'plain'; {layouts}")
    );
    // Parameters beyond its limits.
    let mut file = proof_file(ROW);
    file.parameters.fri.proof_of_work_bits = 19;
    let said = refusal(&file, None);
    assert!(
        said.contains("proof_of_work_bits is 19, 20 to 49 is accepted"),
        "{said}"
    );
    // The contracts exclude their upper bound.
    file.parameters.fri.proof_of_work_bits = 50;
    let said = refusal(&file, None);
    assert!(said.contains("proof_of_work_bits is 50"), "{said}");
    let mut file = proof_file(ROW);
    file.parameters.verifier_friendly_channel_updates = false;
    let said = refusal(&file, None);
    assert!(
        said.contains("verifier_friendly_channel_updates is false"),
        "{said}"
    );
    // Continuous pages.
    let mut file = proof_file(ROW);
    let cells = &mut file.statement.public_memory;
    cells.last_mut().expect("a cell").page = 1;
    assert!(matches!(calldata(&file, None), Err(CalldataError::Pages)));
    assert!(refusal(&file, None).contains("continuous pages"));
}

#[test]
fn a_proof_that_does_not_hold_has_no_calldata() {
    let file = proof_file(ROW);
    let len = file.proof.len();
    for position in [0, len / 2, len - 1] {
        let mut changed = file.clone();
        changed.proof[position] ^= 1;
        assert!(
            matches!(calldata(&changed, None), Err(CalldataError::Verify(_))),
            "byte {position}"
        );
    }
    let mut longer = file.clone();
    longer.proof.push(0);
    assert!(matches!(calldata(&longer, None), Err(CalldataError::Verify(_))));
    let mut other = file;
    other.statement.rc_max += 1;
    assert!(matches!(calldata(&other, None), Err(CalldataError::Verify(_))));
}
