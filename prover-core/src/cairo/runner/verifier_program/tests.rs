use super::*;
use crate::cairo::layouts::Layout;
use crate::cairo::run::Run;
use crate::cairo::runner::{Executable, RunOptions, run as run_program, to_felt};
use crate::facts::CompiledProgram;
use crate::parameters::Parameters;
use crate::proof::ProofFile;
use crate::statement::Statement;
use cairo_vm::types::builtin_name::BuiltinName;
use flate2::read::GzDecoder;
use quarry_kernels::{Felt, felt};
use quarry_tasks::bootloader::{HashFunction, Tasks};
use quarry_tasks::verifiers;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

/// A proof of the profile `cairo-verifier`: a PIE under the short bootloader in this layout.
fn file(layout: &str) -> ProofFile {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/wrap");
    let packed = File::open(format!("{folder}/{layout}.json.gz")).unwrap();
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    ProofFile::parse(&text).unwrap()
}

fn verifier(file: &ProofFile) -> Verifier<'_> {
    Verifier::new(Statement::new(&file.statement, &file.parameters).unwrap()).unwrap()
}

/// The verifier program of proofs in a layout.
fn program(layout: &str) -> Vec<u8> {
    verifiers::verifier(layout).unwrap()
}

fn verify_in_cairo(file: &ProofFile, layout: &str) -> Result<CairoPie, VerifierProgramError> {
    pie(&program(layout), &verifier(file), &file.proof, 1 << 20)
}

fn words(file: &ProofFile) -> Word {
    let verifier = verifier(file);
    let (verified, record) = verifier.verify_recorded(&file.proof, &Expectation::any(), Recording::Fri);
    verified.unwrap();
    words::proof(verifier.statement(), &Opened::read(&file.proof, &record).unwrap())
}

fn text(word: &Word) -> String {
    match word {
        Word::Felt(felt) => felt::to_hex(felt),
        Word::Segment(cells) => format!("[{}]", cells.iter().map(text).collect::<Vec<_>>().join(",")),
    }
}

/// The number behind these positions.
fn at<'a>(word: &'a mut Word, path: &[usize]) -> &'a mut Felt {
    match (word, path) {
        (Word::Felt(felt), []) => felt,
        (Word::Segment(cells), [first, rest @ ..]) => at(&mut cells[*first], rest),
        other => panic!("{other:?}"),
    }
}

/// The digests were computed from what `parse_proof` of cairo-lang returns for the files and their annotations.
#[test]
fn the_words_are_those_of_starkwares_parser() {
    for (layout, expected) in [
        (
            "small",
            "89f9340bd1a95ee32fd5b5c3c8bf86c207ca2bd43eaa2dc207a15aa18e8f2679",
        ),
        (
            "dynamic",
            "3d849ae02f2c7566b8b317ea4359a0bad9ec748add74fa53958e22e6230c683f",
        ),
    ] {
        let digest = Sha256::digest(text(&words(&file(layout))));
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, expected, "{layout}");
    }
}

#[test]
fn a_verifier_program_outputs_what_the_proof_shows() {
    for layout in ["small", "dynamic"] {
        let file = file(layout);
        let verified = verifier(&file).claim();
        let [_, poseidon] = verified.program_hash.unwrap().to_hex();
        let hash = felt::from_hex(&poseidon).unwrap();
        let expected = [&[hash], &verified.output.unwrap()[..]].concat();
        assert_eq!(expected.len(), 6);
        assert_eq!(
            output(&verify_in_cairo(&file, layout).unwrap()),
            expected,
            "{layout}"
        );
    }
}

/// What a PIE's program wrote.
fn output(pie: &CairoPie) -> Vec<Felt> {
    let segment = pie.metadata.builtin_segments[&BuiltinName::output].index;
    let cells = pie.memory.0.iter();
    let of_output = cells.filter(|((index, _), _)| index.cast_signed() == segment);
    let by_offset: BTreeMap<_, _> = of_output
        .map(|((_, offset), value)| (*offset, to_felt(&value.get_int().unwrap())))
        .collect();
    by_offset.into_values().collect()
}

#[test]
fn a_proof_that_does_not_hold_is_refused_before_the_run() {
    let mut file = file("small");
    for at in [0, file.proof.len() / 2, file.proof.len() - 1] {
        file.proof[at] ^= 1;
        let error = verify_in_cairo(&file, "small").unwrap_err();
        assert!(matches!(error, VerifierProgramError::Verify(_)), "{error}");
        file.proof[at] ^= 1;
    }
    file.proof.truncate(1000);
    let error = verify_in_cairo(&file, "small").unwrap_err();
    assert!(matches!(error, VerifierProgramError::Verify(_)), "{error}");
}

/// What our verifier refuses, the program refuses too, if it gets it.
#[test]
fn the_program_itself_refuses_changed_words() {
    let program = parse(&program("small")).unwrap();
    let words = words(&file("small"));
    for (what, path) in [
        ("log_n_cosets", &[0, 6][..]),
        ("a cell of the public memory", &[1, 10, 1]),
        ("a value at the out-of-domain point", &[2, 2, 7]),
        ("the nonce", &[2, 4, 0]),
        ("an opened value", &[3, 0, 0, 1, 5]),
        ("a node", &[3, 3, 0, 1, 0]),
        ("a leaf of FRI", &[3, 4, 0, 1, 0]),
    ] {
        let mut words = words.clone();
        *at(&mut words, path) += Felt::from(1u64);
        let run = run(program.clone(), words, 1 << 20);
        assert!(
            matches!(run, Err(RunError::Failed { .. })),
            "{what}: {:?}",
            run.map(|_| ())
        );
    }
}

#[test]
fn a_program_for_another_layout_refuses_the_proof() {
    let error = verify_in_cairo(&file("small"), "recursive").unwrap_err();
    assert!(
        matches!(error, VerifierProgramError::Run(RunError::Failed { .. })),
        "{error}"
    );
}

#[test]
fn what_no_verifier_program_accepts_is_named() {
    let check = |change: fn(&mut Parameters)| {
        let mut file = file("small");
        change(&mut file.parameters);
        super::check(&verifier(&file)).map_err(|error| error.to_string())
    };
    assert_eq!(check(|_| ()), Ok(()));
    let run = verifier(&file("small")).run().clone();
    assert_eq!(CAIRO_VERIFIER.run_warning(&run), None);
    let refused = |change, why: &str| {
        let error = check(change).unwrap_err();
        assert!(error.contains(why), "{error}");
    };
    refused(
        |p| p.fri.proof_of_work_bits = 29,
        "proof_of_work_bits is 29, 30 to 50 is accepted",
    );
    refused(
        |p| p.fri.n_queries = 21,
        "bits of security is 93, at least 96 is required",
    );
    refused(
        |p| p.commitment_hashes.bottom = quarry_kernels::Hash::Keccak256Masked160Lsb,
        "only blake256_masked248_lsb is accepted",
    );
    // The number of Poseidon layers is free.
    assert_eq!(check(|p| p.commitment_hashes.n_top_layers = 9), Ok(()));
}

#[test]
fn a_run_without_all_builtins_is_refused() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cubes");
    let [program, input] =
        ["program", "input"].map(|name| std::fs::read(format!("{path}/{name}.json")).unwrap());
    let input = serde_json::from_slice(&input).unwrap();
    let executable = Executable::program(&program, Some(&input));
    let input = run_program(executable, "small", &RunOptions::default()).unwrap();
    let parameters = CAIRO_VERIFIER.parameters(input.public.n_steps, 96).unwrap();
    let verifier = Verifier::new(Statement::new(&input.public, &parameters).unwrap()).unwrap();
    let error = super::check(&verifier).unwrap_err();
    assert!(matches!(error, VerifierProgramError::Form(_)), "{error}");
    let warning = CAIRO_VERIFIER.run_warning(verifier.run()).unwrap();
    let why = "this program does not declare output, pedersen, range_check, ecdsa, bitwise, ec_op, keccak, poseidon, \
               range_check96, add_mod, mul_mod";
    assert!(warning.ends_with(why), "{warning}");
    assert_eq!(CAIRO_VERIFIER.warning(), None);
}

/// The hashes that a bootloader writes, by Pedersen and by Poseidon.
const HASHES: [[&str; 3]; 7] = [
    [
        "dex",
        "0x3e844124c7cb1efb458964a715864b49856312916a8900d0ced298f0cde132e",
        "0x363c0d4a8cafa0864c1b9275f3826ce301c412e87b001de167edb71c1a80293",
    ],
    [
        "dynamic",
        "0x6d98221c0c7cfca9753d04d6bd4636eaeb2679981e3937458f973311e68599b",
        "0x49841d7b27425fa0b65237f53bb8cc77de9754f783c88672ccb16a9570f8337",
    ],
    [
        "recursive",
        "0x266989edfafdc558fcab7ac36393e047efefb19aef6aefad4826fd536f10323",
        "0x5bfe8bdb922d26dc8362e521e6994dd17998ca75a4dde646d17b2ed8a2743ef",
    ],
    [
        "recursive_with_poseidon",
        "0x7138d7c53640d0f748b90bf3ebb461997d8d45bad2b681b127afb01d8f4ebf",
        "0x1fe6b75fadcf6e31577577821d1722dc7bb3ddbe086be10f79fc503036224bd",
    ],
    [
        "small",
        "0x92c778d2401398c70fa8909e825aa9f11b525eaa39aa9f8054a1a04a2d878e",
        "0x1255ab412784435a33d84d8007f9e0afe661712593f92669820cbaa609cbb33",
    ],
    [
        "starknet",
        "0x3ada450c5cb7f9f9b3c8ca99a187df4ab385642aa26cfc52762aa921a9f7423",
        "0x483240c6e6247e9171d8dc01ba817e01e4267d43a591ef341dd45ce59db0d1d",
    ],
    [
        "starknet_with_keccak",
        "0x74941a33cc23931f5dbfc825322eabc68fd453bd421734166d70059be32ab7e",
        "0x4aa285352d60d8a0d49a489e83275dc58587a7462ba5578a1736b278a27958c",
    ],
];

/// The first four rows were computed by cairo-lang's `cairo-hash-program` from StarkWare's files.
#[test]
fn the_verifier_programs_have_the_hashes_of_starkwares_files() {
    assert!(verifiers::layouts().eq(HASHES.map(|[layout, ..]| layout)));
    let of_profile = CAIRO_VERIFIER.limits.layouts.unwrap();
    assert!(verifiers::layouts().eq(of_profile.iter().copied()));
    let hashes = HASHES.map(|[layout, ..]| {
        let program = CompiledProgram::parse(str::from_utf8(&program(layout)).unwrap()).unwrap();
        let hashes = program.bootloader_hashes();
        let [pedersen, poseidon] = [hashes.pedersen, hashes.poseidon].map(|hash| felt::to_hex(&hash));
        [layout.to_owned(), pedersen, poseidon]
    });
    assert_eq!(hashes, HASHES.map(|row| row.map(str::to_owned)));
}

/// The output of the whole: `[1, size, hash of the verifier program, hash of the proved program, its output..]`.
#[test]
fn a_bootloader_runs_the_verifier_program_as_a_task() {
    let file = file("small");
    let verified = verifier(&file).claim();
    let tasks = Tasks::new(vec![verify_in_cairo(&file, "small").unwrap()]);
    let tasks = tasks.hashed_by(Some(HashFunction::Poseidon));
    let executable = Executable::Tasks(&tasks);
    let input = run_program(executable, LAYOUT, &RunOptions::default()).unwrap();
    let run = Run::of(&input.public, &Layout::of(&input.public).unwrap());
    let [_, hash] = verified.program_hash.unwrap().to_hex();
    let [_, _, verifier] = HASHES
        .into_iter()
        .find(|[layout, ..]| *layout == "small")
        .unwrap();
    let [verifier, hash] = [verifier, &hash].map(|hash| felt::from_hex(hash).unwrap());
    let inner = verified.output.unwrap();
    let size = Felt::from(3 + inner.len() as u64);
    let expected = [&[Felt::from(1u64), size, verifier, hash], &inner[..]].concat();
    assert_eq!(run.output, Some(expected));
}

/// The steps are those of docs/pie.md.
#[test]
fn the_steps_of_a_wrapped_proof_are_foreseen() {
    for (layout, steps) in [("small", 1 << 20), ("dynamic", 1 << 21)] {
        let foreseen = Wrapping::default().foreseen_steps(&verifier(&file(layout)));
        assert_eq!(foreseen.unwrap(), steps, "{layout}");
    }
    // 22 queries of rows of 22, 3 and 2 columns: measured, the program takes 516,723 steps more.
    let mut file_with_blake2s = file("small");
    assert_eq!(
        wrapping::blake2s_of_rows(verifier(&file_with_blake2s).statement()),
        0
    );
    let n_steps = file_with_blake2s.statement.n_steps;
    file_with_blake2s.parameters = CAIRO_VERIFIER.parameters(n_steps, 96).unwrap();
    assert_eq!(
        wrapping::blake2s_of_rows(verifier(&file_with_blake2s).statement()),
        308
    );
    let by_pedersen = Wrapping {
        hash_function: Some(HashFunction::Pedersen),
        ..Wrapping::default()
    };
    assert_eq!(
        by_pedersen.foreseen_steps(&verifier(&file("small"))).unwrap(),
        1 << 22
    );
}
