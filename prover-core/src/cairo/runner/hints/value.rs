//! Values of hints, operations on them, and errors.

use super::definitions::Definitions;
use crate::cairo::runner::builtins::to_vm_felt;
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use quarry_kernels::felt;
use serde_json::Value as Json;
use std::rc::Rc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Maximum nesting depth of lists.
const MAX_DEPTH: usize = 32;
/// Maximum number of decimal digits of a number below p.
const MAX_DIGITS: usize = 76;

/// Why a hint cannot be executed.
#[derive(Debug, PartialEq)]
pub(super) enum Fault {
    /// It is not in the supported language.
    Unsupported,
    /// It reads a value that the program input lacks or that has the wrong type.
    Input {
        /// The path in the program input, in Python's notation.
        path: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// It raises an error or exceeds a limit.
    Failed(String),
}

impl Fault {
    pub(super) fn failed(why: impl std::fmt::Display) -> Self {
        Self::Failed(why.to_string())
    }
}

#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// A value that depends on the run, before the run.
    Unknown,
    /// A part of the program input.
    Input(&'a Json),
    Number(Felt252),
    Address(Relocatable),
    Text(Rc<str>),
    List(List<'a>),
    Dict(Rc<[(Value<'a>, Value<'a>)]>),
}

/// A list, with its nesting depth.
#[derive(Clone, Debug)]
pub(super) struct List<'a> {
    pub(super) items: Rc<[Value<'a>]>,
    depth: usize,
}

impl<'a> Value<'a> {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn number(number: usize) -> Self {
        Self::Number(Felt252::from(number))
    }

    /// Makes a list. Lists nested deeper than [`MAX_DEPTH`] and lists of dictionaries are unsupported.
    pub(super) fn list(items: Vec<Value<'a>>) -> Result<Self, Fault> {
        let depths = items.iter().map(|item| match item {
            Value::List(list) => list.depth,
            _ => 0,
        });
        let depth = depths.max().unwrap_or(0) + 1;
        if depth > MAX_DEPTH || items.iter().any(|item| matches!(item, Value::Dict(_))) {
            return Err(Fault::Unsupported);
        }
        let items = items.into();
        Ok(Self::List(List { items, depth }))
    }
}

/// State shared by all hints of a run.
pub(super) struct Shared {
    /// The program input.
    pub(super) input: Option<Json>,
    /// The program's structs and constants.
    pub(super) definitions: Definitions,
    /// Whether `print` prints.
    pub(super) prints: bool,
    /// Remaining budget of all hints together, for elements visited, cells written and bytes of text formatted.
    pub(super) budget: AtomicUsize,
}

impl Shared {
    /// Consumes part of the budget, which bounds hints that build large values from a small input.
    pub(super) fn spend(&self, amount: usize) -> Result<(), Fault> {
        let taken = self
            .budget
            .try_update(Relaxed, Relaxed, |left| left.checked_sub(amount));
        let too_much = |_| Fault::failed("the hints exceed the budget that the step limit gives them");
        taken.map(drop).map_err(too_much)
    }

    /// The error that there is a problem with a part of the program input; `step` is appended to its path.
    pub(super) fn problem(&self, part: &Json, step: &str, problem: &'static str) -> Fault {
        let path = self.input.as_ref().and_then(|input| path(input, part));
        Fault::Input {
            path: format!("program_input{}{step}", path.unwrap_or_default()),
            problem,
        }
    }

    /// Converts a value to the content of a memory cell; `None` if it is not known yet. In the program input a number
    /// is an integer or, unlike in Python, a string of `0x`-prefixed hexadecimal.
    pub(super) fn cell(&self, value: &Value<'_>) -> Result<Option<MaybeRelocatable>, Fault> {
        Ok(match value {
            Value::Unknown => None,
            Value::Number(number) => Some((*number).into()),
            Value::Address(address) => Some((*address).into()),
            Value::Input(part) => {
                let number = match part {
                    Json::String(hex) => {
                        from_hex(hex, "0x").ok_or("it is not 0x-prefixed hexadecimal below p")
                    }
                    Json::Number(number) => {
                        from_decimal(&number.to_string()).ok_or("it is not an integer below p")
                    }
                    _ => Err("it is not an integer"),
                };
                Some(number.map_err(|problem| self.problem(part, "", problem))?.into())
            }
            Value::Text(text) => return Err(Fault::Failed(format!("'{text}' is not a number"))),
            Value::List(_) | Value::Dict(_) => return Err(Fault::failed("a list is not a number")),
        })
    }

    /// Converts a value to a number; `None` if it is not known yet.
    pub(super) fn number(&self, value: &Value<'_>) -> Result<Option<Felt252>, Fault> {
        match self.cell(value)? {
            None => Ok(None),
            Some(MaybeRelocatable::Int(number)) => Ok(Some(number)),
            Some(MaybeRelocatable::RelocatableValue(_)) => Err(Fault::failed("an address is not a number")),
        }
    }

    /// Python's `int(value, base)` for base 10 or 16.
    pub(super) fn int<'a>(&self, value: &Value<'a>, base: usize) -> Result<Value<'a>, Fault> {
        let parse = |text: &str| match base {
            16 => from_hex(text, "0x").or_else(|| from_hex(text, "")),
            _ => from_decimal(text),
        };
        let (parsed, part) = match value {
            Value::Input(part @ Json::String(text)) => (parse(text), Some(part)),
            Value::Text(text) => (parse(text), None),
            value if base == 10 => return Ok(self.number(value)?.map_or(Value::Unknown, Value::Number)),
            Value::Unknown => return Ok(Value::Unknown),
            Value::Input(part) => (None, Some(part)),
            _ => (None, None),
        };
        parsed.map(Value::Number).ok_or_else(|| match (part, base) {
            (Some(part), 16) => self.problem(part, "", "it is not a string of hexadecimal below p"),
            (Some(part), _) => self.problem(part, "", "it is not an integer below p"),
            (None, _) => Fault::Failed(format!("it is not a number in base {base}")),
        })
    }

    /// The elements of a list; `None` if the value is not known yet. Objects of the program input cannot be iterated:
    /// unlike in Python, the order of their entries in the file is not kept.
    pub(super) fn items<'a>(&self, value: &Value<'a>) -> Result<Option<Rc<[Value<'a>]>>, Fault> {
        match value {
            Value::Unknown => Ok(None),
            Value::List(list) => Ok(Some(Rc::clone(&list.items))),
            Value::Input(Json::Array(items)) => Ok(Some(items.iter().map(Value::Input).collect())),
            Value::Input(Json::Object(_)) | Value::Dict(_) => Err(Fault::Unsupported),
            Value::Input(part) => Err(self.problem(part, "", "it is not a list")),
            _ => Err(Fault::failed("it is not a list")),
        }
    }

    /// Python's `len`.
    pub(super) fn len<'a>(&self, value: &Value<'a>) -> Result<Value<'a>, Fault> {
        Ok(match value {
            Value::Input(Json::Object(members)) => Value::number(members.len()),
            Value::Input(Json::String(text)) => Value::number(text.chars().count()),
            Value::Text(text) => Value::number(text.chars().count()),
            Value::Dict(entries) => Value::number(entries.len()),
            value => self
                .items(value)?
                .map_or(Value::Unknown, |items| Value::number(items.len())),
        })
    }

    /// `value[index]`.
    pub(super) fn index<'a>(&self, value: &Value<'a>, index: &Value<'a>) -> Result<Value<'a>, Fault> {
        let key = match (value, index) {
            (Value::Unknown, _) | (_, Value::Unknown) => return Ok(Value::Unknown),
            (_, Value::Text(text)) => Some(&**text),
            (Value::Input(Json::Object(_)), Value::Input(Json::String(text))) => Some(&**text),
            _ => None,
        };
        let found = match (value, key) {
            (Value::Input(part), Some(key)) => {
                let step = format!("['{key}']");
                let members = part.as_object();
                let members =
                    members.ok_or_else(|| self.problem(part, &step, "its parent is not an object"))?;
                let member = members.get(key);
                return member
                    .map(Value::Input)
                    .ok_or_else(|| self.problem(part, &step, "there is no such entry"));
            }
            (Value::Input(Json::Array(_)) | Value::List(_), None) => {
                let items = self.items(value)?.unwrap_or_default();
                let at = self.number(index)?.and_then(|at| usize::try_from(at).ok());
                at.and_then(|at| items.get(at).cloned()).ok_or(at)
            }
            (Value::Input(_), None) => Err(None),
            _ => return Err(Fault::Unsupported),
        };
        found.map_err(|at| match (value, at) {
            (Value::Input(part @ Json::Array(_)), Some(at)) => {
                self.problem(part, &format!("[{at}]"), "there is no such element")
            }
            (Value::Input(part), _) => self.problem(part, "", "it cannot be indexed by a number"),
            _ => Fault::failed("the list has no such element"),
        })
    }

    /// Formats a value as Python prints it. Numbers are field elements, from 0 to p - 1.
    pub(super) fn shown(&self, value: &Value<'_>) -> Result<String, Fault> {
        let shown = match value {
            Value::Unknown => String::new(),
            Value::Text(text) => text.to_string(),
            Value::Input(Json::String(text)) => text.clone(),
            Value::Input(Json::Array(items)) => self.shown_list(items.iter().map(Value::Input))?,
            Value::Input(part) => part.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Address(address) => address.to_string(),
            Value::List(list) => self.shown_list(list.items.iter().cloned())?,
            Value::Dict(_) => return Err(Fault::Unsupported),
        };
        self.spend(shown.len())?;
        Ok(shown)
    }

    fn shown_list<'a>(&self, items: impl Iterator<Item = Value<'a>>) -> Result<String, Fault> {
        let items = items.map(|item| {
            let shown = self.shown(&item)?;
            Ok(match item {
                Value::Text(_) | Value::Input(Json::String(_)) => format!("'{shown}'"),
                _ => shown,
            })
        });
        Ok(format!("[{}]", items.collect::<Result<Vec<_>, _>>()?.join(", ")))
    }
}

fn from_hex(text: &str, prefix: &str) -> Option<Felt252> {
    let number = felt::from_hex(&format!("0x{}", text.strip_prefix(prefix)?))?;
    Some(to_vm_felt(&number))
}

/// Parses a decimal number with an optional minus sign and an absolute value below p.
pub(super) fn from_decimal(text: &str) -> Option<Felt252> {
    let (digits, negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let digits = digits.trim_start_matches('0');
    if !is_number || digits.len() > MAX_DIGITS {
        return None;
    }
    let number = digits.bytes().fold(Felt252::ZERO, |number, digit| {
        number * Felt252::from(10) + Felt252::from(digit - b'0')
    });
    // A number that is not below p has been reduced, so its digits differ.
    let is_below = digits.is_empty() || number.to_string() == digits;
    is_below.then_some(if negative { -number } else { number })
}

/// The path from the program input to a part of it, in Python's notation.
fn path(input: &Json, part: &Json) -> Option<String> {
    if std::ptr::eq(input, part) {
        return Some(String::new());
    }
    let below = |step: String, item: &Json| path(item, part).map(|rest| step + &rest);
    match input {
        Json::Array(items) => (0..)
            .zip(items)
            .find_map(|(at, item): (usize, _)| below(format!("[{at}]"), item)),
        Json::Object(members) => members
            .iter()
            .find_map(|(key, item)| below(format!("['{key}']"), item)),
        _ => None,
    }
}
