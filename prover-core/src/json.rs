//! Reading of Stone's JSON files: a value with its path, so that an error says where and what.

use quarry_kernels::{Felt, felt};
use serde_json::Value;

/// A JSON file that does not hold what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: expected {expected}, found {found}")]
pub struct JsonError {
    /// Where, as `/key/0/key`.
    pub path: String,
    /// What is allowed there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// A place in a JSON document; a missing value and `null` are the same, as in Stone.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    value: &'a Value,
    path: String,
}

/// Longest excerpt of the offending value in an error.
const EXCERPT: usize = 60;

impl<'a> Place<'a> {
    /// The document's root.
    pub fn root(value: &'a Value) -> Self {
        let path = String::new();
        Self { value, path }
    }

    /// The error that something else was expected here.
    pub fn error(&self, expected: impl Into<String>) -> JsonError {
        let found = match self.value {
            Value::Null => "nothing".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "an array".to_owned(),
            other => other.to_string().chars().take(EXCERPT).collect(),
        };
        JsonError {
            path: if self.path.is_empty() {
                "/".to_owned()
            } else {
                self.path.clone()
            },
            expected: expected.into(),
            found,
        }
    }

    /// The member of that name.
    pub fn key(&self, name: &str) -> Result<Place<'a>, JsonError> {
        let members = self.value.as_object().ok_or_else(|| self.error("an object"))?;
        Ok(Place {
            value: members.get(name).unwrap_or(&Value::Null),
            path: format!("{}/{name}", self.path),
        })
    }

    /// The place itself, unless there is nothing.
    pub fn if_present(self) -> Option<Place<'a>> {
        (!self.value.is_null()).then_some(self)
    }

    /// All members in alphabetical order.
    pub fn members(&self) -> Result<impl Iterator<Item = (&'a str, Place<'a>)> + use<'a>, JsonError> {
        let members = self.value.as_object().ok_or_else(|| self.error("an object"))?;
        let path = self.path.clone();
        Ok(members.iter().map(move |(name, value)| {
            let path = format!("{path}/{name}");
            (name.as_str(), Place { value, path })
        }))
    }

    /// All elements.
    pub fn elements(&self) -> Result<impl Iterator<Item = Place<'a>> + use<'a>, JsonError> {
        let elements = self.value.as_array().ok_or_else(|| self.error("an array"))?;
        let path = self.path.clone();
        Ok(elements.iter().enumerate().map(move |(i, value)| Place {
            value,
            path: format!("{path}/{i}"),
        }))
    }

    /// An unsigned integer; like Stone's parser, also one that is written with an exponent or `.0`.
    pub fn unsigned(&self) -> Result<u64, JsonError> {
        let integral = |x: f64| (x >= 0.0 && x < 2f64.powi(64) && x.fract() == 0.0).then_some(x as u64);
        let number = self
            .value
            .as_u64()
            .or_else(|| self.value.as_f64().and_then(integral));
        number.ok_or_else(|| self.error("an unsigned integer"))
    }

    /// An unsigned integer of 32 bits: Stone's `AsSizeT`.
    pub fn size(&self) -> Result<u32, JsonError> {
        u32::try_from(self.unsigned()?).map_err(|_| self.error("an unsigned integer of 32 bits"))
    }

    /// A string.
    pub fn string(&self) -> Result<&'a str, JsonError> {
        self.value.as_str().ok_or_else(|| self.error("a string"))
    }

    /// A boolean.
    pub fn boolean(&self) -> Result<bool, JsonError> {
        self.value.as_bool().ok_or_else(|| self.error("a boolean"))
    }

    /// A field element: a `0x` string. (Stone reduces values at or above p; that would give one statement
    /// several forms, so they are refused.)
    pub fn felt(&self) -> Result<Felt, JsonError> {
        felt::from_hex(self.string()?)
            .ok_or_else(|| self.error("a field element as 0x-prefixed hexadecimal below p"))
    }
}
