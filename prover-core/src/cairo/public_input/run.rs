//! Whether a public input is about a whole run of its program: from its entry to its end, on the segments that `main`
//! got and gave back.
//!
//! The constraints tie an execution to its first and last `pc` and `ap` and to the public memory, and to nothing else.
//! Without these checks a prover could stop the program anywhere, or show as its output cells that it never wrote:
//! the program's hash and the output of a valid proof would mean nothing. Stone leaves them to whoever calls its
//! verifier; StarkWare's verifier in Cairo makes them.

use super::{PublicInput, PublicInputError, Segment};
use crate::cairo::layouts::Layout;
use quarry_kernels::Felt;

/// How a program compiled in proof mode begins, as (offset, word): `ap += n; call main; jmp rel 0`, where `n` at
/// offset 1 is the number of `main`'s builtins and offset 3 says where `main` is.
const ENTRY: &[(u64, u64)] = &[
    (0, 0x40780017fff7fff),
    (2, 0x1104800180018000),
    (4, 0x10780017fff7fff),
    (5, 0),
];

/// Where a run ends: at the endless loop behind the call of `main`.
const END: u64 = 4;

impl PublicInput {
    /// Whether this is a whole run of a program that was compiled in proof mode: it begins at the program's entry
    /// and ends behind the call of `main`; `main` got the beginning of its builtins' segments and returned their
    /// ends; and the segments of the layout's other builtins are empty.
    ///
    /// # Errors
    /// [`PublicInputError::Run`], or [`PublicInputError::Segment`] if a segment is missing.
    pub fn check_run(&self, layout: &Layout) -> Result<(), PublicInputError> {
        let cells = self.public_cells();
        let holds = |address: u64, value: u64| cells.get(&address) == Some(&Felt::from(value));
        let expect = |address: u64, value: u64, what: &str| {
            let wrong = || PublicInputError::Run(format!("address {address} should be {value:#x}, {what}"));
            holds(address, value).then_some(()).ok_or_else(wrong)
        };
        let (program, execution) = (self.segment("program")?, self.segment("execution")?);
        let (entry, frame) = (program.begin_addr, execution.begin_addr);
        for &(offset, word) in ENTRY {
            expect(
                entry.saturating_add(offset),
                word,
                "as a program in proof mode begins",
            )?;
        }
        let end = entry.saturating_add(END);
        if program.stop_ptr != end {
            let stop = program.stop_ptr;
            return Err(PublicInputError::Run(format!(
                "it stops at pc {stop}, the program ends at {end}"
            )));
        }
        expect(frame.saturating_sub(2), frame, "the first frame's pointer")?;
        expect(frame.saturating_sub(1), 0, "the first frame's return address")?;

        let builtins = layout
            .segments
            .iter()
            .filter(|name| !matches!(**name, "program" | "execution"));
        let count = entry.saturating_add(1);
        let n_used = (0..=builtins.clone().count() as u64).find(|&n| holds(count, n));
        let n_used = n_used.ok_or_else(|| {
            PublicInputError::Run(format!("address {count} is no number of the layout's builtins"))
        })?;
        let results = execution.stop_ptr.saturating_sub(n_used);
        let mut used = 0;
        for name in builtins {
            let Segment { begin_addr, stop_ptr } = self.segment(name)?;
            let (argument, result) = (frame.saturating_add(used), results.saturating_add(used));
            if used < n_used && holds(argument, begin_addr) && holds(result, stop_ptr) {
                used += 1;
            } else if begin_addr != stop_ptr {
                return Err(PublicInputError::Run(format!(
                    "main did not get segment '{name}' at address {argument} and return its end at {result}"
                )));
            }
        }
        if used < n_used {
            return Err(PublicInputError::Run(format!(
                "main has {n_used} builtins, {used} of which have a segment"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A run of a program with the builtins output and range_check in layout small.
    fn run() -> Value {
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
        let cell = |&(address, value): &(u64, u64)| json!({ "address": address, "value": format!("{value:#x}"), "page": 0 });
        json!({
            "layout": "small", "n_steps": 64, "rc_min": 0, "rc_max": 65535,
            "memory_segments": {
                "program": { "begin_addr": 1, "stop_ptr": 5 },
                "execution": { "begin_addr": 10, "stop_ptr": 16 },
                "output": { "begin_addr": 20, "stop_ptr": 21 },
                "pedersen": { "begin_addr": 21, "stop_ptr": 21 },
                "range_check": { "begin_addr": 21, "stop_ptr": 23 },
                "ecdsa": { "begin_addr": 30, "stop_ptr": 30 },
            },
            "public_memory": memory.iter().map(cell).collect::<Vec<_>>(),
        })
    }

    fn check(value: &Value) -> Result<(), PublicInputError> {
        let layout = Layout::by_name("small").expect("known");
        PublicInput::from_json(value)
            .expect("well-formed")
            .check_run(&layout)
    }

    #[test]
    fn a_whole_run_is_one() {
        check(&run()).expect("a whole run");
    }

    #[test]
    fn what_is_no_whole_run_is_refused() {
        let cases = [
            ("/memory_segments/program/stop_ptr", json!(7)),
            ("/memory_segments/program/begin_addr", json!(2)),
            ("/memory_segments/execution/begin_addr", json!(11)),
            ("/memory_segments/execution/stop_ptr", json!(15)),
            // An output that main did not write.
            ("/memory_segments/output/begin_addr", json!(19)),
            ("/memory_segments/output/stop_ptr", json!(20)),
            ("/memory_segments/range_check/stop_ptr", json!(22)),
            // A segment of a builtin that main does not have.
            ("/memory_segments/ecdsa/stop_ptr", json!(32)),
            ("/public_memory/0/value", json!("0x1")),
            ("/public_memory/1/value", json!("0x1")),
            ("/public_memory/1/value", json!("0x3")),
            ("/public_memory/1/value", json!("0xffffffffffffffffffff")),
            ("/public_memory/4/value", json!("0x0")),
            ("/public_memory/5/value", json!("0x1")),
            ("/public_memory/7/value", json!("0x9")),
            ("/public_memory/8/value", json!("0x1")),
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
            let mut changed = run();
            *changed.pointer_mut(pointer).expect("the test's own") = value.clone();
            let error = check(&changed).expect_err(pointer);
            assert!(
                matches!(error, PublicInputError::Run(_)),
                "{pointer} {value}: {error}"
            );
        }
    }
}
