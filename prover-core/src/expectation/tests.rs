//! Expectations of statements; those of whole proofs are in `tests/suite/claims.rs`.

#[cfg(feature = "runner")]
mod bootloaders;

use super::*;
use crate::cairo::layouts::Layout;
use crate::cairo::public_input::PublicInput;
use crate::cairo::run::{Bootloaded, Task, TaskHash};
use crate::claim::ProgramHash;
use crate::parameters::{Parameters, StoneVersion};
use crate::profiles::Profile;
use serde_json::json;

/// A whole run of a program with four builtins, in a layout that has four. All of them are unused except the output,
/// which has one cell.
fn complete_run(layout: &str, fourth: &str) -> (PublicInput, Run) {
    let memory = [
        (1, 0x40780017fff7fff_u64),
        (2, 4),
        (3, 0x1104800180018000),
        (4, 4),
        (5, 0x10780017fff7fff),
        (6, 0),
        (7, 0x208b7fff7fff7ffe),
        (8, 10),
        (9, 0),
        (10, 20),
        (11, 30),
        (12, 40),
        (13, 50),
        (14, 21),
        (15, 30),
        (16, 40),
        (17, 50),
        (20, 7),
    ];
    let unused = |at: u64| json!({ "begin_addr": at, "stop_ptr": at });
    let cell = |&(address, value): &(u64, u64)| json!({ "address": address, "value": format!("{value:#x}"), "page": 0 });
    let statement = PublicInput::from_json(&json!({
        "layout": layout, "n_steps": 1024, "rc_min": 0, "rc_max": 65535,
        "memory_segments": {
            "program": { "begin_addr": 1, "stop_ptr": 5 },
            "execution": { "begin_addr": 10, "stop_ptr": 18 },
            "output": { "begin_addr": 20, "stop_ptr": 21 },
            "pedersen": unused(30), "range_check": unused(40), fourth: unused(50),
        },
        "public_memory": memory.iter().map(cell).collect::<Vec<_>>(),
    }));
    let statement = statement.expect("well-formed");
    let run = Run::of(&statement, &Layout::by_name(layout).expect("known"));
    (statement, run)
}

fn check(expectation: &Expectation, of: &(PublicInput, Run)) -> Result<Verified, Mismatch> {
    let (statement, run) = of;
    let parameters: Parameters = Profile::default_profile()
        .parameters(1024, 96)
        .expect("parameters");
    assert_eq!(parameters.stone_version, StoneVersion::Stone6);
    let mut claim = Verified::new(statement, &parameters, run);
    expectation.check(run, &mut claim).map(|()| claim)
}

#[test]
fn the_default_asks_for_a_whole_run_and_80_bits() {
    let default = Expectation::default();
    assert_eq!((default.run, default.min_security_bits), (RunMode::Whole, 80));
    let any = Expectation::any();
    assert_eq!((any.run, any.min_security_bits), (RunMode::Any, 0));
}

/// The same program, with ECDSA or bitwise as its fourth builtin. It is complete in either layout and has the same
/// hash, so a complete list determines nothing unless the caller gives the layout.
#[test]
fn a_complete_list_is_bound_by_the_layout_that_the_caller_states() {
    let (small, recursive) = (
        complete_run("small", "ecdsa"),
        complete_run("recursive", "bitwise"),
    );
    let hash = |run: &Run| ProgramHash::of(run.program.as_ref().expect("public"));
    assert_eq!(hash(&small.1), hash(&recursive.1));
    let [pedersen, poseidon] = hash(&small.1).to_hex().map(|hash| felt::from_hex(&hash));
    for program_hash in [pedersen, poseidon] {
        let gate = |layout: Option<&str>, builtins: Option<[&str; 4]>| Expectation {
            program_hash,
            layout: layout.map(str::to_owned),
            builtins: builtins.map(|list| list.map(str::to_owned).to_vec()),
            run: RunMode::Strict,
            ..Expectation::any()
        };
        for run in [&small, &recursive] {
            assert!(matches!(
                check(&gate(None, None), run),
                Err(Mismatch::Unbound { .. })
            ));
        }
        let claim = check(&gate(Some("small"), None), &small).expect("its layout");
        assert_eq!(claim.builtins_binding, Binding::Layout);
        assert!(matches!(
            check(&gate(Some("small"), None), &recursive),
            Err(Mismatch::Layout { .. })
        ));
        let list = ["output", "pedersen", "range_check", "ecdsa"];
        check(&gate(None, Some(list)), &small).expect("its list");
        assert!(matches!(
            check(&gate(None, Some(list)), &recursive),
            Err(Mismatch::Builtins(_))
        ));
    }
}

#[test]
fn what_differs_is_named() {
    let small = complete_run("small", "ecdsa");
    let expected = |output: &[u64]| Expectation {
        output: Some(output.iter().map(|&value| value.into()).collect()),
        ..Expectation::any()
    };
    check(&expected(&[7]), &small).expect("its output");
    for other in [&[8][..], &[], &[7, 7]] {
        assert!(matches!(
            check(&expected(other), &small),
            Err(Mismatch::Output { .. })
        ));
    }
    let other = Expectation {
        program_hash: Some(Felt::from(1u64)),
        layout: Some("small".to_owned()),
        ..Expectation::any()
    };
    assert!(matches!(check(&other, &small), Err(Mismatch::Program { .. })));
    let bootloader = Expectation {
        task: Some(ExpectedTask::default()),
        ..Expectation::any()
    };
    assert!(matches!(check(&bootloader, &small), Err(Mismatch::NoTasks)));
}

/// A bootloader that unpacks others lists whatever the programs in its configuration tell it to, and the prover chooses
/// those programs.
#[test]
fn a_task_behind_a_configuration_needs_the_configuration() {
    let (statement, mut run) = complete_run("small", "ecdsa");
    let hash = |n: u64| Felt::from(u128::MAX) + Felt::from(n);
    let output = vec![hash(1), hash(2), hash(3), 1.into(), 3.into(), hash(4), 7.into()];
    run.bootloaded = Some(Bootloaded {
        bootloader: None,
        config: output[..3].to_vec(),
        tasks: vec![Task {
            program_hash: hash(4),
            hash_function: TaskHash::Unknown,
            output: vec![7.into()],
        }],
    });
    run.output = Some(output.clone());
    let program = ProgramHash::of(run.program.as_ref().expect("public")).to_hex();
    let of = (statement, run);
    let gate = Expectation {
        bootloader_hash: felt::from_hex(&program[0]),
        layout: Some("small".to_owned()),
        task: Some(ExpectedTask {
            program_hash: Some(hash(4)),
            output: None,
        }),
        ..Expectation::any()
    };
    assert!(matches!(check(&gate, &of), Err(Mismatch::UnboundConfig(_))));
    let with = |config: &[Felt]| Expectation {
        bootloader_config: Some(config.to_vec()),
        ..gate.clone()
    };
    check(&with(&output[..3]), &of).expect("the stated configuration");
    for other in [&output[..2], &output[1..4], &[]] {
        assert!(matches!(check(&with(other), &of), Err(Mismatch::Config(_))));
    }
    let whole_output = Expectation {
        output: Some(output),
        ..gate
    };
    check(&whole_output, &of).expect("the stated output");
}
