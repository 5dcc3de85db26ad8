//! The public input: the statement that a proof proves.

mod cells;

pub(crate) use cells::PublicCells;

use crate::json::{JsonError, Place, Text};
use quarry_kernels::{Felt, felt};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Bits of a range-check unit.
const OFFSET_BITS: u32 = 16;

/// Limit on the number of segments; no layout has so many.
const MAX_SEGMENTS: usize = 64;

/// Limit on the number of parameters; layout `dynamic` has fewer.
const MAX_PARAMS: usize = 1024;

/// The bounds of a memory segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First address.
    pub begin_addr: u64,
    /// One past the last address in use (of `program`: the final program counter).
    pub stop_ptr: u64,
}

/// A cell of public memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicMemoryCell {
    /// Its address.
    pub address: u64,
    /// Its value.
    pub value: Felt,
    /// Its page: 0 is the main page; the addresses of any other page are contiguous.
    pub page: u64,
}

/// The contents of Stone's `public_input.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicInput {
    /// Name of the layout.
    pub layout: String,
    /// Number of CPU steps, a power of two.
    pub n_steps: u64,
    /// Least value of the 16-bit range checks.
    pub rc_min: u64,
    /// Greatest value of the 16-bit range checks.
    pub rc_max: u64,
    /// Segments by name.
    pub memory_segments: BTreeMap<String, Segment>,
    /// Public memory in the file's order.
    pub public_memory: Vec<PublicMemoryCell>,
    /// The parameters of layout `dynamic`.
    pub dynamic_params: Option<BTreeMap<String, u64>>,
}

/// The error for a public input that is malformed or that no execution can have.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublicInputError {
    /// Not JSON.
    #[error("public input: {0}")]
    Syntax(#[from] serde_json::Error),
    /// A value is missing or has the wrong type.
    #[error("public input: {0}")]
    Value(#[from] JsonError),
    /// The number of steps is not a power of two.
    #[error("public input: n_steps: {0} is not a power of two")]
    Steps(u64),
    /// The range-check bounds are out of order or out of range.
    #[error("public input: rc_min {min} and rc_max {max} must satisfy rc_min <= rc_max < 65536")]
    RangeCheck {
        /// `rc_min`.
        min: u64,
        /// `rc_max`.
        max: u64,
    },
    /// There is no cell on page 0, so that nothing can pad the public memory.
    #[error("public input: public_memory has no cell on page 0")]
    NoMainPage,
    /// The addresses of a page other than 0 are not contiguous.
    #[error("public input: public_memory: page {page} is not continuous: address {got} follows {previous}")]
    Page {
        /// The page.
        page: u64,
        /// The preceding address.
        previous: u64,
        /// The address that should be `previous + 1`.
        got: u64,
    },
    /// The segments are not those of the layout.
    #[error("public input: memory_segments: layout {layout} has {expected}, found {got}")]
    Segments {
        /// The layout.
        layout: &'static str,
        /// Its segments.
        expected: String,
        /// The file's segments.
        got: String,
    },
    /// The layout takes no parameters but some are given.
    #[error("public input: dynamic_params: layout {0} takes none")]
    DynamicParams(&'static str),
    /// A segment is missing, or no execution with this number of steps can have it.
    #[error("public input: segment '{name}': {what}")]
    Segment {
        /// The segment.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// The public memory is larger than the layout allows.
    #[error(
        "public input: {got} cells of public memory, but {capacity} at most fit; {needed} would be needed"
    )]
    PublicMemorySize {
        /// The number of cells that fit.
        capacity: u64,
        /// The number of cells in the file.
        got: u64,
        /// The number of steps in which they would fit, in words.
        needed: String,
    },
    /// A cell of the program or of the output is not public.
    #[error("address {0} of the program or of the output is not in public_memory")]
    NotPublic(u64),
}

impl PublicInput {
    /// Reads Stone's `public_input.json`.
    ///
    /// # Errors
    /// [`PublicInputError::Syntax`] if the text is not JSON, otherwise as [`Self::from_json`].
    pub fn parse(text: &str) -> Result<Self, PublicInputError> {
        Self::read(&Text::new(text)?.root())
    }

    /// Reads the public input from a JSON value. Keys that Stone does not know are ignored.
    ///
    /// # Errors
    /// [`PublicInputError`] if a value is missing, has the wrong type, or is one that Stone rejects for every layout.
    pub fn from_json(value: &Value) -> Result<Self, PublicInputError> {
        Self::read(&Place::root(&value.to_string()))
    }

    /// Reads the public input from the root of a JSON text.
    pub(crate) fn read(root: &Place<'_>) -> Result<Self, PublicInputError> {
        let [layout, n_steps, rc_min, rc_max, segments, memory, params] = root.keys([
            "layout",
            "n_steps",
            "rc_min",
            "rc_max",
            "memory_segments",
            "public_memory",
            "dynamic_params",
        ])?;
        let segment = |segment: &Place<'_>| {
            let [begin_addr, stop_ptr] = segment.keys(["begin_addr", "stop_ptr"])?;
            Ok(Segment {
                begin_addr: begin_addr.unsigned()?,
                stop_ptr: stop_ptr.unsigned()?,
            })
        };
        let cell = |cell: Place<'_>| {
            let [address, value, page] = cell.keys(["address", "value", "page"])?;
            Ok(PublicMemoryCell {
                address: address.unsigned()?,
                value: value.felt()?,
                page: page.size()?.into(),
            })
        };
        let params = params
            .if_present()
            .map(|params| params.members(MAX_PARAMS, |param| param.unsigned()));
        let this = Self {
            memory_segments: segments.members(MAX_SEGMENTS, segment)?,
            dynamic_params: params.transpose()?,
            layout: layout.string()?.into_owned(),
            n_steps: n_steps.unsigned()?,
            rc_min: rc_min.unsigned()?,
            rc_max: rc_max.unsigned()?,
            public_memory: memory.elements()?.map(cell).collect::<Result<_, JsonError>>()?,
        };
        this.check()?;
        Ok(this)
    }

    /// Writes the public input in Stone's JSON format. `dynamic_params` is omitted if there are none.
    pub fn to_json(&self) -> Value {
        let segment = |(name, s): (&String, &Segment)| {
            let value = json!({ "begin_addr": s.begin_addr, "stop_ptr": s.stop_ptr });
            (name.clone(), value)
        };
        let cell = |c: &PublicMemoryCell| json!({ "address": c.address, "page": c.page, "value": felt::to_hex(&c.value) });
        let mut value = json!({
            "layout": self.layout,
            "n_steps": self.n_steps,
            "rc_min": self.rc_min,
            "rc_max": self.rc_max,
            "memory_segments": self.memory_segments.iter().map(segment).collect::<serde_json::Map<_, _>>(),
            "public_memory": self.public_memory.iter().map(cell).collect::<Vec<_>>(),
        });
        if let Some(params) = &self.dynamic_params {
            value["dynamic_params"] = json!(params);
        }
        value
    }

    /// The checks that Stone makes for every layout.
    fn check(&self) -> Result<(), PublicInputError> {
        if !self.n_steps.is_power_of_two() {
            return Err(PublicInputError::Steps(self.n_steps));
        }
        let (min, max) = (self.rc_min, self.rc_max);
        if min > max || max >> OFFSET_BITS != 0 {
            return Err(PublicInputError::RangeCheck { min, max });
        }
        self.pages().map(|_| ())
    }

    /// The public memory, ordered by page and within a page as in the file. Fails if page 0 is empty or another page is
    /// not contiguous.
    pub(super) fn pages(&self) -> Result<Vec<&PublicMemoryCell>, PublicInputError> {
        let mut cells: Vec<_> = self.public_memory.iter().collect();
        cells.sort_by_key(|cell| cell.page);
        if cells.first().is_none_or(|first| first.page != 0) {
            return Err(PublicInputError::NoMainPage);
        }
        for pair in cells.windows(2) {
            if let [previous, cell] = pair
                && cell.page != 0
                && cell.page == previous.page
                && previous.address.checked_add(1) != Some(cell.address)
            {
                return Err(PublicInputError::Page {
                    page: cell.page,
                    previous: previous.address,
                    got: cell.address,
                });
            }
        }
        Ok(cells)
    }

    /// Returns the segment with this name.
    ///
    /// # Errors
    /// [`PublicInputError::Segment`] if there is none.
    pub fn segment(&self, name: &str) -> Result<Segment, PublicInputError> {
        let segment = self.memory_segments.get(name).copied();
        segment.ok_or_else(|| PublicInputError::Segment {
            name: name.to_owned(),
            what: "is missing".to_owned(),
        })
    }

    /// Returns the cells of the output segment; empty for a layout without the output builtin. They are `main`'s output
    /// only in a whole run ([`crate::cairo::run`]).
    ///
    /// # Errors
    /// [`PublicInputError::NotPublic`].
    pub fn output(&self) -> Result<Vec<Felt>, PublicInputError> {
        let segment = self.memory_segments.get("output");
        let cells = PublicCells::of(self);
        segment.map_or(Ok(Vec::new()), |s| cells.range(s.begin_addr, s.stop_ptr))
    }
}

#[cfg(test)]
mod tests;
