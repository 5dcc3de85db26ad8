//! What a compiled Cairo 0 program's file says of the program, without running it.

use crate::json::{JsonError, Place};
use quarry_kernels::Felt;
use quarry_kernels::hash::poseidon;
use serde::Deserialize;
use serde_json::Value;

/// A compiled program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledProgram {
    /// Its words.
    pub data: Vec<Felt>,
    /// The builtins of `main`, in their order.
    pub builtins: Vec<String>,
}

/// A file that is no compiled program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompiledProgramError {
    /// Not JSON, or without the keys of a program.
    #[error("not a compiled Cairo program: {0}")]
    Syntax(#[from] serde_json::Error),
    /// A word that is no field element.
    #[error("not a compiled Cairo program: {0}")]
    Word(#[from] JsonError),
}

impl CompiledProgram {
    /// Reads the file that `cairo-compile` writes.
    ///
    /// # Errors
    /// [`CompiledProgramError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CompiledProgramError> {
        #[derive(Deserialize)]
        struct Keys {
            data: Value,
            builtins: Vec<String>,
        }
        let keys: Keys = serde_json::from_slice(bytes)?;
        let words = Place::root(&keys.data).elements()?;
        Ok(Self {
            data: words.map(|word| word.felt()).collect::<Result<_, _>>()?,
            builtins: keys.builtins,
        })
    }

    /// The hash of its words, in the Poseidon form.
    pub fn hash(&self) -> Felt {
        poseidon::hash_many(&self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_builtins_are_read() {
        let program =
            CompiledProgram::parse(br#"{"data": ["0x1", "0xA"], "builtins": ["output"], "hints": {}}"#);
        let program = program.expect("a program");
        assert_eq!(program.data, [1u64, 10].map(Felt::from));
        assert_eq!(program.builtins, ["output"]);
        for bad in [
            "",
            "[]",
            r#"{"data": []}"#,
            r#"{"data": ["x"], "builtins": []}"#,
            r#"{"data": 1, "builtins": []}"#,
        ] {
            CompiledProgram::parse(bad.as_bytes()).expect_err(bad);
        }
    }
}
