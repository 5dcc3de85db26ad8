//! A program's structs and constants, as far as hints use them.

use super::value::from_decimal;
use cairo_vm::Felt252;
use serde::Deserialize;
use serde_json::Number;
use std::collections::HashMap;

/// A member of a struct.
#[derive(Debug, Deserialize)]
pub(super) struct Member {
    pub(super) cairo_type: String,
    pub(super) offset: usize,
}

/// The identifiers of a compiled program that hints may refer to.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    /// Members of structs, by the structs' full names.
    structs: HashMap<String, HashMap<String, Member>>,
    /// Constants, struct sizes and member offsets, by unqualified name; `None` for an ambiguous name.
    numbers: HashMap<String, Option<Felt252>>,
}

/// An entry of a compiled program's `identifiers`.
#[derive(Deserialize)]
pub(super) struct Identifier {
    #[serde(rename = "type", default)]
    kind: String,
    value: Option<Number>,
    size: Option<usize>,
    members: Option<HashMap<String, Member>>,
}

impl Identifier {
    fn constant(&self) -> Option<Felt252> {
        let value = self.value.as_ref().filter(|_| self.kind == "const")?;
        from_decimal(&value.to_string())
    }
}

impl Definitions {
    pub(super) fn new(identifiers: HashMap<String, Identifier>) -> Self {
        let mut definitions = Self::default();
        for (full_name, identifier) in identifiers {
            let name = full_name.rsplit('.').next().unwrap_or_default();
            if let Some(value) = identifier.constant() {
                definitions.number(name.to_owned(), value);
            } else if let (Some(size), Some(members)) = (identifier.size, identifier.members) {
                definitions.number(format!("{name}.SIZE"), Felt252::from(size));
                for (member, at) in &members {
                    definitions.number(format!("{name}.{member}"), Felt252::from(at.offset));
                }
                definitions.structs.insert(full_name, members);
            }
        }
        definitions
    }

    fn number(&mut self, name: String, number: Felt252) {
        let meaning = self.numbers.entry(name).or_insert(Some(number));
        *meaning = meaning.filter(|meaning| *meaning == number);
    }

    /// The value of `ids.CONSTANT`, `ids.STRUCT.SIZE` or `ids.STRUCT.MEMBER`.
    pub(super) fn get_number(&self, path: &[&str]) -> Option<Felt252> {
        *self.numbers.get(&path.join("."))?
    }

    /// A member of the struct with this full name.
    pub(super) fn get_member(&self, name: &str, member: &str) -> Option<&Member> {
        self.structs.get(name)?.get(member)
    }

    /// Whether a type is a struct.
    pub(super) fn is_struct(&self, name: &str) -> bool {
        self.structs.contains_key(name)
    }
}
