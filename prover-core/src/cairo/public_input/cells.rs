//! The public memory by address.

use super::{PublicInput, PublicInputError};
use quarry_kernels::Felt;

/// The public memory, sorted by address. (Of two values for one address no proof can hold, so either may be found.)
pub(crate) struct PublicCells(Vec<(u64, Felt)>);

impl PublicCells {
    /// All cells of a public input.
    pub fn of(public: &PublicInput) -> Self {
        let cells = public.public_memory.iter();
        let mut cells: Vec<_> = cells.map(|cell| (cell.address, cell.value)).collect();
        cells.sort_unstable_by_key(|&(address, _)| address);
        Self(cells)
    }

    /// The value at an address, if it is public.
    pub fn get(&self, address: u64) -> Option<Felt> {
        let at = self.0.binary_search_by_key(&address, |&(address, _)| address);
        Some(self.0.get(at.ok()?)?.1)
    }

    /// Whether an address is public and holds this value.
    pub fn holds(&self, address: u64, value: u64) -> bool {
        self.get(address) == Some(Felt::from(value))
    }

    /// The values from `begin` up to `end`.
    ///
    /// # Errors
    /// [`PublicInputError::NotPublic`] at the first gap, so a range that a file merely claims costs nothing.
    pub fn range(&self, begin: u64, end: u64) -> Result<Vec<Felt>, PublicInputError> {
        let cell = |address| self.get(address).ok_or(PublicInputError::NotPublic(address));
        (begin..end).map(cell).collect()
    }
}
