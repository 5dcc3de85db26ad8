//! Makes of an executable what the virtual machine runs.

use super::error::ExecutableError;
use super::hints;
use super::{EntryPointKind, Executable};
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintFunc;
use cairo_vm::serde::deserialize_program::{ApTracking, FlowTrackingData, HintParams, ReferenceManager};
use cairo_vm::types::program::Program;
use cairo_vm::types::relocatable::MaybeRelocatable;
use std::collections::HashMap;
use std::rc::Rc;

/// The offset of the loop at which the run of a standalone program ends.
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
