//! Makes of an executable what the virtual machine runs.

use super::error::ExecutableError;
use super::hints;
use super::{EntryPointKind, Executable};
use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintFunc;
use cairo_vm::serde::deserialize_program::{ApTracking, FlowTrackingData, HintParams, ReferenceManager};
use cairo_vm::types::program::Program;
use cairo_vm::types::relocatable::MaybeRelocatable;
use std::collections::HashMap;
use std::rc::Rc;

/// The words with which a standalone program begins, as (offset, word): `ap += n; call main; jmp rel 0`. At offset 1 is
/// `n`, the number of builtins, at 3 the way to `main`.
const ENTRY: [(usize, u64); 4] = [
    (0, 0x40780017fff7fff),
    (2, 0x1104800180018000),
    (4, 0x10780017fff7fff),
    (5, 0),
];
/// The offset of `n`.
const N_BUILTINS: usize = 1;
/// The offset of the loop at which a run ends.
const END: usize = 4;

impl Executable {
    /// The program from the entry point of a kind.
    pub(super) fn program(&self, kind: EntryPointKind) -> Result<Program, ExecutableError> {
        let entry_point = self.entry_point(kind)?;
        let (builtins, offset) = (entry_point.builtins.clone(), entry_point.offset);
        let data: Vec<_> = self
            .bytecode
            .iter()
            .copied()
            .map(MaybeRelocatable::from)
            .collect();
        let hints = self.hints.iter();
        let hints = hints.map(|(pc, hints)| (*pc, hints.iter().map(|(text, _)| params(text)).collect()));
        let (hints, references) = (
            hints.collect(),
            ReferenceManager {
                references: Vec::new(),
            },
        );
        let none = HashMap::new();
        let program = match kind {
            EntryPointKind::Bootloader => Program::new(
                builtins,
                data,
                Some(offset),
                hints,
                references,
                none,
                Vec::new(),
                None,
            ),
            EntryPointKind::Standalone => {
                self.check_entry(offset, builtins.len())?;
                let end = offset + END;
                Program::new_for_proof(
                    builtins,
                    data,
                    offset,
                    end,
                    hints,
                    references,
                    none,
                    Vec::new(),
                    None,
                )
            }
        };
        program.map_err(|error| ExecutableError::Machine(error.to_string()))
    }

    /// Checks that a standalone program begins as one, so that verifiers know its run.
    fn check_entry(&self, offset: usize, n_builtins: usize) -> Result<(), ExecutableError> {
        if offset != 0 {
            return Err(ExecutableError::EntryPoint {
                kind: EntryPointKind::Standalone.name(),
                why: format!(
                    "it begins at word {offset} of the program, so verifiers would not see the words before it"
                ),
            });
        }
        let entry = ENTRY.into_iter().chain([(N_BUILTINS, n_builtins as u64)]);
        for (i, word) in entry {
            if self.bytecode.get(offset + i) != Some(&Felt252::from(word)) {
                let at = offset + i;
                return Err(ExecutableError::EntryPoint {
                    kind: EntryPointKind::Standalone.name(),
                    why: format!("word {at} of the program must be {word:#x}"),
                });
            }
        }
        Ok(())
    }

    /// The functions of the hints, by their text.
    pub(super) fn functions(&self) -> HashMap<String, Rc<HintFunc>> {
        let hints = self.hints.values().flatten();
        hints
            .map(|(text, hint)| (text.clone(), Rc::new(hints::function(hint.clone()))))
            .collect()
    }
}

/// A hint as the virtual machine knows it.
fn params(text: &str) -> HintParams {
    HintParams {
        code: text.to_owned(),
        accessible_scopes: Vec::new(),
        flow_tracking_data: FlowTrackingData {
            ap_tracking: ApTracking::default(),
            reference_ids: HashMap::new(),
        },
    }
}
