//! Layout `dynamic`: about 340 named parameters of the public input define the positions of the virtual columns.

mod cells;
#[cfg(feature = "runner")]
mod place;

#[cfg(feature = "runner")]
pub(crate) use place::{n_pooled, place};

use super::{CPU_COMPONENT_HEIGHT, Layout};
use crate::air::MaskCell;
use cells::{OWN, POOLED};
use quarry_kernels::ops::VirtualColumn;
use std::collections::{BTreeMap, HashMap};

/// Stone's name.
pub const NAME: &str = "dynamic";

/// Memory segments, in the order in which the public input is hashed.
const SEGMENTS: &[&str] = &[
    "program",
    "execution",
    "output",
    "pedersen",
    "range_check",
    "ecdsa",
    "bitwise",
    "ec_op",
    "keccak",
    "poseidon",
    "range_check96",
    "add_mod",
    "mul_mod",
];

/// Optional components: the prefix of their virtual columns, the parameter that enables them, and the number of
/// constraints that keep their place in the order if the component is disabled.
const OPTIONAL: &[(&str, &str, usize)] = &[
    ("pedersen", "uses_pedersen_builtin", 25),
    ("range_check_builtin", "uses_range_check_builtin", 3),
    ("ecdsa", "uses_ecdsa_builtin", 41),
    ("bitwise", "uses_bitwise_builtin", 11),
    ("ec_op", "uses_ec_op_builtin", 33),
    ("keccak", "uses_keccak_builtin", 149),
    ("poseidon", "uses_poseidon_builtin", 31),
    ("range_check96_builtin", "uses_range_check96_builtin", 3),
    ("add_mod", "uses_add_mod_builtin", 38),
    ("mul_mod", "uses_mul_mod_builtin", 31),
];

/// Alternative names of virtual columns: (alias, name).
const ALIASES: [(&str, &str); 2] = [
    ("cpu/decode/pc", "cpu/decode/mem_inst/addr"),
    ("cpu/decode/instruction", "cpu/decode/mem_inst/value"),
];

/// The mask, in the order of the proof. Each line is a prefix followed by names of virtual columns with cell indices.
/// The list is Stone's, including its repetitions. It also contains the cells of unused components.
const MASK: &str = include_str!("mask.txt");

/// The error for parameters that do not define a layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DynamicParamsError {
    /// A parameter is missing.
    #[error("dynamic_params: '{0}' is missing")]
    Missing(String),
    /// A parameter is larger than any layout needs.
    #[error("dynamic_params: '{name}' is {value}: that is more than any layout needs")]
    TooLarge {
        /// The parameter.
        name: String,
        /// Its value.
        value: u64,
    },
    /// A ratio is not a power of two, or is too small for the component to fit in its rows.
    #[error("dynamic_params: '{name}' is {value}; it must be a power of two, at least {least}")]
    Ratio {
        /// The parameter.
        name: String,
        /// Its value.
        value: u64,
        /// The least value.
        least: u64,
    },
    /// A virtual column lies in a missing column.
    #[error("dynamic_params: '{name}' is in column {column}, but there are only {n_columns}")]
    Column {
        /// The virtual column.
        name: String,
        /// Its column.
        column: usize,
        /// Number of columns.
        n_columns: usize,
    },
}

/// The greatest value of a parameter. Offsets are sums of a few products of two parameters, so they do not overflow.
const MAX_VALUE: u64 = (1 << 30) - 1;

/// The default parameters, in the form of Stone's `dynamic_params`.
const DEFAULT_PARAMS: &str = include_str!("default_params.json");

/// The parameters for callers who give none: they have every builtin, the common ones in greater numbers.
pub fn default_params() -> BTreeMap<String, u64> {
    // A test reads the file.
    serde_json::from_str(DEFAULT_PARAMS).unwrap_or_default()
}

/// Parameters by name.
struct Params<'a>(&'a BTreeMap<String, u64>);

impl Params<'_> {
    fn get(&self, name: &str) -> Result<u64, DynamicParamsError> {
        match self.0.get(name) {
            None => Err(DynamicParamsError::Missing(name.to_owned())),
            Some(&value) if value > MAX_VALUE => Err(DynamicParamsError::TooLarge {
                name: name.to_owned(),
                value,
            }),
            Some(&value) => Ok(value),
        }
    }

    /// The step of a virtual column: `multiple / divisor` of the parameter `ratio`, which is validated only if the
    /// component is used.
    fn step(
        &self,
        ratio: &str,
        [multiple, divisor]: [u64; 2],
        used: bool,
    ) -> Result<u64, DynamicParamsError> {
        let value = self.get(ratio)?;
        if used && !(value.is_power_of_two() && value * multiple >= divisor) {
            return Err(DynamicParamsError::Ratio {
                name: ratio.to_owned(),
                value,
                least: divisor,
            });
        }
        Ok(value * multiple / divisor)
    }

    /// The virtual column `name`, whose column and offset are parameters of their own.
    fn own(&self, name: &str, step: u64) -> Result<VirtualColumn, DynamicParamsError> {
        let name = name.replace('/', "__");
        Ok(VirtualColumn {
            column: self.get(&format!("{name}_column"))? as usize,
            step: step as usize,
            offset: self.get(&format!("{name}_offset"))? as usize,
        })
    }
}

impl Layout {
    /// Builds the layout `dynamic` from parameters.
    ///
    /// # Errors
    /// [`DynamicParamsError`].
    pub fn dynamic(params: &BTreeMap<String, u64>) -> Result<Self, DynamicParamsError> {
        let params = Params(params);
        let mut unused = Vec::new();
        for &(prefix, uses, n_constraints) in OPTIONAL {
            if params.get(uses)? == 0 {
                unused.push((prefix, n_constraints));
            }
        }
        let used = |name: &str| {
            let part = name.split('/').next();
            !unused.iter().any(|&(prefix, _)| part == Some(prefix))
        };
        let mut cells = all_cells(&params, &used)?;
        let n_columns = ["num_columns_first", "num_columns_second"].map(|name| params.get(name));
        let n_columns = [n_columns[0].clone()? as usize, n_columns[1].clone()? as usize];
        let total = n_columns[0] + n_columns[1];
        // Columns without virtual columns would only make the proof larger.
        if total > cells.len() {
            return Err(DynamicParamsError::TooLarge {
                name: "num_columns_first + num_columns_second".to_owned(),
                value: total as u64,
            });
        }
        if let Some((name, place)) = cells.iter().find(|(_, place)| place.column >= total) {
            return Err(DynamicParamsError::Column {
                name: name.clone(),
                column: place.column,
                n_columns: total,
            });
        }
        let place = |(name, index): (String, usize)| {
            let VirtualColumn { column, step, offset } = cells.get(&name)?;
            Some(MaskCell {
                column: *column,
                offset: offset + index * step,
            })
        };
        let mask = mask_names().filter_map(place).collect();
        cells.retain(|name, _| used(name));
        Ok(Self {
            name: NAME,
            n_columns,
            segments: SEGMENTS,
            rows_per_step: CPU_COMPONENT_HEIGHT * params.step("cpu_component_step", [1, 1], true)? as usize,
            mask: Some(mask),
            unused,
            cells,
        })
    }
}

/// All virtual columns, including those of unused components.
fn all_cells(
    params: &Params<'_>,
    used: &dyn Fn(&str) -> bool,
) -> Result<HashMap<String, VirtualColumn>, DynamicParamsError> {
    let mut cells = HashMap::new();
    for &(ratio, fraction, names) in OWN {
        for &name in names {
            let step = params.step(ratio, fraction, used(name))?;
            cells.insert(name.to_owned(), params.own(name, step)?);
        }
    }
    for &(pool, ratio, fraction, list) in POOLED {
        for &(name, suboffset, shift) in list {
            let step = params.step(ratio, fraction, used(name))? as usize;
            let (place, shift) = (
                params.get(&format!("{suboffset}_suboffset"))?,
                params.get(ratio)? * shift / 512,
            );
            let mut insert = |part: &str| {
                if let Some(units) = cells.get(&format!("{pool}{part}")).copied() {
                    let offset = units.offset + place as usize * units.step + shift as usize;
                    let place = VirtualColumn {
                        step,
                        offset,
                        ..units
                    };
                    cells.insert(format!("{name}{part}"), place);
                }
            };
            match pool {
                "mem_pool" => ["/addr", "/value"].into_iter().for_each(&mut insert),
                _ => insert(""),
            }
        }
    }
    for (alias, name) in ALIASES {
        if let Some(place) = cells.get(name).copied() {
            cells.insert(alias.to_owned(), place);
        }
    }
    Ok(cells)
}

/// Parses [`MASK`] into pairs of the name of a virtual column and a cell index.
fn mask_names() -> impl Iterator<Item = (String, usize)> {
    MASK.lines().flat_map(|line| {
        let (prefix, cells) = line.split_once(':').unwrap_or(("", line));
        cells.split_whitespace().filter_map(move |cell| {
            let (name, index) = cell.strip_suffix(']')?.split_once('[')?;
            let separator = if prefix.is_empty() { "" } else { "/" };
            Some((format!("{prefix}{separator}{name}"), index.parse().ok()?))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameters of a minimal layout: no optional components, and all virtual columns in the first column.
    fn least() -> BTreeMap<String, u64> {
        let ratios = [
            "memory_units_row_ratio",
            "range_check_units_row_ratio",
            "diluted_units_row_ratio",
        ];
        let ones = ratios
            .iter()
            .chain(&["cpu_component_step", "num_columns_first", "num_columns_second"]);
        let mut params: BTreeMap<String, u64> = ones.map(|name| ((*name).to_owned(), 1)).collect();
        let mut zero = |name: String| {
            params.entry(name).or_insert(0);
        };
        for (ratio, _, names) in OWN {
            zero((*ratio).to_owned());
            for name in names.iter().map(|name| name.replace('/', "__")) {
                zero(format!("{name}_column"));
                zero(format!("{name}_offset"));
            }
        }
        for (_, ratio, _, list) in POOLED {
            zero((*ratio).to_owned());
            list.iter()
                .for_each(|(_, place, _)| zero(format!("{place}_suboffset")));
        }
        OPTIONAL.iter().for_each(|(_, uses, _)| zero((*uses).to_owned()));
        params
    }

    #[test]
    fn the_segments_of_builtins_are_in_the_order_of_main() {
        assert_eq!(SEGMENTS[2..], crate::cairo::run::CANONICAL_BUILTINS);
    }

    #[test]
    fn the_mask_is_whole() {
        let layout = Layout::dynamic(&least()).expect("a layout");
        assert_eq!(layout.mask.map(|mask| mask.len()), Some(941));
        assert_eq!(layout.unused.len(), OPTIONAL.len());
        assert_eq!(mask_names().count(), 941);
    }

    #[test]
    fn a_trace_holds_an_instance_of_every_builtin() {
        let mut params = least();
        params.insert("uses_poseidon_builtin".to_owned(), 1);
        params.insert("poseidon__row_ratio".to_owned(), 1024);
        let layout = Layout::dynamic(&params).expect("a layout");
        // Every virtual column of Poseidon has two cells or more per instance.
        assert_eq!(layout.least_rows(), 1024);
    }

    #[test]
    fn parameters_that_are_no_layout_are_refused() {
        let with = |name: &str, value: u64| {
            let mut params = least();
            params.insert(name.to_owned(), value);
            Layout::dynamic(&params).map(|_| ())
        };
        assert_eq!(with("cpu_component_step", 4), Ok(()));
        for name in ["cpu_component_step", "memory_units_row_ratio"] {
            for value in [0, 3] {
                assert!(
                    matches!(with(name, value), Err(DynamicParamsError::Ratio { .. })),
                    "{name}"
                );
            }
        }
        // A used builtin needs a valid ratio.
        assert!(matches!(
            with("uses_pedersen_builtin", 1),
            Err(DynamicParamsError::Ratio { .. })
        ));
        let error = with("mem_pool__addr_column", 2);
        assert!(
            matches!(error, Err(DynamicParamsError::Column { .. })),
            "{error:?}"
        );
        let error = with("mem_pool__addr_offset", u64::MAX);
        assert!(
            matches!(error, Err(DynamicParamsError::TooLarge { .. })),
            "{error:?}"
        );
        let error = with("num_columns_first", 1 << 20);
        assert!(
            matches!(error, Err(DynamicParamsError::TooLarge { .. })),
            "{error:?}"
        );
        for name in least().keys() {
            let mut params = least();
            params.remove(name);
            let missing = Err(DynamicParamsError::Missing(name.clone()));
            assert_eq!(Layout::dynamic(&params).map(|_| ()), missing);
        }
    }
}
