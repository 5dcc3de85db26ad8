//! Which builtins a layout must have for a bootloader and its tasks.

use super::table::{SIMULATE_EC_OP, SIMULATE_KECCAK};
use super::{HashFunction, Tasks};
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::vm::runners::cairo_pie::CairoPie;
use std::fmt;

/// What the bootloader itself uses, beside the hash function of the programs.
const OF_BOOTLOADER: [BuiltinName; 2] = [BuiltinName::output, BuiltinName::range_check];

/// The builtins that the bootloader can check in Cairo where the layout lacks them: the hint that it does so with, and
/// what the layout must have instead. (It can also check `ecdsa`, with `range_check96` and `mul_mod`; but no layout has
/// these without `ecdsa`.)
const SIMULATED: [(BuiltinName, &str, &[BuiltinName]); 2] = [
    (BuiltinName::ec_op, SIMULATE_EC_OP, &[]),
    (BuiltinName::keccak, SIMULATE_KECCAK, &[BuiltinName::bitwise]),
];

/// A builtin that is missing, and who needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// Who needs it.
    pub user: String,
    /// The builtin.
    pub builtin: &'static str,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} needs the builtin '{}'", self.user, self.builtin)
    }
}

impl Tasks {
    /// The first builtin that the bootloader or a task needs and does not have. `simulates` says whether the bootloader
    /// uses a hint in the layout.
    pub fn lacking(
        &self,
        program_hash: HashFunction,
        simulates: impl Fn(&str) -> bool,
        has_builtin: impl Fn(&str) -> bool,
    ) -> Option<Lacking> {
        let missing = |builtin: &BuiltinName| !has_builtin(builtin.to_str());
        if let Some(builtin) = OF_BOOTLOADER.iter().find(|builtin| missing(builtin)) {
            return Some(lacking("the bootloader", builtin.to_str()));
        }
        let lacks = |hash: &HashFunction| !has_builtin(hash.name());
        if let Some((user, hash)) = self
            .hashes(program_hash)
            .into_iter()
            .find(|(_, hash)| lacks(hash))
        {
            return Some(lacking(&user, hash.name()));
        }
        let is_simulated = |builtin: &BuiltinName| {
            let mut known = SIMULATED.iter();
            let known = known.find(|(simulated, hint, _)| simulated == builtin && simulates(hint));
            known.is_some_and(|(.., instead)| !instead.iter().any(missing))
        };
        self.tasks.iter().enumerate().find_map(|(i, task)| {
            let mut used = used(&task.pie);
            let builtin = used.find(|builtin| missing(builtin) && !is_simulated(builtin))?;
            Some(lacking(&format!("task {i}"), builtin.to_str()))
        })
    }
}

impl Tasks {
    /// The hash functions that the bootloader uses, with words for who uses them.
    fn hashes(&self, program_hash: HashFunction) -> Vec<(String, HashFunction)> {
        let stated = self.tasks.iter().enumerate().filter_map(|(i, task)| {
            let hash = task.hash_function?;
            let user = format!("the bootloader, which hashes the program of task {i} by {hash},");
            Some((user, hash))
        });
        let mut hashes: Vec<_> = stated.collect();
        if !self.all_state_their_hash() {
            let user = format!("the bootloader, which hashes the programs by {program_hash},");
            hashes.insert(0, (user, program_hash));
        }
        hashes
    }
}

fn lacking(user: &str, builtin: &'static str) -> Lacking {
    let user = user.to_owned();
    Lacking { user, builtin }
}

/// The builtins that a task uses, which may be fewer than its program declares.
fn used(pie: &CairoPie) -> impl Iterator<Item = BuiltinName> {
    let segments = pie.metadata.builtin_segments.iter();
    segments
        .filter(|(_, segment)| segment.size > 0)
        .map(|(builtin, _)| *builtin)
}
