use super::*;
use ark_ff::Field;
use serde_json::{Value, json};

/// A run of a program with the builtins output and range_check in layout small.
fn cairo0() -> Value {
    let memory: &[(u64, u64)] = &[
        (1, 0x40780017fff7fff),
        (2, 2),
        (3, 0x1104800180018000),
        (4, 4),
        (5, 0x10780017fff7fff),
        (6, 0),
        (7, 0x208b7fff7fff7ffe),
        (8, 10),
        (9, 0),
        (10, 20),
        (11, 21),
        (14, 21),
        (15, 23),
        (20, 7),
    ];
    statement("small", memory, (1, 5), (10, 16))
}

/// A statement in a layout that has the builtins of `small`.
fn statement(layout: &str, memory: &[(u64, u64)], program: (u64, u64), execution: (u64, u64)) -> Value {
    let cell = |&(address, value): &(u64, u64)| json!({ "address": address, "value": format!("{value:#x}"), "page": 0 });
    json!({
        "layout": layout, "n_steps": 64, "rc_min": 0, "rc_max": 65535,
        "memory_segments": {
            "program": { "begin_addr": program.0, "stop_ptr": program.1 },
            "execution": { "begin_addr": execution.0, "stop_ptr": execution.1 },
            "output": { "begin_addr": 20, "stop_ptr": 21 },
            "pedersen": { "begin_addr": 21, "stop_ptr": 21 },
            "range_check": { "begin_addr": 21, "stop_ptr": 23 },
            "ecdsa": { "begin_addr": 30, "stop_ptr": 30 },
        },
        "public_memory": memory.iter().map(cell).collect::<Vec<_>>(),
    })
}

/// A run as `cairo1-run` produces it: `call main; [output] = ..; jmp rel 0`, with no cell between the program and the
/// output.
fn cairo1() -> Value {
    let memory: &[(u64, u64)] = &[
        (1, 0x1104800180018000),
        (2, 4),
        (3, 0x10780017fff7fff),
        (4, 0),
        (5, 0x208b7fff7fff7ffe),
        (20, 7),
    ];
    statement("small", memory, (1, 3), (10, 16))
}

/// A run of a program with all 11 builtins, of which small has four.
fn bootloaded() -> Value {
    let mut memory = vec![
        (1, 0x40780017fff7fff),
        (2, 11),
        (3, 0x1104800180018000),
        (4, 4),
        (5, 0x10780017fff7fff),
        (6, 0),
        (7, 0x208b7fff7fff7ffe),
        (8, 10),
        (9, 0),
    ];
    let absent = |first| (first..first + 7).map(|address| (address, 0));
    memory.extend([(10, 50), (11, 53), (12, 60), (13, 70)]);
    memory.extend(absent(14));
    memory.extend([(30, 53), (31, 56), (32, 62), (33, 70)]);
    memory.extend(absent(34));
    memory.extend([(50, 1), (51, 2)]);
    let mut value = statement("small", &memory, (1, 5), (10, 41));
    value["memory_segments"]["output"] = json!({ "begin_addr": 50, "stop_ptr": 53 });
    value["memory_segments"]["pedersen"] = json!({ "begin_addr": 53, "stop_ptr": 56 });
    value["memory_segments"]["range_check"] = json!({ "begin_addr": 60, "stop_ptr": 62 });
    value["memory_segments"]["ecdsa"] = json!({ "begin_addr": 70, "stop_ptr": 70 });
    let hash = json!({ "address": 52, "page": 0, "value": "0x931813b5c14b9b8b8d9f44bc542445105de0c7e1c7a5a83b7e40ca0b096975" });
    value["public_memory"].as_array_mut().expect("a list").push(hash);
    value
}

fn run_of(value: &Value) -> Run {
    let layout = Layout::by_name("small").expect("known");
    let statement = PublicInput::from_json(value).expect("well-formed");
    Run::of(&statement, &layout)
}

fn changed(mut value: Value, pointer: &str, to: Value) -> Value {
    *value.pointer_mut(pointer).expect("the test's own") = to;
    value
}

fn names(run: &Run) -> Vec<Option<&str>> {
    let slots = run.slots.as_ref().expect("a whole run");
    slots
        .seen()
        .iter()
        .map(|builtin| builtin.name.as_deref())
        .collect()
}

#[test]
fn a_whole_run_is_one() {
    let run = run_of(&cairo0());
    assert_eq!((run.form, &run.why_not_whole), (Form::Cairo0, &None));
    assert_eq!(run.program.as_ref().map(Vec::len), Some(7));
    assert_eq!(run.output, Some(vec![Felt::from(7u64)]));
    assert_eq!(names(&run), [Some("output"), Some("range_check")]);
    assert_eq!(run.modes(), [RunMode::Relaxed]);
    assert!(RunMode::Whole.takes(&run));
    let slots = run.slots.expect("whole");
    assert!(!slots.is_complete() && !slots.is_the_only_list());
}

#[test]
fn what_is_no_whole_run_is_of_no_known_form() {
    let cases: &[(&str, Value)] = &[
        ("/memory_segments/program/begin_addr", json!(2)),
        ("/memory_segments/program/stop_ptr", json!(4)),
        ("/memory_segments/program/stop_ptr", json!(7)),
        ("/memory_segments/execution/begin_addr", json!(11)),
        ("/memory_segments/execution/stop_ptr", json!(17)),
        // The output segment does not match what `main` wrote.
        ("/memory_segments/output/begin_addr", json!(19)),
        ("/memory_segments/output/stop_ptr", json!(20)),
        ("/memory_segments/range_check/stop_ptr", json!(22)),
        // A used builtin that `main` does not have.
        ("/memory_segments/ecdsa/stop_ptr", json!(32)),
        ("/public_memory/0/value", json!("0x1")),
        ("/public_memory/1/value", json!("0x1")),
        ("/public_memory/1/value", json!("0x3")),
        ("/public_memory/1/value", json!("0xffffffffffffffffffff")),
        ("/public_memory/4/value", json!("0x0")),
        ("/public_memory/5/value", json!("0x1")),
        ("/public_memory/7/value", json!("0x9")),
        ("/public_memory/8/value", json!("0x1")),
        // Gaps in the program and in the output.
        ("/public_memory/6/address", json!(18)),
        ("/public_memory/13/address", json!(19)),
        ("/public_memory/10/address", json!(18446744073709551615u64)),
        (
            "/memory_segments/execution/stop_ptr",
            json!(18446744073709551615u64),
        ),
        (
            "/memory_segments/program/begin_addr",
            json!(18446744073709551615u64),
        ),
    ];
    for (pointer, value) in cases {
        let run = run_of(&changed(cairo0(), pointer, value.clone()));
        assert_eq!(run.form, Form::Unknown, "{pointer} {value}");
        assert!(
            run.why_not_whole.is_some() && run.warning().is_some(),
            "{pointer} {value}"
        );
        assert!(run.modes().is_empty() && RunMode::Any.takes(&run));
        for mode in [RunMode::Whole, RunMode::Strict, RunMode::Relaxed, RunMode::Cairo1] {
            assert!(!mode.takes(&run), "{pointer} {value}: {mode:?}");
        }
    }
}

#[test]
fn a_list_of_builtins_is_checked_slot_by_slot() {
    let slots = run_of(&cairo0()).slots.expect("a whole run");
    slots.check(&["output", "range_check"]).expect("the list");
    let wrong: [&[&str]; 8] = [
        &["output"],
        &["output", "range_check", "ecdsa"],
        &["range_check", "output"],
        &["output", "pedersen"],
        &["output", "output"],
        // Layout `small` lacks it, so both pointers would have to be 0.
        &["output", "poseidon"],
        &["output", "no such"],
        &[],
    ];
    for list in wrong {
        slots.check(list).expect_err(&format!("{list:?}"));
    }
}

#[test]
fn a_complete_list_is_strict() {
    let mut value = cairo0();
    let cells = [
        (2, 4),
        (10, 20),
        (11, 21),
        (12, 21),
        (13, 30),
        (14, 21),
        (15, 21),
        (16, 23),
        (17, 30),
    ];
    for (address, word) in cells {
        let memory = value["public_memory"].as_array_mut().expect("a list");
        memory.retain(|cell| cell["address"] != json!(address));
        memory.push(json!({ "address": address, "value": format!("{word:#x}"), "page": 0 }));
    }
    let value = changed(value, "/memory_segments/execution/stop_ptr", json!(18));
    let run = run_of(&value);
    assert_eq!(run.modes(), [RunMode::Strict, RunMode::Relaxed]);
    assert!(
        run.slots
            .is_some_and(|slots| slots.is_complete() && !slots.is_the_only_list())
    );
}

#[test]
fn a_bootloader_has_all_builtins_and_lists_its_tasks() {
    let run = run_of(&bootloaded());
    assert_eq!((run.form, &run.why_not_whole), (Form::Bootloaded, &None));
    assert_eq!(names(&run), CANONICAL_BUILTINS.map(Some));
    assert_eq!(run.modes(), [RunMode::Relaxed]);
    assert!(!RunMode::Whole.takes(&run) && !RunMode::Strict.takes(&run));
    let slots = run.slots.expect("a whole run");
    assert!(slots.is_the_only_list() && slots.has_absent() && !slots.is_complete());
    slots.check(&CANONICAL_BUILTINS).expect("the only list");
    let tasks = run.bootloaded.expect("tasks").tasks;
    assert_eq!((tasks.len(), tasks[0].output.len()), (1, 0));
    assert_eq!(tasks[0].hash_function, TaskHash::Pedersen);

    // Both pointers of a builtin that the layout lacks must be 0, in the builtin's own slot.
    for (address, word) in [(14, 1), (40, 1), (13, 0), (11, 60)] {
        let memory = bootloaded()["public_memory"].clone();
        let at = memory
            .as_array()
            .and_then(|cells| cells.iter().position(|cell| cell["address"] == json!(address)));
        let pointer = format!("/public_memory/{}/value", at.expect("public"));
        let run = run_of(&changed(bootloaded(), &pointer, json!(format!("{word:#x}"))));
        assert_eq!(run.form, Form::Unknown, "{address}");
    }
}

#[test]
fn lists_of_tasks_are_read_to_their_end() {
    let statement = PublicInput::from_json(&bootloaded()).expect("well-formed");
    let hash = Felt::from(3u64).pow([200]);
    let felt = |value: u64| Felt::from(value);
    let tasks = |output: &[Felt]| Bootloaded::read(output, &statement);
    let two = [felt(2), felt(3), hash, felt(5), felt(2), hash];
    let read = tasks(&two).expect("two tasks");
    assert_eq!(read.tasks.len(), 2);
    assert_eq!(read.tasks[0].output, [felt(5)]);
    let configured = [&[hash, hash, hash], &two[..]].concat();
    assert_eq!(tasks(&configured).expect("a configuration").config.len(), 3);
    assert_eq!(tasks(&configured[1..]).expect("an older one").config.len(), 2);
    let unset = [&[felt(0), felt(0), hash], &two[..]].concat();
    assert_eq!(tasks(&unset).expect("hashes that are not set").config.len(), 3);
    assert_eq!(tasks(&configured[2..]), None, "no configuration has one cell");
    let wrong: &[&[Felt]] = &[
        &[],
        &[felt(0)],
        &[felt(1)],
        &[felt(1), felt(2)],
        &[felt(1), felt(1), hash],
        &[felt(1), felt(0)],
        // A program hash that is too small to be a hash.
        &[felt(1), felt(2), felt(9)],
        &[felt(2), felt(2), hash],
        &[felt(1), felt(2), hash, felt(1)],
        &[felt(1), hash, hash],
    ];
    for output in wrong {
        assert_eq!(tasks(output), None, "{output:?}");
    }
}

#[test]
fn addresses_at_the_end_of_all_are_refused() {
    let mut value = cairo1();
    for (_, segment) in value["memory_segments"].as_object_mut().expect("an object") {
        *segment = json!({ "begin_addr": u64::MAX, "stop_ptr": u64::MAX });
    }
    value["memory_segments"]["program"]["begin_addr"] = json!(1);
    assert_eq!(run_of(&value).form, Form::Unknown);
}

#[test]
fn a_cairo_1_run_is_from_its_entry_to_its_loop() {
    let run = run_of(&cairo1());
    assert_eq!(run.form, Form::Cairo1);
    assert_eq!(run.program.as_ref().map(Vec::len), Some(5));
    assert_eq!(run.output, Some(vec![Felt::from(7u64)]));
    assert_eq!(run.modes(), [RunMode::Cairo1]);
    assert!(run.slots.is_none() && run.warning().is_some());
    for (pointer, value) in [
        ("/memory_segments/program/begin_addr", json!(2)),
        ("/memory_segments/program/stop_ptr", json!(1)),
        ("/memory_segments/program/stop_ptr", json!(5)),
        ("/memory_segments/output/stop_ptr", json!(20)),
        ("/memory_segments/output/begin_addr", json!(19)),
        ("/public_memory/2/value", json!("0x1")),
        ("/public_memory/3/value", json!("0x1")),
        ("/public_memory/5/page", json!(1)),
        ("/public_memory/1/address", json!(8)),
    ] {
        let run = run_of(&changed(cairo1(), pointer, value.clone()));
        assert_ne!(
            (run.form, run.output),
            (Form::Cairo1, Some(vec![Felt::from(7u64)])),
            "{pointer} {value}"
        );
    }
}

/// Unused builtins whose segments begin at the same address are interchangeable: none of them checked anything.
#[test]
fn unused_builtins_at_one_address_stand_for_each_other() {
    let value = changed(cairo0(), "/memory_segments/range_check/stop_ptr", json!(21));
    let value = changed(value, "/public_memory/13/value", json!("0x7"));
    let value = changed(value, "/public_memory/12/value", json!("0x15"));
    let run = run_of(&value);
    assert_eq!(names(&run), [Some("output"), Some("pedersen")]);
    let slots = run.slots.expect("a whole run");
    for second in ["pedersen", "range_check"] {
        slots.check(&["output", second]).expect("unused, at that address");
    }
    slots.check(&["output", "ecdsa"]).expect_err("unused, elsewhere");
}

/// A run in layout `dynamic`, which has all 11 builtins but not instances of all; `main` receives the segments in
/// `slots`.
fn dynamic(slots: [&str; 11]) -> Run {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/dynamic/c2_nokeccak_nomod"
    );
    let text = std::fs::read_to_string(format!("{folder}/public_input.json")).expect("a case");
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    let address = |of: &str| value["memory_segments"][of].clone();
    let number = |value: &Value| value.as_u64().expect("a number");
    let frame = number(&address("execution")["begin_addr"]);
    let results = number(&address("execution")["stop_ptr"]) - slots.len() as u64;
    let ends = |first: u64, end: &str| {
        let pointers = slots.map(|slot| number(&address(slot)[end]));
        (first..).zip(pointers).collect::<Vec<_>>()
    };
    let cells = [
        ends(frame, "begin_addr"),
        ends(results, "stop_ptr"),
        vec![(2, 11)],
    ]
    .concat();
    let memory = value["public_memory"].as_array_mut().expect("a list");
    for (address, word) in cells {
        memory.retain(|cell| cell["address"] != json!(address));
        memory.push(json!({ "address": address, "value": format!("{word:#x}"), "page": 0 }));
    }
    let statement = PublicInput::from_json(&value).expect("well-formed");
    Run::of(&statement, &Layout::of(&statement).expect("its layout"))
}

#[test]
fn all_eleven_builtins_have_their_canonical_places() {
    let run = dynamic(CANONICAL_BUILTINS);
    assert_eq!(names(&run), CANONICAL_BUILTINS.map(Some));
    assert!(RunMode::Strict.takes(&run));
    let slots = run.slots.expect("a whole run");
    assert!(slots.is_complete() && slots.is_the_only_list() && !slots.has_absent());
    let mut swapped = CANONICAL_BUILTINS;
    swapped.swap(1, 2);
    let run = dynamic(swapped);
    assert_eq!(run.form, Form::Unknown);
    assert!(run.why_not_whole.is_some_and(|why| why.contains("'pedersen'")));
}
