//! What each hint writes, and hints that cannot be executed.

use super::{STEPS, cells, run};
use cairo_vm::types::relocatable::MaybeRelocatable;
use quarry_tasks::executable::{ExecutableError, Felt252, read};
use serde_json::{Value, json};

/// An executable whose function reserves 16 cells, executes hints that write to them, and returns.
fn with_hints(hints: &[Value]) -> Value {
    json!({
        "program": {
            "bytecode": ["0x40780017fff7fff", "0x10", "0x208b7fff7fff7ffe"],
            "hints": [[0, hints]],
        },
        "entrypoints": [{ "builtins": [], "offset": 0, "kind": "Bootloader" }],
    })
}

pub fn at(offset: i16) -> Value {
    json!({ "register": "AP", "offset": offset })
}

fn is(number: &str) -> Value {
    json!({ "Immediate": number })
}

fn value_at(offset: i16) -> Value {
    json!({ "Deref": at(offset) })
}

/// Runs hints and returns what they wrote from `ap` on; `None` for a pointer.
fn written(hints: &[Value]) -> Result<Vec<Option<Felt252>>, ExecutableError> {
    let executable = read(with_hints(hints).to_string().as_bytes())?;
    let pie = run(&executable, &[7, 8])?;
    let cells = cells(&pie, 1, 2).into_iter();
    let number = |value| match value {
        MaybeRelocatable::Int(number) => Some(number),
        MaybeRelocatable::RelocatableValue(_) => None,
    };
    Ok(cells.map(number).collect())
}

fn felts(numbers: &[&str]) -> Vec<Option<Felt252>> {
    let felt = |number: &&str| Some(Felt252::from_hex(number).expect("a felt"));
    numbers.iter().map(felt).collect()
}

/// The values were computed by Python from the descriptions of the hints.
#[test]
fn integer_hints_write_what_they_say() {
    let two_128 = "0x100000000000000000000000000000000";
    for (hint, expected) in [
        (
            json!({ "TestLessThan": { "lhs": is("0x3"), "rhs": is("0x3"), "dst": at(0) } }),
            &["0x0"][..],
        ),
        (
            json!({ "TestLessThanOrEqual": { "lhs": is("0x3"), "rhs": is("-0x1"), "dst": at(0) } }),
            &["0x1"],
        ),
        (
            json!({ "WideMul128": {
                "lhs": is("0xffffffffffffffffffffffffffffffff"), "rhs": is("0x10"),
                "high": at(0), "low": at(1),
            } }),
            &["0xf", "0xfffffffffffffffffffffffffffffff0"],
        ),
        (
            json!({ "DivMod": { "lhs": is("0x17"), "rhs": is("0x5"), "quotient": at(0), "remainder": at(1) } }),
            &["0x4", "0x3"],
        ),
        (
            json!({ "SquareRoot": { "value": is("0x18"), "dst": at(0) } }),
            &["0x4"],
        ),
        (
            json!({ "LinearSplit": {
                "value": is("0x64"), "scalar": is("0xa"),
                "max_x": is("0x7"), "x": at(0), "y": at(1),
            } }),
            &["0x7", "0x1e"],
        ),
        // 2^128 + 7 by 3.
        (
            json!({ "Uint256DivMod": {
                "dividend0": is("0x7"), "dividend1": is("0x1"), "divisor0": is("0x3"), "divisor1": is("0x0"),
                "quotient0": at(0), "quotient1": at(1), "remainder0": at(2), "remainder1": at(3),
            } }),
            &["0x55555555555555555555555555555557", "0x0", "0x2", "0x0"],
        ),
        // 2^384 + 5 by 2^128.
        (
            json!({ "Uint512DivModByUint256": {
                "dividend0": is("0x5"), "dividend1": is("0x0"), "dividend2": is("0x0"), "dividend3": is("0x1"),
                "divisor0": is("0x0"), "divisor1": is("0x1"),
                "quotient0": at(0), "quotient1": at(1), "quotient2": at(2), "quotient3": at(3),
                "remainder0": at(4), "remainder1": at(5),
            } }),
            &["0x0", "0x0", "0x1", "0x0", "0x5", "0x0"],
        ),
        // 2^256 - 1: the root is 2^128 - 1, the remainder 2^129 - 2.
        (
            json!({ "Uint256SquareRoot": {
                "value_low": is("0xffffffffffffffffffffffffffffffff"),
                "value_high": is("0xffffffffffffffffffffffffffffffff"),
                "sqrt0": at(0), "sqrt1": at(1), "remainder_low": at(2), "remainder_high": at(3),
                "sqrt_mul_2_minus_remainder_ge_u128": at(4),
            } }),
            &[
                "0xffffffffffffffff",
                "0xffffffffffffffff",
                "0xfffffffffffffffffffffffffffffffe",
                "0x1",
                "0x0",
            ],
        ),
        // 3 modulo 7: 3 * 5 = 1 + 2 * 7.
        (inverse("0x3", "0x7"), &["0x0", "0x5", "0x0", "0x2", "0x0"]),
        // 6 modulo 9: the divisor 3.
        (inverse("0x6", "0x9"), &["0x3", "0x0", "0x2", "0x0", "0x3", "0x0"]),
        // 8 modulo 12: of the divisor 4 the program wants 2.
        (inverse("0x8", "0xc"), &["0x2", "0x0", "0x4", "0x0", "0x6", "0x0"]),
        (
            json!({ "FieldSqrt": { "val": is("0x9"), "sqrt": at(0) } }),
            &["0x3"],
        ),
        // 3 is no square, 3 * 3 is.
        (
            json!({ "FieldSqrt": { "val": is("0x3"), "sqrt": at(0) } }),
            &["0x3"],
        ),
        (
            json!({ "DebugPrint": { "start": is("0x0"), "end": is("0x0") } }),
            &[],
        ),
    ] {
        assert_eq!(
            written(std::slice::from_ref(&hint)).expect("a run"),
            felts(expected),
            "{hint}"
        );
    }
    let sum = json!({ "BinOp": { "op": "Add", "a": at(0), "b": { "Immediate": two_128 } } });
    let hints = [
        json!({ "SquareRoot": { "value": is("0x10"), "dst": at(0) } }),
        json!({ "DivMod": { "lhs": sum, "rhs": is("0x2"), "quotient": at(1), "remainder": at(2) } }),
    ];
    let expected = felts(&["0x4", "0x80000000000000000000000000000002", "0x0"]);
    assert_eq!(written(&hints).expect("a run"), expected);
}

/// In a case without inverse, all of `g`, `s` and `t` are there, otherwise only the first limb of `g`, which is 0.
fn inverse(b: &str, n: &str) -> Value {
    json!({ "U256InvModN": {
        "b0": is(b), "b1": is("0x0"), "n0": is(n), "n1": is("0x0"),
        "g0_or_no_inv": at(0), "g1_option": at(1), "s_or_r0": at(2), "s_or_r1": at(3),
        "t_or_k0": at(4), "t_or_k1": at(5),
    } })
}

#[test]
fn arguments_points_and_arcs_are_written() {
    let arguments = json!({ "WriteRunParam": { "index": is("0x0"), "dst": at(0) } });
    let segment = json!({ "AllocSegment": { "dst": at(2) } });
    let object = |dst| json!({ "AllocConstantSize": { "size": is("0x5"), "dst": at(dst) } });
    let cells = written(&[arguments, segment, object(3), object(4)]).expect("a run");
    assert_eq!(cells, [None; 5]);
    let point = |x| json!({ "RandomEcPoint": { "x": at(x), "y": at(x + 1) } });
    let points = written(&[point(0), point(2)]).expect("a run");
    let beta =
        Felt252::from_hex("0x6f21413efbe40de150e596d72f7a8c5609ad26c15c915c1f4cdfcb99cee9e89").expect("hex");
    for pair in points.chunks(2) {
        let [Some(x), Some(y)] = pair else {
            panic!("{points:?}")
        };
        assert_eq!(y * y, x * x * x + x + beta);
    }
    assert_ne!(points[0], points[2]);
    // The proof must be the same each time.
    assert_eq!(written(&[point(0), point(2)]).expect("a run"), points);
    let arcs = json!({ "AssertLeFindSmallArcs": { "range_check_ptr": value_at(0), "a": is("0x2"), "b": is("0x5") } });
    let first = json!({ "AssertLeIsFirstArcExcluded": { "skip_exclude_a_flag": at(1) } });
    let second = json!({ "AssertLeIsSecondArcExcluded": { "skip_exclude_b_minus_a": at(2) } });
    let hints = [json!({ "AllocSegment": { "dst": at(0) } }), arcs, first, second];
    assert_eq!(written(&hints).expect("a run")[1..], felts(&["0x1", "0x1"]));
}

/// A dictionary of 3 accesses to 2 keys: what the loop that squashes it is told.
#[test]
fn a_dictionary_is_squashed_in_the_order_of_its_keys() {
    let hints = [
        json!({ "AllocSegment": { "dst": at(0) } }),
        json!({ "WriteRunParam": { "index": is("0x0"), "dst": at(1) } }),
        // The arguments 7 and 8 are no dictionary of three cells, so one access, of key 7.
        json!({ "InitSquashData": {
            "dict_accesses": value_at(1), "ptr_diff": is("0x0"), "n_accesses": is("0x1"),
            "big_keys": at(3), "first_key": at(4),
        } }),
        json!({ "GetCurrentAccessIndex": { "range_check_ptr": value_at(0) } }),
        json!({ "ShouldSkipSquashLoop": { "should_skip_loop": at(5) } }),
        json!({ "ShouldContinueSquashLoop": { "should_continue": at(6) } }),
    ];
    let cells = written(&hints).expect("a run");
    assert_eq!(cells[3..], felts(&["0x0", "0x7", "0x1", "0x0"]));
}

/// The hint of a comparison that writes to a pointer at `ap`, and this far behind it.
fn arcs_at(offset: &str) -> Value {
    let pointer = json!({ "BinOp": { "op": "Add", "a": at(0), "b": { "Immediate": offset } } });
    json!({ "AssertLeFindSmallArcs": { "range_check_ptr": pointer, "a": is("0x2"), "b": is("0x5") } })
}

#[test]
fn hints_that_cannot_be_executed_are_errors() {
    let many = "0xffffffffffff";
    for (hints, why) in [
        (
            vec![
                json!({ "DivMod": { "lhs": is("0x1"), "rhs": is("0x0"), "quotient": at(0), "remainder": at(1) } }),
            ],
            "division by zero",
        ),
        (vec![inverse("0x3", "0x0")], "modulo zero"),
        (
            vec![json!({ "LinearSplit": {
                    "value": is("0x1"), "scalar": is("0x0"),
                    "max_x": is("0x1"), "x": at(0), "y": at(1),
                } })],
            "division by zero",
        ),
        (
            vec![json!({ "SquareRoot": { "value": value_at(9), "dst": at(0) } })],
            "no value",
        ),
        (
            vec![json!({ "AllocFelt252Dict": { "segment_arena_ptr": is("0x1") } })],
            "no pointer",
        ),
        (
            vec![json!({ "GetNextDictKey": { "next_key": at(0) } })],
            "no access",
        ),
        (
            vec![json!({ "GetCurrentAccessDelta": { "index_delta_minus1": at(0) } })],
            "no access",
        ),
        (
            vec![json!({ "WriteRunParam": { "index": is("0x1"), "dst": at(0) } })],
            "second list",
        ),
        (
            vec![
                json!({ "AllocSegment": { "dst": at(0) } }),
                json!({ "InitSquashData": {
                    "dict_accesses": value_at(0), "ptr_diff": is("0x0"), "n_accesses": is(many),
                    "big_keys": at(3), "first_key": at(4),
                } }),
            ],
            "more cells than the steps could",
        ),
        (
            vec![
                json!({ "AllocSegment": { "dst": at(0) } }),
                json!({ "EvalCircuit": {
                    "n_add_mods": is(many), "add_mod_builtin": value_at(0),
                    "n_mul_mods": is(many), "mul_mod_builtin": value_at(0),
                } }),
            ],
            "more cells than the steps could",
        ),
        (
            vec![
                json!({ "AllocSegment": { "dst": at(0) } }),
                arcs_at("0x10000000000"),
            ],
            "writes too far",
        ),
        (
            vec![
                json!({ "AllocSegment": { "dst": at(0) } }),
                json!({ "Felt252DictEntryInit": { "dict_ptr": value_at(0), "key": is("0x1") } }),
            ],
            "in no dictionary",
        ),
    ] {
        let error = written(&hints).expect_err(why);
        assert!(error.to_string().contains(why), "{hints:?}: {error}");
        assert_eq!(error.code(), "executable.run", "{error}");
    }
}

/// Loops with as many hints before a word as there may be: each takes a segment, or the time of a square root.
#[test]
fn hints_take_no_more_memory_or_time_than_the_steps_could() {
    let segments: Vec<_> = (0..16)
        .map(|i| json!({ "AllocSegment": { "dst": at(i) } }))
        .collect();
    let root = json!({ "FieldSqrt": { "val": is("0x9"), "sqrt": at(0) } });
    let inverse = json!({ "U256InvModN": {
        "b0": is("0x3"), "b1": is("0x0"), "n0": is("0x7"), "n1": is("0x0"),
        "g0_or_no_inv": at(0), "g1_option": at(1), "s_or_r0": at(2), "s_or_r1": at(3), "t_or_k0": at(4), "t_or_k1": at(5)
    } });
    for (hints, steps) in [
        (segments, STEPS),
        (vec![root.clone(); 16], STEPS),
        // One root takes as long as 256 steps.
        (vec![root], 255),
        (vec![inverse], 255),
        (vec![json!({ "RandomEcPoint": { "x": at(0), "y": at(1) } })], 255),
    ] {
        let mut file = with_hints(&hints);
        file["program"]["bytecode"] = json!(["0x40780017fff7fff", "0x10", "0x10780017fff7fff", "-0x2"]);
        let executable = read(file.to_string().as_bytes()).expect("an executable");
        let error = executable.run_to_pie(&[], steps).expect_err("a loop");
        assert!(
            error.to_string().contains("more cells than the steps could"),
            "{hints:?}: {error}"
        );
    }
}
