//! Parameters of layout `dynamic` from ratios: places every virtual column.
//!
//! A virtual column takes every `step`-th row of a column, and all steps are powers of two. So a column is divided like
//! memory by a buddy allocator: a free class of rows is halved until it has the step. The virtual columns are placed in
//! the order of their steps, so no row is lost but at the end.

use super::cells::{OWN, POOLED};
use super::{CPU_COMPONENT_HEIGHT, OPTIONAL};
use std::collections::{BTreeMap, BTreeSet};

/// The virtual columns of the interaction trace.
const SECOND: [&str; 4] = [
    "memory/multi_column_perm/perm/cum_prod0",
    "range_check16/perm/cum_prod0",
    "diluted_check/cumulative_value",
    "diluted_check/permutation/cum_prod0",
];

/// The virtual column whose step is that of a pool's units.
const POOLS: [(&str, &str); 3] = [
    ("mem_pool", "memory_units_row_ratio"),
    ("range_check16_pool", "range_check_units_row_ratio"),
    ("diluted_pool", "diluted_units_row_ratio"),
];

/// Free classes of rows: column (or nothing), step and first row.
type Free = BTreeSet<(u64, u64, u64)>;

/// Takes the rows of a step from the smallest class that has them.
fn take(free: &mut Free, step: u64) -> Option<[u64; 2]> {
    let best = free.iter().rfind(|(of, ..)| *of <= step).copied()?;
    free.remove(&best);
    let (mut of, column, first) = best;
    while of < step {
        free.insert((of * 2, column, first + of));
        of *= 2;
    }
    Some([column, first])
}

/// Stone's `dynamic_params` for these ratios (rows per instance or unit; a builtin without one is not used), with one
/// step in 16 rows. `None` if a pool has too few units for the cells of the components, or a ratio is too small.
pub fn place(ratios: &BTreeMap<&'static str, u64>) -> Option<BTreeMap<String, u64>> {
    let mut params = BTreeMap::from([("cpu_component_step".to_owned(), 1)]);
    let mut unused = Vec::new();
    for &(prefix, uses, _) in OPTIONAL {
        let ratio = OWN
            .iter()
            .map(|(ratio, _, names)| (*ratio, *names.first().unwrap_or(&"")));
        let pooled = POOLED
            .iter()
            .map(|(_, ratio, _, list)| (*ratio, list.first().map_or("", |cell| cell.0)));
        let ratio = ratio
            .chain(pooled)
            .find(|(_, name)| name.split('/').next() == Some(prefix))?;
        let is_used = ratios.contains_key(ratio.0);
        params.insert(uses.to_owned(), is_used.into());
        if !is_used {
            unused.push(prefix);
        }
    }
    let is_used = |name: &str| !unused.iter().any(|prefix| name.split('/').next() == Some(prefix));
    let all = OWN.iter().map(|row| row.0).chain(POOLED.iter().map(|row| row.1));
    for ratio in all.filter(|ratio| *ratio != "cpu_component_step") {
        params.insert(ratio.to_owned(), ratios.get(ratio).copied().unwrap_or(0));
    }
    let mut columns = Vec::new();
    for &(ratio, [multiple, divisor], names) in OWN {
        for &name in names {
            let step = params[ratio] * multiple / divisor;
            match is_used(name) {
                true if step == 0 => return None,
                true => columns.push((SECOND.contains(&name), step, name)),
                false => put(&mut params, name, [0, 0]),
            }
        }
    }
    columns.sort_unstable();
    let (mut free, mut n_columns, mut n_first) = (Free::new(), 0, 0);
    for (is_second, step, name) in columns {
        if is_second && n_first == 0 {
            (free, n_first) = (Free::new(), n_columns);
        }
        let found = take(&mut free, step).or_else(|| {
            free.insert((1, n_columns, 0));
            n_columns += 1;
            take(&mut free, step)
        });
        put(&mut params, name, found?);
    }
    params.insert("num_columns_first".to_owned(), n_first);
    params.insert("num_columns_second".to_owned(), n_columns - n_first);
    for (pool, units) in POOLS {
        let mut suboffsets: BTreeMap<&str, u64> = BTreeMap::new();
        for &(_, ratio, [multiple, divisor], list) in POOLED.iter().filter(|row| row.0 == pool) {
            for &(name, suboffset, _) in list {
                let step = match is_used(name) {
                    true => params[ratio] * multiple / divisor / params[units],
                    false => 0,
                };
                if is_used(name) && step == 0 {
                    return None;
                }
                let least = suboffsets.entry(suboffset).or_insert(step);
                *least = step.min(*least);
            }
        }
        let mut suboffsets: Vec<_> = suboffsets.into_iter().map(|(name, step)| (step, name)).collect();
        suboffsets.sort_unstable();
        let mut free = Free::from([(1, 0, 0)]);
        for (step, name) in suboffsets {
            let first = match step {
                0 => 0,
                step => take(&mut free, step)?[1],
            };
            params.insert(format!("{name}_suboffset"), first);
        }
    }
    Some(params)
}

fn put(params: &mut BTreeMap<String, u64>, name: &str, [column, offset]: [u64; 2]) {
    let name = name.replace('/', "__");
    params.insert(format!("{name}_column"), column);
    params.insert(format!("{name}_offset"), offset);
}

/// Cells that the components have in a pool in a number of steps, whether they are used or not.
pub fn n_pooled(params: &BTreeMap<String, u64>, pool: &str, n_steps: u64) -> u64 {
    let rows = n_steps * CPU_COMPONENT_HEIGHT as u64;
    let cells = POOLED.iter().filter(|row| row.0 == pool);
    let cells = cells.flat_map(|&(_, ratio, [multiple, divisor], list)| {
        let step = params.get(ratio).map_or(0, |ratio| ratio * multiple / divisor);
        let shared: BTreeSet<_> = list.iter().map(|cell| (cell.1, cell.2)).collect();
        shared.into_iter().map(move |_| step)
    });
    cells.filter_map(|step| rows.checked_div(step)).sum()
}

#[cfg(test)]
mod tests {
    use super::super::Layout;
    use super::*;

    /// Ratios with which every builtin is used and all pools hold their cells.
    fn every_builtin() -> BTreeMap<&'static str, u64> {
        let all = OWN.iter().map(|row| row.0).chain(POOLED.iter().map(|row| row.1));
        let all = all.filter(|ratio| *ratio != "cpu_component_step");
        let mut ratios: BTreeMap<_, _> = all.map(|ratio| (ratio, 65536)).collect();
        ratios.extend(POOLS.map(|(_, units)| (units, 1)));
        ratios.insert("pedersen_builtin_row_ratio", 512);
        ratios.insert("poseidon__row_ratio", 64);
        ratios
    }

    #[test]
    fn no_two_virtual_columns_share_a_row() {
        let params = place(&every_builtin()).expect("a place for each");
        let layout = Layout::dynamic(&params).expect("a layout");
        assert!(layout.unused.is_empty());
        let of = |names: &mut dyn Iterator<Item = &'static str>| -> Vec<_> {
            names
                .map(|name| (name, layout.cell(name).expect("a cell")))
                .collect()
        };
        let mut groups = vec![of(&mut OWN.iter().flat_map(|row| row.2.iter().copied()))];
        for pool in ["range_check16_pool", "diluted_pool"] {
            let rows = POOLED.iter().filter(|row| row.0 == pool);
            // Virtual columns with the same suboffset are parts of one another.
            let mut seen = BTreeSet::new();
            let cells = rows
                .flat_map(|row| row.3.iter())
                .filter(|cell| seen.insert(cell.1));
            groups.push(of(&mut cells.map(|cell| cell.0).collect::<Vec<_>>().into_iter()));
        }
        for group in groups {
            for (i, (name, a)) in group.iter().enumerate() {
                for (other, b) in &group[..i] {
                    let common = a.step.min(b.step);
                    let meet = a.column == b.column && a.offset % common == b.offset % common;
                    assert!(!meet, "{name} and {other}");
                }
            }
        }
    }

    #[test]
    fn a_pool_with_too_few_units_has_no_place() {
        let mut ratios = every_builtin();
        ratios.insert("range_check_units_row_ratio", 8);
        assert_eq!(place(&ratios), None);
    }

    /// Steps per instance of a builtin in the default parameters, and rows per unit of a pool.
    const DEFAULT_RATIOS: [(&str, u64); 13] = [
        ("pedersen_builtin_row_ratio", 32 * 16),
        ("range_check_builtin_row_ratio", 16 * 16),
        ("ecdsa_builtin_row_ratio", 2048 * 16),
        ("bitwise__row_ratio", 64 * 16),
        ("ec_op_builtin_row_ratio", 1024 * 16),
        ("keccak__row_ratio", 4096 * 16),
        ("poseidon__row_ratio", 32 * 16),
        ("range_check96_builtin_row_ratio", 128 * 16),
        ("add_mod__row_ratio", 1024 * 16),
        ("mul_mod__row_ratio", 1024 * 16),
        ("memory_units_row_ratio", 2),
        ("range_check_units_row_ratio", 2),
        ("diluted_units_row_ratio", 2),
    ];

    #[test]
    fn the_default_parameters_have_every_builtin() {
        let params = super::super::default_params();
        let placed = place(&BTreeMap::from(DEFAULT_RATIOS)).expect("a place for each");
        assert_eq!(params, placed);
        let layout = Layout::dynamic(&params).expect("a layout");
        assert!(layout.unused.is_empty());
        for supply in layout.builtins() {
            assert!(supply.held(1 << 17) >= 16, "{}", supply.name);
        }
    }
}
