//! The tasks that a bootloader lists in its output.
//!
//! StarkWare's simple bootloader writes the number of tasks and, for each task, its size (counting the size and hash
//! cells), its program hash and its output. The bootloader that unpacks others writes its configuration, a few hashes,
//! before that. Any program can write such an output, so the list can be trusted only if the program is a bootloader.

use crate::cairo::public_input::PublicInput;
use quarry_kernels::{Felt, felt};
use serde::Serialize;

/// The hash function of a task's program hash. The output does not state it; it is inferred from the builtins that were
/// used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskHash {
    /// Pedersen: Poseidon was not used at all.
    Pedersen,
    /// Poseidon: Pedersen was not used at all.
    Poseidon,
    /// One of the two: both were used, by the bootloader or by tasks.
    PedersenOrPoseidon,
    /// Unknown: a bootloader with a configuration may have unpacked the task from another proof.
    Unknown,
}

/// A task that a bootloader ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// The hash of the task's program, which covers its list of builtins.
    #[serde(serialize_with = "crate::hex::write_felt")]
    pub program_hash: Felt,
    /// The hash function of `program_hash`.
    pub hash_function: TaskHash,
    /// The task's output.
    #[serde(serialize_with = "crate::hex::write_felts")]
    pub output: Vec<Felt>,
}

/// An output parsed as a bootloader's list of tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bootloaded {
    /// The bootloader's name; `None` if the program is unknown or had other builtins than the bootloader, so that the
    /// tasks are only its claim.
    pub bootloader: Option<&'static str>,
    /// The configuration at the beginning of the output, for bootloaders that have one: hashes of the bootloader and of
    /// the verifiers that it trusts for the tasks that it unpacks. The prover chooses it.
    #[serde(
        serialize_with = "crate::hex::write_felts",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub config: Vec<Felt>,
    /// The tasks in order.
    pub tasks: Vec<Task>,
}

/// Possible sizes of a configuration: none, two cells up to version 0.13 of the bootloader, three from 0.14 on.
const CONFIG_CELLS: [usize; 3] = [0, 2, 3];

/// Cells of a task before its output: its size and its program hash.
const TASK_CELLS: usize = 2;

/// Whether a value is large enough to be a hash. A hash has at most 128 bits with a probability of only 2^-123.
fn is_hash(value: &Felt) -> bool {
    *value > Felt::from(u128::MAX)
}

impl Bootloaded {
    /// Parses an output, with or without a configuration before the tasks. Returns `None` if it is not a list of tasks.
    pub fn read(output: &[Felt], statement: &PublicInput) -> Option<Self> {
        let hash_function = hash_function(statement)?;
        let with_config = |n_config: usize| {
            let (config, list) = output.split_at_checked(n_config)?;
            let is_entry = |value: &Felt| is_hash(value) || *value == Felt::from(0u64);
            config.iter().all(is_entry).then_some(())?;
            let hash_function = match config.is_empty() {
                true => hash_function,
                false => TaskHash::Unknown,
            };
            Some(Self {
                bootloader: None,
                config: config.to_vec(),
                tasks: tasks(list, hash_function)?,
            })
        };
        CONFIG_CELLS.into_iter().find_map(with_config)
    }
}

/// Parses a list of tasks. Returns `None` unless the whole slice is one list.
fn tasks(list: &[Felt], hash_function: TaskHash) -> Option<Vec<Task>> {
    let (n_tasks, mut rest) = list.split_first()?;
    let mut tasks = Vec::new();
    while !rest.is_empty() {
        let size = small(rest.first()?)?;
        let (task, others) = rest.split_at_checked(size)?;
        let (&[_, program_hash], output) = task.split_first_chunk::<TASK_CELLS>()?;
        if !is_hash(&program_hash) {
            return None;
        }
        tasks.push(Task {
            program_hash,
            hash_function,
            output: output.to_vec(),
        });
        rest = others;
    }
    (!tasks.is_empty() && *n_tasks == Felt::from(tasks.len() as u64)).then_some(tasks)
}

/// The value as a size, if it is below 2^32 - 1.
fn small(value: &Felt) -> Option<usize> {
    const MAX: u32 = u32::MAX;
    let bytes = felt::to_standard_bytes(value);
    let (high, low) = bytes.split_last_chunk::<4>()?;
    let number = u32::from_be_bytes(*low);
    (high.iter().all(|&byte| byte == 0) && number < MAX).then_some(number as usize)
}

/// The hash function of the tasks' programs. `None` if neither hash builtin was used, so that no program was hashed.
fn hash_function(statement: &PublicInput) -> Option<TaskHash> {
    let is_used = |name| {
        let segment = statement.memory_segments.get(name);
        segment.is_some_and(|segment| segment.begin_addr != segment.stop_ptr)
    };
    match (is_used("pedersen"), is_used("poseidon")) {
        (true, false) => Some(TaskHash::Pedersen),
        (false, true) => Some(TaskHash::Poseidon),
        (true, true) => Some(TaskHash::PedersenOrPoseidon),
        (false, false) => None,
    }
}
