//! What the memory of a PIE must have at places that bootloaders rely on.

use super::error::PieError;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::runners::cairo_pie::{CairoPieMemory, CairoPieMetadata};
use std::collections::HashMap;

/// Checks the program's cells, and the stack that `main` got: the builtins' segments, and where it returns to.
pub(super) fn memory(metadata: &CairoPieMetadata, memory: &CairoPieMemory) -> Result<(), PieError> {
    let (program, execution) = (0, 1);
    let stack = stack(metadata);
    let mut found = HashMap::new();
    for ((segment, offset), value) in &memory.0 {
        let expected = match *segment {
            segment if segment == program => metadata.program.data.get(*offset),
            segment if segment == execution => stack.get(*offset),
            _ => None,
        };
        let Some(expected) = expected else { continue };
        if value != expected {
            return Err(PieError::Value {
                segment: *segment,
                offset: *offset,
                why: format!("is {value}; it must be {expected}"),
            });
        }
        *found.entry(*segment).or_insert(0) += 1;
    }
    for (name, segment, expected) in [
        ("program", program, metadata.program.data.len()),
        ("execution", execution, stack.len()),
    ] {
        let found = found.get(&segment).copied().unwrap_or_default();
        if found != expected {
            return Err(PieError::MissingCells {
                name,
                found,
                expected,
            });
        }
    }
    Ok(())
}

/// What lies at the start of the execution segment.
fn stack(metadata: &CairoPieMetadata) -> Vec<MaybeRelocatable> {
    let builtins = metadata.program.builtins.iter();
    let builtins = builtins.filter_map(|builtin| metadata.builtin_segments.get(builtin));
    builtins
        .chain([&metadata.ret_fp_segment, &metadata.ret_pc_segment])
        .map(|segment| Relocatable::from((segment.index, 0)).into())
        .collect()
}
