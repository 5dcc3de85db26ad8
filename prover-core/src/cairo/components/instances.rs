//! Shared code of the builtins' witnesses: their instances and their memory segment.

use crate::cairo::canvas::cell;
use crate::cairo::components::component::Builtin;
use crate::cairo::error::{BuiltinError, InputError};
use crate::cairo::input::ProverInput;
use crate::cairo::layouts::Layout;
use quarry_kernels::Felt;

/// The instances of a builtin in a trace.
pub(crate) struct Instances<'a> {
    builtin: Builtin,
    begin_addr: u64,
    n_instances: usize,
    /// Rows per instance.
    height: usize,
    input: &'a ProverInput,
}

impl<'a> Instances<'a> {
    /// The instances in a trace of `n_rows` rows.
    pub fn new(
        builtin: Builtin,
        layout: &Layout,
        input: &'a ProverInput,
        n_rows: usize,
    ) -> Result<Self, InputError> {
        let height = cell(layout, builtin.column)?.step * builtin.n_column_cells;
        Ok(Self {
            builtin,
            begin_addr: input.segment(builtin.segment)?.begin_addr,
            n_instances: n_rows / height,
            height,
            input,
        })
    }

    /// Rows per instance.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Number of instances.
    pub fn n_instances(&self) -> usize {
        self.n_instances
    }

    /// Returns the private input's entry for each instance, `None` for unused instances. Fails if an entry is repeated
    /// or its instance does not exist.
    pub fn by_instance<T: Copy>(
        &self,
        entries: &[T],
        index: impl Fn(&T) -> u64,
    ) -> Result<Vec<Option<T>>, InputError> {
        let mut instances = vec![None; self.n_instances];
        for entry in entries {
            let i = index(entry);
            match usize::try_from(i).ok().and_then(|i| instances.get_mut(i)) {
                None => return Err(self.error(i, BuiltinError::TooManyInstances(self.n_instances as u64))),
                Some(Some(_)) => return Err(self.error(i, BuiltinError::Repeated)),
                Some(instance) => *instance = Some(*entry),
            }
        }
        Ok(instances)
    }

    /// The address of memory cell `cell` of an instance.
    pub fn address(&self, instance: usize, cell: u64) -> u64 {
        // An address can reach 2^64 only if the segment begins near it. The memory pool rejects such a segment.
        self.begin_addr
            .saturating_add(instance as u64 * self.builtin.n_cells + cell)
    }

    /// Checks that the memory file has the expected value in a cell of an instance, or no value.
    pub fn check_memory(&self, instance: usize, cell: u64, expected: Felt) -> Result<(), InputError> {
        self.check_address(instance, self.address(instance, cell), expected)
    }

    /// As [`Self::check_memory`], for any address.
    pub fn check_address(&self, instance: usize, address: u64, expected: Felt) -> Result<(), InputError> {
        match self.input.memory.get(address) {
            Some(found) if found != expected => Err(self.error(
                instance as u64,
                BuiltinError::Memory {
                    address,
                    expected,
                    found,
                },
            )),
            _ => Ok(()),
        }
    }

    /// As [`Self::check_memory`], for the first cells of an instance.
    pub fn check_cells(&self, instance: usize, expected: &[Felt]) -> Result<(), InputError> {
        (0..)
            .zip(expected)
            .try_for_each(|(cell, &value)| self.check_memory(instance, cell, value))
    }

    /// Makes the error for one instance.
    pub fn error(&self, instance: u64, problem: BuiltinError) -> InputError {
        InputError::Builtin {
            builtin: self.builtin.segment,
            instance,
            problem,
        }
    }
}
