//! Scarb executables: what a run of one gives, what each hint writes, and what is refused.

mod compiled;
mod hints;
mod text;

use self::hints::at;
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::types::relocatable::MaybeRelocatable;
use cairo_vm::vm::runners::cairo_pie::CairoPie;
use quarry_tasks::executable::{Executable, ExecutableError, Felt252, MAX_BYTES, read};
use serde_json::{Value, json};

const SQUARES: &str = include_str!("../data/squares.executable.json");

/// Maximum number of steps of a test.
const STEPS: usize = 10_000;

fn squares() -> Executable {
    read(SQUARES.as_bytes()).expect("an executable")
}

fn run(executable: &Executable, arguments: &[u64]) -> Result<CairoPie, ExecutableError> {
    let arguments: Vec<_> = arguments.iter().copied().map(Felt252::from).collect();
    executable.run_to_pie(&arguments, STEPS)
}

/// The cells of a segment from an offset on.
fn cells(pie: &CairoPie, segment: isize, from: usize) -> Vec<MaybeRelocatable> {
    let mut cells: Vec<_> = pie.memory.0.iter().collect();
    cells.sort_by_key(|(address, _)| *address);
    let of_segment = cells.into_iter();
    let of_segment =
        of_segment.filter(|((index, offset), _)| index.cast_signed() == segment && *offset >= from);
    of_segment.map(|(_, value)| value.clone()).collect()
}

#[test]
fn a_run_gives_the_output_of_main() {
    let pie = run(&squares(), &[3, 4, 5]).expect("a run");
    let output = &pie.metadata.builtin_segments[&BuiltinName::output];
    assert_eq!(
        cells(&pie, output.index, 0),
        [50, 3].map(|n| Felt252::from(n).into())
    );
    assert_eq!(pie.metadata.builtin_segments[&BuiltinName::range_check].size, 6);
    assert_eq!(pie.metadata.program.main, 6);
}

#[test]
fn a_panic_is_said_in_words() {
    let error = run(&squares(), &[]).expect_err("no values");
    assert_eq!(error.to_string(), "the program panics with 'no values'");
    assert_eq!(error.code(), "executable.panic");
    run(&squares(), &[1, u64::MAX]).expect("values that are small enough");
    let large = [Felt252::from(1u128 << 64)];
    let error = squares().run_to_pie(&large, STEPS).expect_err("too large");
    assert_eq!(
        error.to_string(),
        "the program panics with 'a value is too large'"
    );
}

#[test]
fn a_run_ends_at_the_step_limit() {
    let error = squares()
        .run_to_pie(&[Felt252::from(1)], 10)
        .expect_err("too long");
    assert_eq!(error.code(), "executable.steps", "{error}");
}

/// A change of the file, the code of the error, and a part of its message.
type Damage = (fn(&mut Value), &'static str, &'static str);

#[test]
fn a_damaged_file_is_refused() {
    let cases: &[Damage] = &[
        (
            |file| file["program"] = json!(7),
            "executable.json",
            "invalid type",
        ),
        (
            |file| file["program"]["bytecode"][0] = json!("12"),
            "executable.json",
            "'12' is not",
        ),
        (
            |file| file["program"]["bytecode"][0] = json!(format!("0x{}", "f".repeat(64))),
            "executable.json",
            "is not",
        ),
        (
            |file| file["program"]["hints"][0][0] = json!(85),
            "executable.hints",
            "no such word",
        ),
        (
            |file| file["program"]["hints"][1][0] = json!(6),
            "executable.hints",
            "twice",
        ),
        (
            |file| file["program"]["hints"][0][1] = json!([{ "Unheard": {} }]),
            "executable.json",
            "the hint 'Unheard' is unknown",
        ),
        (
            |file| {
                file["program"]["hints"][0][1] =
                    json!([{ "SystemCall": { "system": { "Immediate": "0x1" } } }]);
            },
            "executable.starknet",
            "the hint at pc 6 is SystemCall",
        ),
        (
            |file| {
                let long = json!({ "Immediate": format!("0x{}", "1".repeat(5000)) });
                let hint = json!({ "SquareRoot": { "value": long, "dst": at(0) } });
                file["program"]["hints"][0][1] = json!([hint]);
            },
            "executable.json",
            "too long",
        ),
        (
            |file| file["program"]["hints"][0][1] = json!([{ "Unheard": vec![0; 4096] }]),
            "executable.json",
            "too long",
        ),
        (
            |file| {
                file["program"]["hints"][0][1] = json!(vec![json!({ "AllocSegment": { "dst": at(0) } }); 17]);
            },
            "executable.json",
            "more than 16 values",
        ),
        (
            |file| file["entrypoints"][1]["offset"] = json!(85),
            "executable.entry_point",
            "85 words",
        ),
        (
            |file| file["entrypoints"][1]["kind"] = json!("Other"),
            "executable.json",
            "unknown variant",
        ),
        (
            |file| file["entrypoints"][1]["builtins"] = json!(["range_check", "output"]),
            "executable.entry_point",
            "order of bootloaders",
        ),
        (
            |file| file["entrypoints"][0]["kind"] = json!("Bootloader"),
            "executable.entry_point",
            "it is there twice",
        ),
    ];
    for (damage, code, why) in cases {
        let mut file: Value = serde_json::from_str(SQUARES).expect("JSON");
        damage(&mut file);
        let error = read(file.to_string().as_bytes()).expect_err(why);
        assert!(error.to_string().contains(why), "{why}: {error}");
        assert_eq!(error.code(), *code, "{error}");
    }
    let error = read(&vec![b' '; MAX_BYTES + 1]).expect_err("too large");
    assert_eq!(error.code(), "executable.file_size");
    let mut file: Value = serde_json::from_str(SQUARES).expect("JSON");
    file["entrypoints"] = json!([]);
    let empty = read(file.to_string().as_bytes()).expect("an executable");
    let error = run(&empty, &[1]).expect_err("no entry point");
    assert_eq!(
        error.to_string(),
        "the executable has no entry point of kind Bootloader"
    );
}
