//! Reads the file of an executable, within limits.

use super::error::ExecutableError;
use super::felt::Word;
use super::size::SmallerThan;
use super::{EntryPoint, EntryPointKind, Executable};
use crate::pie::{AtMost, BUILTINS};
use cairo_lang_casm::hints::{Hint, StarknetHint};
use cairo_vm::types::builtin_name::BuiltinName;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny};
use serde_json::Value;
use std::collections::BTreeMap;

/// Maximum size of the file in bytes.
pub const MAX_BYTES: usize = 1 << 24;
/// Maximum number of words of a program.
const MAX_WORDS: usize = 1 << 20;
/// Maximum number of entry points.
const MAX_ENTRY_POINTS: usize = 64;
/// Maximum number of hints before one word. (The compiler writes two or three.)
const MAX_HINTS_AT_A_PC: usize = 16;
/// Maximum length of a hint: of its texts, numbers and signs. (The longest kind has 12 operands.)
const MAX_HINT_BYTES: usize = 4096;

/// The lengths of the hints of a file. They are checked before any hint is read, because a hint in memory is many times
/// as large as its text.
#[derive(Deserialize)]
struct Lengths {
    #[serde(rename = "program")]
    _program: ProgramLengths,
}

#[derive(Deserialize)]
struct ProgramLengths {
    #[serde(rename = "hints")]
    _hints: AtMost<(IgnoredAny, AtMost<SmallerThan<MAX_HINT_BYTES>, MAX_HINTS_AT_A_PC>), MAX_WORDS>,
}

#[derive(Deserialize)]
struct File {
    program: Program,
    entrypoints: AtMost<RawEntryPoint, MAX_ENTRY_POINTS>,
}

#[derive(Deserialize)]
struct Program {
    bytecode: AtMost<Word, MAX_WORDS>,
    hints: AtMost<(usize, AtMost<Known, MAX_HINTS_AT_A_PC>), MAX_WORDS>,
}

#[derive(Deserialize)]
struct RawEntryPoint {
    builtins: AtMost<String, { BUILTINS.len() }>,
    offset: usize,
    kind: EntryPointKind,
}

/// A hint that the compiler has today.
struct Known(Hint);

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let name = match &value {
            Value::String(name) => Some(name.clone()),
            Value::Object(object) => object.keys().next().cloned(),
            _ => None,
        };
        serde_json::from_value(value).map(Self).map_err(|_| {
            let name = name.unwrap_or_default();
            D::Error::custom(format!("the hint '{name:.80}' is unknown or incomplete"))
        })
    }
}

/// Reads an executable.
///
/// # Errors
/// [`ExecutableError`]. No file makes this function panic.
pub fn read(file: &[u8]) -> Result<Executable, ExecutableError> {
    if file.len() > MAX_BYTES {
        return Err(ExecutableError::TooLarge {
            size: file.len(),
            most: MAX_BYTES,
        });
    }
    let refused = |error: serde_json::Error| ExecutableError::Json(error.to_string());
    let _: Lengths = serde_json::from_slice(file).map_err(refused)?;
    let file: File = serde_json::from_slice(file).map_err(refused)?;
    let bytecode: Vec<_> = file.program.bytecode.0.into_iter().map(|word| word.0).collect();
    Ok(Executable {
        entry_points: entry_points(file.entrypoints.0, bytecode.len())?,
        hints: hints(file.program.hints.0, bytecode.len())?,
        bytecode,
    })
}

/// The entry points, of which each kind has at most one: otherwise it would be unclear what is proved.
fn entry_points(
    entry_points: Vec<RawEntryPoint>,
    n_words: usize,
) -> Result<Vec<EntryPoint>, ExecutableError> {
    let mut checked: Vec<EntryPoint> = Vec::new();
    for entry_point in entry_points {
        let entry_point = entry_point.checked(n_words)?;
        if checked.iter().any(|other| other.kind == entry_point.kind) {
            return Err(ExecutableError::EntryPoint {
                kind: entry_point.kind.name(),
                why: "it is there twice".to_owned(),
            });
        }
        checked.push(entry_point);
    }
    Ok(checked)
}

/// The hints by their place.
fn hints(
    hints: Vec<(usize, AtMost<Known, MAX_HINTS_AT_A_PC>)>,
    n_words: usize,
) -> Result<BTreeMap<usize, Vec<(String, Hint)>>, ExecutableError> {
    let mut by_pc = BTreeMap::new();
    for (pc, list) in hints {
        let refused = |why: &str| ExecutableError::Hints {
            pc,
            why: why.to_owned(),
        };
        if pc >= n_words {
            return Err(refused("the program has no such word"));
        }
        let mut texts = Vec::with_capacity(list.0.len());
        for Known(hint) in list.0 {
            if let Hint::Starknet(hint) = &hint {
                let name = match hint {
                    StarknetHint::SystemCall { .. } => "SystemCall",
                    StarknetHint::Cheatcode { .. } => "Cheatcode",
                };
                return Err(ExecutableError::Starknet { pc, name });
            }
            let text = serde_json::to_string(&hint).map_err(|why| refused(&why.to_string()))?;
            texts.push((text, hint));
        }
        if by_pc.insert(pc, texts).is_some() {
            return Err(refused("they are there twice"));
        }
    }
    Ok(by_pc)
}

impl RawEntryPoint {
    fn checked(self, n_words: usize) -> Result<EntryPoint, ExecutableError> {
        let Self {
            builtins,
            offset,
            kind,
        } = self;
        let refused = |why: String| ExecutableError::EntryPoint {
            kind: kind.name(),
            why,
        };
        if offset >= n_words {
            return Err(refused(format!(
                "its offset is {offset}, but the program has {n_words} words"
            )));
        }
        let mut left = BUILTINS.iter();
        let mut known = |name: &String| -> Result<BuiltinName, ExecutableError> {
            let found = left.find(|builtin| builtin.to_str() == name);
            found.copied().ok_or_else(|| {
                refused(format!(
                    "the builtin '{name:.80}' is unknown or not in the order of bootloaders"
                ))
            })
        };
        let builtins = builtins.0.iter().map(&mut known).collect::<Result<_, _>>()?;
        Ok(EntryPoint {
            kind,
            builtins,
            offset,
        })
    }
}
