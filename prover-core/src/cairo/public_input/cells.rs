//! Lookups in the public memory by address.

use super::{PublicInput, PublicInputError, PublicMemoryCell};
use quarry_kernels::Felt;

/// References to the cells of the public memory, sorted by address. A file may have millions of cells, and this costs
/// one pointer each. If an address has two values, either may be found: no valid proof exists for such a public memory.
pub(crate) struct PublicCells<'a>(Vec<&'a PublicMemoryCell>);

impl<'a> PublicCells<'a> {
    /// Sorts the public memory of a public input.
    pub fn of(public: &'a PublicInput) -> Self {
        let mut cells: Vec<_> = public.public_memory.iter().collect();
        cells.sort_unstable_by_key(|cell| cell.address);
        Self(cells)
    }

    /// The value at an address, if it is public.
    pub fn get(&self, address: u64) -> Option<Felt> {
        let at = self.0.binary_search_by_key(&address, |cell| cell.address);
        Some(self.0.get(at.ok()?)?.value)
    }

    /// Whether an address is public and holds this value.
    pub fn holds(&self, address: u64, value: u64) -> bool {
        self.get(address) == Some(Felt::from(value))
    }

    /// The values from `begin` up to `end`.
    ///
    /// # Errors
    /// [`PublicInputError::NotPublic`] at the first gap, so that a huge range in a malformed file allocates nothing.
    pub fn range(&self, begin: u64, end: u64) -> Result<Vec<Felt>, PublicInputError> {
        let mut values = Vec::new();
        for address in begin..end {
            values.push(self.get(address).ok_or(PublicInputError::NotPublic(address))?);
        }
        Ok(values)
    }
}
