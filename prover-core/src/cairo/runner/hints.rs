//! Hints: which ones a program may have, and the ones that read the program input.

use super::RunError;
use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintFunc;
use cairo_vm::hint_processor::builtin_hint_processor::hint_code::HINT_CODES;
use cairo_vm::hint_processor::builtin_hint_processor::hint_utils::insert_value_from_var_name;
use quarry_kernels::{Felt, felt};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// What a hint reads from an entry of the program input.
#[derive(Clone, Copy, Debug)]
enum Reading {
    /// The entry itself, a number.
    Number,
    /// The length of the entry, a list.
    Length,
}

/// The hints that give a program its input: `ids.X = ` followed by the text before the key (a string in single or double
/// quotes) and the text after it.
const PROGRAM_INPUT_HINTS: &[(&str, &str, Reading)] = &[
    ("program_input[", "]", Reading::Number),
    ("len(program_input[", "])", Reading::Length),
];

/// The texts of a program's hints, by pc.
pub(super) fn hints(program: &[u8]) -> Result<Vec<(usize, String)>, RunError> {
    #[derive(serde::Deserialize)]
    struct Hint {
        code: String,
    }
    #[derive(serde::Deserialize)]
    struct Hints {
        hints: BTreeMap<usize, Vec<Hint>>,
    }
    let program: Hints =
        serde_json::from_slice(program).map_err(|error| RunError::Program(error.to_string()))?;
    let hints = program.hints.into_iter();
    Ok(hints
        .flat_map(|(pc, hints)| hints.into_iter().map(move |hint| (pc, hint.code)))
        .collect())
}

/// Refuses words that are no hexadecimal: the virtual machine's parser panics at some of them.
pub(super) fn check_words(program: &[u8]) -> Result<(), RunError> {
    #[derive(serde::Deserialize)]
    struct Words {
        data: Vec<String>,
    }
    let words: Words =
        serde_json::from_slice(program).map_err(|error| RunError::Program(error.to_string()))?;
    let is_word = |word: &str| {
        let digits = word.strip_prefix("0x").unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    match words.data.iter().position(|word| !is_word(word)) {
        Some(at) => Err(RunError::Program(format!("data[{at}] is no hexadecimal word"))),
        None => Ok(()),
    }
}

/// The functions of the hints that read the program input; all other hints must be the virtual machine's own.
pub(super) fn program_input_hints(
    hints: &[(usize, String)],
    input: Option<&Value>,
) -> Result<HashMap<String, Rc<HintFunc>>, RunError> {
    let mut functions = HashMap::new();
    for (pc, code) in hints {
        let Some((variable, key, reading)) = parse_hint(code) else {
            if HINT_CODES.values().any(|known| known == code) {
                continue;
            }
            return Err(RunError::UnknownHint {
                pc: *pc,
                code: code.clone(),
            });
        };
        let value = read(input, key, reading).map_err(|problem| RunError::ProgramInput {
            pc: *pc,
            key: key.to_owned(),
            problem,
        })?;
        let value = Felt252::from_bytes_be(&felt::to_standard_bytes(&value));
        let variable = variable.to_owned();
        let function = HintFunc(Box::new(move |vm, _, ids, ap_tracking, _| {
            insert_value_from_var_name(&variable, value, vm, ids, ap_tracking)
        }));
        functions.insert(code.clone(), Rc::new(function));
    }
    Ok(functions)
}

/// The variable, the key and the reading of a hint in [`PROGRAM_INPUT_HINTS`].
fn parse_hint(code: &str) -> Option<(&str, &str, Reading)> {
    let (variable, expression) = code.trim().strip_prefix("ids.")?.split_once(" = ")?;
    let is_name = variable
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        return None;
    }
    PROGRAM_INPUT_HINTS.iter().find_map(|(before, after, reading)| {
        let quoted = expression.strip_prefix(before)?.strip_suffix(after)?;
        let key = ['\'', '"']
            .into_iter()
            .find_map(|quote| quoted.strip_prefix(quote)?.strip_suffix(quote))?;
        let is_plain = !key.contains(['\'', '"', '\\']);
        is_plain.then_some((variable, key, *reading))
    })
}

/// What a hint reads from the program input. Numbers are integers, or strings of `0x`-prefixed hexadecimal below p.
fn read(input: Option<&Value>, key: &str, reading: Reading) -> Result<Felt, &'static str> {
    let input = input.ok_or("no program input was given")?;
    let entry = input.get(key).ok_or("there is no such entry")?;
    match (reading, entry) {
        (Reading::Length, Value::Array(list)) => Ok(Felt::from(list.len() as u64)),
        (Reading::Length, Value::Object(members)) => Ok(Felt::from(members.len() as u64)),
        (Reading::Length, _) => Err("it is not a list"),
        (Reading::Number, Value::String(hex)) => {
            felt::from_hex(hex).ok_or("it is not 0x-prefixed hexadecimal below p")
        }
        (Reading::Number, entry) => {
            let positive = entry.as_u64().map(Felt::from);
            let number = positive.or_else(|| entry.as_i64().map(Felt::from));
            number.ok_or("it is not an integer of 64 bits (larger ones are written as \"0x..\")")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hints_of_the_table_are_understood() {
        let parsed =
            |code| parse_hint(code).map(|(variable, key, reading)| (variable, key, format!("{reading:?}")));
        let number = |variable, key| Some((variable, key, "Number".to_owned()));
        assert_eq!(parsed("ids.n = program_input['k']"), number("n", "k"));
        assert_eq!(parsed("ids.a_1 = program_input[\"x y\"]"), number("a_1", "x y"));
        assert_eq!(
            parsed("ids.n = len(program_input['list'])"),
            Some(("n", "list", "Length".to_owned()))
        );
        for other in [
            "ids.n = program_input['k'] + 1",
            "ids.n = program_input['a']['b']",
            "ids.n = program_input[k]",
            "ids.n = program_input['k\"]",
            "ids.a.b = program_input['k']",
            "n = program_input['k']",
            "ids.n = program_input['k']\nimport os",
        ] {
            assert_eq!(parsed(other), None, "{other}");
        }
    }

    #[test]
    fn program_input_is_read_as_field_elements() {
        let input = json!({ "n": 7, "minus": -1, "big": "0x800000000000000000", "list": [1, 2], "half": 0.5, "text": "7" });
        let number = |key| read(Some(&input), key, Reading::Number);
        assert_eq!(number("n"), Ok(Felt::from(7u64)));
        assert_eq!(number("minus"), Ok(-Felt::from(1u64)));
        assert_eq!(number("big"), Ok(Felt::from(1u128 << 71)));
        assert_eq!(read(Some(&input), "list", Reading::Length), Ok(Felt::from(2u64)));
        for key in ["list", "half", "text", "missing"] {
            assert!(number(key).is_err(), "{key}");
        }
        assert!(read(Some(&input), "n", Reading::Length).is_err());
        assert!(read(None, "n", Reading::Number).is_err());
    }
}
