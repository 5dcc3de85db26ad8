//! What a bootloader's output says of the tasks that it ran.
//!
//! StarkWare's simple bootloader writes the number of tasks, and for each its size (with size and hash), its program's hash
//! and its output. The bootloader that unpacks others writes its configuration, hashes, before that. Any program can write
//! such an output: the tasks are as true as the program is a bootloader.

use super::bootloaders;
use crate::cairo::public_input::PublicInput;
use quarry_kernels::{Felt, felt};
use serde::Serialize;

/// The hash function that gave a task's program hash. The output does not say it; which builtins were used may.
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
    /// The hash of its program, which covers its list of builtins.
    #[serde(serialize_with = "crate::hex::write_felt")]
    pub program_hash: Felt,
    /// By which hash function.
    pub hash_function: TaskHash,
    /// Its output.
    #[serde(serialize_with = "crate::hex::write_felts")]
    pub output: Vec<Felt>,
}

/// An output read as a bootloader's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bootloaded {
    /// The bootloader's name, if its program is a known one. If not, the tasks are what an unknown program claims.
    pub bootloader: Option<&'static str>,
    /// The configuration that the output begins with, of bootloaders that have one: hashes of the bootloader and of the verifiers
    /// whose word it takes for tasks that it unpacks. The prover chooses it.
    #[serde(
        serialize_with = "crate::hex::write_felts",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub config: Vec<Felt>,
    /// The tasks in order.
    pub tasks: Vec<Task>,
}

/// Cells of a configuration: none, two up to version 0.13 of the bootloader, three from 0.14 on.
const CONFIG_CELLS: [usize; 3] = [0, 2, 3];

/// Cells of a task beside its output: its size and its program's hash.
const TASK_CELLS: usize = 2;

/// Whether a value can be a hash: one of 128 bits has a probability of 2^-123.
fn is_hash(value: &Felt) -> bool {
    *value > Felt::from(u128::MAX)
}

impl Bootloaded {
    /// Reads an output, with or without a configuration before it; none if it is no list of tasks.
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

    /// Names the bootloader, whose program has this hash by Poseidon.
    pub(crate) fn name(&mut self, program_hash_poseidon: &Felt) {
        self.bootloader = bootloaders::name(program_hash_poseidon);
    }
}

/// The tasks of a list; none if it is no such list to its very end.
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

/// A number that fits the memory.
fn small(value: &Felt) -> Option<usize> {
    const MAX: u32 = u32::MAX;
    let bytes = felt::to_standard_bytes(value);
    let (high, low) = bytes.split_last_chunk::<4>()?;
    let number = u32::from_be_bytes(*low);
    (high.iter().all(|&byte| byte == 0) && number < MAX).then_some(number as usize)
}

/// By which hash function programs were hashed; none if neither builtin was used, so that none was hashed.
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
