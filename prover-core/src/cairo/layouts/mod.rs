//! Layouts, which define the position of each virtual column in the trace. Each static layout is one file of data. All
//! other properties of a layout (ratios, instances per builtin, repetitions) follow from the steps of its virtual
//! columns.

mod all_solidity;
mod dex;
mod dex_with_bitwise;
mod dynamic;
mod perpetual;
mod plain;
mod recursive;
mod recursive_large_output;
mod recursive_with_poseidon;
mod small;
mod starknet;
mod starknet_with_keccak;

pub use dynamic::{DynamicParamsError, NAME as DYNAMIC, default_params as default_dynamic_params};
#[cfg(feature = "runner")]
pub(crate) use dynamic::{n_pooled, place};

use crate::air::MaskCell;
use crate::cairo::public_input::PublicInput;
use quarry_kernels::ops::VirtualColumn;
use std::collections::HashMap;
use std::iter;

/// Rows of the trace per CPU step (times `cpu_component_step` in `dynamic`).
pub const CPU_COMPONENT_HEIGHT: usize = 16;

/// The data of a static layout. Columns of the interaction trace are numbered after those of the first trace.
pub struct StaticLayout {
    /// Stone's name.
    pub name: &'static str,
    /// Number of columns of the first and of the interaction trace.
    pub n_columns: [usize; 2],
    /// Memory segments, in the order in which the public input is hashed.
    pub segments: &'static [&'static str],
    /// The column of the memory pool: addresses in even rows, each followed by its value.
    pub memory_column: usize,
    /// Virtual columns `name/addr` and `name/value` in the memory pool: name, step, row of the first address.
    pub accesses: &'static [(&'static str, usize, usize)],
    /// All other virtual columns.
    pub parts: &'static [Part],
}

/// Virtual columns with a common prefix, each as (name, column, step, row of the first cell).
pub type Part = (&'static str, &'static [(&'static str, usize, usize, usize)]);

/// All static layouts.
pub const STATIC_LAYOUTS: &[&StaticLayout] = &[
    &plain::PLAIN,
    &small::SMALL,
    &dex::DEX,
    &perpetual::PERPETUAL,
    &recursive::RECURSIVE,
    &recursive_large_output::RECURSIVE_LARGE_OUTPUT,
    &recursive_with_poseidon::RECURSIVE_WITH_POSEIDON,
    &dex_with_bitwise::DEX_WITH_BITWISE,
    &all_solidity::ALL_SOLIDITY,
    &starknet::STARKNET,
    &starknet_with_keccak::STARKNET_WITH_KECCAK,
];

impl StaticLayout {
    /// All virtual columns with their full names.
    fn cells(&self) -> impl Iterator<Item = (String, VirtualColumn)> {
        let column = self.memory_column;
        let accesses = iter::once(&MEMORY_POOL).chain(self.accesses);
        let accesses = accesses.flat_map(move |&(name, step, offset)| {
            [("addr", offset), ("value", offset + 1)]
                .map(|(part, offset)| (format!("{name}/{part}"), VirtualColumn { column, step, offset }))
        });
        let parts = self.parts.iter().flat_map(|&(prefix, cells)| {
            cells.iter().map(move |&(name, column, step, offset)| {
                let separator = if prefix.is_empty() { "" } else { "/" };
                let name = format!("{prefix}{separator}{name}");
                (name, VirtualColumn { column, step, offset })
            })
        });
        accesses.chain(parts)
    }
}

/// The memory pool in the form of [`StaticLayout::accesses`]: an access in every unit.
const MEMORY_POOL: (&str, usize, usize) = ("mem_pool", 2, 0);

/// A layout that is ready for use.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Stone's name.
    pub name: &'static str,
    /// Number of columns of the first and of the interaction trace.
    pub n_columns: [usize; 2],
    /// Memory segments in the order in which the public input is hashed.
    pub segments: &'static [&'static str],
    /// Rows of the trace per step: [`CPU_COMPONENT_HEIGHT`], or a multiple of it in `dynamic`.
    pub rows_per_step: usize,
    /// The mask, if it is not just the cells that the constraints use (`dynamic`).
    pub mask: Option<Vec<MaskCell>>,
    /// Optional components that this layout does not use (`dynamic`): the prefix of their virtual columns, and the
    /// number of constraints that still keep their place in the order.
    pub unused: Vec<(&'static str, usize)>,
    cells: HashMap<String, VirtualColumn>,
}

/// Stone declares `all_cairo` but cannot prove it, so there is no reference proof.
const WHY_NOT_ALL_CAIRO: &str = ": Stone v3 itself cannot prove it, because its definition lacks the mod builtins \
    that it declares (layout dynamic supports every builtin)";

/// Callers that take layout `dynamic` look for its name first ([`Layout::dynamic`]).
const WHY_NOT_DYNAMIC: &str = " without its parameters";

/// The error for an unknown layout name.
#[derive(Debug, thiserror::Error)]
#[error("unknown layout '{name}'{why}; known are {}", known.join(", "))]
pub struct UnknownLayout {
    /// The requested name.
    pub name: String,
    /// Why a layout that Stone declares is not supported; empty for other names.
    pub why: &'static str,
    /// The known names, with that of layout `dynamic`.
    pub known: Vec<&'static str>,
}

impl UnknownLayout {
    /// The error for a name that no static layout has.
    fn of(name: &str) -> Self {
        let known = STATIC_LAYOUTS.iter().map(|layout| layout.name);
        Self {
            name: name.to_owned(),
            why: match name {
                "all_cairo" => WHY_NOT_ALL_CAIRO,
                DYNAMIC => WHY_NOT_DYNAMIC,
                _ => "",
            },
            known: known.chain([DYNAMIC]).collect(),
        }
    }
}

/// The error for a public input whose layout is invalid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The layout is not known.
    #[error(transparent)]
    Unknown(#[from] UnknownLayout),
    /// The parameters do not define a layout.
    #[error(transparent)]
    DynamicParams(#[from] DynamicParamsError),
}

impl Layout {
    /// Returns the layout of a public input.
    ///
    /// # Errors
    /// [`LayoutError`].
    pub fn of(public: &PublicInput) -> Result<Self, LayoutError> {
        if public.layout == dynamic::NAME {
            let none = Default::default();
            return Ok(Self::dynamic(public.dynamic_params.as_ref().unwrap_or(&none))?);
        }
        Ok(Self::by_name(&public.layout)?)
    }

    /// Returns the static layout with this name.
    ///
    /// # Errors
    /// [`UnknownLayout`].
    pub fn by_name(name: &str) -> Result<Self, UnknownLayout> {
        let layout = STATIC_LAYOUTS.iter().find(|layout| layout.name == name);
        let layout = layout.ok_or_else(|| UnknownLayout::of(name))?;
        Ok(Self {
            name: layout.name,
            n_columns: layout.n_columns,
            segments: layout.segments,
            rows_per_step: CPU_COMPONENT_HEIGHT,
            mask: None,
            unused: Vec::new(),
            cells: layout.cells().collect(),
        })
    }

    /// Number of steps of a static layout whose trace has as many rows as `n_steps` steps of this one. Stone compares
    /// parameters with this number.
    pub fn trace_steps(&self, n_steps: u64) -> u64 {
        n_steps.saturating_mul((self.rows_per_step / CPU_COMPONENT_HEIGHT) as u64)
    }

    /// Returns the virtual column with this name, if the layout has it. Interaction columns are numbered after those of
    /// the first trace.
    pub fn cell(&self, name: &str) -> Option<VirtualColumn> {
        self.cells.get(name).copied()
    }

    /// The distance of the cells of each virtual column.
    pub(crate) fn steps(&self) -> impl Iterator<Item = usize> {
        self.cells.values().map(|cells| cells.step)
    }

    /// Whether the layout has a memory segment (a builtin) with this name.
    pub fn has_segment(&self, name: &str) -> bool {
        self.segments.contains(&name)
    }
}
