//! The arguments of an executable: field elements, as Cairo's `Serde` writes the parameters of `main`.

use super::error::ExecutableError;
use super::felt;
use cairo_vm::Felt252;
use serde_json::Value;

/// Maximum number of felts in the arguments.
const MAX_ARGUMENTS: usize = 1 << 20;

/// Maximum size of a file of arguments in bytes.
pub const MAX_ARGUMENTS_BYTES: usize = 1 << 24;

/// Reads one argument of a command line: a decimal number, or a hexadecimal one with `0x`. A minus sign is allowed.
///
/// # Errors
/// [`ExecutableError::Arguments`].
pub fn parse_argument(text: &str) -> Result<Felt252, ExecutableError> {
    felt::parse(text).ok_or_else(|| refused(format!("'{text}' is not a field element")))
}

/// Reads a file of arguments: a JSON array of felts, each a number or a text with a number. An array within it is
/// written as Cairo's `Serde` writes it, its length first.
///
/// # Errors
/// [`ExecutableError::Arguments`].
pub fn read_arguments(file: &[u8]) -> Result<Vec<Felt252>, ExecutableError> {
    if file.len() > MAX_ARGUMENTS_BYTES {
        return Err(refused(format!(
            "the file has more than {MAX_ARGUMENTS_BYTES} bytes"
        )));
    }
    let values: Vec<Value> =
        serde_json::from_slice(file).map_err(|why| refused(format!("not a JSON array of felts: {why}")))?;
    let mut felts = Vec::new();
    for (i, value) in values.iter().enumerate() {
        append(value, &mut felts).map_err(|why| refused(format!("[{i}]: {why}")))?;
    }
    Ok(felts)
}

/// Appends a value. (The parser of JSON limits how deep arrays can lie in each other.)
fn append(value: &Value, felts: &mut Vec<Felt252>) -> Result<(), String> {
    if felts.len() >= MAX_ARGUMENTS {
        return Err(format!("more than {MAX_ARGUMENTS} felts"));
    }
    let number = match value {
        Value::Array(values) => {
            felts.push(values.len().into());
            return values.iter().try_for_each(|value| append(value, felts));
        }
        Value::Number(number) => felt::parse(number.as_str()),
        Value::String(text) => felt::parse(text),
        _ => None,
    };
    felts.push(number.ok_or_else(|| format!("{value} is not a field element"))?);
    Ok(())
}

fn refused(why: String) -> ExecutableError {
    ExecutableError::Arguments(why)
}
